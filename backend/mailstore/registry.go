package mailstore

import (
	"context"
	"fmt"
	gosync "sync"
	"sync/atomic"
	"time"

	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/sync"
)

// entryState is where a user is between being asked for and let go.
type entryState uint8

const (
	loading   entryState = iota // being claimed; turn tells when that is over
	ready                       // acct is there
	releasing                   // being let go; turn tells when that is over
	gone                        // not in Store.users any more
)

// purpose is what an entry is acquired for.
type purpose uint8

const (
	forSession purpose = iota
	forDelivery
)

// loadAttempts bounds how often one acquire loads a user that is lost again
// right away: two pods that both believe to serve it must not fight for it.
const loadAttempts = 3

// entry is one user in the register, loaded or a stub.
type entry struct {
	s    *Store
	name string

	// The following are under Store.mu.
	state entryState
	// turn is closed when loading or releasing is over; the acquirers then
	// look again.
	turn chan struct{}
	// uses are sessions and deliveries under way; pins are the store's own
	// doings. Invariant: an entry that is ready and has no uses is in one
	// of the idle lists, any other is in none.
	uses, sessions, pins int
	idle                 idlePlace
	rested               time.Time // idle.last before releasing
	loaded               bool      // had a session since its indexes were dropped
	up                   upload

	// loadErr is set before turn is closed and state is gone.
	loadErr error
	// acct is set before state is ready and not changed after.
	acct *sync.Account
	life atomic.Pointer[life]

	mu gosync.Mutex
	// The following are under mu.
	tree     *tree
	treeOf   *sync.Root
	boxes    map[sync.MailboxID]*box
	maildrop *User
}

// acquire returns the user's entry, in use, loading it with o if it isn't
// there. Unless there is an error the caller ends the use with done.
func (s *Store) acquire(ctx context.Context, user string, o sync.LoadOptions, why purpose) (*entry, error) {
	if user == "" {
		return nil, fmt.Errorf("open user: empty name: %w", ErrCannot)
	}
	for range loadAttempts {
		s.mu.Lock()
		e, err := s.find(ctx, user, o, why)
		if err != nil {
			s.mu.Unlock()
			return nil, err
		}
		if e.state == ready {
			err := s.use(e, why)
			s.mu.Unlock()
			return e, err
		}
		turn := e.turn
		e.pins++ // so that it is not let go again before it is used
		s.mu.Unlock()
		select {
		case <-turn:
		case <-ctx.Done():
			err = fmt.Errorf("open user %q: %w: %w", user, ErrUnavailable, context.Cause(ctx))
		}
		s.mu.Lock()
		e.pins--
		if err == nil && e.state == ready && !s.closing && e.acct.Err() == nil {
			err := s.use(e, why)
			s.mu.Unlock()
			return e, err
		}
		s.mu.Unlock()
		if err != nil {
			return nil, err
		}
		if e.loadErr != nil {
			return nil, failed("load user", user, e.loadErr)
		}
	}
	return nil, fmt.Errorf("open user %q: lost again right after loading: %w", user, ErrOvertaken)
}

// find returns the user's entry, which may be loading, and starts loading it
// if there is none. Called with s.mu held.
func (s *Store) find(ctx context.Context, user string, o sync.LoadOptions, why purpose) (*entry, error) {
	if s.closing {
		return nil, fmt.Errorf("open user %q: shutting down: %w", user, ErrUnavailable)
	}
	if e := s.users[user]; e != nil {
		if e.state != ready || e.acct.Err() == nil {
			return e, nil
		}
		s.drop(e)
	}
	if why == forSession {
		if err := s.admit(user, nil); err != nil {
			return nil, err
		}
	}
	e := &entry{s: s, name: user, turn: make(chan struct{})}
	s.users[user] = e
	o.Initial = s.initial
	o.OnDue = func(*sync.Account) { s.due(e) }
	s.running.Add(1)
	go func() {
		defer s.running.Done()
		s.load(context.WithoutCancel(ctx), e, o)
	}()
	return e, nil
}

// load claims the user. It is not bound to the one who asked first: others
// wait for the same.
func (s *Store) load(ctx context.Context, e *entry, o sync.LoadOptions) {
	ctx, cancel := withTimeout(ctx, s.clk, s.cfg.LoadTimeout)
	acct, err := s.engine.Load(ctx, e.name, o)
	cancel()
	s.mu.Lock()
	if err != nil {
		s.log.Warn("user not loaded", "user", e.name, "err", err)
		e.loadErr = err
		s.drop(e)
		close(e.turn)
		s.mu.Unlock()
		return
	}
	e.acct = acct
	e.life.Store(newLife())
	e.state = ready
	s.rest(e, s.clk.Now())
	close(e.turn)
	s.trimStubs()
	s.running.Add(1)
	s.mu.Unlock()
	acct.OnEnd(func() {
		defer s.running.Done()
		s.ended(e)
		acct.Wait()
	})
	s.noteChange(e)
	if acct.Due() {
		s.due(e)
	}
}

// ended takes an entry whose account has ended out of the register.
func (s *Store) ended(e *entry) {
	s.mu.Lock()
	if e.state == ready {
		s.drop(e)
	}
	s.mu.Unlock()
	err := e.acct.Err()
	s.log.Info("user let go", "user", e.name, "reason", err)
	e.currentLife().end(failed("serve user", e.name, err))
}

// drop takes an entry out of the register. Called with s.mu held.
func (s *Store) drop(e *entry) {
	if e.state == gone {
		return
	}
	s.wake(e)
	s.setLoaded(e, false)
	s.unschedule(e)
	if e.uses > 0 {
		s.inUse--
	}
	e.state = gone
	delete(s.users, e.name)
}

// use marks an entry as used. Called with s.mu held.
func (s *Store) use(e *entry, why purpose) error {
	if why == forSession {
		if err := s.admit(e.name, e); err != nil {
			return err
		}
		e.sessions++
		s.sessions++
		s.setLoaded(e, true)
	}
	s.wake(e)
	if e.uses++; e.uses == 1 {
		s.inUse++
	}
	return nil
}

// done ends a use.
func (s *Store) done(e *entry, why purpose) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if why == forSession {
		e.sessions--
		s.sessions--
	}
	if e.uses--; e.uses > 0 || e.state == gone {
		return
	}
	s.inUse--
	if e.state == ready {
		s.rest(e, s.clk.Now())
	}
}

// admit decides whether one more session may start; e is nil for a user that
// is not there yet. Called with s.mu held.
func (s *Store) admit(user string, e *entry) error {
	switch {
	case s.cfg.MaxSessions > 0 && s.sessions >= s.cfg.MaxSessions:
		return fmt.Errorf("open user %q: %d sessions: %w", user, s.sessions, ErrUnavailable)
	case e != nil && e.sessions >= s.cfg.MaxUserSessions:
		return fmt.Errorf("open user %q: %d sessions of this user: %w", user, e.sessions, ErrLimit)
	case (e == nil || !e.loaded) && s.loaded >= s.cfg.MaxLoadedUsers && !s.unloadOldest():
		return fmt.Errorf("open user %q: %d users loaded, all in use: %w", user, s.loaded, ErrUnavailable)
	}
	return nil
}

// setLoaded keeps count. Called with s.mu held.
func (s *Store) setLoaded(e *entry, loaded bool) {
	if e.loaded == loaded {
		return
	}
	if e.loaded = loaded; loaded {
		s.loaded++
	} else {
		s.loaded--
	}
}

// withTimeout is context.WithTimeout by an injected clock.
func withTimeout(ctx context.Context, clk clock.Clock, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	t := clk.AfterFunc(d, func() { cancel(context.DeadlineExceeded) })
	return ctx, func() {
		t.Stop()
		cancel(context.Canceled)
	}
}
