package imap

import (
	"context"
	"errors"
	"strings"
	"time"

	"mailbackend.io/backend/lineconn"
)

var idleCommands = []command{
	define("IDLE", loggedIn, noUpdates, parseNone, runIdle),
}

// idling is an IDLE that was not ended yet.
type idling struct {
	req *request
	end time.Time // autologout
}

// runIdle is IDLE (RFC 9051 section 6.3.13): the client is told at once what
// changes, until it sends DONE. The command is answered then; meanwhile the
// session waits as it does between commands, holding no buffer and no goroutine
// besides its own. A change interrupts its wait.
func runIdle(_ context.Context, s *session, req *request, _ none) (reply, error) {
	if s.sel != nil {
		s.sel.mb.Notify(s.lc.Interrupt)
	}
	s.idle = &idling{req, s.srv.clock.Now().Add(s.srv.cfg.Timeouts.Idle)}
	s.enc.Continue("idling")
	return reply{pending: true}, nil
}

// idleUpdate tells what changed since the last time, in IDLE.
func (s *session) idleUpdate() error {
	if err := s.update(s.idle.req, false); err != nil {
		return err
	}
	return s.push()
}

// endIdle reads the line that ends an IDLE, and answers the command.
func (s *session) endIdle() error {
	req := s.idle.req
	s.idle = nil
	if s.sel != nil {
		s.sel.mb.Notify(nil)
	}
	line, err := s.lc.ReadLine()
	switch {
	case err != nil && !errors.Is(err, lineconn.ErrLineTooLong):
		return broken(err)
	case !strings.EqualFold(string(line), "DONE"):
		return s.answer(req.tag, reply{kind: respBad, text: "DONE was expected"})
	}
	if err := s.update(req, false); err != nil {
		return err
	}
	return s.answer(req.tag, ok("IDLE terminated"))
}
