package mailstore

import (
	"fmt"
	gosync "sync"
)

// User is a session's handle on one user. Close it when the session ends.
type User struct {
	e    *entry
	life *life

	mu gosync.Mutex
	// The following are under mu.
	closed bool
	open   map[*Mailbox]struct{}
}

// Name is the user's name.
func (u *User) Name() string { return u.e.name }

// Done closes when the session must end: another backend took the user over,
// the store shuts down, or the user is moved away. Err tells why. It does not
// close by Close.
func (u *User) Done() <-chan struct{} { return u.life.done }

// OnDone calls fn once, in a goroutine of its own, when Done closes. stop ends
// the interest. No goroutine waits meanwhile.
func (u *User) OnDone(fn func()) (stop func()) { return u.life.onEnd(fn) }

// Err is nil until Done is closed, then ErrOvertaken or ErrUnavailable.
func (u *User) Err() error { return u.life.reason() }

// Close gives the handle back, and closes its mailboxes. It may be called twice.
func (u *User) Close() {
	u.mu.Lock()
	if u.closed {
		u.mu.Unlock()
		return
	}
	u.closed = true
	open := u.open
	u.open = nil
	u.mu.Unlock()
	for m := range open {
		m.Close()
	}
	u.e.unlockMaildrop(u)
	u.e.s.done(u.e, forSession)
}

// check fails if the handle was closed.
func (u *User) check(op string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return fmt.Errorf("%s of user %q: %w", op, u.e.name, ErrClosed)
	}
	return nil
}

// LockMaildrop takes the user's one POP3 lock (RFC 1939 section 4: exclusive
// access) until release is called or the handle is closed. ErrInUse.
func (u *User) LockMaildrop() (release func(), err error) {
	if err := u.check("lock maildrop"); err != nil {
		return nil, err
	}
	u.e.mu.Lock()
	defer u.e.mu.Unlock()
	if u.e.maildrop != nil {
		return nil, fmt.Errorf("lock maildrop of user %q: %w", u.e.name, ErrInUse)
	}
	u.e.maildrop = u
	return func() { u.e.unlockMaildrop(u) }, nil
}

func (e *entry) unlockMaildrop(u *User) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.maildrop == u {
		e.maildrop = nil
	}
}
