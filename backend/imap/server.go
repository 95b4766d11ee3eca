package imap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"mailbackend.io/backend/clock"
)

// ErrServerClosed is what Serve returns after Shutdown.
var ErrServerClosed = errors.New("imap: server closed")

// Server serves IMAP. Its methods are safe for concurrent use.
type Server struct {
	cfg   Config
	store Store
	auth  Authenticator
	clock clock.Clock
	log   *slog.Logger

	// appendMemory is Limits.AppendMemory, in octets.
	appendMemory *semaphore.Weighted
	closing      atomic.Bool
	base         context.Context // of all commands
	cancel       context.CancelFunc
	lastID       atomic.Uint64

	mu        sync.Mutex
	listeners map[net.Listener]struct{}
	sessions  map[*session]struct{}
	// ended is closed when closing is set and the last session has ended.
	ended chan struct{}
}

// New returns a Server. It starts nothing.
func New(cfg Config, deps Deps) *Server {
	cfg = cfg.withDefaults()
	log := deps.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		cfg: cfg, store: deps.Store, auth: deps.Auth, clock: deps.Clock, log: log,
		appendMemory: semaphore.NewWeighted(cfg.Limits.AppendMemory),
		listeners:    map[net.Listener]struct{}{},
		sessions:     map[*session]struct{}{},
		ended:        make(chan struct{}),
	}
	s.base, s.cancel = context.WithCancel(context.Background())
	return s
}

// ServeTLS is Serve with implicit TLS on a plain listener, by Config.TLS.
func (s *Server) ServeTLS(l net.Listener) error {
	if s.cfg.TLS == nil {
		return errors.Join(errors.New("imap: no TLS configured"), l.Close())
	}
	return s.Serve(tls.NewListener(l, s.cfg.TLS))
}

// acceptPause is how long Serve waits when a connection can't be accepted, as
// when the process has no file descriptor left.
const acceptPause = 100 * time.Millisecond

// Serve accepts connections on l, which may be a TLS listener (implicit TLS,
// RFC 8314), until it fails or Shutdown is called (then ErrServerClosed). It
// closes l. It may be called for several listeners at a time.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	if !s.addListener(l) {
		return ErrServerClosed
	}
	for {
		nc, err := l.Accept()
		switch {
		case s.closing.Load():
			if err == nil {
				nc.Close()
			}
			return ErrServerClosed
		case err == nil:
			s.start(nc)
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("imap: accept on %s: %w", l.Addr(), err)
		default:
			s.log.Warn("accept failed", "listener", l.Addr().String(), "error", err)
			if clock.Sleep(s.base, s.clock, acceptPause) != nil {
				return ErrServerClosed
			}
		}
	}
}

// addListener notes l for Shutdown; false if that has begun.
func (s *Server) addListener(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		return false
	}
	s.listeners[l] = struct{}{}
	return true
}

// start serves nc in a goroutine of its own.
func (s *Server) start(nc net.Conn) {
	sess := newSession(s, s.lastID.Add(1), nc)
	s.mu.Lock()
	closing, full := s.closing.Load(), len(s.sessions) >= s.cfg.Limits.Connections
	if !closing {
		s.sessions[sess] = struct{}{}
	}
	s.mu.Unlock()
	if closing {
		nc.Close()
		return
	}
	go func() {
		defer s.remove(sess)
		if full {
			sess.turnAway()
			return
		}
		sess.run(s.base)
	}()
}

// turnAway ends a connection that is one too many.
func (s *session) turnAway() {
	defer s.lc.Close()
	s.log().Warn("connection refused", "reason", "too many connections")
	if _, tls := s.lc.TLS(); tls && s.lc.Handshake() != nil {
		return
	}
	s.sayBye(&bye{codeUnavailable, "Too many connections"})
}

func (s *Server) remove(sess *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, sess)
	if s.closing.Load() && len(s.sessions) == 0 {
		close(s.ended)
	}
}

// Sessions is the number of open connections.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// Shutdown closes the listeners, lets running commands finish, tells every
// session BYE and waits for all connections to end. When ctx ends before that,
// commands are cancelled, connections are cut, and its error is returned.
func (s *Server) Shutdown(ctx context.Context) error {
	sessions := s.close()
	for _, sess := range sessions {
		sess.lc.Interrupt()
	}
	select {
	case <-s.ended:
		s.cancel()
		return nil
	case <-ctx.Done():
	}
	s.cancel()
	for _, sess := range sessions {
		sess.lc.Close()
	}
	<-s.ended
	return fmt.Errorf("imap: shutdown: %w", context.Cause(ctx))
}

// close lets no more connections in and returns those that are there. A second
// call finds the work done.
func (s *Server) close() []*session {
	s.mu.Lock()
	first := !s.closing.Swap(true)
	var all []*session
	for sess := range s.sessions {
		all = append(all, sess)
	}
	listeners := s.listeners
	s.listeners = nil
	if first && len(s.sessions) == 0 {
		close(s.ended)
	}
	s.mu.Unlock()
	for l := range listeners {
		_ = l.Close() // Serve returns either way
	}
	return all
}
