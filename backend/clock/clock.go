// Package clock is how mailbackend reads time: packages that need "now" or a
// timer take a Clock as a parameter, so that tests and the simulation decide
// what time it is. It does not format or parse dates.
package clock

import (
	"context"
	"time"
)

// Clock tells the time and wakes callers. Implementations are safe for
// concurrent use.
type Clock interface {
	// Now is the current wall-clock time.
	Now() time.Time
	// AfterFunc calls f in a goroutine of its own once d has passed.
	AfterFunc(d time.Duration, f func()) Timer
}

// Timer is a pending AfterFunc.
type Timer interface {
	// Stop prevents the call; it reports whether it came in time.
	Stop() bool
}

// System is the machine's clock.
type System struct{}

// Now implements Clock.
func (System) Now() time.Time { return time.Now() }

// AfterFunc implements Clock.
func (System) AfterFunc(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }

// Sleep returns nil once d has passed on c, or the context's error if that
// comes first.
func Sleep(ctx context.Context, c Clock, d time.Duration) error {
	done := make(chan struct{})
	t := c.AfterFunc(d, func() { close(done) })
	defer t.Stop()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
