package imap

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime/debug"
	"sync/atomic"
	"time"

	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/lineconn"
)

// enabled are the extensions that a client turned on (RFC 5161, RFC 7162).
type enabled uint8

// What can be enabled. QRESYNC includes CONDSTORE.
const (
	condStore enabled = 1 << iota
	qResync
	rev2
)

// session is one connection and all that it is about. It belongs to its own
// goroutine, except where noted.
type session struct {
	srv *Server
	id  uint64
	lc  *lineconn.Conn // Interrupt and Close from any goroutine
	enc *wire.Encoder  // writes to lc

	started time.Time
	secure  bool        // TLS
	ending  atomic.Bool // the server shuts down

	// Invariant: user is nil exactly in the state notAuthenticated; sel is
	// nil except in selectedState.
	user     User
	stopDone func() // ends user.OnDone
	sel      *selected
	idle     *idling // in IDLE

	enabled      enabled
	badCommands  int // in a row
	authFailures int
	held         int64 // octets of Server.appendMemory
}

func newSession(srv *Server, id uint64, nc net.Conn) *session {
	s := &session{srv: srv, id: id, started: srv.clock.Now()}
	s.lc = lineconn.New(nc, lineconn.Options{
		MaxLine:      srv.cfg.Limits.LoginLine,
		MaxDiscard:   int64(srv.cfg.Limits.Command),
		ReadTimeout:  srv.cfg.Timeouts.Command,
		WriteTimeout: srv.cfg.Timeouts.Write,
	})
	s.enc = wire.NewEncoder(s.lc)
	return s
}

// state is the session's state.
func (s *session) state() state {
	switch {
	case s.user == nil:
		return notAuthenticated
	case s.sel == nil:
		return authenticated
	}
	return selectedState
}

// log is the server's log with what identifies the session. It is made when
// needed: an idle connection doesn't hold one.
func (s *session) log() *slog.Logger {
	l := s.srv.log.With("conn", s.id, "remote", s.lc.RemoteAddr().String())
	if s.user != nil {
		l = l.With("user", s.user.Name())
	}
	return l
}

// Run implements connserver.Session: it serves the connection to its end.
func (s *session) Run(ctx context.Context) {
	defer s.end()
	s.ended(s.protect(ctx, s.serve))
}

// ended tells the client, if there is something to tell, and the log why the
// session ended.
func (s *session) ended(err error) {
	var b *bye
	switch {
	case errors.As(err, &b):
		s.sayBye(b)
		s.log().Info("session ended", "by", "server", "reason", b.text)
	case errors.Is(err, errLogout):
		s.log().Debug("session ended", "by", "client", "reason", "logout")
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrUnexpectedEOF):
		s.log().Debug("session ended", "by", "client", "reason", "closed")
	default:
		s.log().Info("session ended", "by", "connection", "reason", logText(err))
	}
}

// TurnAway implements connserver.Session.
func (s *session) TurnAway() {
	defer s.lc.Close()
	if _, tls := s.lc.TLS(); tls && s.lc.Handshake() != nil {
		return
	}
	s.sayBye(&bye{codeUnavailable, "Too many connections"})
}

// Interrupt implements connserver.Session: the session ends after the command
// that it is running.
func (s *session) Interrupt() {
	s.ending.Store(true)
	s.lc.Interrupt()
}

// Close implements connserver.Session.
func (s *session) Close() error { return s.lc.Close() }

// protect turns a panic of f into the end of this session alone.
func (s *session) protect(ctx context.Context, f func(context.Context) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			s.log().Error("panic in a session", "panic", r, "stack", string(debug.Stack()))
			// What the encoder holds may end anywhere in a response.
			s.enc = wire.NewEncoder(s.lc)
			err = &bye{codeServerBug, "Internal error"}
		}
	}()
	return f(ctx)
}

// end gives back everything that the session holds.
func (s *session) end() {
	defer s.lc.Close()
	// A store that panics here must not take the server along.
	defer func() {
		if r := recover(); r != nil {
			s.log().Error("panic at a session's end", "panic", r, "stack", string(debug.Stack()))
		}
	}()
	s.releaseMemory()
	s.unselect()
	if s.user != nil {
		s.stopDone()
		s.user.Close()
	}
}
