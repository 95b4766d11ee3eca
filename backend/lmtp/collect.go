package lmtp

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/semaphore"

	"mailbackend.io/backend/clock"
)

// memory is the budget of octets of incoming mails over all connections.
type memory struct {
	size int64
	sem  *semaphore.Weighted
}

func newMemory(size int64) *memory { return &memory{size: size, sem: semaphore.NewWeighted(size)} }

var (
	// errTooLarge: the mail is larger than Config.MaxMessage.
	errTooLarge = errors.New("mail too large")
	// errNoMemory: Config.MessageMemory is used up.
	errNoMemory = errors.New("no memory for the mail")
	// errFlood: the client goes on sending what is refused.
	errFlood = errors.New("refused mail does not end")
)

// firstHold is what is held for a mail whose size was not told: most are
// smaller.
const firstHold = 32 << 10

// collector gathers the octets of one mail. It holds memory for what it has
// room for, never less. The first error makes it drop everything and ignore
// what still comes.
type collector struct {
	memory   *memory
	max      int64 // octets of the mail
	expected int64 // octets that MAIL told; -1: not told

	held    int64 // of memory. Invariant: cap(data) ≤ held
	data    []byte
	failed  error
	ignored int64 // octets that came after failed
}

// begin waits for the memory that the mail is expected to need, or n if that is
// more, for at most wait. Nothing is held while it waits, so two connections
// never wait for each other.
func (c *collector) begin(ctx context.Context, clk clock.Clock, n int64, wait time.Duration) error {
	n = min(max(n, c.expected, firstHold), c.max)
	if c.held > 0 || c.failed != nil {
		return c.failed
	}
	if !c.memory.sem.TryAcquire(n) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer clk.AfterFunc(wait, cancel).Stop()
		if c.memory.sem.Acquire(ctx, n) != nil {
			return c.fail(errNoMemory)
		}
	}
	c.held = n
	return nil
}

// add appends a copy of b.
func (c *collector) add(b []byte) error {
	if room := c.room(len(b)); room != nil {
		copy(room, b)
	}
	return c.flooded()
}

// room extends the mail by n octets and returns them to be filled, nil if the
// mail is refused; then the octets count as ignored.
func (c *collector) room(n int) []byte {
	size := int64(len(c.data)) + int64(n)
	if c.failed == nil && size > c.max {
		_ = c.fail(errTooLarge)
	}
	if c.failed == nil && size > int64(cap(c.data)) {
		_ = c.grow(size)
	}
	if c.failed != nil {
		c.ignored += int64(n)
		return nil
	}
	c.data = c.data[:size]
	return c.data[size-int64(n):]
}

// grow makes room for size octets: as many as were told, and else twice what
// there is.
func (c *collector) grow(size int64) error {
	n := min(max(size, 2*int64(cap(c.data)), c.expected), c.max)
	if more := n - c.held; more > 0 {
		if !c.memory.sem.TryAcquire(more) {
			return c.fail(errNoMemory)
		}
		c.held = n
	}
	c.data = append(make([]byte, 0, n), c.data...)
	return nil
}

// flooded reports a client that sends far more than could ever be taken.
func (c *collector) flooded() error {
	if c.ignored > floodFactor*c.max {
		return errFlood
	}
	return nil
}

// floodFactor: how many times the largest mail is read and thrown away, so that
// an honest client hears why its mail is refused.
const floodFactor = 4

func (c *collector) fail(err error) error {
	c.drop()
	c.failed = err
	return err
}

// drop gives the mail and its memory up.
func (c *collector) drop() {
	if c.held > 0 {
		c.memory.sem.Release(c.held)
	}
	c.held, c.data = 0, nil
}
