package fetch

import (
	"bytes"
	"errors"
	"io"

	"mailbackend.io/backend/imap/wire"
)

// measuredKeep is up to which size a value is kept in memory while it is
// measured. A larger one is produced twice.
const measuredKeep = 64 << 10

// errEnough ends a production of which nothing more is needed.
var errEnough = errors.New("enough")

// measured appends as a literal what produce writes, the same each time it is
// called: a literal starts with its length.
func (p *Plan) measured(e *wire.Encoder, it *item, produce func(io.Writer) error) error {
	m := measure{limit: it.wanted(), keep: p.scratch[:0]}
	if err := produce(&m); err != nil && !errors.Is(err, errEnough) {
		return err
	}
	p.scratch = m.keep[:0]
	skip, n := it.cut(m.n)
	// Where only a part is wanted, its NULs count, but looking for them in
	// all of what was read is good enough: a literal8 may be without.
	literal8 := m.nul && it.Kind == wire.FetchBinary
	if m.n <= int64(len(m.keep)) {
		appendNonEmpty(e, m.keep[skip:skip+n], literal8)
		return nil
	}
	if n == 0 {
		e.Raw(`""`)
		return nil
	}
	if literal8 {
		e.Raw("~")
	}
	e.Put(wire.AppendLiteralHead(e.Take(), uint64(n)))
	w := window{w: e, skip: skip, left: n}
	if err := produce(&w); err != nil && !errors.Is(err, errEnough) {
		return err
	}
	if w.left != 0 {
		return errLength
	}
	return nil
}

// measure counts what is written to it up to limit, and keeps it while it is
// small.
type measure struct {
	limit, n int64
	keep     []byte
	count    bool // don't keep
	nul      bool
}

func (m *measure) Write(b []byte) (int, error) {
	take := min(int64(len(b)), m.limit-m.n)
	m.n += take
	if !m.count && m.n <= measuredKeep {
		m.keep = append(m.keep, b[:take]...)
	}
	m.nul = m.nul || bytes.IndexByte(b[:take], 0) >= 0
	if m.n == m.limit {
		return int(take), errEnough
	}
	return len(b), nil
}

// window passes on left octets behind the first skip.
type window struct {
	w          io.Writer
	skip, left int64
}

func (w *window) Write(b []byte) (int, error) {
	all := len(b)
	s := min(w.skip, int64(len(b)))
	w.skip -= s
	b = b[s:]
	b = b[:min(w.left, int64(len(b)))]
	if len(b) > 0 {
		if _, err := w.w.Write(b); err != nil {
			return 0, err
		}
		w.left -= int64(len(b))
	}
	if w.left == 0 {
		return all, errEnough
	}
	return all, nil
}
