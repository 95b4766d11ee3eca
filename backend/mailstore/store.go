package mailstore

import (
	"context"
	"fmt"
	"log/slog"
	gosync "sync"
	"time"

	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/sync"
)

// Store serves the users of one pod.
type Store struct {
	cfg     Config
	engine  *sync.Engine
	clk     clock.Clock
	log     *slog.Logger
	initial []sync.NewMailbox
	bodies  *bodies
	reads   *budget

	mu gosync.Mutex
	// The following are under mu.
	closing  bool
	users    map[string]*entry
	idle     idleUsers
	sessions int
	inUse    int // entries with uses
	loaded   int // entries that are loaded
	uploads  uploads
	releases int // of stubs, under way

	// running are the store's goroutines.
	running gosync.WaitGroup
}

// New returns a Store on engine. It starts no goroutine before a user is
// loaded; Shutdown ends them all. An error means that cfg can't be used.
func New(cfg Config, engine *sync.Engine, clk clock.Clock, log *slog.Logger) (*Store, error) {
	cfg = cfg.withDefaults()
	initial, err := cfg.initial()
	if err != nil {
		return nil, fmt.Errorf("mail store: %w", err)
	}
	s := &Store{
		cfg:     cfg,
		engine:  engine,
		clk:     clk,
		log:     log,
		initial: initial,
		bodies:  newBodies(cfg.BodyCacheBytes),
		reads:   &budget{left: cfg.ReadBytes},
		users:   map[string]*entry{},
	}
	s.uploads.dirty = map[*entry]time.Time{}
	return s, nil
}

// Config is the effective configuration: defaults filled in.
func (s *Store) Config() Config { return s.cfg }

// Open gives a session its handle on user, loading the user if need be (one
// load however many ask). The caller closes the handle. ErrUnavailable when
// the store fails, memory or sessions are short or Shutdown has begun;
// ErrLimit for too many sessions of this user.
func (s *Store) Open(ctx context.Context, user string) (*User, error) {
	if s.cfg.MemoryLimit > 0 && s.cfg.MemoryUsed != nil {
		if used := s.cfg.MemoryUsed(); used > s.cfg.MemoryLimit {
			return nil, fmt.Errorf("open user %q: %d bytes of memory in use, limit %d: %w", user, used, s.cfg.MemoryLimit, ErrUnavailable)
		}
	}
	e, err := s.acquire(ctx, user, sync.LoadOptions{Open: []string{Inbox}}, forSession)
	if err != nil {
		return nil, err
	}
	u := &User{e: e, life: e.currentLife()}
	return u, nil
}

// Stats are a Store's figures at one moment.
type Stats struct {
	// Active users received mail or had a session within ActiveWindow, or
	// have a session now.
	Active int
	// Users are all whose claim is held. Loaded of them had a session
	// since their indexes were last dropped from memory.
	Users, Loaded int
	// Dirty users have changes other than deliveries that are not uploaded
	// yet; OldestDirty is the time of the oldest such change.
	Dirty       int
	OldestDirty time.Time
	// Uploading users are being uploaded now, Queued ones wait for a turn.
	Uploading, Queued int
	// Sessions are the open handles.
	Sessions int
	// BodyCacheBytes is the memory held by recently read mails.
	BodyCacheBytes int64
}

// Stats counts.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireIdle()
	st := Stats{
		Active:         s.inUse + s.idle.recent.Len(),
		Users:          len(s.users),
		Loaded:         s.loaded,
		Dirty:          len(s.uploads.dirty),
		Uploading:      s.uploads.running,
		Queued:         len(s.uploads.queue),
		Sessions:       s.sessions,
		BodyCacheBytes: s.bodies.size(),
	}
	for _, at := range s.uploads.dirty {
		if st.OldestDirty.IsZero() || at.Before(st.OldestDirty) {
			st.OldestDirty = at
		}
	}
	return st
}
