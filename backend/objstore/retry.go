package objstore

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"time"

	"mailbackend.io/backend/clock"
)

// RetryConfig bounds what Retry does for one call. Zero fields take the value
// of DefaultRetry.
type RetryConfig struct {
	// Attempts is the most requests that one call makes; reading back what
	// a PUT may have stored has that many of its own.
	Attempts int
	// Budget is the longest that one call takes, waits included.
	Budget time.Duration
	// Attempt is the time that one request may take, to which comes what
	// its bytes take at MinRate bytes per second.
	Attempt time.Duration
	MinRate int64
	// Largest is the size in bytes that is assumed of a Get whose length
	// isn't known.
	Largest int64
	// Wait is the longest wait after the first failed attempt; it doubles
	// with each further one up to MaxWait. ThrottledWait takes the place
	// of Wait when the store asked for a slower pace. What is waited is
	// drawn from the upper half.
	Wait, MaxWait, ThrottledWait time.Duration
}

// DefaultRetry suits an object store in the same region.
var DefaultRetry = RetryConfig{
	Attempts: 5, Budget: 60 * time.Second,
	Attempt: 15 * time.Second, MinRate: 1 << 20, Largest: 32 << 20,
	Wait: 50 * time.Millisecond, MaxWait: 5 * time.Second, ThrottledWait: 500 * time.Millisecond,
}

// withDefaults fills in the zero fields.
func (c RetryConfig) withDefaults() RetryConfig {
	d := DefaultRetry
	set := func(f *time.Duration, v time.Duration) {
		if *f <= 0 {
			*f = v
		}
	}
	if c.Attempts <= 0 {
		c.Attempts = d.Attempts
	}
	if c.MinRate <= 0 {
		c.MinRate = d.MinRate
	}
	if c.Largest <= 0 {
		c.Largest = d.Largest
	}
	set(&c.Budget, d.Budget)
	set(&c.Attempt, d.Attempt)
	set(&c.Wait, d.Wait)
	set(&c.MaxWait, d.MaxWait)
	set(&c.ThrottledWait, d.ThrottledWait)
	return c
}

// Retry returns next with retries: what fails with ErrUnavailable is tried
// again within the bounds of cfg, after waits on clk that rnd jitters (it is
// read under a lock). Each attempt has a time limit of its own; the caller's
// context ends everything.
//
// A PUT that the store refused for its precondition may have been refused
// because of itself: an earlier attempt was stored and its answer was lost. So
// Retry reads back what is there, and if that is what was to be put (size and
// first IdentityBytes), reports success. Only another's object gives
// ErrPrecondition, or, for PutIfMatch, no object; it stays possible then that
// one's own was there before.
// When the bounds end without an answer that settles it: ErrUnknownOutcome.
// See Outcome for what is left open even after a success.
func Retry(next Store, cfg RetryConfig, clk clock.Clock, rnd io.Reader) Store {
	return &retrier{next: next, cfg: cfg.withDefaults(), clock: clk, rnd: rnd}
}

type retrier struct {
	next  Store
	cfg   RetryConfig
	clock clock.Clock

	mu  sync.Mutex // around rnd
	rnd io.Reader
}

// call is the state of one call across its attempts.
type call struct {
	r        *retrier
	op       Op
	key      string
	deadline time.Time // end of the budget
	tries    int
}

func (r *retrier) begin(op Op, key string) *call {
	return &call{r: r, op: op, key: key, deadline: r.clock.Now().Add(r.cfg.Budget)}
}

var errAttemptTimeout = errors.New("no answer in time")

// attempt runs try once, under the time limit for a request that moves so many
// bytes.
func (c *call) attempt(ctx context.Context, bytes int64, try func(context.Context) error) error {
	c.tries++
	if err := context.Cause(ctx); err != nil {
		return Fail(c.op, c.key, err) // not sent
	}
	limit := c.r.cfg.Attempt + time.Duration(float64(bytes)/float64(c.r.cfg.MinRate)*float64(time.Second))
	limit = min(limit, c.deadline.Sub(c.r.clock.Now()))
	actx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer c.r.clock.AfterFunc(limit, func() { cancel(errAttemptTimeout) }).Stop()
	err := try(actx)
	cause := context.Cause(actx)
	if err == nil || cause == nil || errors.Is(err, ErrUnavailable) ||
		!errors.Is(err, cause) && !errors.Is(err, actx.Err()) {
		return err
	}
	// Cut off: the adapter may call that by the context's error only.
	if c.op.Write() {
		return Fail(c.op, c.key, ErrUnknownOutcome, cause)
	}
	return Fail(c.op, c.key, ErrUnavailable, cause)
}

// pause waits before the next attempt; false means that there is none.
func (c *call) pause(ctx context.Context, err error) bool {
	if c.tries >= c.r.cfg.Attempts || ctx.Err() != nil {
		return false
	}
	d := c.r.cfg.Wait
	if errors.Is(err, ErrThrottled) {
		d = c.r.cfg.ThrottledWait
	}
	for range c.tries - 1 {
		if d *= 2; d >= c.r.cfg.MaxWait {
			break
		}
	}
	d = c.r.jitter(min(d, c.r.cfg.MaxWait))
	if !c.r.clock.Now().Add(d).Before(c.deadline) {
		return false
	}
	return clock.Sleep(ctx, c.r.clock, d) == nil
}

// jitter draws from the upper half of d.
func (r *retrier) jitter(d time.Duration) time.Duration {
	var b [8]byte
	r.mu.Lock()
	_, err := io.ReadFull(r.rnd, b[:])
	r.mu.Unlock()
	if err != nil || d < 2 {
		return d
	}
	return d - time.Duration(binary.LittleEndian.Uint64(b[:])%uint64(d/2))
}

// repeat is the whole course of what may simply be repeated.
func (c *call) repeat(ctx context.Context, bytes int64, try func(context.Context) error) error {
	for {
		err := c.attempt(ctx, bytes, try)
		if err == nil || !errors.Is(err, ErrUnavailable) || !c.pause(ctx, err) {
			return err
		}
	}
}

// Get implements Store.
func (r *retrier) Get(ctx context.Context, key string, rg Range) (obj Object, err error) {
	bytes := rg.Length
	if bytes <= 0 {
		bytes = r.cfg.Largest
	}
	err = r.begin(OpGet, key).repeat(ctx, bytes, func(ctx context.Context) (err error) {
		obj, err = r.next.Get(ctx, key, rg)
		return err
	})
	return obj, err
}

// Head implements Store.
func (r *retrier) Head(ctx context.Context, key string) (info Info, err error) {
	err = r.begin(OpHead, key).repeat(ctx, 0, func(ctx context.Context) (err error) {
		info, err = r.next.Head(ctx, key)
		return err
	})
	return info, err
}

// Delete implements Store.
func (r *retrier) Delete(ctx context.Context, keys []string) error {
	if err := CheckDelete(keys); err != nil || len(keys) == 0 {
		return err
	}
	return r.begin(OpDelete, keys[0]).repeat(ctx, 0, func(ctx context.Context) error {
		return r.next.Delete(ctx, keys)
	})
}

// List implements Store.
func (r *retrier) List(ctx context.Context, prefix, startAfter string, limit int) (page Page, err error) {
	err = r.begin(OpList, prefix).repeat(ctx, 0, func(ctx context.Context) (err error) {
		page, err = r.next.List(ctx, prefix, startAfter, limit)
		return err
	})
	return page, err
}
