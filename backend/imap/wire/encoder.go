package wire

import (
	"fmt"
	"io"
	"sync"
	"time"

	"mailbackend.io/backend/uidset"
)

// encoderHigh is how many octets an Encoder gathers before it writes.
const encoderHigh = 8 << 10

// encoderKeep is the largest buffer that goes back to the pool.
const encoderKeep = 64 << 10

var encoderBuffers = sync.Pool{New: func() any { return new([]byte) }}

// Encoder appends responses to a buffer that it hands to a writer (the
// connection) when it has grown and at Flush. The buffer comes from a pool and
// goes back at Flush, so an idle connection holds none. It is not safe for
// concurrent use. Write errors stick: Err and Flush return the first, and
// nothing is written any more.
//
// The low-level methods append parts of a response, without any separator, and
// return the Encoder:
//
//	e.Raw("* ").Number(3).Raw(" EXISTS").CRLF()
type Encoder struct {
	w    io.Writer
	buf  []byte
	pool *[]byte // what buf was made of
	sent uint64  // octets handed to w
	err  error
	utf8 bool
}

// NewEncoder returns an Encoder that writes to w.
func NewEncoder(w io.Writer) *Encoder { return &Encoder{w: w} }

// Reset makes e write to w from now on: after STARTTLS or COMPRESS. The buffer
// must have been flushed.
func (e *Encoder) Reset(w io.Writer) { e.w = w }

// SetUTF8 switches to UTF-8 mailbox names and quoted strings, after ENABLE
// IMAP4rev2 or UTF8=ACCEPT.
func (e *Encoder) SetUTF8(on bool) { e.utf8 = on }

// UTF8 reports the mode.
func (e *Encoder) UTF8() bool { return e.utf8 }

// Take gives the buffer to an append-style function; Put gives it back. Between
// them no other method may be called.
func (e *Encoder) Take() []byte {
	if e.buf == nil {
		e.pool = encoderBuffers.Get().(*[]byte)
		e.buf = (*e.pool)[:0]
		if e.buf == nil {
			e.buf = make([]byte, 0, encoderHigh+encoderHigh/2)
		}
	}
	return e.buf
}

// Put gives the buffer back after Take.
func (e *Encoder) Put(b []byte) { e.buf = b }

// Buffered is how many octets wait for Flush.
func (e *Encoder) Buffered() int { return len(e.buf) }

// Truncate drops what was appended after the first n octets of the buffer: a
// response that can't be completed. Sent must be what it was when Buffered
// returned n.
func (e *Encoder) Truncate(n int) { e.buf = e.buf[:n] }

// Sent is how many octets were handed to the writer so far, so that a caller can
// tell whether what it appended can still be taken back with Truncate.
func (e *Encoder) Sent() uint64 { return e.sent }

// drain hands the buffer to the writer and keeps it.
func (e *Encoder) drain() {
	if len(e.buf) > 0 {
		e.send(e.buf)
	}
	e.buf = e.buf[:0]
}

func (e *Encoder) send(p []byte) {
	if e.err != nil {
		return
	}
	e.sent += uint64(len(p))
	if _, err := e.w.Write(p); err != nil {
		e.err = fmt.Errorf("writing to the client: %w", err)
	}
}

// Write appends p, a part of a literal, through to the writer if it is large.
// Its errors are the writer's.
func (e *Encoder) Write(p []byte) (int, error) {
	if len(e.buf)+len(p) <= encoderHigh {
		e.Put(append(e.Take(), p...))
		return len(p), e.err
	}
	e.drain()
	if len(p) <= encoderHigh/2 {
		e.Put(append(e.Take(), p...))
		return len(p), e.err
	}
	e.send(p)
	if e.err != nil {
		return 0, e.err
	}
	return len(p), nil
}

// Flush hands the buffer to the writer and back to the pool. It doesn't flush
// the writer.
func (e *Encoder) Flush() error {
	if e.buf == nil {
		return e.err
	}
	e.drain()
	if cap(e.buf) <= encoderKeep {
		*e.pool = e.buf
		encoderBuffers.Put(e.pool)
	}
	e.buf, e.pool = nil, nil
	return e.err
}

// Err is the first write error.
func (e *Encoder) Err() error { return e.err }

// Raw appends s as it is.
func (e *Encoder) Raw(s string) *Encoder {
	e.Put(append(e.Take(), s...))
	return e
}

// CRLF ends a response, and writes if enough has gathered.
func (e *Encoder) CRLF() *Encoder {
	e.Put(append(e.Take(), '\r', '\n'))
	if len(e.buf) >= encoderHigh {
		e.drain()
	}
	return e
}

// Number appends n.
func (e *Encoder) Number(n uint64) *Encoder {
	e.Put(appendUint(e.Take(), n))
	return e
}

// String appends s as a quoted string or a literal.
func (e *Encoder) String(s string) *Encoder {
	e.Put(AppendString(e.Take(), s, e.utf8))
	return e
}

// AString appends s as an astring.
func (e *Encoder) AString(s string) *Encoder {
	e.Put(AppendAString(e.Take(), s, e.utf8))
	return e
}

// Mailbox appends a mailbox name.
func (e *Encoder) Mailbox(name string) *Encoder {
	e.Put(AppendMailbox(e.Take(), name, e.utf8))
	return e
}

// Words appends "(a b c)": flags, attributes.
func (e *Encoder) Words(words []string) *Encoder {
	e.Put(AppendWords(e.Take(), words))
	return e
}

// Set appends a set of numbers, which must not be empty.
func (e *Encoder) Set(s uidset.Set) *Encoder {
	e.Put(s.Append(e.Take()))
	return e
}

// DateTime appends t as a date-time.
func (e *Encoder) DateTime(t time.Time) *Encoder {
	e.Put(AppendDateTime(e.Take(), t))
	return e
}
