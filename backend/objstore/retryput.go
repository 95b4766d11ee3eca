package objstore

import (
	"bytes"
	"context"
	"errors"
)

// PutIfAbsent implements Store.
func (r *retrier) PutIfAbsent(ctx context.Context, key string, data Blob) (ETag, error) {
	return r.put(ctx, OpPutIfAbsent, key, data, func(ctx context.Context) (ETag, error) {
		return r.next.PutIfAbsent(ctx, key, data)
	})
}

// PutIfMatch implements Store.
func (r *retrier) PutIfMatch(ctx context.Context, key string, data Blob, etag ETag) (ETag, error) {
	return r.put(ctx, OpPutIfMatch, key, data, func(ctx context.Context) (ETag, error) {
		return r.next.PutIfMatch(ctx, key, data, etag)
	})
}

// put is the course of a conditional PUT.
func (r *retrier) put(ctx context.Context, op Op, key string, data Blob, try func(context.Context) (ETag, error)) (ETag, error) {
	c := r.begin(op, key)
	open := false // an attempt was never answered
	for {
		var etag ETag
		err := c.attempt(ctx, data.Len(), func(ctx context.Context) (err error) {
			etag, err = try(ctx)
			return err
		})
		switch {
		case err == nil:
			return etag, nil
		case errors.Is(err, ErrPrecondition):
			return c.settle(ctx, data, open, err)
		case errors.Is(err, ErrUnknownOutcome):
			open = true
			noteUnanswered(ctx)
		}
		if errors.Is(err, ErrUnavailable) && c.pause(ctx, err) {
			continue
		}
		if open && !errors.Is(err, ErrUnknownOutcome) {
			err = Fail(op, key, ErrUnknownOutcome, err)
		}
		return "", err
	}
}

// settle finds out whose object it was that a PUT met; refused is the store's
// answer to it, open tells of an earlier attempt without one.
func (c *call) settle(ctx context.Context, data Blob, open bool, refused error) (ETag, error) {
	etag, own, err := c.readBack(ctx, data)
	switch {
	case own:
		return etag, nil
	case err == nil:
		return "", refused
	case errors.Is(err, ErrNotFound) && (!open || c.op == OpPutIfMatch):
		// What was in the way is gone, or (PutIfMatch) nothing is there
		// that this call's attempts could still replace.
		return "", refused
	default:
		// Gone after an attempt without an answer: it may have been that
		// one's, or that attempt may yet create the object. Or the store
		// doesn't tell what is there.
		return "", Fail(c.op, c.key, ErrUnknownOutcome, err)
	}
}

// readBack reports whether the key holds data, and as which version.
func (c *call) readBack(ctx context.Context, data Blob) (ETag, bool, error) {
	get := &call{r: c.r, op: OpGet, key: c.key, deadline: c.deadline}
	var obj Object
	read := func(r Range) error {
		return get.repeat(ctx, max(r.Length, data.Len()), func(ctx context.Context) (err error) {
			obj, err = c.r.next.Get(ctx, c.key, r)
			return err
		})
	}
	if err := read(Range{Length: IdentityBytes}); err != nil {
		return "", false, err
	}
	if obj.Size != data.Len() || !bytes.Equal(obj.Data, data.head(IdentityBytes)) {
		return "", false, nil
	}
	if obj.ETag != "" {
		return obj.ETag, true, nil
	}
	// The ETag must be that of these very bytes: a Head might see a
	// successor and hand out a licence to overwrite it.
	get.tries = 0
	if err := read(Range{}); err != nil {
		return "", false, err
	}
	if !bytes.Equal(obj.Data, data.head(int(data.Len()))) {
		return "", false, nil
	}
	return obj.ETag, true, nil
}

// head returns the first n bytes, or all if there are less.
func (b Blob) head(n int) []byte {
	if len(b) == 1 {
		return b[0][:min(n, len(b[0]))]
	}
	head := make([]byte, 0, min(int64(n), b.Len()))
	for _, p := range b {
		head = append(head, p[:min(len(p), n-len(head))]...)
	}
	return head
}
