package objstore

import "errors"

// Sentinels, for errors.Is.
var (
	// ErrNotFound: there is no such object.
	ErrNotFound = errors.New("object not found")
	// ErrPrecondition: the store answered that the precondition does not
	// hold, and nothing was written by this request.
	ErrPrecondition = errors.New("precondition failed")
	// ErrUnavailable: the store can't be reached or fails; try later.
	ErrUnavailable = errors.New("object store unavailable")
	// ErrUnknownOutcome: no answer that settles whether the write took
	// effect or still may. Every 5xx, timeout and broken connection of a
	// write is one; a connection that was refused is not. It is an
	// ErrUnavailable too.
	ErrUnknownOutcome error = &kind{"outcome of the write unknown", ErrUnavailable}
	// ErrThrottled: the store asks for a slower pace. It is an
	// ErrUnavailable too.
	ErrThrottled error = &kind{"object store asks to slow down", ErrUnavailable}
	// ErrDenied: credentials or permissions are wrong; retrying is no use.
	ErrDenied = errors.New("object store denies access")
	// ErrBadKey: the key or prefix is not one that every store can hold.
	ErrBadKey = errors.New("invalid object key")
)

// kind is a sentinel that is also another, wider one.
type kind struct {
	text string
	wide error
}

func (k *kind) Error() string { return k.text }
func (k *kind) Unwrap() error { return k.wide }

// OpError is what every adapter returns: which request failed, on what, why.
type OpError struct {
	Op Op
	// Key is the object's key, List's prefix or the first key of a Delete.
	Key string
	Err error
}

// Error implements error.
func (e *OpError) Error() string {
	return "object store: " + e.Op.String() + " " + quoteKey(e.Key) + ": " + e.Err.Error()
}

// Unwrap gives the reason.
func (e *OpError) Unwrap() error { return e.Err }

// Fail returns the OpError of a failed request. Of several reasons all are
// found by errors.Is; nil ones are left out; no reason at all gives nil.
func Fail(op Op, key string, reasons ...error) error {
	var err error
	for _, r := range reasons {
		switch {
		case r == nil:
		case err == nil:
			err = r
		default:
			err = &both{err, r}
		}
	}
	if err == nil {
		return nil
	}
	return &OpError{Op: op, Key: key, Err: err}
}

// both is two reasons on one line.
type both struct{ a, b error }

func (e *both) Error() string   { return e.a.Error() + ": " + e.b.Error() }
func (e *both) Unwrap() []error { return []error{e.a, e.b} }
