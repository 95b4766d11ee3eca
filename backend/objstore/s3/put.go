package s3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"

	"github.com/minio/minio-go/v7"

	"mailbackend.io/backend/objstore"
)

// PutIfAbsent implements objstore.Store.
func (s *Store) PutIfAbsent(ctx context.Context, key string, data objstore.Blob) (objstore.ETag, error) {
	var opts minio.PutObjectOptions
	opts.SetMatchETagExcept("*")
	return s.put(ctx, objstore.OpPutIfAbsent, key, data, opts)
}

// PutIfMatch implements objstore.Store.
func (s *Store) PutIfMatch(ctx context.Context, key string, data objstore.Blob, etag objstore.ETag) (objstore.ETag, error) {
	if etag == "" || etag == "*" {
		// These would match anything, or be no condition at all.
		return "", objstore.Fail(objstore.OpPutIfMatch, key, objstore.ErrPrecondition, errors.New("no ETag is given"))
	}
	var opts minio.PutObjectOptions
	opts.SetMatchETag(string(etag))
	return s.put(ctx, objstore.OpPutIfMatch, key, data, opts)
}

func (s *Store) put(ctx context.Context, op objstore.Op, key string, data objstore.Blob, opts minio.PutObjectOptions) (objstore.ETag, error) {
	if err := objstore.CheckKey(key); err != nil {
		return "", objstore.Fail(op, key, err)
	}
	// One plain request, of which the server knows the length before the
	// first byte: signed with the body's hash, or left to TLS. (The streaming
	// signature costs a 64 KiB buffer and not every server takes it.)
	opts.DisableMultipart, opts.DisableContentSha256 = true, true
	sum := ""
	if !s.secure {
		sum = hash(data)
	}
	if err := s.begin(ctx, op, key); err != nil {
		return "", err
	}
	defer s.end()
	info, err := s.client.PutObject(ctx, s.bucket, key, &reader{blob: data}, data.Len(), "", sum, opts)
	if err != nil {
		return "", fail(ctx, op, key, err)
	}
	if info.ETag == "" {
		return "", objstore.Fail(op, key, objstore.ErrUnknownOutcome, errors.New("no ETag in the answer"))
	}
	return objstore.ETag(info.ETag), nil
}

func hash(data objstore.Blob) string {
	if len(data) == 1 {
		sum := sha256.Sum256(data[0])
		return hex.EncodeToString(sum[:])
	}
	h := sha256.New()
	for _, p := range data {
		h.Write(p) // never fails
	}
	var sum [sha256.Size]byte
	return hex.EncodeToString(h.Sum(sum[:0]))
}

// reader reads a blob once. It is no io.Seeker: minio-go would take that as
// leave to send it twice.
type reader struct {
	blob objstore.Blob
	off  int // in blob[0]
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	n := 0
	for len(r.blob) > 0 && n < len(p) {
		m := copy(p[n:], r.blob[0][r.off:])
		n += m
		if r.off += m; r.off == len(r.blob[0]) {
			r.blob, r.off = r.blob[1:], 0
		}
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}
