package imap

import (
	"bytes"
	"context"
	"errors"

	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/lineconn"
)

// refused is a command that was not read as a whole. The connection is in step:
// what comes next is a command.
type refused struct {
	tag string
	reply
}

// Error is the response's text.
func (r *refused) Error() string { return r.text }

// bounds are what is left of a command's limits while it is read.
type bounds struct {
	total    int   // octets
	literals int   // how many
	literal  int   // octets of one
	messages int64 // octets of literals that are messages
}

func (s *session) bounds() bounds {
	l := &s.srv.cfg.Limits
	if s.user == nil {
		return bounds{total: l.LoginCommand, literals: l.LoginLiterals, literal: l.LoginLiteral}
	}
	return bounds{total: l.Command, literals: l.Literals, literal: l.Literal, messages: l.Append}
}

// readCommand reads one command: lines, and the literals that they announce
// (RFC 9051 section 4.3, RFC 7888). A literal that can't be accepted is either
// never asked for or, if the client sends it anyway, skipped; nothing of it is
// ever taken for a command. Besides a *refused, errors end the session.
func (s *session) readCommand(ctx context.Context) (wire.Raw, error) {
	var raw wire.Raw
	left := s.bounds()
	for {
		line, err := s.lc.ReadLine()
		if err != nil {
			return raw, s.lineError(&raw, err)
		}
		left.total -= len(line)
		size, nonSync, _, more, err := wire.TrailingLiteral(line)
		if err != nil {
			return raw, &bye{codeNone, "A literal's length is not a number that can be"}
		}
		if more || len(raw.Lines) > 0 {
			line = bytes.Clone(line) // the next read may overwrite it
		}
		raw.Lines = append(raw.Lines, line)
		if left.total < 0 {
			return raw, s.refuse(&raw, reply{kind: respBad, text: "Command too long"}, size, more && nonSync)
		}
		if !more {
			return raw, nil
		}
		lit, err := s.readLiteral(ctx, &raw, &left, size, nonSync)
		if err != nil {
			return raw, err
		}
		raw.Literals = append(raw.Literals, lit)
	}
}

// readLiteral decides about an announced literal, asks for it if the client
// waits for that, and reads it.
func (s *session) readLiteral(ctx context.Context, raw *wire.Raw, left *bounds, size uint64, nonSync bool) ([]byte, error) {
	_, name := wire.Peek(raw.Lines[0], s.syntax())
	cmd := commands[name]
	if err := s.admit(cmd); err != nil {
		r, _ := s.failure(nil, err)
		return nil, s.refuse(raw, r, size, nonSync)
	}
	if cmd.flags&takesMessages != 0 {
		if mailbox, ok := wire.ParseAppendHead(*raw, s.syntax()); ok {
			return s.readMessage(ctx, raw, left, mailbox, size, nonSync)
		}
	}
	left.literals--
	switch {
	case left.literals < 0:
		return nil, s.refuse(raw, reply{kind: respBad, text: "Too many literals"}, size, nonSync)
	case size > uint64(left.literal):
		return nil, s.refuse(raw, reply{kind: respBad, code: wire.Code{Name: codeTooBig}, text: "Literal too large"}, size, nonSync)
	case size > uint64(left.total):
		return nil, s.refuse(raw, reply{kind: respBad, text: "Command too long"}, size, nonSync)
	}
	left.total -= int(size)
	if err := s.askFor(nonSync); err != nil {
		return nil, err
	}
	lit := make([]byte, size)
	return lit, broken(s.lc.ReadFull(lit))
}

// askFor sends the continuation request that a synchronizing literal waits for.
func (s *session) askFor(nonSync bool) error {
	if nonSync {
		return nil
	}
	s.enc.Continue("OK")
	return s.push()
}

// refuse makes r the answer to the command that raw has the beginning of. size
// octets of a literal follow if sent, which are skipped together with the rest
// of the command.
func (s *session) refuse(raw *wire.Raw, r reply, size uint64, sent bool) error {
	var tag string
	if len(raw.Lines) > 0 {
		tag, _ = wire.Peek(raw.Lines[0], s.syntax())
	}
	if sent {
		if err := s.skip(size); err != nil {
			return err
		}
	}
	return &refused{tag, r}
}

// skip reads and drops a literal that is sent without being asked for, and what
// follows of its command. If that is more than the limit it ends the session.
func (s *session) skip(size uint64) error {
	left := s.srv.cfg.Limits.Drain
	if s.user == nil {
		left = int64(s.srv.cfg.Limits.LoginCommand)
	}
	for {
		if size > uint64(max(left, 0)) {
			return &bye{codeTooBig, "Literal too large"}
		}
		left -= int64(size)
		if err := s.lc.Discard(int64(size)); err != nil {
			return broken(err)
		}
		line, err := s.lc.ReadLine()
		var long *lineconn.LineTooLongError
		switch {
		case errors.As(err, &long):
			line = long.Tail
		case err != nil:
			return broken(err)
		}
		left -= int64(len(line))
		var nonSync, more bool
		size, nonSync, _, more, err = wire.TrailingLiteral(line)
		if err != nil {
			return &bye{codeTooBig, "Literal too large"}
		}
		if !more || !nonSync {
			return nil // the client waits for a continuation that won't come
		}
	}
}

// lineError is the end of a command whose line could not be read.
func (s *session) lineError(raw *wire.Raw, err error) error {
	var long *lineconn.LineTooLongError
	switch {
	case errors.Is(err, lineconn.ErrUnusable):
		return &bye{codeNone, "Line too long"}
	case !errors.As(err, &long):
		return broken(err)
	}
	size, nonSync, _, more, err := wire.TrailingLiteral(long.Tail)
	if err != nil {
		return &bye{codeTooBig, "Literal too large"}
	}
	if len(raw.Lines) == 0 {
		raw.Lines = append(raw.Lines, long.Head)
	}
	return s.refuse(raw, reply{kind: respBad, text: "Line too long"}, size, more && nonSync)
}
