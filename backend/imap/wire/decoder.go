package wire

import (
	"bytes"
	"math"
	"unicode/utf8"
)

// Decoder reads a command's arguments one after the other. Its methods consume
// what they name or return an *Error, after which the Decoder isn't to be used.
// It is not safe for concurrent use.
type Decoder struct {
	raw  Raw
	opts Options
	line int  // which of raw.Lines
	pos  int  // octet in it
	base int  // octets of the lines before
	uid  bool // of the Command
}

func newDecoder(raw Raw, o Options) *Decoder {
	if len(raw.Lines) == 0 {
		raw.Lines = [][]byte{nil}
	}
	return &Decoder{raw: raw, opts: o}
}

// Limits are those that the decoder was made with.
func (d *Decoder) Limits() Limits { return d.opts.Limits }

// want is the error of something else than w at the present position.
func (d *Decoder) want(w string) error { return &Error{Pos: d.base + d.pos, Want: w} }

// beyond is the error of a passed limit.
func (d *Decoder) beyond(what string) error {
	return &Error{Pos: d.base + d.pos, Want: what, Limit: true}
}

// peek is the next octet of the line, 0 at its end.
func (d *Decoder) peek() byte {
	if l := d.raw.Lines[d.line]; d.pos < len(l) {
		return l[d.pos]
	}
	return 0
}

// rest is what is left of the line.
func (d *Decoder) rest() []byte { return d.raw.Lines[d.line][d.pos:] }

// AtEnd reports whether the command ends here.
func (d *Decoder) AtEnd() bool {
	return d.line == len(d.raw.Lines)-1 && d.pos == len(d.raw.Lines[d.line])
}

// End consumes the command's end.
func (d *Decoder) End() error {
	if !d.AtEnd() {
		return d.want("end of command")
	}
	return nil
}

// Accept consumes c if it is next.
func (d *Decoder) Accept(c byte) bool {
	if l := d.raw.Lines[d.line]; d.pos < len(l) && l[d.pos] == c {
		d.pos++
		return true
	}
	return false
}

// Expect consumes c.
func (d *Decoder) Expect(c byte) error {
	if !d.Accept(c) {
		return d.want(string(rune(c)))
	}
	return nil
}

// SP consumes one space.
func (d *Decoder) SP() error {
	if !d.Accept(' ') {
		return d.want("a space")
	}
	return nil
}

// word consumes one or more octets of class c. The result aliases the line.
func (d *Decoder) word(c class, limit int, what string) ([]byte, error) {
	rest := d.rest()
	n := 0
	for n < len(rest) && classes[rest[n]]&c != 0 {
		n++
	}
	if n == 0 {
		return nil, d.want(what)
	}
	if n > limit {
		return nil, d.beyond(what + " is too long")
	}
	d.pos += n
	return rest[:n], nil
}

// Atom consumes an atom.
func (d *Decoder) Atom() (string, error) {
	w, err := d.word(isAtom, d.opts.Limits.Atom, "an atom")
	return string(w), err
}

// Keyword consumes an atom and returns it in upper case: the name of an item,
// an option or a search key; what says which one, for the error.
func (d *Decoder) Keyword(what string) (string, error) {
	w, err := d.word(isAtom, d.opts.Limits.Atom, what)
	if err != nil {
		return "", err
	}
	return upper(w), nil
}

// AcceptWord consumes w (upper case) and returns true if it is next as a whole
// word, in any case.
func (d *Decoder) AcceptWord(w string) bool {
	rest := d.rest()
	if len(rest) < len(w) || !equalFold(rest[:len(w)], w) ||
		len(rest) > len(w) && classes[rest[len(w)]]&isAtom != 0 {
		return false
	}
	d.pos += len(w)
	return true
}

// AString consumes an astring: an atom that may hold "]", or a string.
func (d *Decoder) AString() (string, error) {
	if classes[d.peek()]&isAString != 0 {
		w, err := d.word(isAString, math.MaxInt, "a string")
		return string(w), err
	}
	s, err := d.String()
	return string(s), err
}

// String consumes a quoted string or a literal. The result may alias the
// command. Neither NUL nor, in quoted strings, invalid UTF-8 is accepted.
func (d *Decoder) String() ([]byte, error) {
	switch d.peek() {
	case '"':
		return d.quoted()
	case '{':
		s, _, err := d.Literal()
		if err == nil && bytes.IndexByte(s, 0) >= 0 {
			return nil, d.want("a literal without NUL")
		}
		return s, err
	}
	return nil, d.want("a string")
}

// NString consumes a string or NIL, which gives nil.
func (d *Decoder) NString() ([]byte, error) {
	if d.AcceptWord("NIL") {
		return nil, nil
	}
	s, err := d.String()
	if s == nil && err == nil {
		s = []byte{}
	}
	return s, err
}

func (d *Decoder) quoted() ([]byte, error) {
	body := d.rest()[1:]
	escapes, end := 0, -1
	high := false
scan:
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '"':
			end = i
			break scan
		case c == '\\':
			i++
			if i == len(body) || body[i] != '"' && body[i] != '\\' {
				d.pos += i + 1
				return nil, d.want(`a quote or a backslash behind the backslash`)
			}
			escapes++
		case c == 0 || c == '\r' || c == '\n':
			d.pos += i + 1
			return nil, d.want("a character that may stand in a quoted string")
		case c >= 0x80:
			high = true
		}
	}
	if end < 0 {
		d.pos += len(body) + 1
		return nil, d.want("the quoted string's closing quote")
	}
	s := body[:end]
	if high && !utf8.Valid(s) {
		return nil, d.want("a quoted string in UTF-8")
	}
	d.pos += end + 2
	if escapes == 0 {
		return s, nil
	}
	out := make([]byte, 0, len(s)-escapes)
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++
		}
		out = append(out, s[i])
	}
	return out, nil
}

// Literal consumes a literal or literal8, which must be announced at the end of
// the line, and returns its octets, aliasing the command. binary: it is a
// literal8. NULs are accepted in both: APPEND takes what it is given.
func (d *Decoder) Literal() (data []byte, binary bool, err error) {
	line := d.raw.Lines[d.line]
	l, ok, err := trailingLiteral(line)
	if err != nil || !ok || l.start != d.pos || d.line >= len(d.raw.Literals) {
		return nil, false, d.want("a literal")
	}
	data = d.raw.Literals[d.line]
	if uint64(len(data)) != l.size || d.line+1 >= len(d.raw.Lines) {
		return nil, false, d.want("a whole literal")
	}
	d.base += len(line)
	d.line++
	d.pos = 0
	return data, l.binary, nil
}

// List consumes "(" items ")" with single spaces between them; item consumes
// one. The empty list is accepted.
func (d *Decoder) List(item func() error) error {
	if err := d.Expect('('); err != nil {
		return err
	}
	if d.Accept(')') {
		return nil
	}
	for n := 1; ; n++ {
		if n > d.opts.Limits.List {
			return d.beyond("the list is too long")
		}
		if err := item(); err != nil {
			return err
		}
		if d.Accept(')') {
			return nil
		}
		if !d.Accept(' ') {
			return d.want("a space or )")
		}
	}
}
