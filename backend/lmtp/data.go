package lmtp

import (
	"bytes"
	"context"
	"errors"
	"io"
)

// data: RFC 5321 section 4.1.1.4, with the replies of RFC 2033 section 4.2.
func (s *session) data(ctx context.Context, args string) error {
	switch {
	case args != "":
		return s.wrong(501, "5.5.4", "DATA has no argument")
	case len(s.tx.rcpts) == 0: // also what a pipelining client says whose recipients were all refused
		s.reply(503, "5.5.1", "No valid recipients")
		return nil
	case s.tx.binary || s.tx.chunks:
		return s.wrong(503, "5.5.1", "This mail needs BDAT")
	}
	mail := &s.tx.mail
	if err := mail.begin(ctx, s.srv.deps.Clock, 0, s.srv.cfg.MemoryWait); err != nil {
		s.refuse(err)
		s.reset()
		return nil
	}
	s.c.WriteString("354 Send the mail, end it with .\r\n")
	if err := s.readData(mail); err != nil {
		return err
	}
	return s.finish(ctx)
}

// readData reads up to the final dot. An error ends the session.
func (s *session) readData(mail *collector) error {
	var d dotDecoder
	for {
		b, err := s.c.Peek()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		var flood error
		n, end := d.decode(b, func(part []byte) {
			if err := mail.add(part); err != nil {
				flood = err
			}
		})
		s.c.Consume(n)
		if end {
			return nil
		}
		if flood != nil {
			return flood
		}
	}
}

// dotDecoder undoes the transparency of DATA (RFC 5321 section 4.5.2) in a
// stream that comes in pieces. A line ends with CRLF and with nothing else:
// only CRLF "." CRLF ends the mail, and a dot behind a bare LF or CR is not at
// the start of a line. Other servers' other ideas about that are how one mail
// becomes two.
type dotDecoder struct{ state dotState }

type dotState uint8

const (
	lineStart dotState = iota // also before the first octet
	inLine
	afterCR    // in a line, behind a CR that was emitted
	afterDot   // at the start of a line, behind a dot that was not
	afterDotCR // behind a dot and a CR that were not
)

var (
	crlfDot = []byte("\r\n.")
	justCR  = []byte("\r")
)

// decode passes the mail's octets among b to emit, in order. It returns how
// many octets of b it took, all unless end reports that the mail ended.
func (d *dotDecoder) decode(b []byte, emit func([]byte)) (n int, end bool) {
	for n < len(b) {
		c := b[n]
		switch d.state {
		case lineStart:
			if c == '.' {
				d.state = afterDot
				n++
				continue
			}
			d.state = inLine
			fallthrough
		case inLine:
			n += d.decodeLines(b[n:], emit)
		case afterCR:
			emit(b[n : n+1])
			n++
			switch c {
			case '\n':
				d.state = lineStart
			case '\r':
			default:
				d.state = inLine
			}
		case afterDot:
			d.state = inLine // without the dot
			if c == '\r' {
				d.state = afterDotCR
				n++
			}
		case afterDotCR:
			n++
			if c == '\n' {
				d.state = lineStart
				return n, true
			}
			n-- // it was a line that starts with a dot and a CR
			emit(justCR)
			d.state = afterCR
		}
	}
	return n, false
}

// decodeLines emits b up to the next dot at the start of a line, or all of it,
// and returns how much that was.
func (d *dotDecoder) decodeLines(b []byte, emit func([]byte)) int {
	if i := bytes.Index(b, crlfDot); i >= 0 {
		emit(b[:i+2])
		d.state = lineStart
		return i + 2
	}
	emit(b)
	switch {
	case bytes.HasSuffix(b, crlfDot[:2]):
		d.state = lineStart
	case bytes.HasSuffix(b, justCR):
		d.state = afterCR
	default:
		d.state = inLine
	}
	return len(b)
}
