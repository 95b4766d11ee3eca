package s3

import (
	"context"
	"errors"
	"fmt"

	"github.com/minio/minio-go/v7"

	"mailbackend.io/backend/objstore"
)

// Delete implements objstore.Store: a DELETE for one key, DeleteObjects for more.
func (s *Store) Delete(ctx context.Context, keys []string) error {
	if err := objstore.CheckDelete(keys); err != nil || len(keys) == 0 {
		return err
	}
	const op = objstore.OpDelete
	if err := s.begin(ctx, op, keys[0]); err != nil {
		return err
	}
	defer s.end()
	if len(keys) == 1 {
		err := s.client.RemoveObject(ctx, s.bucket, keys[0], minio.RemoveObjectOptions{})
		if err = fail(ctx, op, keys[0], err); errors.Is(err, objstore.ErrNotFound) {
			return nil
		}
		return err
	}
	return s.deleteMany(ctx, keys)
}

// deleteMany believes only what the answer names: minio-go passes over some
// refusals, and over a context that ended.
func (s *Store) deleteMany(ctx context.Context, keys []string) error {
	const op = objstore.OpDelete
	left := make(map[string]struct{}, len(keys))
	for _, k := range keys {
		left[k] = struct{}{}
	}
	results, err := s.client.RemoveObjectsWithIter(ctx, s.bucket, func(yield func(minio.ObjectInfo) bool) {
		for k := range left {
			if !yield(minio.ObjectInfo{Key: k}) {
				return
			}
		}
	}, minio.RemoveObjectsOptions{})
	if err != nil {
		return fail(ctx, op, keys[0], err)
	}
	gone := make([]string, 0, len(left))
	for r := range results {
		if r.Err != nil {
			key := r.ObjectName
			if key == "" {
				key = keys[0]
			}
			var answer minio.ErrorResponse
			if errors.As(r.Err, &answer) && answer.Code == minio.NoSuchKey {
				gone = append(gone, key)
				continue
			}
			return failOne(ctx, key, r.Err)
		}
		gone = append(gone, r.ObjectName)
	}
	for _, k := range gone {
		delete(left, k)
	}
	for k := range left {
		return objstore.Fail(op, k, objstore.ErrUnknownOutcome,
			fmt.Errorf("the answer says nothing of it and %d others", len(left)-1), context.Cause(ctx))
	}
	return nil
}

// failOne is fail for a key within a request that was answered: its error
// carries no status of its own.
func failOne(ctx context.Context, key string, err error) error {
	var answer minio.ErrorResponse
	if errors.As(err, &answer) && answer.StatusCode == 0 {
		switch answer.Code {
		case minio.AccessDenied:
			answer.StatusCode = 403
		case "":
		default:
			answer.StatusCode = 500
		}
		err = answer
	}
	return fail(ctx, objstore.OpDelete, key, err)
}

// List implements objstore.Store.
func (s *Store) List(ctx context.Context, prefix, startAfter string, limit int) (objstore.Page, error) {
	const op = objstore.OpList
	if err := objstore.CheckPrefix(prefix); err != nil {
		return objstore.Page{}, objstore.Fail(op, prefix, err)
	}
	if limit <= 0 || limit > objstore.MaxList {
		limit = objstore.MaxList
	}
	if startAfter != "" && startAfter < prefix {
		startAfter = "" // of no effect, and not every server takes it
	}
	if err := s.begin(ctx, op, prefix); err != nil {
		return objstore.Page{}, err
	}
	defer s.end()
	noOwner := false
	var page objstore.Page
	for o := range s.client.ListObjectsIter(ctx, s.bucket, minio.ListObjectsOptions{
		Prefix: prefix, Recursive: true, MaxKeys: limit, StartAfter: startAfter, FetchOwner: &noOwner,
	}) {
		if o.Err != nil {
			return objstore.Page{}, fail(ctx, op, prefix, o.Err)
		}
		page.Objects = append(page.Objects, objstore.Info{
			Key: o.Key, Size: o.Size, ETag: objstore.ETag(o.ETag), Modified: o.LastModified,
		})
		if len(page.Objects) == limit {
			page.More = true
			break
		}
	}
	// minio-go ends the list quietly when the context ends.
	if err := context.Cause(ctx); err != nil {
		return objstore.Page{}, objstore.Fail(op, prefix, objstore.ErrUnavailable, err)
	}
	return page, nil
}
