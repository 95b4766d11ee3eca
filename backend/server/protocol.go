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
	"mailbackend.io/backend/lmtp"
	"mailbackend.io/backend/pop3"
)

// protocolServer is what the servers of imap, pop3 and lmtp have in common.
type protocolServer interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
}

// protocol is one protocol server with its listeners.
type protocol struct {
	protocolServer
	name      string
	listeners []net.Listener
}

// listen binds every address; the protocol servers start with Run.
func (s *Server) listen(users auth.Source, tlsConfig *tls.Config, host Host) error {
	for _, p := range []struct {
		name      string
		listeners []config.Listener
		// server makes a server that offers STARTTLS if it is given a
		// configuration.
		server func(*tls.Config) protocolServer
	}{
		{"imap", s.cfg.IMAP.Listeners, func(c *tls.Config) protocolServer {
			return imap.New(s.imapConfig(c), imap.Deps{Store: imap.FromMailstore(s.store), Auth: users, Clock: host.Clock, Log: s.log})
		}},
		{"pop3", s.cfg.POP3.Listeners, func(c *tls.Config) protocolServer {
			return pop3.New(s.pop3Config(c), pop3.Deps{Store: pop3.FromMailstore(s.store), Auth: users, Clock: host.Clock, Log: s.log})
		}},
		{"lmtp", s.cfg.LMTP.Listeners, func(c *tls.Config) protocolServer {
			return lmtp.New(s.lmtpConfig(c, host), lmtp.Deps{Store: s.store, Users: users, Clock: host.Clock, Log: s.log})
		}},
	} {
		// Listeners without TLS have a server of their own, which offers none.
		for _, secure := range []bool{false, true} {
			var group []config.Listener
			for _, l := range p.listeners {
				if (l.TLS != "none") == secure {
					group = append(group, l)
				}
			}
			if len(group) == 0 {
				continue
			}
			srv := p.server(map[bool]*tls.Config{true: tlsConfig}[secure])
			if err := s.add(protocol{name: p.name, protocolServer: srv}, group, tlsConfig); err != nil {
				return err
			}
		}
	}
	if s.cfg.Admin.Address == "" {
		return nil
	}
	l, err := net.Listen("tcp", s.cfg.Admin.Address)
	if err != nil {
		return fmt.Errorf("admin.address: %w", err)
	}
	s.adminL = l
	return nil
}

// add binds a protocol's addresses.
func (s *Server) add(p protocol, listeners []config.Listener, tlsConfig *tls.Config) error {
	var err error
	for _, l := range listeners {
		var bound net.Listener
		if bound, err = net.Listen("tcp", l.Address); err != nil {
			err = fmt.Errorf("%s.listeners: %s: %w", p.name, l.Address, err)
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

func (s *Server) pop3Config(tlsConfig *tls.Config) pop3.Config {
	c := s.cfg.POP3
	return pop3.Config{TLS: tlsConfig, AllowPlaintextAuth: c.AllowPlaintextAuth, MaxConns: c.MaxConnections, IdleTimeout: time.Duration(c.IdleTimeout)}
}

func (s *Server) lmtpConfig(tlsConfig *tls.Config, host Host) lmtp.Config {
	c := s.cfg.LMTP
	name := c.Hostname
	if name == "" {
		name = host.HostName
	}
	return lmtp.Config{
		Hostname: name, TLS: tlsConfig, MaxConns: c.MaxConnections, MaxRecipients: c.MaxRecipients,
		MaxMessage: int64(c.MaxMessage), MessageMemory: int64(c.MessageMemory), IdleTimeout: time.Duration(c.IdleTimeout),
		DetailDelimiter: c.DetailDelimiter, DetailMailbox: c.DetailMailbox, LocalPart: c.UserName == "localPart",
	}
}
