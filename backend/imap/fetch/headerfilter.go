package fetch

import (
	"bytes"
	"io"
	"slices"
)

// maxFieldName is the longest field name that is looked at; no longer one can
// match (RFC 5322 has lines of 998).
const maxFieldName = 1000

// headerFilter passes on header fields by their names (RFC 9051 section 6.4.5):
// those that are named, or with not all others, with their continuation lines,
// byte for byte. Lines that are no field have no name. The empty line behind the
// header is always added, by close. It ends at an empty line, holds no more than
// a name, and takes its input in pieces of any size.
type headerFilter struct {
	w     io.Writer
	names []string // upper-case
	not   bool

	state filterState
	pass  bool   // the present field is passed on
	name  []byte // its name's beginning, while state is inName
	cr    bool   // name is empty and a CR was read
	open  bool   // what was passed on doesn't end a line
}

type filterState uint8

const (
	atStart filterState = iota // of a line
	inName
	inLine
	atEnd
)

func newHeaderFilter(w io.Writer, names []string, not bool) *headerFilter {
	return &headerFilter{w: w, names: names, not: not}
}

// Write takes the next piece of the header.
func (f *headerFilter) Write(b []byte) (int, error) {
	all := len(b)
	for len(b) > 0 && f.state != atEnd {
		var n int
		var err error
		switch f.state {
		case atStart:
			n, err = f.lineStart(b)
		case inName:
			n, err = f.fieldName(b)
		case inLine:
			n, err = f.line(b)
		}
		if err != nil {
			return 0, err
		}
		b = b[n:]
	}
	return all, nil
}

// lineStart decides what kind of line begins.
func (f *headerFilter) lineStart(b []byte) (int, error) {
	switch c := b[0]; {
	case c == '\n':
		f.state = atEnd
	case c == '\r' && !f.cr:
		f.cr = true
		return 1, nil
	case !f.cr && (c == ' ' || c == '\t'):
		f.state = inLine // goes with the field before
		return 0, nil
	default:
		f.state = inName
		f.name = f.name[:0]
		if f.cr { // a bare CR starts the line
			f.cr = false
			f.name = append(f.name, '\r')
		}
	}
	return 0, nil
}

// fieldName gathers the name up to its colon, then decides.
func (f *headerFilter) fieldName(b []byte) (int, error) {
	n := bytes.IndexAny(b, ":\n")
	if n < 0 && len(f.name)+len(b) <= maxFieldName {
		f.name = append(f.name, b...)
		return len(b), nil
	}
	if n >= 0 && len(f.name)+n <= maxFieldName {
		f.name = append(f.name, b[:n]...)
		f.pass = f.not
		if b[n] == ':' {
			f.pass = slices.ContainsFunc(f.names, f.is) != f.not
		}
	} else {
		n = 0
		f.pass = f.not
	}
	f.state = inLine
	return n, f.emit(f.name)
}

// is reports whether the gathered name is want (upper-case). Space before the
// colon is obsolete, but legal (RFC 5322 section 4.5).
func (f *headerFilter) is(want string) bool {
	name := bytes.TrimRight(f.name, " \t")
	if len(name) != len(want) {
		return false
	}
	for i, c := range name {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != want[i] {
			return false
		}
	}
	return true
}

// line passes on the rest of a line.
func (f *headerFilter) line(b []byte) (int, error) {
	n := bytes.IndexByte(b, '\n') + 1
	if n == 0 {
		return len(b), f.emit(b)
	}
	f.state = atStart
	f.cr = false
	return n, f.emit(b[:n])
}

func (f *headerFilter) emit(b []byte) error {
	if !f.pass || len(b) == 0 {
		return nil
	}
	f.open = b[len(b)-1] != '\n'
	_, err := f.w.Write(b)
	return err
}

// close ends the header: what was held back, the end of a last line that has
// none, and the empty line.
func (f *headerFilter) close() error {
	if f.state == inName { // a last line without an end has no colon either
		f.pass = f.not
		if err := f.emit(f.name); err != nil {
			return err
		}
	}
	end := "\r\n"
	if f.open {
		end += end
	}
	_, err := io.WriteString(f.w, end)
	return err
}
