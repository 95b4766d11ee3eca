package lineconn

import (
	"bytes"
	"errors"
	"io"
	"time"
)

// ReadLine returns the next line without its CRLF or bare LF. The slice is
// valid until the next read. See LineTooLongError and ErrUnusable for long ones.
func (c *Conn) ReadLine() ([]byte, error) {
	var until time.Time // set when the line first has to wait
	for scanned := 0; ; {
		if i := bytes.IndexByte(c.buf[c.r+scanned:c.w], '\n'); i >= 0 {
			line := trimCR(c.buf[c.r : c.r+scanned+i])
			c.r += scanned + i + 1
			if len(line) > c.o.MaxLine {
				return nil, tooLong(line, line)
			}
			return line, nil
		}
		scanned = c.w - c.r
		if scanned > c.o.MaxLine+1 { // even if the last byte is a CR
			return nil, c.skipLine()
		}
		if until.IsZero() {
			until = deadline(c.o.ReadTimeout)
		}
		if err := c.fillLine(until); err != nil {
			if errors.Is(err, io.EOF) && scanned > 0 {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}

// fillLine waits until the deadline for more bytes of a line.
func (c *Conn) fillLine(until time.Time) error {
	if c.r == c.w {
		c.release()
		n, err := c.readNetwork(c.first[:], until)
		if err != nil {
			return err
		}
		c.keepFirst(n)
		return nil
	}
	if c.w == len(c.buf) {
		c.makeRoom()
	}
	n, err := c.readNetwork(c.buf[c.w:], until)
	c.w += n
	return err
}

// keepFirst moves n bytes from first to a buffer.
func (c *Conn) keepFirst(n int) {
	c.buf = newBuffer(smallSize)
	c.r, c.w = 0, copy(c.buf, c.first[:n])
}

// makeRoom moves a line that reaches the end of the buffer to its start, or
// into a larger one, at most as large as the longest line allowed.
func (c *Conn) makeRoom() {
	if c.r >= len(c.buf)/2 {
		c.w = copy(c.buf, c.buf[c.r:c.w])
		c.r = 0
		return
	}
	size := largeSize
	if len(c.buf) >= largeSize {
		size = max(2*len(c.buf), 4*largeSize)
	}
	larger := newBuffer(size)
	n := copy(larger, c.buf[c.r:c.w])
	c.release()
	c.buf, c.w = larger, n
}

// skipLine reads an overlong line to its end.
func (c *Conn) skipLine() error {
	// One byte more than is told: it may be the CR.
	head := bytes.Clone(c.buf[c.r:min(c.r+lineEnds+1, c.w)])
	tail := bytes.Clone(c.buf[max(c.r, c.w-lineEnds-1):c.w])
	c.r = c.w
	until := deadline(c.o.ReadTimeout)
	for skipped := int64(0); ; {
		c.r, c.w = 0, 0
		n, err := c.readNetwork(c.buf, until)
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		c.w = n
		i := bytes.IndexByte(c.buf[:n], '\n')
		part := c.buf[:n]
		if i >= 0 {
			part = c.buf[:i]
		}
		head = append(head, part[:min(len(part), lineEnds+1-len(head))]...)
		tail = lastBytes(tail, part)
		if skipped += int64(len(part)); skipped > c.o.MaxDiscard {
			c.failed = ErrUnusable
			c.r = c.w
			return ErrUnusable
		}
		if i >= 0 {
			c.r = i + 1
			if len(head) <= lineEnds { // the whole line
				head = trimCR(head)
			}
			return tooLong(head, trimCR(tail))
		}
	}
}

// lastBytes appends b to tail and keeps the last lineEnds+1 bytes.
func lastBytes(tail, b []byte) []byte {
	if len(b) > lineEnds+1 {
		b = b[len(b)-lineEnds-1:]
	}
	tail = append(tail, b...)
	if over := len(tail) - lineEnds - 1; over > 0 {
		tail = append(tail[:0], tail[over:]...)
	}
	return tail
}

func tooLong(head, tail []byte) error {
	return &LineTooLongError{
		Head: bytes.Clone(head[:min(len(head), lineEnds)]),
		Tail: bytes.Clone(tail[max(0, len(tail)-lineEnds):]),
	}
}

func trimCR(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return line[:n-1]
	}
	return line
}

// Peek returns the bytes that are buffered, waiting for some if there are none.
// They stay unread until Consume. The slice is valid until the next read.
func (c *Conn) Peek() ([]byte, error) {
	if c.r == c.w {
		if len(c.buf) != largeSize {
			c.release()
			c.buf = newBuffer(largeSize)
		}
		c.r, c.w = 0, 0
		n, err := c.readNetwork(c.buf, deadline(c.o.ReadTimeout))
		if err != nil {
			c.release()
			return nil, err
		}
		c.w = n
	}
	return c.buf[c.r:c.w], nil
}

// Consume marks n of the bytes that Peek returned as read.
func (c *Conn) Consume(n int) {
	if n < 0 || n > c.w-c.r {
		panic("lineconn: consumed more than there is")
	}
	c.r += n
}

// Read reads raw bytes: at least one, or an error. Literals and BDAT.
func (c *Conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if c.r == c.w {
		if len(p) >= smallSize {
			c.release()
			return c.readNetwork(p, deadline(c.o.ReadTimeout))
		}
		if _, err := c.Peek(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.buf[c.r:c.w])
	c.r += n
	return n, nil
}

// ReadFull reads exactly len(p) raw bytes. io.ErrUnexpectedEOF if the peer ends
// before.
func (c *Conn) ReadFull(p []byte) error {
	_, err := io.ReadFull(c, p)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// Discard skips n raw bytes. io.ErrUnexpectedEOF if the peer ends before.
func (c *Conn) Discard(n int64) error {
	for n > 0 {
		b, err := c.Peek()
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		k := min(n, int64(len(b)))
		c.Consume(int(k))
		n -= k
	}
	return nil
}

// Buffered is how many bytes can be read without waiting for the network.
func (c *Conn) Buffered() int { return c.w - c.r }

// readNetwork flushes and reads into p. It returns at least one byte or an
// error, never both: an error that came with bytes comes again with the next
// read.
func (c *Conn) readNetwork(p []byte, until time.Time) (int, error) {
	if c.failed != nil {
		return 0, c.failed
	}
	if err := c.Flush(); err != nil {
		return 0, err
	}
	_ = c.nc.SetReadDeadline(until) // fails on a closed connection only: the read tells
	for range maxEmptyReads {
		n, err := c.nc.Read(p)
		c.in.Add(int64(n))
		if n > 0 {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, io.ErrNoProgress
}

// maxEmptyReads is how often a net.Conn may return nothing at all.
const maxEmptyReads = 100
