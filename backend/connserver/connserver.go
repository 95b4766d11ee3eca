// Package connserver is the outside of a protocol server: it accepts
// connections, bounds their number, runs each in a goroutine of its own that
// can't take the others down, and ends them all in order. What is said on a
// connection is its Session's business.
package connserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"mailbackend.io/backend/clock"
)

// ErrClosed is what Serve returns after Shutdown.
var ErrClosed = errors.New("server closed")

// Session is one connection.
type Session interface {
	// Run speaks the protocol until the connection ends, and closes it. ctx
	// is cancelled when the session must end at once.
	Run(ctx context.Context)
	// TurnAway tells the client that there are too many connections, and
	// closes this one. It is called instead of Run.
	TurnAway()
	// Interrupt makes Run end as soon as the command under way is done.
	// It may be called at any time, from any goroutine, and again.
	Interrupt()
	// Close closes the connection; a blocked Run returns.
	Close() error
}

// Config of a Server.
type Config struct {
	// Protocol names the server in errors and the log.
	Protocol string
	// MaxConns bounds the connections; further ones are turned away.
	MaxConns int
	Clock    clock.Clock
	Log      *slog.Logger
	// New makes the session of a connection. id is unique in this server.
	// It must not block.
	New func(id uint64, nc net.Conn) Session
}

// Server accepts connections. Its methods are safe for concurrent use.
type Server struct {
	cfg    Config
	ctx    context.Context // of all sessions
	cancel context.CancelFunc

	mu        sync.Mutex
	closing   bool
	lastID    uint64
	listeners map[net.Listener]struct{}
	sessions  map[Session]struct{}
	// ended is closed when closing is set and the last session has ended.
	ended chan struct{}
}

// New returns a server that has no listener yet.
func New(cfg Config) *Server {
	s := &Server{cfg: cfg, listeners: map[net.Listener]struct{}{}, sessions: map[Session]struct{}{}, ended: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// acceptPause is how long Serve waits when a connection can't be accepted, as
// when the process has no file descriptor left.
const acceptPause = 100 * time.Millisecond

// Serve accepts connections on l until it fails or Shutdown is called (then
// ErrClosed). It closes l. It may be called for several listeners at a time.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	if !s.addListener(l) {
		return ErrClosed
	}
	for {
		nc, err := l.Accept()
		switch {
		case err == nil:
			if !s.start(nc) {
				nc.Close()
				return ErrClosed
			}
		case s.isClosing():
			return ErrClosed
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("%s: accept on %s: %w", s.cfg.Protocol, l.Addr(), err)
		default:
			s.cfg.Log.Warn("accept failed", "protocol", s.cfg.Protocol, "listener", l.Addr().String(), "error", err)
			if clock.Sleep(s.ctx, s.cfg.Clock, acceptPause) != nil {
				return ErrClosed
			}
		}
	}
}

func (s *Server) addListener(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closing {
		s.listeners[l] = struct{}{}
	}
	return !s.closing
}

func (s *Server) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// start runs nc's session; false if the server is closing.
func (s *Server) start(nc net.Conn) bool {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return false
	}
	s.lastID++
	id, full := s.lastID, len(s.sessions) >= s.cfg.MaxConns
	sess := s.cfg.New(id, nc)
	s.sessions[sess] = struct{}{}
	s.mu.Unlock()
	go s.run(id, sess, full)
	return true
}

// run is one session's goroutine. A panic ends that session and no other. It is
// at the bottom of each idle connection's stack, so its frame is kept small.
func (s *Server) run(id uint64, sess Session, full bool) {
	defer s.remove(sess)
	defer s.caught(id, sess)
	if full {
		s.turnAway(id, sess)
		return
	}
	sess.Run(s.ctx)
}

// caught ends a session that panicked.
func (s *Server) caught(id uint64, sess Session) {
	if r := recover(); r != nil {
		s.cfg.Log.Error("session panicked", "protocol", s.cfg.Protocol, "conn", id, "panic", r, "stack", string(debug.Stack()))
		sess.Close()
	}
}

//go:noinline
func (s *Server) turnAway(id uint64, sess Session) {
	s.cfg.Log.Warn("connection refused", "protocol", s.cfg.Protocol, "conn", id, "reason", "too many connections")
	sess.TurnAway()
}

func (s *Server) remove(sess Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, sess)
	if s.closing && len(s.sessions) == 0 {
		close(s.ended)
	}
}

// Sessions is the number of connections.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// Shutdown closes the listeners, interrupts every session and waits for all to
// end. When ctx ends before that, contexts are cancelled, connections closed,
// and its error is returned.
func (s *Server) Shutdown(ctx context.Context) error {
	sessions := s.close()
	for _, sess := range sessions {
		sess.Interrupt()
	}
	select {
	case <-s.ended:
		s.cancel()
		return nil
	case <-ctx.Done():
	}
	s.cancel()
	for _, sess := range sessions {
		sess.Close()
	}
	<-s.ended
	return fmt.Errorf("%s: shutdown: %w", s.cfg.Protocol, context.Cause(ctx))
}

// close lets no more connections in and returns those that are there. A second
// call finds the work done.
func (s *Server) close() []Session {
	s.mu.Lock()
	first := !s.closing
	s.closing = true
	var all []Session
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
		l.Close() // Serve returns either way
	}
	return all
}
