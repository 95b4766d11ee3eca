package lineconn

import (
	"errors"
	"os"
	"time"
)

// WaitReadable waits, holding no buffer, until there is something to read (nil,
// also at the peer's end: the next read tells), timeout passed (0: the
// ReadTimeout; negative: no limit), or Interrupt was called (ErrInterrupted).
// It returns at once if bytes are buffered. What was written is flushed.
func (c *Conn) WaitReadable(timeout time.Duration) error {
	if timeout == 0 {
		timeout = c.o.ReadTimeout
	}
	if err := c.Flush(); err != nil {
		return err
	}
	if c.r < c.w || c.failed != nil {
		return nil
	}
	c.release()
	if err := c.startWait(deadline(timeout)); err != nil {
		return err
	}
	n, err := c.nc.Read(c.first[:])
	c.in.Add(int64(n))
	interrupted := c.endWait(n == 0 && errors.Is(err, os.ErrDeadlineExceeded))
	switch {
	case n > 0:
		c.keepFirst(n)
		return nil
	case interrupted:
		return ErrInterrupted
	case errors.Is(err, os.ErrDeadlineExceeded):
		return err
	}
	c.failed = err // may be nil: then the next read simply reads
	return nil
}

// startWait arms the deadline and lets Interrupt move it.
func (c *Conn) startWait(until time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.interrupted {
		c.interrupted = false
		return ErrInterrupted
	}
	_ = c.nc.SetReadDeadline(until) // fails on a closed connection only: the read tells
	c.waiting = true
	return nil
}

// endWait ends what startWait began. It reports, and answers, an Interrupt if
// the wait ended by the deadline; one that came together with bytes stays
// for the next wait.
func (c *Conn) endWait(byDeadline bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = false
	if byDeadline && c.interrupted {
		c.interrupted = false
		return true
	}
	return false
}

// Interrupt ends a WaitReadable under way, or else the next one that has to
// wait, with ErrInterrupted. Other reads are not disturbed.
func (c *Conn) Interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.interrupted = true
	if c.waiting {
		// An error means that the connection is closed, which ends the
		// wait as well.
		_ = c.nc.SetReadDeadline(time.Unix(1, 0))
	}
}
