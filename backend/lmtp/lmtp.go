// Package lmtp is where mail comes in: LMTP (RFC 2033) with PIPELINING (2920),
// ENHANCEDSTATUSCODES (2034), SIZE (1870), 8BITMIME (6152), SMTPUTF8 (6531),
// CHUNKING and BINARYMIME (3030), and STARTTLS (3207) where it is configured.
//
// A mail is read once, parsed once and compressed once, whatever the number of
// its recipients, and stored byte for byte as it came: line endings, lines of
// any length, NULs. Trace lines go in front, a set for each recipient. There is
// one reply per recipient, and 250 is said only when the mail is stored.
//
// The package knows neither object storage nor files, does not authenticate its
// clients (listeners belong on trusted networks), relays nothing and queues
// nothing: what can't be stored now is refused with 4xx and stays with the
// client.
package lmtp

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"strconv"
	"time"

	"mailbackend.io/backend/auth"
	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/connserver"
	"mailbackend.io/backend/lineconn"
	"mailbackend.io/backend/mailstore"
	"mailbackend.io/backend/message"
)

// Config is how a Server behaves. Zero fields mean the defaults, if one is
// named.
type Config struct {
	// Hostname is told in the greeting and in Received. Default "localhost".
	Hostname string
	// TLS offers STARTTLS on connections without TLS; nil: not offered.
	TLS *tls.Config
	// MaxConns bounds the connections. Default 10,000.
	MaxConns int
	// MaxLine is the longest command line in octets. Default 4096: RFC 5321
	// section 4.5.3.1.4 asks for 512, parameters for more.
	MaxLine int
	// MaxRecipients bounds the recipients of one mail. Default 1000.
	MaxRecipients int
	// MaxMessage is the largest mail in octets, told as SIZE. Default
	// 64,000,000.
	MaxMessage int64
	// MessageMemory bounds the octets of incoming mails that are held at a
	// time over all connections; at least MaxMessage. Default 1,000,000,000.
	MessageMemory int64
	// MemoryWait is how long a mail waits for its share of MessageMemory
	// before it is refused with 452. Default 30 s.
	MemoryWait time.Duration
	// Parallel is how many recipients of one mail are served at a time.
	// Default 16.
	Parallel int
	// BadCommands is how many commands may be wrong without a good MAIL
	// between them. Default 20.
	BadCommands int
	// IdleTimeout is how long a client may send nothing. Default 5 min
	// (RFC 5321 section 4.5.3.2.7).
	IdleTimeout time.Duration
	// DrainTimeout is IdleTimeout in a transaction once Shutdown was
	// called. Default 10 s.
	DrainTimeout time.Duration
	// DetailDelimiter separates user and detail in user+detail@domain;
	// empty: addresses have no details.
	DetailDelimiter string
	// DetailMailbox delivers to the mailbox that the detail names, if there
	// is one.
	DetailMailbox bool
	// LocalPart takes the local part of the recipient as the user's name,
	// instead of the whole address.
	LocalPart bool
	// QuotaTemporary answers 452 4.2.2 instead of 552 5.2.2 when a user is
	// over quota, so that the client tries again.
	QuotaTemporary bool
	// Limits bound the parser. Default message.DefaultLimits.
	Limits message.Limits
}

func (c Config) withDefaults() Config {
	c.Hostname = or(c.Hostname, "localhost")
	c.MaxConns = or(c.MaxConns, 10_000)
	c.MaxLine = or(c.MaxLine, 4096)
	c.MaxRecipients = or(c.MaxRecipients, 1000)
	c.MaxMessage = or(c.MaxMessage, 64_000_000)
	c.MessageMemory = max(or(c.MessageMemory, 1_000_000_000), c.MaxMessage)
	c.MemoryWait = or(c.MemoryWait, 30*time.Second)
	c.Parallel = or(c.Parallel, 16)
	c.BadCommands = or(c.BadCommands, 20)
	c.IdleTimeout = or(c.IdleTimeout, 5*time.Minute)
	c.DrainTimeout = or(c.DrainTimeout, 10*time.Second)
	c.Limits = or(c.Limits, message.DefaultLimits())
	return c
}

func or[T comparable](v, otherwise T) T {
	if v == *new(T) {
		return otherwise
	}
	return v
}

// Store is what the server needs of a mailstore.Store.
type Store interface {
	// Deliver stores one mail for one user and returns once it is stored.
	// mailstore.ErrTooLarge and ErrQuota are permanent, all other errors
	// temporary.
	Deliver(ctx context.Context, d mailstore.Delivery) error
}

// Users is what the server needs of an auth.Source.
type Users interface {
	// Lookup finds a recipient's user. auth.ErrUnknownUser; all other
	// errors are temporary.
	Lookup(ctx context.Context, user string) (auth.Identity, error)
}

// Deps are what a Server works with. All are required.
type Deps struct {
	Store Store
	Users Users
	Clock clock.Clock
	Log   *slog.Logger
}

// Server serves LMTP. Its methods are safe for concurrent use.
type Server struct {
	cfg     Config
	deps    Deps
	conns   *connserver.Server
	memory  *memory
	started string // tells the ids of this run from those of others
}

// New returns a server; it starts nothing.
func New(cfg Config, deps Deps) *Server {
	cfg = cfg.withDefaults()
	s := &Server{
		cfg: cfg, deps: deps, memory: newMemory(cfg.MessageMemory),
		started: strconv.FormatInt(deps.Clock.Now().UnixMilli(), 36),
	}
	s.conns = connserver.New(connserver.Config{
		Protocol: "lmtp", MaxConns: cfg.MaxConns, Clock: deps.Clock, Log: deps.Log, New: s.newSession,
	})
	return s
}

// Serve accepts connections on l, which may be a TLS listener, until it fails
// or Shutdown is called (then connserver.ErrClosed). It closes l.
func (s *Server) Serve(l net.Listener) error { return s.conns.Serve(l) }

// Shutdown accepts no more connections, lets the transactions under way finish
// and ends idle sessions with 421. See connserver.Server.Shutdown.
func (s *Server) Shutdown(ctx context.Context) error { return s.conns.Shutdown(ctx) }

func (s *Server) newSession(id uint64, nc net.Conn) connserver.Session {
	c := lineconn.New(nc, lineconn.Options{MaxLine: s.cfg.MaxLine, ReadTimeout: s.cfg.IdleTimeout})
	return &session{
		srv: s, c: c, id: id,
		log: s.deps.Log.With("protocol", "lmtp", "conn", id, "client", nc.RemoteAddr().String()),
	}
}
