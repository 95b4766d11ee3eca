package imap

import (
	"context"
	"errors"
	"net"
)

// ErrServerClosed is what Serve returns after Shutdown.
var ErrServerClosed = errors.New("imap: server closed")

// Server serves IMAP. Its methods are safe for concurrent use.
type Server struct{}

// New returns a Server. It starts nothing.
func New(cfg Config, deps Deps) *Server { panic("imap: New") }

// Serve accepts connections on l, which may be a TLS listener (implicit TLS,
// RFC 8314), until it fails or Shutdown is called (then ErrServerClosed). It
// closes l. It may be called for several listeners at a time.
func (s *Server) Serve(l net.Listener) error { panic("imap: Serve") }

// ServeTLS is Serve with implicit TLS on a plain listener, by Config.TLS.
func (s *Server) ServeTLS(l net.Listener) error { panic("imap: ServeTLS") }

// Shutdown closes the listeners, lets running commands finish, tells every
// session BYE and waits for all connections to end. When ctx ends before that,
// commands are cancelled, connections are cut, and its error is returned.
func (s *Server) Shutdown(ctx context.Context) error { panic("imap: Shutdown") }
