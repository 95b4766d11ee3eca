package imap

import (
	"context"
	"errors"
	"os"
	"strings"

	"mailbackend.io/backend/lineconn"
)

var idleCommands = []command{
	define("IDLE", loggedIn, 0, parseNone, runIdle),
}

// runIdle is IDLE (RFC 9051 section 6.3.13): the client is told at once what
// changes, until it sends DONE. While nothing happens the session holds no
// buffer and no goroutine besides its own: a change interrupts its wait for the
// client.
func runIdle(_ context.Context, s *session, req *request, _ none) (reply, error) {
	if s.sel != nil {
		mb := s.sel.mb
		mb.Notify(s.lc.Interrupt)
		defer mb.Notify(nil)
	}
	s.enc.Continue("idling")
	end := s.srv.clock.Now().Add(s.srv.cfg.Timeouts.Idle)
	for {
		if err := s.update(req, false); err != nil {
			return reply{}, err
		}
		if err := s.push(); err != nil {
			return reply{}, err
		}
		if err := s.mustEnd(); err != nil {
			return reply{}, err
		}
		left := end.Sub(s.srv.clock.Now())
		if left <= 0 {
			return reply{}, s.autologout()
		}
		switch err := s.lc.WaitReadable(left); {
		case err == nil:
			return s.idleDone()
		case errors.Is(err, lineconn.ErrInterrupted):
		case errors.Is(err, os.ErrDeadlineExceeded):
			return reply{}, s.autologout()
		default:
			return reply{}, broken(err)
		}
	}
}

// idleDone reads the line that ends an IDLE.
func (s *session) idleDone() (reply, error) {
	line, err := s.lc.ReadLine()
	if err != nil && !errors.Is(err, lineconn.ErrLineTooLong) {
		return reply{}, broken(err)
	}
	if !strings.EqualFold(string(line), "DONE") {
		return reply{}, bad("DONE was expected")
	}
	return ok("IDLE terminated"), nil
}
