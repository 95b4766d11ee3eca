package lmtp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"mailbackend.io/backend/lineconn"
)

// session is one connection. Its methods are called by its own goroutine, but
// for Interrupt and Close.
type session struct {
	srv *Server
	c   *lineconn.Conn
	id  uint64
	log *slog.Logger

	client  string // what LHLO told; empty: no LHLO yet
	bad     int    // wrong commands since the last MAIL
	mails   int    // transactions, for their ids
	closing bool   // the server shuts down
	tx      transaction
}

// transaction is what MAIL begins and the end of the mail, RSET, LHLO or
// STARTTLS ends. The zero value is none.
type transaction struct {
	active bool
	id     string
	from   string // reverse-path without brackets
	binary bool   // BODY=BINARYMIME: BDAT only
	utf8   bool   // SMTPUTF8
	rcpts  []recipient
	// chunks tells that a BDAT came: no DATA any more.
	chunks bool
	mail   collector
}

// recipient is one accepted RCPT.
type recipient struct {
	address       string // as the client wrote it, without brackets
	user, mailbox string // mailbox "": INBOX
}

var (
	// errQuit ends a session to which everything was said.
	errQuit = errors.New("quit")
	// errGoingAway ends a session because the server shuts down.
	errGoingAway = errors.New("server is going away")
)

// Run implements connserver.Session.
func (s *session) Run(ctx context.Context) {
	defer s.c.Close()
	defer s.reset()
	if _, secure := s.c.TLS(); secure {
		if err := s.c.Handshake(); err != nil {
			s.log.Debug("TLS", "error", err)
			return
		}
	}
	s.c.WriteString("220 " + s.srv.cfg.Hostname + " LMTP mailbackend ready\r\n")
	for {
		line, err := s.read()
		if err == nil {
			err = s.command(ctx, line)
		} else if errors.Is(err, lineconn.ErrLineTooLong) {
			err = s.wrong(500, "5.5.2", "Line too long")
		}
		if err != nil {
			s.end(err)
			return
		}
	}
}

// read waits for a command line. Once the server shuts down, only a transaction
// that is under way is waited for.
func (s *session) read() ([]byte, error) {
	for {
		timeout := s.srv.cfg.IdleTimeout
		if s.closing {
			if !s.tx.active {
				return nil, errGoingAway
			}
			timeout = min(timeout, s.srv.cfg.DrainTimeout)
		}
		switch err := s.c.WaitReadable(timeout); {
		case errors.Is(err, lineconn.ErrInterrupted):
			s.closing = true
		case err != nil:
			return nil, err
		default:
			return s.c.ReadLine()
		}
	}
}

// end tells the client why, if it is there to hear it (RFC 5321 section 3.8).
func (s *session) end(err error) {
	switch {
	case errors.Is(err, errQuit):
	case errors.Is(err, errGoingAway):
		s.reply(421, "4.3.2", s.srv.cfg.Hostname+" is going away")
	case errors.Is(err, lineconn.ErrUnusable):
		s.reply(421, "4.7.0", s.srv.cfg.Hostname+" gives up on a line without end")
	case errors.Is(err, errFlood):
		s.reply(421, "4.7.0", s.srv.cfg.Hostname+" gives up on a mail that is far too large")
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.reply(421, "4.4.2", s.srv.cfg.Hostname+" waited too long")
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
	s.reply(421, "4.3.2", s.srv.cfg.Hostname+" has too many connections")
	if err := s.c.Flush(); err != nil {
		s.log.Debug("connection ended", "error", err)
	}
}

// Interrupt implements connserver.Session.
func (s *session) Interrupt() { s.c.Interrupt() }

// Close implements connserver.Session.
func (s *session) Close() error { return s.c.Close() }

// reset ends the transaction, if there is one.
func (s *session) reset() {
	s.tx.mail.drop()
	s.tx = transaction{}
}

// reply answers with an enhanced status code (RFC 2034). Write errors show at
// the next read.
func (s *session) reply(code int, enhanced, text string) {
	fmt.Fprintf(s.c, "%d %s %s\r\n", code, enhanced, text)
}

// wrong answers a command that makes no sense; too many end the session.
func (s *session) wrong(code int, enhanced, text string) error {
	s.reply(code, enhanced, text)
	if s.bad++; s.bad < s.srv.cfg.BadCommands {
		return nil
	}
	s.reply(421, "4.7.0", s.srv.cfg.Hostname+" has had too many bad commands")
	if err := s.c.Flush(); err != nil {
		return err
	}
	return errQuit
}
