package pop3

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// states in which a command is allowed (RFC 1939 sections 4 to 6).
const (
	authorization = 1 << iota
	transaction
	anyState = authorization | transaction
)

type command struct {
	states           int
	minArgs, maxArgs int
	// run answers. An error ends the session.
	run func(*session, context.Context, []string) error
}

var commands map[string]command

func init() {
	// In init, because CAPA's function names the table.
	commands = map[string]command{
		"CAPA": {anyState, 0, 0, (*session).capa},
		"QUIT": {anyState, 0, 0, (*session).quit},
		"STLS": {authorization, 0, 0, (*session).stls},
		"USER": {authorization, 1, 1000, (*session).userName},
		"PASS": {authorization, 1, 1000, (*session).pass},
		"AUTH": {authorization, 0, 2, (*session).sasl},
		"UTF8": {authorization, 0, 0, (*session).utf8Mode},
		"LANG": {anyState, 0, 1, (*session).lang},
		"STAT": {transaction, 0, 0, (*session).stat},
		"LIST": {transaction, 0, 1, (*session).list},
		"UIDL": {transaction, 0, 1, (*session).uidl},
		"RETR": {transaction, 1, 1, (*session).retr},
		"TOP":  {transaction, 2, 2, (*session).top},
		"DELE": {transaction, 1, 1, (*session).dele},
		"RSET": {transaction, 0, 0, (*session).rset},
		"NOOP": {transaction, 0, 0, (*session).noop},
	}
}

// command runs one line.
func (s *session) command(ctx context.Context, line []byte) error {
	name, args := fields(line)
	state := authorization
	if s.drop != nil {
		state = transaction
	}
	c, known := commands[name]
	switch {
	case !known:
		return s.wrong("Unknown command")
	case c.states&state == 0:
		return s.wrong("Not now")
	case len(args) < c.minArgs || len(args) > c.maxArgs:
		return s.wrong("Wrong number of arguments")
	}
	s.bad = 0
	return c.run(s, ctx, args)
}

// wrong answers a command that makes no sense; too many end the session.
func (s *session) wrong(text string) error {
	s.fail("", text)
	if s.bad++; s.bad < s.srv.cfg.BadCommands {
		return nil
	}
	s.fail("", "Too many bad commands")
	return errQuit
}

// capa: RFC 2449 section 5.
func (s *session) capa(context.Context, []string) error {
	caps := []string{"TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "EXPIRE NEVER", "UTF8", "LANG", "IMPLEMENTATION mailbackend"}
	if s.mayAuthenticate() {
		caps = append(caps, "USER", "SASL PLAIN")
	}
	if s.mayStartTLS() {
		caps = append(caps, "STLS")
	}
	s.ok("Capabilities follow")
	for _, c := range caps {
		s.c.WriteString(c + "\r\n")
	}
	s.c.WriteString(".\r\n")
	return nil
}

// lang: RFC 6856 section 3; the one language is English.
func (s *session) lang(_ context.Context, args []string) error {
	switch {
	case len(args) == 0:
		s.ok("Languages follow\r\nen English\r\n.")
	case args[0] == "*" || strings.EqualFold(args[0], "en"):
		s.ok("en Language is English")
	default:
		s.fail("", "No such language")
	}
	return nil
}

// utf8Mode: RFC 6856 section 2.
func (s *session) utf8Mode(context.Context, []string) error {
	s.utf8 = true
	s.ok("UTF-8 it is")
	return nil
}

// noop: RFC 1939 section 5.
func (s *session) noop(context.Context, []string) error {
	s.ok("")
	return nil
}

// message is the index in view of a message number, which must not be deleted.
func (s *session) message(arg string) (int, bool) {
	n, err := strconv.ParseUint(arg, 10, 31)
	switch {
	case err != nil:
		s.fail("", "That is no message number")
	case n == 0 || n > uint64(s.view.Len()):
		s.fail("", "No such message")
	case s.deleted[n-1]:
		s.fail("", "Message is deleted")
	default:
		return int(n - 1), true
	}
	return 0, false
}

// stat: RFC 1939 section 5.
func (s *session) stat(context.Context, []string) error {
	n, size := s.totals()
	s.ok("%d %d", n, size)
	return nil
}

func (s *session) totals() (n int, size uint64) {
	for i, r := range s.view.All() {
		if !s.deleted[i] {
			n++
			size += uint64(r.Size)
		}
	}
	return n, size
}

// list: RFC 1939 section 5. Sizes are those of the stored bytes.
func (s *session) list(_ context.Context, args []string) error {
	return s.scan(args, func(dst []byte, i int) []byte {
		return strconv.AppendUint(dst, uint64(s.view.At(i).Size), 10)
	})
}

// uidl: RFC 1939 section 7. The id is UIDVALIDITY and UID: it never names
// another mail.
func (s *session) uidl(_ context.Context, args []string) error {
	validity := s.drop.UIDValidity()
	return s.scan(args, func(dst []byte, i int) []byte {
		dst = strconv.AppendUint(dst, uint64(validity), 10)
		return strconv.AppendUint(append(dst, '.'), uint64(s.view.At(i).UID), 10)
	})
}

// scan answers LIST and UIDL, for one message or all.
func (s *session) scan(args []string, value func([]byte, int) []byte) error {
	line := func(dst []byte, i int) []byte {
		return append(value(append(strconv.AppendInt(dst, int64(i)+1, 10), ' '), i), "\r\n"...)
	}
	if len(args) == 1 {
		if i, ok := s.message(args[0]); ok {
			s.c.Write(line([]byte("+OK "), i))
		}
		return nil
	}
	n, size := s.totals()
	s.c.WriteString(fmt.Sprintf("+OK %d messages (%d octets)\r\n", n, size))
	var buf [64]byte
	for i := range s.view.Len() {
		if !s.deleted[i] {
			s.c.Write(line(buf[:0], i))
		}
	}
	s.c.WriteString(".\r\n")
	return nil
}
