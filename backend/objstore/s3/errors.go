package s3

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"

	"github.com/minio/minio-go/v7"

	"mailbackend.io/backend/objstore"
)

// fail turns the error of a request that was begun into one of the contract.
func fail(ctx context.Context, op objstore.Op, key string, err error) error {
	if err == nil {
		return nil
	}
	kind := classify(op, err)
	if kind == objstore.ErrUnavailable && op.Write() && !unsent(err) && !refused(err) {
		kind = objstore.ErrUnknownOutcome
	}
	if kind == objstore.ErrThrottled && op.Write() && !refused(err) {
		return objstore.Fail(op, key, kind, objstore.ErrUnknownOutcome, reason(ctx, err))
	}
	return objstore.Fail(op, key, kind, reason(ctx, err))
}

// classify gives the sentinel, or nil for what no caller branches on.
func classify(op objstore.Op, err error) error {
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) || answer.StatusCode == 0 {
		return objstore.ErrUnavailable
	}
	switch answer.Code {
	case minio.NoSuchKey:
		if answer.XMLName.Local == "" && op != objstore.OpHead {
			// minio-go made it up from a 404 without S3's body. It
			// may be a proxy's: "gone" is not to be believed from there.
			return objstore.ErrUnavailable
		}
		if op == objstore.OpPutIfMatch {
			return objstore.ErrPrecondition
		}
		return objstore.ErrNotFound
	case "ConditionalRequestConflict", "OperationAborted", "RequestTimeout", "ExpiredToken", "ExpiredTokenException":
		return objstore.ErrUnavailable
	case "SlowDown", "SlowDownRead", "SlowDownWrite", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests":
		return objstore.ErrThrottled
	case "NotImplemented", "NotImplementedException":
		return nil
	}
	switch status := answer.StatusCode; {
	case status == http.StatusPreconditionFailed:
		return objstore.ErrPrecondition
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return objstore.ErrDenied
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return objstore.ErrThrottled
	case status == http.StatusNotFound:
		// Not the object: the bucket, the account.
		if answer.XMLName.Local == "" {
			return objstore.ErrUnavailable // again a proxy's, perhaps
		}
		return objstore.ErrDenied
	case status == http.StatusRequestTimeout, status == http.StatusConflict, status >= 500:
		return objstore.ErrUnavailable
	case status < 400:
		// An answer that could not be understood.
		return objstore.ErrUnavailable
	}
	return nil
}

// refused tells that the server answered with a 4xx: it did not and will not do
// what was asked.
func refused(err error) bool {
	var answer minio.ErrorResponse
	return errors.As(err, &answer) && answer.StatusCode >= 400 && answer.StatusCode < 500
}

// unsent tells that no byte of the request can have reached the server.
func unsent(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return true
	}
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	return errors.As(err, &dns) || errors.As(err, &cert)
}

// reason adds why the context ended, if that is what happened.
func reason(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		return &ended{err: err, cause: cause}
	}
	return err
}

// ended is an error together with the context's.
type ended struct{ err, cause error }

func (e *ended) Error() string   { return e.err.Error() + ": " + e.cause.Error() }
func (e *ended) Unwrap() []error { return []error{e.err, e.cause} }
