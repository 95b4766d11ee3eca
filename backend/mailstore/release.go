package mailstore

import (
	"context"
	"errors"
	"fmt"
	gosync "sync"

	"mailbackend.io/backend/sync"
)

// startRelease marks an entry as being released: whoever asks for the user
// waits. Called with s.mu held; the entry is ready.
func (s *Store) startRelease(e *entry) {
	e.rested = e.idle.last
	s.wake(e)
	s.setLoaded(e, false)
	s.unschedule(e)
	e.state = releasing
	e.turn = make(chan struct{})
}

// release uploads everything of an entry that startRelease was called for and
// gives its claim back. If that can't be sent the user stays.
func (s *Store) release(ctx context.Context, e *entry) error {
	ctx, cancel := withTimeout(ctx, s.clk, s.cfg.UploadTimeout)
	defer cancel()
	err := e.acct.Release(ctx)
	ended := e.acct.Err()
	s.mu.Lock()
	if ended == nil {
		e.state = ready
		if e.currentLife().reason() != nil {
			e.life.Store(newLife()) // for sessions that come from now on
		}
		if e.uses == 0 {
			s.restAgain(e, e.rested)
		}
	} else {
		s.drop(e)
	}
	close(e.turn)
	s.mu.Unlock()
	if ended == nil {
		s.noteChange(e)
	}
	if errors.Is(err, sync.ErrOvertaken) {
		// Not ours any more: nothing is left to be done here.
		s.log.Warn("user was claimed by another while it was released", "user", e.name, "err", err)
		return nil
	}
	return failed("release user", e.name, err)
}

// evictStub releases a user because there are too many.
func (s *Store) evictStub(e *entry) {
	err := s.release(context.Background(), e)
	if err != nil {
		s.log.Warn("user not evicted", "user", e.name, "err", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.releases--
	if err == nil {
		s.trimStubs()
	}
}

// Evict ends the user's sessions, uploads what is dirty and releases the
// claim. Unknown users are fine, and so is one that another backend claimed
// meanwhile. Whoever asks for the user afterwards has it loaded again.
func (s *Store) Evict(ctx context.Context, user string) error {
	for {
		s.mu.Lock()
		e := s.users[user]
		if e == nil {
			s.mu.Unlock()
			return nil
		}
		if e.state == ready {
			s.startRelease(e)
			s.mu.Unlock()
			e.currentLife().end(fmt.Errorf("serve user %q: moved away: %w", user, ErrUnavailable))
			return s.release(ctx, e)
		}
		turn, another := e.turn, e.state == releasing
		s.mu.Unlock()
		select {
		case <-turn:
		case <-ctx.Done():
			return failed("release user", user, context.Cause(ctx))
		}
		if another && e.acct.Err() != nil {
			return nil // another let it go
		}
	}
}

// Shutdown refuses new users, ends the sessions (their Err is ErrUnavailable),
// uploads everything and releases every claim, those with sessions or changes
// first, Config.MaxReleases at a time. It returns the joined errors of users
// that could not be uploaded before ctx ended; these are left as they are, as a
// crash would leave them.
func (s *Store) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	if s.idle.timer != nil {
		s.idle.timer.Stop()
		s.idle.timer = nil
	}
	var first, rest []*entry
	for _, e := range s.users {
		if _, dirty := s.uploads.dirty[e]; dirty || e.uses > 0 {
			first = append(first, e)
		} else {
			rest = append(rest, e)
		}
	}
	s.mu.Unlock()
	for _, e := range first {
		if l := e.currentLife(); l != nil {
			l.end(fmt.Errorf("serve user %q: shutting down: %w", e.name, ErrUnavailable))
		}
	}
	var (
		wg     gosync.WaitGroup
		turns  = make(chan struct{}, s.cfg.MaxReleases)
		errsMu gosync.Mutex
		errs   []error
	)
	for _, e := range append(first, rest...) {
		turns <- struct{}{}
		wg.Add(1)
		go func() {
			defer func() { <-turns; wg.Done() }()
			if err := s.Evict(ctx, e.name); err != nil {
				errsMu.Lock()
				defer errsMu.Unlock()
				errs = append(errs, err)
			}
		}()
	}
	wg.Wait()
	s.abandonRest()
	s.running.Wait()
	return errors.Join(errs...)
}

// abandonRest ends the accounts that could not be released.
func (s *Store) abandonRest() {
	s.mu.Lock()
	var left []*entry
	for _, e := range s.users {
		if e.state == ready {
			left = append(left, e)
		}
	}
	s.mu.Unlock()
	for _, e := range left {
		e.acct.Abandon()
	}
}
