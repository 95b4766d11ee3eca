package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/minio/minio-go/v7"

	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/internal/content"
)

// Get implements objstore.Store. A range that starts past the end costs a HEAD,
// as the server's refusal doesn't tell the size.
func (s *Store) Get(ctx context.Context, key string, r objstore.Range) (objstore.Object, error) {
	const op = objstore.OpGet
	if err := objstore.CheckKey(key); err != nil {
		return objstore.Object{}, objstore.Fail(op, key, err)
	}
	r.Offset = max(r.Offset, 0)
	opts, err := rangeOptions(r)
	if err != nil {
		return objstore.Object{}, objstore.Fail(op, key, err)
	}
	if err := s.begin(ctx, op, key); err != nil {
		return objstore.Object{}, err
	}
	obj, err := s.get(ctx, key, r, opts)
	s.end()
	var answer minio.ErrorResponse
	if errors.As(err, &answer) && answer.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		info, err := s.Head(ctx, key)
		return objstore.Object{Info: info}, err
	}
	if errors.Is(err, errTooLarge) {
		return objstore.Object{}, objstore.Fail(op, key, err)
	}
	if err != nil {
		return objstore.Object{}, fail(ctx, op, key, err)
	}
	return obj, nil
}

var errTooLarge = errors.New("object is too large")

func (s *Store) get(ctx context.Context, key string, r objstore.Range, opts minio.GetObjectOptions) (objstore.Object, error) {
	body, info, header, err := s.client.GetObject(ctx, s.bucket, key, opts)
	if err != nil {
		return objstore.Object{}, err
	}
	defer body.Close()
	obj := objstore.Object{Info: objstore.Info{Key: key, Size: info.Size, ETag: objstore.ETag(info.ETag), Modified: info.LastModified}}
	if cr := header.Get("Content-Range"); cr != "" {
		first, last, size, err := parseContentRange(cr)
		if err != nil {
			return objstore.Object{}, err
		}
		off, n := content.Bounds(size, r)
		if first != off || last-first+1 != n {
			return objstore.Object{}, fmt.Errorf("asked for %d bytes from %d, got %s", n, off, cr)
		}
		obj.Size = size
		obj.Data, err = s.read(body, n)
		return obj, err
	}
	// The whole object, asked for or not.
	if info.Size < 0 {
		// Passed on by a proxy that doesn't tell the length.
		whole, err := io.ReadAll(io.LimitReader(body, s.maxObject+1))
		if err == nil && int64(len(whole)) > s.maxObject {
			err = fmt.Errorf("%w: more than %d bytes", errTooLarge, s.maxObject)
		}
		obj.Size, obj.Data = int64(len(whole)), content.Cut(whole, r)
		return obj, err
	}
	off, n := content.Bounds(info.Size, r)
	if _, err := io.CopyN(io.Discard, body, off); err != nil {
		return objstore.Object{}, fmt.Errorf("body: %w", err)
	}
	obj.Data, err = s.read(body, n)
	return obj, err
}

// read reads n bytes.
func (s *Store) read(body io.Reader, n int64) ([]byte, error) {
	if n > s.maxObject {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are read", errTooLarge, n, s.maxObject)
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(body, data); err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	return data, nil
}

// parseContentRange reads "bytes 0-4095/10000".
func parseContentRange(h string) (first, last, size int64, err error) {
	rest, ok := strings.CutPrefix(h, "bytes ")
	span, total, ok2 := strings.Cut(rest, "/")
	from, to, ok3 := strings.Cut(span, "-")
	var err1, err2, err3 error
	first, err1 = strconv.ParseInt(from, 10, 64)
	last, err2 = strconv.ParseInt(to, 10, 64)
	size, err3 = strconv.ParseInt(total, 10, 64)
	if !ok || !ok2 || !ok3 || errors.Join(err1, err2, err3) != nil || first < 0 || last < first || size <= last {
		return 0, 0, 0, fmt.Errorf("bad Content-Range %.100q", h)
	}
	return first, last, size, nil
}

// Head implements objstore.Store. The answer to a HEAD has no body that would
// tell a missing object from a missing bucket or from a proxy's 404: before it
// is believed, a GET asks again.
func (s *Store) Head(ctx context.Context, key string) (objstore.Info, error) {
	const op = objstore.OpHead
	if err := objstore.CheckKey(key); err != nil {
		return objstore.Info{}, objstore.Fail(op, key, err)
	}
	info, err := s.head(ctx, key)
	if !errors.Is(err, objstore.ErrNotFound) {
		return info, err
	}
	obj, err := s.Get(ctx, key, objstore.Range{Length: 1})
	return obj.Info, err
}

func (s *Store) head(ctx context.Context, key string) (objstore.Info, error) {
	const op = objstore.OpHead
	if err := s.begin(ctx, op, key); err != nil {
		return objstore.Info{}, err
	}
	defer s.end()
	info, err := s.client.StatObject(ctx, s.bucket, key, minio.StatObjectOptions{})
	if err != nil {
		return objstore.Info{}, fail(ctx, op, key, err)
	}
	return objstore.Info{Key: key, Size: info.Size, ETag: objstore.ETag(info.ETag), Modified: info.LastModified}, nil
}
