// Package bodyio reads parts of mails: it is the interface through which fetch
// and search get at a mail's bytes, and a reader over it. It knows neither where
// the bytes come from nor what they mean.
package bodyio

import (
	"context"
	"fmt"
	"io"
)

// Body is one mail's bytes. mailstore.Message is one.
type Body interface {
	// ReadRange writes n octets of the mail from off to w, in order. A
	// range that reaches past the end is cut. An error of w is returned as
	// it is.
	ReadRange(ctx context.Context, w io.Writer, off, n int64) error
}

// readerChunk is how much a Reader asks of a Body at a time, which is the most
// it holds.
const readerChunk = 256 << 10

// Reader reads a range of a Body. It is not safe for concurrent use.
type Reader struct {
	ctx    context.Context
	body   Body
	off, n int64 // what was not asked for yet
	buf    []byte
	at     int // what of buf was read
}

// NewReader reads n octets from off. An end before that is
// io.ErrUnexpectedEOF.
func NewReader(ctx context.Context, body Body, off, n int64) *Reader {
	return &Reader{ctx: ctx, body: body, off: off, n: n}
}

// Reset makes r read another range, reusing its buffer.
func (r *Reader) Reset(ctx context.Context, body Body, off, n int64) {
	*r = Reader{ctx: ctx, body: body, off: off, n: n, buf: r.buf[:0]}
}

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	if r.at == len(r.buf) {
		if r.n <= 0 {
			return 0, io.EOF
		}
		ask := min(r.n, readerChunk)
		r.at, r.buf = 0, r.buf[:0]
		if err := r.body.ReadRange(r.ctx, (*sink)(r), r.off, ask); err != nil {
			r.buf = r.buf[:0]
			return 0, err
		}
		if int64(len(r.buf)) != ask {
			r.n, r.buf = 0, r.buf[:0]
			return 0, fmt.Errorf("reading %d octets of a mail at %d: %w", ask, r.off, io.ErrUnexpectedEOF)
		}
		r.off += ask
		r.n -= ask
	}
	n := copy(p, r.buf[r.at:])
	r.at += n
	return n, nil
}

// sink is a Reader as the writer that takes what was asked for.
type sink Reader

func (s *sink) Write(p []byte) (int, error) {
	if len(s.buf)+len(p) > readerChunk {
		return 0, io.ErrShortWrite // more than was asked for
	}
	s.buf = append(s.buf, p...)
	return len(p), nil
}
