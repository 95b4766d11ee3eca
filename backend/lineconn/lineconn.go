// Package lineconn is the line layer that the protocol servers (IMAP, LMTP,
// POP3) stand on: CRLF lines with a limit, literals and raw streams, deadlines,
// STARTTLS that discards what was sent before the handshake, and idle
// connections that hold no buffers. It knows no protocol.
package lineconn

import (
	"crypto/tls"
	"errors"
	"net"
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
	// WriteTimeout bounds each write to the network, however large; a peer
	// that takes nothing for that long is gone. Default
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

// Errors that callers branch on. Timeouts are errors for which
// errors.Is(err, os.ErrDeadlineExceeded) holds; the peer's end is io.EOF
// between lines and io.ErrUnexpectedEOF inside one.
var (
	// ErrLineTooLong: a line was longer than MaxLine. See LineTooLongError.
	ErrLineTooLong = errors.New("line too long")
	// ErrUnusable: an overlong line did not end within MaxDiscard bytes, so
	// there is no telling where the next one starts. Every later read fails
	// with it.
	ErrUnusable = errors.New("line never ends, connection unusable")
	// ErrInterrupted: Interrupt was called; nothing was lost.
	ErrInterrupted = errors.New("wait interrupted")
)

// LineTooLongError is what ReadLine returns for an overlong line that it
// skipped; the next ReadLine returns the line behind it. Its Is method makes
// errors.Is(err, ErrLineTooLong) true.
type LineTooLongError struct {
	// Head and Tail are the first and the last bytes of the line, at most
	// 128 of each: a tag to answer, a literal that the line announces.
	Head, Tail []byte
}

// Conn is one connection. Its methods are for one goroutine at a time, except
// for Close, Interrupt, RemoteAddr, BytesRead and BytesWritten, which any
// goroutine may call. Whenever a read has to wait for the network, what was
// written is flushed first, so answers to pipelined commands leave together.
type Conn struct{}

// New wraps c, which may be a *tls.Conn (implicit TLS). It does no I/O.
func New(c net.Conn, o Options) *Conn { panic("lineconn: New") }

// ReadLine returns the next line without its CRLF or bare LF. The slice is
// valid until the next read. See LineTooLongError and ErrUnusable for long ones.
func (c *Conn) ReadLine() ([]byte, error) { panic("lineconn: ReadLine") }

// Read reads raw bytes: at least one, or an error. Literals and BDAT.
func (c *Conn) Read(p []byte) (int, error) { panic("lineconn: Read") }

// ReadFull reads exactly len(p) raw bytes. io.ErrUnexpectedEOF if the peer ends
// before.
func (c *Conn) ReadFull(p []byte) error { panic("lineconn: ReadFull") }

// Discard skips n raw bytes.
func (c *Conn) Discard(n int64) error { panic("lineconn: Discard") }

// Peek returns the bytes that are buffered, waiting for some if there are none.
// They stay unread until Consume. The slice is valid until the next read.
func (c *Conn) Peek() ([]byte, error) { panic("lineconn: Peek") }

// Consume marks n of the bytes that Peek returned as read.
func (c *Conn) Consume(n int) { panic("lineconn: Consume") }

// WaitReadable waits, holding no buffer, until there is something to read (nil,
// also at the peer's end: the next read tells), timeout passed (0: the
// ReadTimeout; negative: no limit), or Interrupt was called (ErrInterrupted).
// It returns at once if bytes are buffered.
func (c *Conn) WaitReadable(timeout time.Duration) error { panic("lineconn: WaitReadable") }

// Interrupt ends a WaitReadable under way, or else the next one that has to
// wait, with ErrInterrupted. Other reads are not disturbed.
func (c *Conn) Interrupt() { panic("lineconn: Interrupt") }

// Buffered is how many bytes can be read without waiting for the network.
func (c *Conn) Buffered() int { panic("lineconn: Buffered") }

// Write buffers p; what exceeds the buffer goes to the network. The first
// failed write makes all later ones fail.
func (c *Conn) Write(p []byte) (int, error) { panic("lineconn: Write") }

// WriteString is Write for a string.
func (c *Conn) WriteString(s string) (int, error) { panic("lineconn: WriteString") }

// AvailableBuffer returns an empty slice into the write buffer, to be appended
// to and given to the very next Write, which then copies nothing.
func (c *Conn) AvailableBuffer() []byte { panic("lineconn: AvailableBuffer") }

// Flush sends what is buffered and gives the buffer back to the pool.
func (c *Conn) Flush() error { panic("lineconn: Flush") }

// SetReadTimeout replaces Options.ReadTimeout for the reads that follow.
func (c *Conn) SetReadTimeout(d time.Duration) { panic("lineconn: SetReadTimeout") }

// SetMaxLine replaces Options.MaxLine, for example after authentication.
func (c *Conn) SetMaxLine(n int) { panic("lineconn: SetMaxLine") }

// Handshake completes the TLS handshake of a connection that was given to New
// as *tls.Conn. Without it the first read or write does so, under its timeout.
func (c *Conn) Handshake() error { panic("lineconn: Handshake") }

// StartTLS flushes, discards whatever the peer sent in plaintext behind the
// command (RFC 3207 section 4.2, RFC 9051 section 6.2.1), and completes a
// handshake as the server. After an error the connection is good for Close only.
func (c *Conn) StartTLS(cfg *tls.Config) error { panic("lineconn: StartTLS") }

// TLS returns the state of the TLS connection; false without TLS.
func (c *Conn) TLS() (tls.ConnectionState, bool) { panic("lineconn: TLS") }

// RemoteAddr is the peer's address.
func (c *Conn) RemoteAddr() net.Addr { panic("lineconn: RemoteAddr") }

// BytesRead counts the bytes that came from the network (with TLS: decrypted).
func (c *Conn) BytesRead() int64 { panic("lineconn: BytesRead") }

// BytesWritten counts the bytes that went to the network (with TLS: before
// encryption).
func (c *Conn) BytesWritten() int64 { panic("lineconn: BytesWritten") }

// Close flushes nothing, closes the connection and makes every read and write
// fail. It may be called more than once.
func (c *Conn) Close() error { panic("lineconn: Close") }

func (e *LineTooLongError) Error() string { return ErrLineTooLong.Error() }

// Is makes the error an ErrLineTooLong.
func (e *LineTooLongError) Is(target error) bool { return target == ErrLineTooLong }
