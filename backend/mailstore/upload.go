package mailstore

import (
	"context"
	"hash/fnv"
	"time"

	"mailbackend.io/backend/clock"
)

// uploads are the users that have something to upload. All of it is under
// Store.mu.
type uploads struct {
	// dirty users have changes other than deliveries, the oldest at the time.
	dirty   map[*entry]time.Time
	queue   []*entry // waiting for a turn
	running int
}

// upload is one user's part. Invariant: at most one of timer, queued and
// running is set.
type upload struct {
	timer   clock.Timer
	queued  bool
	running bool
	again   bool // asked for again while running
	unload  bool // drop the indexes from memory afterwards
	fails   uint // in a row
}

// noteChange looks whether a user has changes to be uploaded, and sees to it
// that they are in time. It is called after each operation that changes
// something.
func (s *Store) noteChange(e *entry) {
	at, dirty := e.acct.ChangedAt()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.schedule(e, at, dirty)
}

// schedule arms the timer for a change at the given time. Called with s.mu held.
func (s *Store) schedule(e *entry, at time.Time, dirty bool) {
	if !dirty || e.state != ready {
		delete(s.uploads.dirty, e)
		return
	}
	s.uploads.dirty[e] = at
	if e.up.timer == nil && !e.up.queued && !e.up.running {
		s.arm(e, at.Add(s.cfg.UploadInterval-s.spread(e.name)).Sub(s.clk.Now()))
	}
}

// spread is how much earlier than the interval a user is uploaded, so that
// users who changed something at one time are not uploaded at one time.
func (s *Store) spread(user string) time.Duration {
	h := fnv.New32a()
	h.Write([]byte(user))
	return time.Duration(uint64(min(s.cfg.UploadSpread, s.cfg.UploadInterval/2)) * uint64(h.Sum32()) >> 32)
}

// arm has the user uploaded after d. Called with s.mu held.
func (s *Store) arm(e *entry, d time.Duration) {
	var t clock.Timer
	t = s.clk.AfterFunc(max(d, 0), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if e.up.timer == t {
			e.up.timer = nil
			s.enqueue(e)
		}
	})
	e.up.timer = t
}

// due has a user uploaded now: so many mails were delivered.
func (s *Store) due(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.enqueue(e)
}

// enqueue has a user uploaded as soon as there is a turn. Called with s.mu held.
func (s *Store) enqueue(e *entry) {
	switch {
	case e.state != ready || e.up.queued:
		return
	case e.up.running:
		e.up.again = true
		return
	}
	s.stopTimer(e)
	if s.uploads.running >= s.cfg.MaxUploads {
		e.up.queued = true
		s.uploads.queue = append(s.uploads.queue, e)
		return
	}
	s.startUpload(e)
}

// startUpload starts it. Called with s.mu held.
func (s *Store) startUpload(e *entry) {
	s.uploads.running++
	e.up.running, e.up.again = true, false
	e.pins++
	s.running.Add(1)
	go func() {
		defer s.running.Done()
		s.upload(e)
	}()
}

// upload uploads one user and decides what comes next.
func (s *Store) upload(e *entry) {
	ctx, cancel := withTimeout(context.Background(), s.clk, s.cfg.UploadTimeout)
	err := e.acct.Upload(ctx)
	cancel()
	ended := e.acct.Err() != nil
	at, dirty := e.acct.ChangedAt()
	due := e.acct.Due()

	s.mu.Lock()
	defer s.mu.Unlock()
	s.uploads.running--
	e.pins--
	e.up.running = false
	s.nextUpload()
	if ended || e.state != ready {
		return
	}
	if err != nil {
		e.up.fails++
		pause := s.cfg.RetryFirst << min(e.up.fails-1, 20)
		pause = min(max(pause, s.cfg.RetryFirst), s.cfg.UploadInterval)
		s.log.Warn("user not uploaded", "user", e.name, "failures", e.up.fails, "retry", pause, "err", err)
		s.arm(e, pause)
		return
	}
	e.up.fails = 0
	unload := e.up.unload && !e.loaded
	e.up.unload = false
	switch {
	case e.up.again:
		s.enqueue(e)
	case due: // more came in meanwhile than this upload took
		s.arm(e, s.cfg.RetryFirst)
	}
	s.schedule(e, at, dirty)
	if unload && e.uses == 0 {
		s.unload(e)
	}
}

// nextUpload gives the free turn to the one who waits longest. Called with
// s.mu held.
func (s *Store) nextUpload() {
	for len(s.uploads.queue) > 0 && s.uploads.running < s.cfg.MaxUploads {
		e := s.uploads.queue[0]
		s.uploads.queue[0] = nil
		s.uploads.queue = s.uploads.queue[1:]
		if !e.up.queued {
			continue // unscheduled meanwhile
		}
		e.up.queued = false
		s.startUpload(e)
	}
}

// unschedule forgets that a user has something to upload. Called with s.mu held.
func (s *Store) unschedule(e *entry) {
	s.stopTimer(e)
	e.up.queued, e.up.again, e.up.unload = false, false, false
	delete(s.uploads.dirty, e)
}

// stopTimer stops the user's timer. Called with s.mu held.
func (s *Store) stopTimer(e *entry) {
	if e.up.timer != nil {
		e.up.timer.Stop()
		e.up.timer = nil
	}
}
