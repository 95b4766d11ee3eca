// Package lineconn is the line layer that the protocol servers (IMAP, LMTP,
// POP3) stand on: CRLF lines with a limit, literals and raw streams, deadlines,
// STARTTLS that discards what was sent before the handshake, and idle
// connections that hold no buffers. It knows no protocol.
//
// A connection that waits for its peer costs its Conn, its goroutine and what
// the network stack holds: input buffers are taken from a pool when the first
// bytes have arrived and given back when the last of them is consumed, output
// buffers go back at every flush. (A TLS connection also keeps the space of the
// largest record that it received: up to 34 KB after an upload, 2 KB otherwise.)
package lineconn

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Options bound a connection. Zero fields mean the defaults.
type Options struct {
	// MaxLine is the longest line that ReadLine returns, in bytes without
	// its line ending. Default DefaultMaxLine.
	MaxLine int
	// MaxDiscard is how many bytes of an overlong line are skipped to find
	// its end before the connection is given up. Default DefaultMaxDiscard.
	MaxDiscard int64
	// ReadTimeout bounds the wait for a line, from the call of ReadLine to
	// its last byte, and each wait for bytes of a stream. Default
	// DefaultReadTimeout; negative: none.
	ReadTimeout time.Duration
	// WriteTimeout bounds each write of at most writeChunk bytes to the
	// network; a peer that takes less in that time is gone. Default
	// DefaultWriteTimeout; negative: none.
	WriteTimeout time.Duration
	// HandshakeTimeout bounds a TLS handshake. Default
	// DefaultHandshakeTimeout; negative: none.
	HandshakeTimeout time.Duration
}

// Defaults of Options.
const (
	DefaultMaxLine          = 64 << 10
	DefaultMaxDiscard       = 1 << 20
	DefaultReadTimeout      = 30 * time.Minute
	DefaultWriteTimeout     = 2 * time.Minute
	DefaultHandshakeTimeout = 30 * time.Second
)

func (o Options) withDefaults() Options {
	if o.MaxLine <= 0 {
		o.MaxLine = DefaultMaxLine
	}
	if o.MaxDiscard <= 0 {
		o.MaxDiscard = DefaultMaxDiscard
	}
	if o.ReadTimeout == 0 {
		o.ReadTimeout = DefaultReadTimeout
	}
	if o.WriteTimeout == 0 {
		o.WriteTimeout = DefaultWriteTimeout
	}
	if o.HandshakeTimeout == 0 {
		o.HandshakeTimeout = DefaultHandshakeTimeout
	}
	return o
}

// Errors that callers branch on. Timeouts are errors for which
// errors.Is(err, os.ErrDeadlineExceeded) holds; the peer's end is io.EOF, and
// io.ErrUnexpectedEOF in the middle of a line.
var (
	// ErrLineTooLong: a line was longer than MaxLine. See LineTooLongError.
	ErrLineTooLong = errors.New("line too long")
	// ErrUnusable: an overlong line did not end within MaxDiscard bytes, so
	// there is no telling where the next one starts. Every later read fails
	// with it.
	ErrUnusable = errors.New("line never ends, connection unusable")
	// ErrInterrupted: Interrupt was called; nothing was lost.
	ErrInterrupted = errors.New("wait interrupted")
	// ErrNotTLS: Handshake was called on a plaintext connection.
	ErrNotTLS = errors.New("not a TLS connection")
)

// LineTooLongError is what ReadLine returns for an overlong line that it
// skipped; the next ReadLine returns the line behind it. Its Is method makes
// errors.Is(err, ErrLineTooLong) true.
type LineTooLongError struct {
	// Head and Tail are the first and the last bytes of the line without
	// its ending, at most lineEnds of each: a tag to answer, a literal that
	// the line announces.
	Head, Tail []byte
}

// lineEnds is how much of both ends a LineTooLongError keeps.
const lineEnds = 128

func (e *LineTooLongError) Error() string { return ErrLineTooLong.Error() }

// Is makes the error an ErrLineTooLong.
func (e *LineTooLongError) Is(target error) bool { return target == ErrLineTooLong }

// Conn is one connection. Its methods are for one goroutine at a time, except
// for Close, Interrupt, RemoteAddr, BytesRead and BytesWritten, which any
// goroutine may call. Whenever a read has to wait for the network, what was
// written is flushed first, so answers to pipelined commands leave together.
type Conn struct {
	o  Options
	nc net.Conn // written under mu by StartTLS; read freely by the owner

	// Invariant: buf[r:w] is what has arrived and is not consumed; buf is
	// nil whenever the connection waits for the first byte of a line.
	buf  []byte
	r, w int
	// failed is what the next read that needs the network returns.
	failed error

	wbuf     []byte // what is written and not flushed; nil if nothing is
	writeErr error

	in, out atomic.Int64

	mu          sync.Mutex
	waiting     bool // a WaitReadable is under way: its deadline is Interrupt's to move
	interrupted bool // an Interrupt that no WaitReadable has answered yet
	closed      bool

	// first takes the first bytes of a line while no buffer is held; most
	// commands fit, so that one system call reads them.
	first [256]byte
}

// New wraps c, which may be a *tls.Conn (implicit TLS). It does no I/O.
func New(c net.Conn, o Options) *Conn { return &Conn{o: o.withDefaults(), nc: c} }

// SetReadTimeout replaces Options.ReadTimeout for the reads that follow.
func (c *Conn) SetReadTimeout(d time.Duration) {
	if d == 0 {
		d = DefaultReadTimeout
	}
	c.o.ReadTimeout = d
}

// SetMaxLine replaces Options.MaxLine, for example after authentication.
func (c *Conn) SetMaxLine(n int) {
	if n <= 0 {
		n = DefaultMaxLine
	}
	c.o.MaxLine = n
}

// RemoteAddr is the peer's address.
func (c *Conn) RemoteAddr() net.Addr { return c.netConn().RemoteAddr() }

// LocalAddr is the address that the peer connected to.
func (c *Conn) LocalAddr() net.Addr { return c.netConn().LocalAddr() }

// BytesRead counts the bytes that came from the network (with TLS: decrypted).
func (c *Conn) BytesRead() int64 { return c.in.Load() }

// BytesWritten counts the bytes that went to the network (with TLS: before
// encryption).
func (c *Conn) BytesWritten() int64 { return c.out.Load() }

// Close flushes nothing, closes the connection and makes every read and write
// fail. It may be called more than once; only the first call has an effect.
// Buffers go back to the pool with the owner's next read or write, or to the
// garbage collector.
func (c *Conn) Close() error {
	c.mu.Lock()
	nc, closed := c.nc, c.closed
	c.closed = true
	c.mu.Unlock()
	if closed {
		return nil
	}
	return nc.Close()
}

func (c *Conn) netConn() net.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nc
}

// deadline is d from now; the zero time, which is none, if d is negative.
// Deadlines of sockets are kept by the Go runtime, whatever clock is injected
// elsewhere.
func deadline(d time.Duration) time.Time {
	if d < 0 {
		return time.Time{}
	}
	return time.Now().Add(d)
}
