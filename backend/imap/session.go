package imap

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
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
	err := s.protect(ctx, s.serve)
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

// serve greets, then reads and runs commands. The error says why it ended and
// is never nil.
func (s *session) serve(ctx context.Context) error {
	if _, tls := s.lc.TLS(); tls {
		if err := s.lc.Handshake(); err != nil {
			return broken(err)
		}
		s.secure = true
	}
	s.enc.Status("", respOK, wire.CodeCapability(s.capabilities()), s.srv.cfg.Name+" ready")
	for {
		if err := s.flush(); err != nil {
			return err
		}
		if err := s.waitCommand(); err != nil {
			return err
		}
		if err := s.command(ctx); err != nil {
			return err
		}
	}
}

// flush hands what was written to the connection, and to the network unless
// another command has been received already: answers to pipelined commands
// leave together.
func (s *session) flush() error {
	if err := s.enc.Flush(); err != nil {
		return broken(err)
	}
	if s.lc.Buffered() > 0 {
		return nil
	}
	return broken(s.lc.Flush())
}

// push sends what was written, because something has to be waited for.
func (s *session) push() error {
	if err := s.enc.Flush(); err != nil {
		return broken(err)
	}
	return broken(s.lc.Flush())
}

// waitCommand waits for the start of a command, or for a reason to end.
func (s *session) waitCommand() error {
	for {
		if err := s.mustEnd(); err != nil {
			return err
		}
		timeout := s.srv.cfg.Timeouts.Idle
		if s.user == nil {
			timeout = max(s.srv.cfg.Timeouts.Login-s.srv.clock.Now().Sub(s.started), time.Millisecond)
		}
		switch err := s.lc.WaitReadable(timeout); {
		case err == nil:
			return nil
		case errors.Is(err, lineconn.ErrInterrupted):
		case errors.Is(err, os.ErrDeadlineExceeded):
			return s.autologout()
		default:
			return broken(err)
		}
	}
}

// autologout is the end of a session whose client was silent for too long (RFC
// 9051 section 5.4).
func (s *session) autologout() error {
	if s.user == nil {
		return &bye{codeNone, "Not logged in for too long"}
	}
	return &bye{codeNone, "Inactive for too long"}
}

// mustEnd tells a reason why the session can't go on, as a bye.
func (s *session) mustEnd() error {
	if s.ending.Load() {
		return &bye{codeUnavailable, "The server is shutting down"}
	}
	if s.user != nil && s.user.Err() != nil {
		r, _ := s.failure(nil, s.user.Err())
		return &bye{codeUnavailable, r.text}
	}
	return nil
}

// command reads one command and runs it. An error ends the session.
func (s *session) command(ctx context.Context) error {
	defer s.releaseMemory()
	raw, err := s.readCommand(ctx)
	if err != nil {
		var r *refused
		if errors.As(err, &r) {
			return s.answer(r.tag, r.reply)
		}
		return err
	}
	cmd, err := wire.ParseCommand(raw, s.syntax())
	if err != nil {
		r, _ := s.failure(nil, err)
		return s.answer(cmd.Tag, r)
	}
	req := &request{tag: cmd.Tag, uid: cmd.UID, cmd: commands[cmd.FullName()]}
	r, err := s.execute(ctx, req, cmd.Args)
	if err != nil {
		return err
	}
	return s.answer(req.tag, r)
}

// execute runs a command and tells what changed meanwhile. An error ends the
// session; the command's own failures are in the reply.
func (s *session) execute(ctx context.Context, req *request, args *wire.Decoder) (reply, error) {
	if err := s.admit(req.cmd); err != nil {
		r, _ := s.failure(nil, err)
		return r, nil
	}
	run, err := req.cmd.parse(args)
	if err != nil {
		r, _ := s.failure(req.cmd, err)
		return r, nil
	}
	r, err := run(ctx, s, req)
	if cut := s.enc.Err(); cut != nil {
		return r, broken(cut)
	}
	if err != nil {
		if fatal(err) {
			return r, err
		}
		var known bool
		if r, known = s.failure(req.cmd, err); !known {
			s.log().Warn("command failed", "command", req.cmd.name, "error", logText(err))
		}
	}
	if r.kind == respBad || req.cmd.flags&noUpdates != 0 {
		return r, nil
	}
	return r, s.update(req, req.cmd.flags&keepExpunged != 0)
}

// admit reports whether a command may run in the session's state.
func (s *session) admit(cmd *command) error {
	switch {
	case cmd == nil:
		return bad("Unknown command")
	case cmd.states&s.state() != 0:
	case s.user == nil:
		return bad("Log in first")
	case cmd.states&loggedIn == 0:
		return bad("Logged in already")
	default:
		return bad("No mailbox is selected")
	}
	if cmd.flags&needsWrite != 0 && s.sel.readOnly {
		return no(codeNone, "The mailbox is selected read-only")
	}
	return nil
}

// answer sends a command's tagged response; without a tag it is untagged.
func (s *session) answer(tag string, r reply) error {
	s.enc.Status(tag, r.kind, r.code, r.text)
	if r.kind == respBad {
		if s.badCommands++; s.badCommands >= s.srv.cfg.Limits.BadCommands {
			return &bye{codeNone, "Too many bad commands"}
		}
	} else {
		s.badCommands = 0
	}
	if r.after != nil {
		if err := s.enc.Flush(); err != nil {
			return broken(err)
		}
		return r.after()
	}
	return nil
}

// syntax is how commands are to be parsed.
func (s *session) syntax() wire.Options {
	return wire.Options{Limits: s.srv.cfg.Limits.Syntax, UTF8: s.enabled&rev2 != 0}
}
