package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"mailbackend.io/backend/auth"
	"mailbackend.io/backend/config"
	"mailbackend.io/backend/imap"
)

// protocol is one protocol server with its listeners.
type protocol struct {
	name      string
	listeners []net.Listener
	serve     func(net.Listener) error
	shutdown  func(context.Context) error
}

// listen binds every address; the protocol servers start with Run.
func (s *Server) listen(users auth.Source, tlsConfig *tls.Config, host Host) error {
	imapServer := imap.New(s.imapConfig(tlsConfig), imap.Deps{Store: imap.FromMailstore(s.store), Auth: users, Clock: host.Clock, Log: s.log})
	err := s.add(protocol{name: "imap", serve: imapServer.Serve, shutdown: imapServer.Shutdown}, s.cfg.IMAP.Listeners, tlsConfig)
	if err != nil {
		return err
	}
	if s.cfg.Admin.Address == "" {
		return nil
	}
	if s.adminL, err = net.Listen("tcp", s.cfg.Admin.Address); err != nil {
		return fmt.Errorf("admin.address: %w", err)
	}
	return nil
}

// add binds a protocol's addresses.
func (s *Server) add(p protocol, listeners []config.Listener, tlsConfig *tls.Config) error {
	var err error
	for i, l := range listeners {
		var bound net.Listener
		if bound, err = net.Listen("tcp", l.Address); err != nil {
			err = fmt.Errorf("%s.listeners[%d]: %w", p.name, i, err)
			break
		}
		if l.TLS == "implicit" {
			bound = tls.NewListener(bound, tlsConfig)
		}
		p.listeners = append(p.listeners, bound)
	}
	// Also when one failed: abandon closes those that are bound.
	s.protocols = append(s.protocols, p)
	return err
}

func (s *Server) imapConfig(tlsConfig *tls.Config) imap.Config {
	c := s.cfg.IMAP
	limits, timeouts := imap.DefaultLimits(), imap.DefaultTimeouts()
	limits.Connections = c.MaxConnections
	limits.Line = int(c.MaxLine)
	limits.Literal = int(c.MaxLiteral)
	limits.Message = int64(c.MaxMessage)
	limits.AppendMemory = int64(c.AppendMemory)
	limits.Syntax.Depth = c.MaxNesting
	limits.Syntax.List, limits.Syntax.NumRanges = c.MaxListLength, c.MaxListLength
	timeouts.Idle = time.Duration(c.IdleTimeout)
	timeouts.Login = time.Duration(c.LoginTimeout)
	return imap.Config{TLS: tlsConfig, AllowPlaintextAuth: c.AllowPlaintextAuth, Limits: limits, Timeouts: timeouts}
}
