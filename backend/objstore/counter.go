package objstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
)

// Counter is a Store that counts what passes through it. Below Retry it counts
// requests as the object store sees (and bills) them, above it calls.
type Counter struct {
	next Store
	ops  [NumOps]opCounters
}

type opCounters struct {
	requests, bytes, absent, precondition, throttled, unknown, failed, inFlight atomic.Int64
}

// OpStats counts the requests of one kind. Every request that ended is counted
// in Requests and in at most one of the columns after Bytes.
type OpStats struct {
	// Requests counts those that ended, whatever their outcome.
	Requests int64
	// Bytes is the payload that was read (Get) or sent (puts, also those
	// that failed).
	Bytes int64
	// NotFound and Precondition are answers, not failures.
	NotFound, Precondition int64
	// Throttled were asked to slow down; Unknown are other writes that ended
	// in ErrUnknownOutcome; Failed is everything else that went wrong.
	Throttled, Unknown, Failed int64
	// InFlight is how many are running now.
	InFlight int64
}

// Stats is a snapshot, indexed by Op. Its columns are read one after the other:
// while requests run they may be one apart.
type Stats [NumOps]OpStats

// NewCounter counts the requests to next.
func NewCounter(next Store) *Counter { return &Counter{next: next} }

// Stats is what was counted so far.
func (c *Counter) Stats() Stats {
	var s Stats
	for i := range c.ops {
		o := &c.ops[i]
		s[i] = OpStats{
			Requests: o.requests.Load(), Bytes: o.bytes.Load(),
			NotFound: o.absent.Load(), Precondition: o.precondition.Load(),
			Throttled: o.throttled.Load(), Unknown: o.unknown.Load(),
			Failed: o.failed.Load(), InFlight: o.inFlight.Load(),
		}
	}
	return s
}

// Sub is what happened between old and s; InFlight stays that of s.
func (s Stats) Sub(old Stats) Stats {
	for i := range s {
		a, b := &s[i], &old[i]
		a.Requests -= b.Requests
		a.Bytes -= b.Bytes
		a.NotFound -= b.NotFound
		a.Precondition -= b.Precondition
		a.Throttled -= b.Throttled
		a.Unknown -= b.Unknown
		a.Failed -= b.Failed
	}
	return s
}

// Requests is the number of requests of all kinds.
func (s Stats) Requests() int64 {
	var n int64
	for i := range s {
		n += s[i].Requests
	}
	return n
}

// Puts is the number of conditional PUTs of both kinds.
func (s Stats) Puts() int64 { return s[OpPutIfAbsent].Requests + s[OpPutIfMatch].Requests }

// String lists the kinds that occurred: "2 GET, 1 LIST"; "none".
func (s Stats) String() string {
	var b strings.Builder
	for i := range s {
		if s[i].Requests == 0 {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%d %s", s[i].Requests, Op(i))
	}
	if b.Len() == 0 {
		return "none"
	}
	return b.String()
}

func (c *Counter) start(op Op) *opCounters {
	o := &c.ops[op]
	o.inFlight.Add(1)
	return o
}

func (o *opCounters) end(bytes int64, err error) {
	o.inFlight.Add(-1)
	o.bytes.Add(bytes)
	switch {
	case err == nil:
	case errors.Is(err, ErrNotFound):
		o.absent.Add(1)
	case errors.Is(err, ErrPrecondition):
		o.precondition.Add(1)
	case errors.Is(err, ErrThrottled):
		o.throttled.Add(1)
	case errors.Is(err, ErrUnknownOutcome):
		o.unknown.Add(1)
	default:
		o.failed.Add(1)
	}
	o.requests.Add(1)
}

// Get implements Store.
func (c *Counter) Get(ctx context.Context, key string, r Range) (Object, error) {
	o := c.start(OpGet)
	obj, err := c.next.Get(ctx, key, r)
	o.end(int64(len(obj.Data)), err)
	return obj, err
}

// Head implements Store.
func (c *Counter) Head(ctx context.Context, key string) (Info, error) {
	o := c.start(OpHead)
	info, err := c.next.Head(ctx, key)
	o.end(0, err)
	return info, err
}

// PutIfAbsent implements Store.
func (c *Counter) PutIfAbsent(ctx context.Context, key string, data Blob) (ETag, error) {
	o := c.start(OpPutIfAbsent)
	etag, err := c.next.PutIfAbsent(ctx, key, data)
	o.end(data.Len(), err)
	return etag, err
}

// PutIfMatch implements Store.
func (c *Counter) PutIfMatch(ctx context.Context, key string, data Blob, etag ETag) (ETag, error) {
	o := c.start(OpPutIfMatch)
	etag, err := c.next.PutIfMatch(ctx, key, data, etag)
	o.end(data.Len(), err)
	return etag, err
}

// Delete implements Store.
func (c *Counter) Delete(ctx context.Context, keys []string) error {
	o := c.start(OpDelete)
	err := c.next.Delete(ctx, keys)
	o.end(0, err)
	return err
}

// List implements Store.
func (c *Counter) List(ctx context.Context, prefix, startAfter string, limit int) (Page, error) {
	o := c.start(OpList)
	page, err := c.next.List(ctx, prefix, startAfter, limit)
	o.end(0, err)
	return page, err
}
