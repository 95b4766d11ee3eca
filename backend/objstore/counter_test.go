package objstore_test

import (
	"context"
	"testing"

	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/mem"
)

func TestCounter(t *testing.T) {
	ctx := context.Background()
	m := mem.New(mem.Options{})
	c := objstore.NewCounter(m)
	if got := c.Stats().String(); got != "none" {
		t.Errorf("nothing done: %s", got)
	}
	tag, _ := c.PutIfAbsent(ctx, "a", objstore.Blob{make([]byte, 10), make([]byte, 5)})
	_, _ = c.PutIfAbsent(ctx, "a", objstore.Blob{make([]byte, 7)})
	_, _ = c.PutIfMatch(ctx, "a", objstore.Blob{make([]byte, 3)}, tag)
	_, _ = c.PutIfMatch(ctx, "a", nil, tag)
	_, _ = c.Get(ctx, "a", objstore.Range{Length: 2})
	_, _ = c.Get(ctx, "b", objstore.Range{})
	_, _ = c.Head(ctx, "a")
	_, _ = c.List(ctx, "", "", 0)
	before := c.Stats()
	m.SetHook(script(mem.SlowDown(), mem.LostAnswer(), mem.Unavailable()))
	for range 4 {
		_ = c.Delete(ctx, []string{"a"})
	}
	want := objstore.Stats{
		objstore.OpGet:         {Requests: 2, Bytes: 2, NotFound: 1},
		objstore.OpHead:        {Requests: 1},
		objstore.OpPutIfAbsent: {Requests: 2, Bytes: 22, Precondition: 1},
		objstore.OpPutIfMatch:  {Requests: 2, Bytes: 3, Precondition: 1},
		objstore.OpDelete:      {Requests: 4, Throttled: 1, Unknown: 1, Failed: 1},
		objstore.OpList:        {Requests: 1},
	}
	if got := c.Stats(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := c.Stats().Sub(before).String(); got != "4 DELETE" {
		t.Errorf("difference: %s", got)
	}
	if s := c.Stats(); s.Requests() != 12 || s.Puts() != 4 {
		t.Errorf("%d requests, %d puts", s.Requests(), s.Puts())
	}
	if got, want := c.Stats().String(), "2 GET, 1 HEAD, 2 PUT-if-absent, 2 PUT-if-match, 4 DELETE, 1 LIST"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
