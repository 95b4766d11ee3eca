package lineconn

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"
)

// tlsConn is what *tls.Conn and wrappers of it offer.
type tlsConn interface {
	net.Conn
	ConnectionState() tls.ConnectionState
	HandshakeContext(context.Context) error
}

// Handshake completes the TLS handshake of a connection that was given to New
// as *tls.Conn. Without it the first read or write does so, under its timeout.
// ErrNotTLS.
func (c *Conn) Handshake() error {
	t, ok := c.nc.(tlsConn)
	if !ok {
		return ErrNotTLS
	}
	if err := t.SetDeadline(deadline(c.o.HandshakeTimeout)); err != nil {
		return err
	}
	if err := t.HandshakeContext(context.Background()); err != nil {
		return fmt.Errorf("TLS handshake: %w", err)
	}
	return t.SetDeadline(time.Time{})
}

// StartTLS flushes, discards whatever the peer sent in plaintext behind the
// command (RFC 3207 section 4.2, RFC 9051 section 6.2.1), and completes a
// handshake as the server. After an error the connection is good for Close only.
func (c *Conn) StartTLS(cfg *tls.Config) error {
	if err := c.Flush(); err != nil {
		return err
	}
	c.release()
	c.mu.Lock()
	c.nc = tls.Server(c.nc, cfg)
	c.mu.Unlock()
	if err := c.Handshake(); err != nil {
		c.failed, c.writeErr = err, err
		return err
	}
	return nil
}

// TLS returns the state of the TLS connection; false without TLS.
func (c *Conn) TLS() (tls.ConnectionState, bool) {
	if t, ok := c.nc.(tlsConn); ok {
		return t.ConnectionState(), true
	}
	return tls.ConnectionState{}, false
}
