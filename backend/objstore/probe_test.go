package objstore_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/mem"
)

// broken is a store with one property missing.
type broken struct {
	*mem.Store
	get    func(objstore.Object, objstore.Range) objstore.Object
	put    func(b *broken, key string, data objstore.Blob, match bool) bool // true: overwrite
	list   func(objstore.Page, string) objstore.Page
	delete func([]string) []string
	found  bool
}

func (b *broken) Get(ctx context.Context, key string, r objstore.Range) (objstore.Object, error) {
	if b.get != nil && r != (objstore.Range{}) {
		obj, err := b.Store.Get(ctx, key, objstore.Range{})
		return b.get(obj, r), err
	}
	obj, err := b.Store.Get(ctx, key, r)
	if b.found && errors.Is(err, objstore.ErrNotFound) {
		return obj, nil
	}
	return obj, err
}

func (b *broken) overwrite(ctx context.Context, key string, data objstore.Blob) (objstore.ETag, error) {
	b.Poke(key, slices.Concat(data...))
	info, err := b.Head(ctx, key)
	return info.ETag, err
}

func (b *broken) PutIfAbsent(ctx context.Context, key string, data objstore.Blob) (objstore.ETag, error) {
	if b.put != nil && b.put(b, key, data, false) {
		return b.overwrite(ctx, key, data)
	}
	return b.Store.PutIfAbsent(ctx, key, data)
}

func (b *broken) PutIfMatch(ctx context.Context, key string, data objstore.Blob, etag objstore.ETag) (objstore.ETag, error) {
	if b.put != nil && b.put(b, key, data, true) {
		return b.overwrite(ctx, key, data)
	}
	return b.Store.PutIfMatch(ctx, key, data, etag)
}

func (b *broken) List(ctx context.Context, prefix, startAfter string, limit int) (objstore.Page, error) {
	if b.list != nil {
		page, err := b.Store.List(ctx, prefix, "", 0)
		return b.list(page, startAfter), err
	}
	return b.Store.List(ctx, prefix, startAfter, limit)
}

func (b *broken) Delete(ctx context.Context, keys []string) error {
	if b.delete != nil {
		keys = b.delete(keys)
	}
	return b.Store.Delete(ctx, keys)
}

func TestProbe(t *testing.T) {
	for name, c := range map[string]struct {
		broken broken
		says   string
	}{
		"sound":                   {broken{}, ""},
		"finds what is not there": {broken{found: true}, "missing object"},
		"ignores If-None-Match": {broken{put: func(_ *broken, _ string, _ objstore.Blob, match bool) bool {
			return !match
		}}, "If-None-Match: * protects"},
		"ignores If-Match": {broken{put: func(_ *broken, _ string, _ objstore.Blob, match bool) bool {
			return match
		}}, "another object's ETag"},
		"If-Match creates": {broken{put: func(b *broken, key string, _ objstore.Blob, match bool) bool {
			_, there := b.Peek(key)
			return match && !there
		}}, "If-Match on a missing object"},
		"If-Match takes former tags": {broken{put: func(b *broken, key string, _ objstore.Blob, match bool) bool {
			old, _ := b.Peek(key)
			return match && strings.Contains(string(old), "second")
		}}, "a former ETag"},
		"ignores ranges": {broken{get: func(o objstore.Object, _ objstore.Range) objstore.Object {
			return o
		}}, "GET of a range"},
		"lists backwards": {broken{list: func(p objstore.Page, _ string) objstore.Page {
			slices.Reverse(p.Objects)
			return p
		}}, "in order"},
		"lists late": {broken{list: func(p objstore.Page, _ string) objstore.Page {
			p.Objects = p.Objects[:len(p.Objects)-1]
			return p
		}}, "LIST shows what was just written"},
		"ignores start-after": {broken{list: func(p objstore.Page, _ string) objstore.Page {
			return p
		}}, "LIST starts after"},
		"deletes nothing": {broken{delete: func(k []string) []string { return k[1:] }}, "DELETE removes"},
	} {
		t.Run(name, func(t *testing.T) {
			b := c.broken
			b.Store = mem.New(mem.Options{})
			err := objstore.Probe(t.Context(), &b, "pre/fix/", seeded())
			switch {
			case c.says == "" && err != nil:
				t.Error(err)
			case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
				t.Errorf("got %v, want one that says %q", err, c.says)
			}
			if left := b.Keys(); len(left) != 0 && c.broken.delete == nil {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

func TestProbeUnreachable(t *testing.T) {
	s := mem.New(mem.Options{Hook: func(mem.Request) mem.Fault { return mem.Unavailable() }})
	if err := objstore.Probe(t.Context(), s, "", seeded()); !errors.Is(err, objstore.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if err := objstore.Probe(t.Context(), s, "no-slash", seeded()); !errors.Is(err, objstore.ErrBadKey) {
		t.Errorf("got %v", err)
	}
}
