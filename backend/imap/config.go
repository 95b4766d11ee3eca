package imap

import (
	"crypto/tls"
	"log/slog"
	"time"

	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/message"
)

// Config is how a Server behaves. Zero fields mean the defaults, except where
// their comment says otherwise.
type Config struct {
	// Name and Version are told in ID (RFC 2971). An empty Version is left
	// out.
	Name, Version string
	// TLS offers STARTTLS on connections that have no TLS yet; nil: not
	// offered. For implicit TLS give Serve a tls.Listener, or use ServeTLS.
	TLS *tls.Config
	// AllowPlaintextAuth accepts passwords on connections without TLS.
	// Without it such connections are told LOGINDISABLED.
	AllowPlaintextAuth bool
	// Limits bound what clients can make the server do.
	Limits Limits
	// Mail bounds what is indexed of appended mails.
	Mail message.Limits
	// Timeouts bound how long the server waits for clients.
	Timeouts Timeouts
}

// Limits bound what one connection, and all together, can cost. All sizes are
// octets.
type Limits struct {
	// Syntax bounds the parser: nesting, list lengths, sets.
	Syntax wire.Limits

	// Connections at a time; beyond it the greeting is BYE.
	Connections int

	// Before login. Line is the longest line without its literals, Literal
	// the largest literal, Literals their number in one command, and
	// Command all of a command's octets together.
	LoginLine, LoginLiteral, LoginLiterals, LoginCommand int
	// The same after login. Literals of an APPEND that hold messages have
	// their own bounds below and don't count.
	Line, Literal, Literals, Command int

	// Message is the largest message that APPEND takes: APPENDLIMIT (RFC
	// 7889).
	Message int64
	// Append bounds all messages of one APPEND (RFC 3502) together; at
	// least Message.
	Append int64
	// AppendMemory bounds the octets of messages being appended that all
	// connections together hold in memory; at least Message. A client whose
	// message doesn't fit waits, at most Timeouts.AppendMemory.
	AppendMemory int64
	// Drain is how much of a refused non-synchronizing literal (RFC 7888)
	// is read and thrown away to stay in step with the client. Beyond it
	// the connection is closed.
	Drain int64

	// ListPatterns bounds the patterns of one LIST: their octets, with the
	// reference and 64 more for each.
	ListPatterns int
	// BadCommands is how many commands in a row may be answered BAD before
	// the session ends.
	BadCommands int
	// AuthFailures is how many failed logins one connection may have.
	AuthFailures int
}

// Timeouts bound waiting.
type Timeouts struct {
	// Login is how long a connection may exist without being logged in.
	Login time.Duration
	// Idle is how long a session may send nothing: the autologout timer
	// (RFC 9051 section 5.4; at least 30 minutes). It bounds IDLE too.
	Idle time.Duration
	// Command is how long a client may take between the parts of a command
	// that it has begun: from line to literal, and from one piece of a
	// literal to the next.
	Command time.Duration
	// Write is how long one write to a client may take.
	Write time.Duration
	// AuthFailure is how long the answer to a failed login is held back;
	// it doubles with each further failure on the connection.
	AuthFailure time.Duration
	// AppendMemory is how long an APPEND waits for Limits.AppendMemory.
	AppendMemory time.Duration
}

// DefaultLimits are the limits of a Config that gives none.
func DefaultLimits() Limits {
	return Limits{
		Syntax:        wire.DefaultLimits(),
		Connections:   200_000,
		LoginLine:     8 << 10,
		LoginLiteral:  4 << 10,
		LoginLiterals: 4,
		LoginCommand:  24 << 10,
		Line:          64 << 10,
		Literal:       64 << 10,
		Literals:      1000,
		Command:       1 << 20,
		Message:       64 << 20,
		Append:        256 << 20,
		AppendMemory:  1 << 30,
		Drain:         64 << 20,
		ListPatterns:  8 << 10,
		BadCommands:   20,
		AuthFailures:  5,
	}
}

// DefaultTimeouts are the timeouts of a Config that gives none.
func DefaultTimeouts() Timeouts {
	return Timeouts{
		Login:        time.Minute,
		Idle:         30 * time.Minute,
		Command:      5 * time.Minute,
		Write:        2 * time.Minute,
		AuthFailure:  time.Second,
		AppendMemory: time.Minute,
	}
}

// Deps are what a Server works with. All are required, except Log.
type Deps struct {
	Store Store
	Auth  Authenticator
	Clock clock.Clock
	// Log gets what operators want to know; never content or passwords.
	// nil: nothing is logged.
	Log *slog.Logger
}

// withDefaults fills in zero fields.
func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name = "mailbackend"
	}
	orDefault(&c.Mail, message.DefaultLimits())
	c.Limits = c.Limits.withDefaults()
	c.Timeouts = c.Timeouts.withDefaults()
	return c
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	orDefault(&l.Syntax, d.Syntax)
	orDefault(&l.Connections, d.Connections)
	orDefault(&l.LoginLine, d.LoginLine)
	orDefault(&l.LoginLiteral, d.LoginLiteral)
	orDefault(&l.LoginLiterals, d.LoginLiterals)
	orDefault(&l.LoginCommand, d.LoginCommand)
	orDefault(&l.Line, d.Line)
	orDefault(&l.Literal, d.Literal)
	orDefault(&l.Literals, d.Literals)
	orDefault(&l.Command, d.Command)
	orDefault(&l.Message, d.Message)
	orDefault(&l.Append, d.Append)
	orDefault(&l.AppendMemory, d.AppendMemory)
	orDefault(&l.Drain, d.Drain)
	orDefault(&l.ListPatterns, d.ListPatterns)
	orDefault(&l.BadCommands, d.BadCommands)
	orDefault(&l.AuthFailures, d.AuthFailures)
	l.Append = max(l.Append, l.Message)
	l.AppendMemory = max(l.AppendMemory, l.Message)
	return l
}

func (t Timeouts) withDefaults() Timeouts {
	d := DefaultTimeouts()
	orDefault(&t.Login, d.Login)
	orDefault(&t.Idle, d.Idle)
	orDefault(&t.Command, d.Command)
	orDefault(&t.Write, d.Write)
	orDefault(&t.AuthFailure, d.AuthFailure)
	orDefault(&t.AppendMemory, d.AppendMemory)
	return t
}

// orDefault sets *v to d if it is zero.
func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}
