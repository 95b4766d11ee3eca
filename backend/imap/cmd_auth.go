package imap

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"strings"

	goimap "github.com/emersion/go-imap/v2"

	"mailbackend.io/backend/auth"
	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/imap/wire"
)

var authCommands = []command{
	define("STARTTLS", notAuthenticated, 0, parseNone, runStartTLS),
	define("LOGIN", notAuthenticated, 0, wire.ParseLogin, runLogin),
	define("AUTHENTICATE", notAuthenticated, 0, wire.ParseAuthenticate, runAuthenticate),
}

// mechanism is a SASL mechanism (RFC 4422), as the server's side: exchange asks
// the client by challenge as often as it needs to and returns who wants to be
// whom.
type mechanism struct {
	name     string
	exchange func(initial []byte, challenge func(string) ([]byte, error)) (credentials, error)
}

// credentials are what a client claims and how it proves that.
type credentials struct {
	// authzid is whom to act as; empty: the user.
	authzid, user, password string
}

// mechanisms are in the order in which they are told.
var mechanisms = []mechanism{
	{"PLAIN", exchangePlain},
	{"LOGIN", exchangeLogin},
}

// errExchange: the client's side of an exchange makes no sense.
var errExchange = bad("Invalid authentication exchange")

// exchangePlain is PLAIN (RFC 4616): authzid NUL user NUL password.
func exchangePlain(initial []byte, challenge func(string) ([]byte, error)) (credentials, error) {
	if initial == nil {
		var err error
		if initial, err = challenge(""); err != nil {
			return credentials{}, err
		}
	}
	parts := bytes.Split(initial, []byte{0})
	if len(parts) != 3 {
		return credentials{}, errExchange
	}
	return credentials{string(parts[0]), string(parts[1]), string(parts[2])}, nil
}

// exchangeLogin is LOGIN (draft-murchison-sasl-login): user and password, one
// after the other. Old clients know nothing else.
func exchangeLogin(initial []byte, challenge func(string) ([]byte, error)) (credentials, error) {
	user := initial
	var err error
	if user == nil {
		if user, err = challenge("Username:"); err != nil {
			return credentials{}, err
		}
	}
	password, err := challenge("Password:")
	return credentials{user: string(user), password: string(password)}, err
}

// mayLogin reports whether passwords are taken on this connection.
func (s *session) mayLogin() bool { return s.secure || s.srv.cfg.AllowPlaintextAuth }

// errPrivacy answers a password that came in the clear (RFC 9051 section 6.2.3,
// RFC 5530).
var errPrivacy = no(goimap.ResponseCodePrivacyRequired, "Not without TLS")

// runStartTLS is STARTTLS (RFC 9051 section 6.2.1). What the client sent behind
// the command in the clear is dropped.
func runStartTLS(_ context.Context, s *session, _ *request, _ none) (reply, error) {
	if s.secure || s.srv.cfg.TLS == nil {
		return reply{}, bad("STARTTLS is not available")
	}
	r := ok("Begin TLS negotiation")
	r.after = func() error {
		if err := s.lc.StartTLS(s.srv.cfg.TLS); err != nil {
			return broken(err)
		}
		s.secure = true
		return nil
	}
	return r, nil
}

// runLogin is LOGIN (RFC 9051 section 6.2.3).
func runLogin(ctx context.Context, s *session, _ *request, a wire.Login) (reply, error) {
	if !s.mayLogin() {
		return reply{}, errPrivacy
	}
	return s.login(ctx, "LOGIN", credentials{user: a.User, password: a.Password})
}

// runAuthenticate is AUTHENTICATE (RFC 9051 section 6.2.2) with SASL-IR (RFC
// 4959).
func runAuthenticate(ctx context.Context, s *session, _ *request, a wire.Authenticate) (reply, error) {
	if !s.mayLogin() {
		return reply{}, errPrivacy
	}
	for _, m := range mechanisms {
		if m.name == a.Mechanism {
			c, err := m.exchange(a.Initial, s.challenge)
			if err != nil {
				return reply{}, err
			}
			return s.login(ctx, m.name, c)
		}
	}
	return reply{}, no(codeNone, "Unknown mechanism")
}

// challenge sends one step of an exchange and returns the client's answer.
func (s *session) challenge(text string) ([]byte, error) {
	s.enc.Continue(base64.StdEncoding.EncodeToString([]byte(text)))
	if err := s.push(); err != nil {
		return nil, err
	}
	line, err := s.lc.ReadLine()
	if err != nil {
		var raw wire.Raw
		if err = s.lineError(&raw, err); fatal(err) {
			return nil, err
		}
		return nil, errExchange
	}
	if string(line) == "*" {
		return nil, bad("Cancelled")
	}
	if len(line) == 0 {
		return []byte{}, nil
	}
	answer, ok := wire.DecodeSASL(line)
	if !ok {
		return nil, errExchange
	}
	return answer, nil
}

// login checks credentials and opens the user's mail.
func (s *session) login(ctx context.Context, how string, c credentials) (reply, error) {
	if strings.ContainsRune(c.user+c.password+c.authzid, 0) || c.user == "" {
		return s.loginFailed(ctx, how, auth.ErrBadCredentials)
	}
	id, err := s.srv.auth.Authenticate(ctx, c.user, c.password)
	if err != nil {
		return s.loginFailed(ctx, how, err)
	}
	if c.authzid != "" && c.authzid != c.user && c.authzid != id.User {
		return s.loginFailed(ctx, how, errProxy)
	}
	user, err := s.srv.store.Open(ctx, id.User)
	if err != nil {
		return reply{}, err
	}
	s.user = user
	s.stopDone = user.OnDone(s.lc.Interrupt)
	s.lc.SetMaxLine(s.srv.cfg.Limits.Line)
	s.log().Info("logged in", "mechanism", how, "tls", s.secure)
	return okCode(wire.CodeCapability(s.capabilities()), "Logged in"), nil
}

// errProxy: a user asked to act as another.
var errProxy = errors.New("acting as another user is not allowed")

// loginFailed delays and makes the answer to a failed login.
func (s *session) loginFailed(ctx context.Context, how string, err error) (reply, error) {
	s.log().Info("login failed", "mechanism", how, "error", logText(err))
	var code goimap.ResponseCode
	var text string
	switch {
	case errors.Is(err, auth.ErrBadCredentials):
		code, text = goimap.ResponseCodeAuthenticationFailed, "Invalid user name or password"
	case errors.Is(err, errProxy):
		code, text = goimap.ResponseCodeAuthorizationFailed, "You may not act as that user"
	default:
		return reply{}, no(codeUnavailable, "Authentication is temporarily unavailable")
	}
	if err := s.push(); err != nil {
		return reply{}, err
	}
	if err := clock.Sleep(ctx, s.srv.clock, s.srv.cfg.Timeouts.AuthFailure<<min(s.authFailures, maxDoublings)); err != nil {
		return reply{}, &bye{codeUnavailable, "The server is shutting down"}
	}
	r := reply{kind: respNo, code: wire.Code{Name: code}, text: text}
	if s.authFailures++; s.authFailures >= s.srv.cfg.Limits.AuthFailures {
		r.after = func() error { return &bye{codeNone, "Too many failed logins"} }
	}
	return r, nil
}

// maxDoublings bounds the delay of a failed login.
const maxDoublings = 4
