package lmtp

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"mailbackend.io/backend/auth"
)

// commands by verb. An error ends the session.
var commands = map[string]func(*session, context.Context, string) error{
	"LHLO":     (*session).lhlo,
	"MAIL":     (*session).mail,
	"RCPT":     (*session).rcpt,
	"DATA":     (*session).data,
	"BDAT":     (*session).bdat,
	"RSET":     (*session).rset,
	"NOOP":     (*session).noop,
	"QUIT":     (*session).quit,
	"VRFY":     (*session).vrfy,
	"HELP":     (*session).help,
	"STARTTLS": (*session).startTLS,
	"HELO":     (*session).helo,
	"EHLO":     (*session).helo,
}

// command runs one line.
func (s *session) command(ctx context.Context, line []byte) error {
	verb, args := splitCommand(line)
	run, known := commands[verb]
	if !known {
		return s.wrong(500, "5.5.1", "Unknown command")
	}
	return run(s, ctx, args)
}

// lhlo: RFC 2033 section 4.1. It resets the transaction, as EHLO does.
func (s *session) lhlo(_ context.Context, args string) error {
	if args == "" {
		return s.wrong(501, "5.5.4", "LHLO needs a name")
	}
	s.reset()
	s.client = printable(args)
	extensions := []string{"PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8", "CHUNKING", "BINARYMIME", fmt.Sprintf("SIZE %d", s.srv.cfg.MaxMessage)}
	if s.mayStartTLS() {
		extensions = append(extensions, "STARTTLS")
	}
	s.c.WriteString("250-" + s.srv.cfg.Hostname + "\r\n250-" + strings.Join(extensions[1:], "\r\n250-") + "\r\n250 " + extensions[0] + "\r\n")
	return nil
}

// maxClientName bounds what of LHLO's argument is kept for Received.
const maxClientName = 255

// printable makes a client's name safe for a trace header and the log.
func printable(s string) string {
	if len(s) > maxClientName {
		s = s[:maxClientName]
	}
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>;"\`, r) {
			return '?'
		}
		return r
	}, s)
}

// helo: RFC 2033 section 4.1 wants HELO and EHLO refused.
func (s *session) helo(context.Context, string) error {
	return s.wrong(500, "5.5.1", "This is LMTP: say LHLO")
}

// mail: RFC 5321 section 4.1.1.2.
func (s *session) mail(_ context.Context, args string) error {
	switch {
	case s.client == "":
		return s.wrong(503, "5.5.1", "Say LHLO first")
	case s.tx.active:
		return s.wrong(503, "5.5.1", "A mail is under way")
	}
	from, params, err := parsePathArg(args, "FROM:")
	if err != nil {
		return s.wrong(501, "5.1.7", "MAIL FROM: "+err.Error())
	}
	p, err := parseMailParams(params)
	switch {
	case errors.Is(err, errUnknownParam):
		return s.wrong(555, "5.5.4", "MAIL FROM: "+err.Error())
	case err != nil:
		return s.wrong(501, "5.5.4", "MAIL FROM: "+err.Error())
	case !p.utf8 && !isASCII(from.text):
		return s.wrong(553, "5.6.7", "The sender's address needs SMTPUTF8")
	case p.size > s.srv.cfg.MaxMessage:
		s.reply(552, "5.3.4", s.tooLarge())
		return nil
	}
	s.bad = 0
	s.mails++
	s.tx = transaction{
		active: true, from: from.text, binary: p.binary, utf8: p.utf8,
		id: fmt.Sprintf("%s.%d.%d", s.srv.started, s.id, s.mails),
	}
	s.tx.mail = collector{memory: s.srv.memory, max: s.srv.cfg.MaxMessage, expected: p.size}
	s.reply(250, "2.1.0", "Sender accepted")
	return nil
}

func (s *session) tooLarge() string {
	return fmt.Sprintf("Mails of more than %d octets are not taken", s.srv.cfg.MaxMessage)
}

// rcpt: RFC 5321 section 4.1.1.3. RFC 2033 section 4.2: what is accepted here
// has a reply of its own at the end of the mail.
func (s *session) rcpt(ctx context.Context, args string) error {
	if !s.tx.active {
		return s.wrong(503, "5.5.1", "Say MAIL first")
	}
	to, params, err := parsePathArg(args, "TO:")
	switch {
	case errors.Is(err, errParam):
		return s.wrong(501, "5.5.4", "RCPT TO: "+err.Error())
	case err != nil || to == address{}:
		return s.wrong(501, "5.1.3", "RCPT TO: "+errPath.Error())
	case len(params) > 0:
		return s.wrong(555, "5.5.4", "RCPT TO: "+errUnknownParam.Error())
	case !s.tx.utf8 && !isASCII(to.text):
		return s.wrong(553, "5.6.7", "The address needs SMTPUTF8")
	case len(s.tx.rcpts) >= s.srv.cfg.MaxRecipients:
		s.reply(452, "4.5.3", "Too many recipients")
		return nil
	}
	r, err := s.srv.recipient(ctx, to)
	switch {
	case errors.Is(err, auth.ErrUnknownUser):
		s.log.Info("recipient refused", "id", s.tx.id, "recipient", to.text)
		s.reply(550, "5.1.1", "<"+to.text+"> unknown user")
	case err != nil:
		s.log.Warn("recipient lookup failed", "id", s.tx.id, "recipient", to.text, "error", err)
		s.reply(451, "4.3.0", "<"+to.text+"> can't be looked up now, try later")
	default:
		s.tx.rcpts = append(s.tx.rcpts, r)
		s.reply(250, "2.1.5", "Recipient accepted")
	}
	return nil
}

// recipient finds the user and the mailbox that an address means.
func (s *Server) recipient(ctx context.Context, to address) (recipient, error) {
	local, detail := to.local, ""
	if d := s.cfg.DetailDelimiter; d != "" {
		if i := strings.Index(local, d); i > 0 {
			local, detail = local[:i], local[i+len(d):]
		}
	}
	name := local
	if !s.cfg.LocalPart && to.domain != "" {
		name += "@" + to.domain
	}
	id, err := s.deps.Users.Lookup(ctx, name)
	if err != nil {
		return recipient{}, err
	}
	r := recipient{address: to.text, user: id.User}
	if s.cfg.DetailMailbox {
		r.mailbox = detail
	}
	return r, nil
}

// rset: RFC 5321 section 4.1.1.5.
func (s *session) rset(_ context.Context, args string) error {
	if args != "" {
		return s.wrong(501, "5.5.4", "RSET has no argument")
	}
	s.reset()
	s.reply(250, "2.0.0", "Forgotten")
	return nil
}

// noop: RFC 5321 section 4.1.1.9.
func (s *session) noop(context.Context, string) error {
	s.reply(250, "2.0.0", "Nothing done")
	return nil
}

// vrfy: RFC 5321 sections 3.5.3 and 4.1.1.6: nothing is told about users.
func (s *session) vrfy(_ context.Context, args string) error {
	if args == "" {
		return s.wrong(501, "5.5.4", "VRFY needs an address")
	}
	s.reply(252, "2.0.0", "Not verified; RCPT will tell")
	return nil
}

// help: RFC 5321 section 4.1.1.8.
func (s *session) help(context.Context, string) error {
	s.reply(214, "2.0.0", "LMTP, RFC 2033: LHLO MAIL RCPT DATA BDAT RSET NOOP VRFY QUIT")
	return nil
}

// quit: RFC 5321 section 4.1.1.10.
func (s *session) quit(_ context.Context, args string) error {
	if args != "" {
		return s.wrong(501, "5.5.4", "QUIT has no argument")
	}
	s.reply(221, "2.0.0", s.srv.cfg.Hostname+" closes the connection")
	if err := s.c.Flush(); err != nil {
		return err
	}
	return errQuit
}

func (s *session) mayStartTLS() bool {
	_, secure := s.c.TLS()
	return s.srv.cfg.TLS != nil && !secure
}

// startTLS: RFC 3207 section 4. What was said before is forgotten, and what was
// sent behind the command in plaintext is discarded.
func (s *session) startTLS(_ context.Context, args string) error {
	switch {
	case args != "":
		return s.wrong(501, "5.5.4", "STARTTLS has no argument")
	case !s.mayStartTLS():
		return s.wrong(503, "5.5.1", "STARTTLS is not available")
	}
	s.reset()
	s.client = ""
	s.reply(220, "2.0.0", "Ready for TLS")
	return s.c.StartTLS(s.srv.cfg.TLS)
}
