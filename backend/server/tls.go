package server

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"mailbackend.io/backend/clock"
)

// certificate is a key pair on disk that is read again when it changes. A pair
// that can't be read leaves the old one in use, and is logged.
type certificate struct {
	certFile, keyFile string
	clk               clock.Clock
	log               *slog.Logger

	mu      sync.Mutex
	pair    *tls.Certificate
	stamp   [2]time.Time
	checked time.Time
}

// certCheckEvery is how often, at most, the files are looked at.
const certCheckEvery = 10 * time.Second

func newCertificate(certFile, keyFile string, clk clock.Clock, log *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, clk: clk, log: log, checked: clk.Now()}
	pair, stamp, err := c.read()
	if err != nil {
		return nil, err
	}
	c.pair, c.stamp = pair, stamp
	return c, nil
}

// config is a server's TLS configuration: TLS 1.2 and newer.
func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	now := c.clk.Now()
	c.mu.Lock()
	due := now.Sub(c.checked) >= certCheckEvery || now.Before(c.checked)
	if due {
		c.checked = now
	}
	pair, before := c.pair, c.stamp
	c.mu.Unlock()
	if !due {
		return pair, nil
	}
	if stamp, err := c.stamps(); err == nil && stamp == before {
		return pair, nil
	}
	fresh, stamp, err := c.read()
	if err != nil {
		c.log.Error("certificate unchanged", "error", err)
		return pair, nil
	}
	c.mu.Lock()
	c.pair, c.stamp = fresh, stamp
	c.mu.Unlock()
	c.log.Info("certificate read again", "file", c.certFile)
	return fresh, nil
}

func (c *certificate) stamps() (stamp [2]time.Time, err error) {
	for i, f := range []string{c.certFile, c.keyFile} {
		st, err := os.Stat(f)
		if err != nil {
			return stamp, err
		}
		stamp[i] = st.ModTime()
	}
	return stamp, nil
}

func (c *certificate) read() (*tls.Certificate, [2]time.Time, error) {
	stamp, err := c.stamps()
	if err != nil {
		return nil, stamp, fmt.Errorf("tls: %w", err)
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return nil, stamp, fmt.Errorf("tls: %s and %s: %w", c.certFile, c.keyFile, err)
	}
	return &pair, stamp, nil
}
