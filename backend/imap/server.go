package imap

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"

	"golang.org/x/sync/semaphore"

	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/connserver"
)

// ErrServerClosed is what Serve returns after Shutdown.
var ErrServerClosed = connserver.ErrClosed

// Server serves IMAP. Its methods are safe for concurrent use.
type Server struct {
	conns *connserver.Server
	cfg   Config
	store Store
	auth  Authenticator
	clock clock.Clock
	log   *slog.Logger
	// appendMemory is Limits.AppendMemory, in octets.
	appendMemory *semaphore.Weighted
}

// New returns a Server. It starts nothing.
func New(cfg Config, deps Deps) *Server {
	cfg = cfg.withDefaults()
	log := deps.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		cfg: cfg, store: deps.Store, auth: deps.Auth, clock: deps.Clock, log: log,
		appendMemory: semaphore.NewWeighted(cfg.Limits.AppendMemory),
	}
	s.conns = connserver.New(connserver.Config{
		Protocol: "imap",
		MaxConns: cfg.Limits.Connections,
		Clock:    deps.Clock,
		Log:      log,
		New:      func(id uint64, nc net.Conn) connserver.Session { return newSession(s, id, nc) },
	})
	return s
}

// Serve accepts connections on l, which may be a TLS listener (implicit TLS,
// RFC 8314), until it fails or Shutdown is called (then ErrServerClosed). It
// closes l. It may be called for several listeners at a time.
func (s *Server) Serve(l net.Listener) error { return s.conns.Serve(l) }

// ServeTLS is Serve with implicit TLS on a plain listener, by Config.TLS.
func (s *Server) ServeTLS(l net.Listener) error {
	if s.cfg.TLS == nil {
		return errors.Join(errors.New("imap: no TLS configured"), l.Close())
	}
	return s.Serve(tls.NewListener(l, s.cfg.TLS))
}

// Sessions is the number of open connections.
func (s *Server) Sessions() int { return s.conns.Sessions() }

// Shutdown closes the listeners, lets running commands finish, tells every
// session BYE and waits for all connections to end. When ctx ends before that,
// commands are cancelled, connections are cut, and its error is returned.
func (s *Server) Shutdown(ctx context.Context) error { return s.conns.Shutdown(ctx) }
