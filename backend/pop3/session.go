package pop3

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/lineconn"
	"mailbackend.io/backend/mailstore"
)

// session is one connection (RFC 1939 section 3). Its methods are called by
// its own goroutine, but for Interrupt and Close.
type session struct {
	srv *Server
	c   *lineconn.Conn
	log *slog.Logger

	user     string // of USER, until PASS
	failures int    // of logins
	bad      int    // wrong commands in a row
	utf8     bool   // RFC 6856

	// In the TRANSACTION state. view and deleted stay as they are through
	// the session: message numbers are indexes of view plus one.
	drop    Maildrop
	view    *index.View
	deleted []bool
	stop    func() // ends the interest in the user's end
}

// errQuit ends a session in order.
var errQuit = errors.New("quit")

// Run implements connserver.Session.
func (s *session) Run(ctx context.Context) {
	defer s.c.Close()
	defer s.leave()
	if _, secure := s.c.TLS(); secure {
		if err := s.c.Handshake(); err != nil {
			s.log.Debug("TLS", "error", err)
			return
		}
	}
	s.ok("mailbackend ready")
	begin := s.srv.deps.Clock.Now()
	for {
		line, err := s.read(begin)
		if err == nil {
			err = s.command(ctx, line)
		}
		if err != nil {
			s.end(err)
			return
		}
	}
}

// read waits for a command line: for the login not longer than its timeout.
func (s *session) read(begin time.Time) ([]byte, error) {
	wait := s.srv.cfg.IdleTimeout
	if s.drop == nil {
		wait = min(wait, max(time.Millisecond, s.srv.cfg.LoginTimeout-s.srv.deps.Clock.Now().Sub(begin)))
	}
	if err := s.c.WaitReadable(wait); err != nil {
		return nil, err
	}
	return s.c.ReadLine()
}

// end tells the client why, if it is there to hear it.
func (s *session) end(err error) {
	switch {
	case errors.Is(err, errQuit):
	case errors.Is(err, lineconn.ErrInterrupted):
		s.fail("SYS/TEMP", "Server is going away")
	case errors.Is(err, lineconn.ErrLineTooLong):
		s.fail("", "Line too long")
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.fail("", "Timeout")
	default:
		s.log.Debug("connection ended", "error", err)
		return
	}
	if err := s.c.Flush(); err != nil {
		s.log.Debug("connection ended", "error", err)
	}
}

// TurnAway implements connserver.Session.
func (s *session) TurnAway() {
	defer s.c.Close()
	if _, secure := s.c.TLS(); secure && s.c.Handshake() != nil {
		return
	}
	s.fail("SYS/TEMP", "Too many connections")
	if err := s.c.Flush(); err != nil {
		s.log.Debug("connection ended", "error", err)
	}
}

// Interrupt implements connserver.Session.
func (s *session) Interrupt() { s.c.Interrupt() }

// Close implements connserver.Session.
func (s *session) Close() error { return s.c.Close() }

// enter begins the TRANSACTION state.
func (s *session) enter(drop Maildrop) {
	s.drop, s.view = drop, drop.View()
	s.deleted = make([]bool, s.view.Len())
	s.stop = drop.OnDone(s.c.Interrupt)
}

// leave ends it, without deleting anything.
func (s *session) leave() {
	if s.drop != nil {
		s.stop()
		s.drop.Close()
		s.drop, s.view, s.deleted = nil, nil, nil
	}
}

// The replies of RFC 1939 section 3. Write errors show at the next Flush.

func (s *session) ok(format string, args ...any) {
	s.c.WriteString("+OK " + fmt.Sprintf(format, args...) + "\r\n")
}

// fail answers -ERR, with a response code (RFC 2449 section 8) if there is one.
func (s *session) fail(code, text string) {
	if code != "" {
		text = "[" + code + "] " + text
	}
	s.c.WriteString("-ERR " + text + "\r\n")
}

// failError answers for an error of the store.
func (s *session) failError(what string, err error) {
	switch {
	case errors.Is(err, mailstore.ErrInUse):
		s.fail("IN-USE", "Maildrop is in use by another session")
		return
	case errors.Is(err, mailstore.ErrMessageGone):
		s.fail("", "Message is gone")
		return
	}
	s.log.Warn(what, "error", err)
	s.fail("SYS/TEMP", "Temporarily unavailable, try later")
}

// fields splits a command line at its spaces; the command is upper-cased.
func fields(line []byte) (name string, args []string) {
	parts := strings.Split(string(line), " ")
	return strings.ToUpper(parts[0]), parts[1:]
}
