// Package server puts the parts of a mailbackend process together: object
// store, cache, users, protocols, admin; it starts them in the order in which
// they need each other and ends them in the reverse. It has no behaviour of its
// own.
package server

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"mailbackend.io/backend/admin"
	"mailbackend.io/backend/auth"
	"mailbackend.io/backend/cache"
	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/config"
	"mailbackend.io/backend/mailstore"
	"mailbackend.io/backend/sync"
)

// Host is what a server takes from the machine it runs on.
type Host struct {
	Clock    clock.Clock
	Rand     io.Reader
	LogTo    io.Writer
	HostName string
	// BootID changes with each boot of the machine.
	BootID string
}

// System is the real machine; the log goes to w.
func System(w io.Writer) Host {
	h := Host{Clock: clock.System{}, Rand: rand.Reader, LogTo: w}
	if name, err := os.Hostname(); err == nil {
		h.HostName = name
	}
	// Without a boot id no cache is ever taken for this boot's.
	if b, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		h.BootID = strings.TrimSpace(string(b))
	}
	return h
}

// Bound is an address that the server listens on.
type Bound struct{ Protocol, Address string }

// Server is one process's worth of mailbackend.
type Server struct {
	cfg   config.Config
	log   *slog.Logger
	store *mailstore.Store
	cache *cache.Cache
	admin *admin.Server
	// protocols in the order in which they are shut down.
	protocols []protocol
	adminL    net.Listener
	close     []func() error // object store and the like, last opened first
}

// New opens everything: store (probed), cache, authentication, listeners. When
// it returns, connections queue; Run serves them. On an error nothing is left
// open.
func New(ctx context.Context, cfg config.Config, host Host) (srv *Server, err error) {
	log, err := newLogger(cfg.Log, host.LogTo)
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, log: log}
	defer func() {
		if err != nil {
			s.abandon()
		}
	}()
	if s.cfg.Pod == "" {
		s.cfg.Pod = host.HostName
	}
	var id [8]byte
	if _, err := io.ReadFull(host.Rand, id[:]); err != nil {
		return nil, fmt.Errorf("random incarnation: %w", err)
	}
	self := sync.Holder{Pod: s.cfg.Pod, Incarnation: hex.EncodeToString(id[:])}

	requests, err := s.openObjects(ctx, host)
	if err != nil {
		return nil, err
	}
	s.cache, err = cache.Open(ctx, cache.Options{
		Dir: cfg.Cache.Dir, Budget: int64(cfg.Cache.BytesPerActiveUser) * int64(cfg.Cache.ActiveUsers),
		BootID: host.BootID, Instance: self.Incarnation, Clock: host.Clock, Log: log,
	})
	if err != nil {
		return nil, fmt.Errorf("cache.dir: %w", err)
	}
	engine, err := sync.NewEngine(s.syncConfig(), requests.store, s.cache, host.Clock, host.Rand, self, log)
	if err != nil {
		return nil, err
	}
	if s.store, err = mailstore.New(s.mailstoreConfig(), engine, host.Clock, log); err != nil {
		return nil, err
	}
	users, err := s.newAuth(host)
	if err != nil {
		return nil, err
	}
	tlsConfig, err := s.newTLS(host)
	if err != nil {
		return nil, err
	}
	if err := s.listen(users, tlsConfig, host); err != nil {
		return nil, err
	}
	s.admin = admin.New(admin.Sources{Requests: requests.counter.Stats, Users: s.store.Stats, Cache: s.cache.Usage})
	log.Info("started", "pod", self.Pod, "incarnation", self.Incarnation)
	return s, nil
}

// Listeners are the bound addresses, with the ports that were taken for 0.
func (s *Server) Listeners() []Bound {
	var out []Bound
	for _, p := range s.protocols {
		for _, l := range p.listeners {
			out = append(out, Bound{p.name, l.Addr().String()})
		}
	}
	if s.adminL != nil {
		out = append(out, Bound{"admin", s.adminL.Addr().String()})
	}
	return out
}

// Run serves until ctx ends or a listener fails. Then connections are ended,
// everything dirty is uploaded and every claim released, within
// shutdown.deadline. nil means that nothing was lost.
func (s *Server) Run(ctx context.Context) error {
	failed := make(chan error, 16)
	for _, p := range s.protocols {
		for _, l := range p.listeners {
			go func() { failed <- fmt.Errorf("%s: %w", p.name, p.Serve(l)) }()
		}
	}
	if s.adminL != nil {
		go func() {
			if err := s.admin.Serve(s.adminL); err != nil {
				failed <- fmt.Errorf("admin: %w", err)
			}
		}()
	}
	s.admin.SetReady(true)
	var cause error
	select {
	case <-ctx.Done():
		s.log.Info("shutting down")
	case cause = <-failed:
		s.log.Error("shutting down", "error", cause)
	}
	// The old context has ended; the end needs one of its own.
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Duration(s.cfg.Shutdown.Deadline))
	defer cancel()
	return errors.Join(cause, s.shutdown(deadline))
}

// shutdown ends what Run started, in this order: protocols (no new changes),
// users (uploads, releases), cache (marked clean), store, admin.
func (s *Server) shutdown(ctx context.Context) error {
	s.admin.SetReady(false)
	ends := make(chan error, len(s.protocols))
	for _, p := range s.protocols {
		go func() {
			if err := p.Shutdown(ctx); err != nil {
				ends <- fmt.Errorf("%s: %w", p.name, err)
				return
			}
			ends <- nil
		}()
	}
	var errs []error
	for range s.protocols {
		errs = append(errs, <-ends)
	}
	if err := s.store.Shutdown(ctx); err != nil {
		errs = append(errs, fmt.Errorf("users: %w", err))
	}
	if err := s.cache.Close(); err != nil {
		errs = append(errs, fmt.Errorf("cache: %w", err))
	}
	for i := len(s.close) - 1; i >= 0; i-- {
		errs = append(errs, s.close[i]())
	}
	if s.adminL != nil {
		errs = append(errs, s.admin.Shutdown(ctx))
	}
	err := errors.Join(errs...)
	if err != nil {
		s.log.Error("shut down", "error", err)
	} else {
		s.log.Info("shut down; everything is uploaded")
	}
	return err
}

// abandon closes what New has opened so far.
func (s *Server) abandon() {
	for _, p := range s.protocols {
		for _, l := range p.listeners {
			l.Close()
		}
	}
	if s.adminL != nil {
		s.adminL.Close()
	}
	if s.cache != nil {
		if err := s.cache.Close(); err != nil {
			s.log.Error("cache", "error", err)
		}
	}
	for i := len(s.close) - 1; i >= 0; i-- {
		if err := s.close[i](); err != nil {
			s.log.Error("close", "error", err)
		}
	}
}

func newLogger(cfg config.Log, w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Level)); err != nil {
		return nil, fmt.Errorf("log.level: %w", err)
	}
	opts := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts)), nil
	}
	return slog.New(slog.NewTextHandler(w, opts)), nil
}

func (s *Server) newAuth(host Host) (auth.Source, error) {
	if s.cfg.Auth.PasswdFile == "" {
		return auth.AnyUser{Password: s.cfg.Auth.AnyUser}, nil
	}
	users, err := auth.NewPasswd(auth.PasswdConfig{Path: s.cfg.Auth.PasswdFile, CacheFor: time.Duration(s.cfg.Auth.CacheFor)}, host.Clock, host.Rand, s.log)
	if err != nil {
		return nil, fmt.Errorf("auth.passwdFile: %w", err)
	}
	return users, nil
}

// newTLS returns nil if no certificate is configured.
func (s *Server) newTLS(host Host) (*tls.Config, error) {
	if s.cfg.TLS.CertFile == "" {
		return nil, nil
	}
	c, err := newCertificate(s.cfg.TLS.CertFile, s.cfg.TLS.KeyFile, host.Clock, s.log)
	if err != nil {
		return nil, err
	}
	return c.config(), nil
}
