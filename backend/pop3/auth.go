package pop3

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"

	"mailbackend.io/backend/auth"
	"mailbackend.io/backend/clock"
)

func (s *session) mayStartTLS() bool {
	_, secure := s.c.TLS()
	return !secure && s.srv.cfg.TLS != nil && s.drop == nil
}

func (s *session) mayAuthenticate() bool {
	_, secure := s.c.TLS()
	return (secure || s.srv.cfg.AllowPlaintextAuth) && s.drop == nil
}

// stls: RFC 2595 section 4. What the client sent before the handshake is
// discarded, and what it said is forgotten.
func (s *session) stls(context.Context, []string) error {
	if !s.mayStartTLS() {
		s.fail("", "TLS is not available")
		return nil
	}
	s.ok("Begin TLS")
	if err := s.c.Flush(); err != nil {
		return err
	}
	s.user = ""
	return s.c.StartTLS(s.srv.cfg.TLS)
}

// userName: RFC 1939 section 7. The answer is the same for any name.
func (s *session) userName(_ context.Context, args []string) error {
	if !s.mayAuthenticate() {
		s.fail("AUTH", "TLS is required")
		return nil
	}
	s.user = strings.Join(args, " ")
	s.ok("Password?")
	return nil
}

// pass: RFC 1939 section 7. A password may contain spaces.
func (s *session) pass(ctx context.Context, args []string) error {
	if s.user == "" {
		s.fail("", "USER first")
		return nil
	}
	user := s.user
	s.user = ""
	return s.login(ctx, user, strings.Join(args, " "))
}

// sasl: RFC 5034. Without an argument the mechanisms are listed, as old
// clients expect.
func (s *session) sasl(ctx context.Context, args []string) error {
	switch {
	case !s.mayAuthenticate():
		s.fail("AUTH", "TLS is required")
		return nil
	case len(args) == 0:
		s.ok("Mechanisms follow\r\nPLAIN\r\n.")
		return nil
	case !strings.EqualFold(args[0], "PLAIN"):
		s.fail("AUTH", "Mechanism is not supported")
		return nil
	}
	var response string
	if len(args) == 2 {
		response = args[1]
	} else {
		s.c.WriteString("+ \r\n")
		if err := s.c.Flush(); err != nil {
			return err
		}
		line, err := s.c.ReadLine()
		if err != nil {
			return err
		}
		response = string(line)
	}
	user, password, ok := plainResponse(response)
	if !ok {
		return s.wrong("Authentication cancelled or malformed")
	}
	return s.login(ctx, user, password)
}

// plainResponse is RFC 4616: authzid NUL authcid NUL password, in base64. An
// authorization identity other than the user itself is not supported.
func plainResponse(response string) (user, password string, ok bool) {
	b, err := base64.StdEncoding.DecodeString(response)
	parts := strings.Split(string(b), "\x00")
	if err != nil || len(parts) != 3 || parts[0] != "" && parts[0] != parts[1] {
		return "", "", false
	}
	return parts[1], parts[2], true
}

func (s *session) login(ctx context.Context, user, password string) error {
	id, err := s.srv.deps.Auth.Authenticate(ctx, user, password)
	switch {
	case errors.Is(err, auth.ErrBadCredentials):
		return s.refuse(ctx, user)
	case err != nil:
		s.failError("authentication", err)
		return nil
	}
	drop, err := s.srv.deps.Store.Open(ctx, id.User)
	if err != nil {
		s.failError("open maildrop", err)
		return nil
	}
	s.log = s.log.With("user", id.User)
	s.enter(drop)
	n, size := s.totals()
	s.ok("%d messages (%d octets)", n, size)
	return nil
}

// refuse answers a failed login after a delay.
func (s *session) refuse(ctx context.Context, user string) error {
	s.log.Info("login failed", "user", user)
	if err := clock.Sleep(ctx, s.srv.deps.Clock, s.srv.cfg.AuthDelay<<s.failures); err != nil {
		return err
	}
	s.fail("AUTH", "Authentication failed")
	if s.failures++; s.failures >= s.srv.cfg.AuthFailures {
		return errQuit
	}
	return nil
}
