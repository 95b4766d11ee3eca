package fetch

import (
	"errors"
	"fmt"
	"io"
	"math"

	"mailbackend.io/backend/imap/wire"
)

// stream appends the value of an item that holds bytes of the mail.
func (p *Plan) stream(e *wire.Encoder, it *item, src *source) error {
	switch {
	case it.Kind == wire.FetchBinary || it.Kind == wire.FetchBinarySize:
		return p.binary(e, it, src)
	case it.Section.Spec == wire.SectionHeaderFields || it.Section.Spec == wire.SectionHeaderFieldsNot:
		return p.headerFields(e, it, src)
	}
	off, n, ok := p.locate(it, src)
	if !ok {
		e.Raw("NIL")
		return nil
	}
	skip, n := it.cut(n)
	return p.literal(e, src, off+skip, n)
}

// locate finds a section's bytes.
func (p *Plan) locate(it *item, src *source) (off, n int64, ok bool) {
	if it.Section.Spec == wire.SectionAll && len(it.Section.Path) == 0 {
		return 0, int64(src.m.Record.Size), true
	}
	return src.m.Summary.Section(it.Section.Path, it.spec)
}

// cut applies <partial> to a value of n octets: how many to skip and how many
// are left. What lies behind the end is empty (RFC 9051 section 6.4.5).
func (it *item) cut(n int64) (skip, left int64) {
	if !it.HasPartial {
		return 0, n
	}
	skip = min(clamp(it.Partial.Offset), n)
	return skip, min(clamp(it.Partial.Count), n-skip)
}

// wanted is how many octets of a value matter.
func (it *item) wanted() int64 {
	if !it.HasPartial {
		return math.MaxInt64
	}
	if end := it.Partial.Offset + it.Partial.Count; end >= it.Partial.Offset && end < math.MaxInt64 {
		return int64(end)
	}
	return math.MaxInt64
}

func clamp(n uint64) int64 { return int64(min(n, math.MaxInt64)) }

// literal appends n octets of the mail as a literal, as they are read.
func (p *Plan) literal(e *wire.Encoder, src *source, off, n int64) error {
	if n == 0 {
		e.Raw(`""`)
		return nil
	}
	body, err := src.body()
	if err != nil {
		return err
	}
	e.Put(wire.AppendLiteralHead(e.Take(), uint64(n)))
	w := exact{w: e, left: n}
	if err := body.ReadRange(src.ctx, &w, off, n); err != nil {
		return err
	}
	return w.done()
}

// exact is a writer that takes a known number of octets: what was announced
// must be sent, neither more nor less.
type exact struct {
	w    io.Writer
	left int64
}

var errLength = errors.New("mail has another length than its summary says")

func (x *exact) Write(b []byte) (int, error) {
	if int64(len(b)) > x.left {
		return 0, errLength
	}
	n, err := x.w.Write(b)
	x.left -= int64(n)
	return n, err
}

func (x *exact) done() error {
	if x.left != 0 {
		return fmt.Errorf("%w: %d octets are missing", errLength, x.left)
	}
	return nil
}

// headerFields appends HEADER.FIELDS or HEADER.FIELDS.NOT: from the summary if
// it has them, else from the header itself, read as often as it takes to hold little of it.
func (p *Plan) headerFields(e *wire.Encoder, it *item, src *source) error {
	not := it.Section.Spec == wire.SectionHeaderFieldsNot
	if !not && len(it.Section.Path) == 0 {
		lines, ok := src.m.Summary.HeaderFields(p.scratch[:0], it.Section.Names)
		p.scratch = lines[:0]
		if ok {
			lines = append(lines, '\r', '\n')
			skip, n := it.cut(int64(len(lines)))
			p.scratch = lines[:0]
			appendNonEmpty(e, lines[skip:skip+n], false)
			return nil
		}
	}
	off, n, ok := src.m.Summary.Section(it.Section.Path, wire.SectionHeader.String())
	if !ok {
		e.Raw("NIL")
		return nil
	}
	return p.measured(e, it, func(w io.Writer) error {
		body, err := src.body()
		if err != nil {
			return err
		}
		f := newHeaderFilter(w, it.Section.Names, not)
		if n > 0 {
			if err := body.ReadRange(src.ctx, f, off, n); err != nil {
				return err
			}
		}
		return f.close()
	})
}

// appendNonEmpty appends b as a literal, or as "" if it is empty. A literal with
// NUL is a literal8 where that is allowed.
func appendNonEmpty(e *wire.Encoder, b []byte, literal8 bool) {
	if len(b) == 0 {
		e.Raw(`""`)
		return
	}
	if literal8 {
		e.Raw("~")
	}
	e.Put(wire.AppendLiteral(e.Take(), b))
}
