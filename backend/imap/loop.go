package imap

import (
	"context"
	"errors"
	"os"
	"time"

	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/lineconn"
)

// serve greets, then reads and runs commands. The error says why it ended and
// is never nil.
//
// An idle session waits in here, and the functions above it on the stack have
// small frames: what a waiting goroutine uses decides how far its stack shrinks.
func (s *session) serve(ctx context.Context) error {
	if err := s.greet(); err != nil {
		return err
	}
	for {
		if err := s.flush(); err != nil {
			return err
		}
		if err := s.wait(); err != nil {
			return err
		}
		if err := s.handle(ctx); err != nil {
			return err
		}
	}
}

// greet is the beginning of a connection (RFC 9051 section 7.1.5). It is not
// inlined to keep the frame of serve small.
//
//go:noinline
func (s *session) greet() error {
	if _, tls := s.lc.TLS(); tls {
		if err := s.lc.Handshake(); err != nil {
			return broken(err)
		}
		s.secure = true
	}
	s.enc.Status("", respOK, wire.CodeCapability(s.capabilities()), s.srv.cfg.Name+" ready")
	return nil
}

// handle takes what the client has begun to send: the end of an IDLE, or a
// command. It is not inlined to keep the frame of serve small.
//
//go:noinline
func (s *session) handle(ctx context.Context) error {
	if s.idle != nil {
		return s.endIdle()
	}
	return s.command(ctx)
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

// wait waits until the client sends something, or for a reason to end. In IDLE
// it tells the client what changes meanwhile.
func (s *session) wait() error {
	for {
		if s.idle != nil {
			if err := s.idleUpdate(); err != nil {
				return err
			}
		}
		if err := s.mustEnd(); err != nil {
			return err
		}
		switch err := s.lc.WaitReadable(s.patience()); {
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

// patience is how long the client may go on being silent.
func (s *session) patience() time.Duration {
	now := s.srv.clock.Now()
	left := s.srv.cfg.Timeouts.Idle
	switch {
	case s.user == nil:
		left = s.started.Add(s.srv.cfg.Timeouts.Login).Sub(now)
	case s.idle != nil:
		left = s.idle.end.Sub(now)
	}
	return max(left, time.Millisecond)
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
