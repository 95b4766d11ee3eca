// Package pop3 serves INBOX by POP3: RFC 1939 with CAPA (2449), STLS (2595),
// SASL PLAIN (5034), UTF8 and LANG (6856), response codes (2449, 3206) and
// pipelining. What clients ask about many mails comes from the index. It knows
// mailstore, never object storage or files.
package pop3

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"time"

	"mailbackend.io/backend/auth"
	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/connserver"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/lineconn"
	"mailbackend.io/backend/uidset"
)

// Config is how a Server behaves. Zero fields mean the defaults.
type Config struct {
	// TLS offers STLS on connections without TLS; nil: not offered.
	TLS *tls.Config
	// AllowPlaintextAuth accepts passwords on connections without TLS.
	AllowPlaintextAuth bool
	// MaxConns bounds the connections. Default 50,000.
	MaxConns int
	// MaxLine is the longest command line in octets. Default 4096: RFC 2449
	// asks for 255, AUTH needs more.
	MaxLine int
	// BadCommands is how many commands in a row may be wrong. Default 10.
	BadCommands int
	// AuthFailures is how many logins may fail on a connection. Default 3.
	AuthFailures int
	// AuthDelay holds back the answer to a failed login; it doubles with
	// each further one. Default 1 s.
	AuthDelay time.Duration
	// LoginTimeout bounds the time to log in. Default 1 min.
	LoginTimeout time.Duration
	// IdleTimeout is the autologout timer (RFC 1939 section 3: at least
	// 10 minutes). Default 10 min.
	IdleTimeout time.Duration
}

func (c Config) withDefaults() Config {
	c.MaxConns = or(c.MaxConns, 50_000)
	c.MaxLine = or(c.MaxLine, 4096)
	c.BadCommands = or(c.BadCommands, 10)
	c.AuthFailures = or(c.AuthFailures, 3)
	c.AuthDelay = or(c.AuthDelay, time.Second)
	c.LoginTimeout = or(c.LoginTimeout, time.Minute)
	c.IdleTimeout = or(c.IdleTimeout, 10*time.Minute)
	return c
}

func or[T comparable](v, otherwise T) T {
	if v == *new(T) {
		return otherwise
	}
	return v
}

// Store is what the server needs of a mailstore.Store; FromMailstore makes one.
type Store interface {
	// Open locks the user's maildrop. Errors wrap the sentinels of package
	// mailstore: ErrInUse if another session has it.
	Open(ctx context.Context, user string) (Maildrop, error)
}

// Maildrop is a user's INBOX, locked by one session.
type Maildrop interface {
	View() *index.View
	UIDValidity() uint32
	// Message opens a mail's bytes. mailstore.ErrMessageGone.
	Message(ctx context.Context, uid uint32) (Body, error)
	// Expunge removes messages for good.
	Expunge(ctx context.Context, uids uidset.Set) error
	// OnDone calls fn, in a goroutine of its own, when the session must end.
	OnDone(fn func()) (stop func())
	// Close unlocks.
	Close()
}

// Body is a mail's bytes.
type Body interface {
	// ReadRange writes n octets from off to w; n < 0: to the end.
	ReadRange(ctx context.Context, w io.Writer, off, n int64) error
}

// Authenticator is what the server needs of an auth.Source.
type Authenticator interface {
	Authenticate(ctx context.Context, user, password string) (auth.Identity, error)
}

// Deps are what a Server works with. All are required.
type Deps struct {
	Store Store
	Auth  Authenticator
	Clock clock.Clock
	Log   *slog.Logger
}

// Server serves POP3. Its methods are safe for concurrent use.
type Server struct {
	cfg   Config
	deps  Deps
	conns *connserver.Server
}

// New returns a server; it starts nothing.
func New(cfg Config, deps Deps) *Server {
	s := &Server{cfg: cfg.withDefaults(), deps: deps}
	s.conns = connserver.New(connserver.Config{
		Protocol: "pop3", MaxConns: s.cfg.MaxConns, Clock: deps.Clock, Log: deps.Log, New: s.newSession,
	})
	return s
}

// Serve accepts connections on l, which may be a TLS listener, until it fails
// or Shutdown is called (then connserver.ErrClosed). It closes l.
func (s *Server) Serve(l net.Listener) error { return s.conns.Serve(l) }

// Shutdown ends sessions after the command under way; what they marked as
// deleted is not deleted (RFC 1939 section 6). See connserver.Server.Shutdown.
func (s *Server) Shutdown(ctx context.Context) error { return s.conns.Shutdown(ctx) }

func (s *Server) newSession(id uint64, nc net.Conn) connserver.Session {
	c := lineconn.New(nc, lineconn.Options{MaxLine: s.cfg.MaxLine, ReadTimeout: s.cfg.IdleTimeout})
	return &session{srv: s, c: c, log: s.deps.Log.With("protocol", "pop3", "conn", id, "client", nc.RemoteAddr().String())}
}
