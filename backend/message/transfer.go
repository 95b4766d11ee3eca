package message

import (
	"bytes"
	"io"
	"strings"
)

// decoder undoes a content transfer encoding piece by piece.
type decoder interface {
	// decode appends what src stands for to dst and tells how much of src
	// it used; the rest must come again, with more behind it. With atEOF
	// all of src is used.
	decode(dst, src []byte, atEOF bool) (out []byte, used int)
}

// newDecoder returns nil for encodings that change nothing or are not known.
func newDecoder(encoding string) decoder {
	switch {
	case strings.EqualFold(encoding, "base64"):
		return new(base64Decoder)
	case strings.EqualFold(encoding, "quoted-printable"):
		return new(qpDecoder)
	}
	return nil
}

// NewTransferReader decodes base64 or quoted-printable as it streams; other
// encodings pass through. known is false for an encoding that it doesn't know.
// Damaged input is decoded as far as it makes sense.
func NewTransferReader(encoding string, r io.Reader) (decoded io.Reader, known bool) {
	if d := newDecoder(encoding); d != nil {
		return &transferReader{src: r, dec: d}, true
	}
	switch strings.ToLower(encoding) {
	case "", "7bit", "8bit", "binary":
		return r, true
	}
	return r, false
}

// transferReader holds about 8 KB while it is read.
type transferReader struct {
	src     io.Reader
	dec     decoder
	in, out []byte
	rest    []byte // of out, not yet delivered
	err     error
}

func (t *transferReader) Read(p []byte) (int, error) {
	for len(t.rest) == 0 {
		if t.err != nil {
			return 0, t.err
		}
		if t.in == nil {
			t.in = make([]byte, 0, 4096)
		}
		n, err := t.src.Read(t.in[len(t.in):cap(t.in)])
		t.in, t.err = t.in[:len(t.in)+n], err
		var used int
		t.out, used = t.dec.decode(t.out[:0], t.in, err != nil)
		t.in = t.in[:copy(t.in, t.in[used:])]
		t.rest = t.out
	}
	n := copy(p, t.rest)
	t.rest = t.rest[n:]
	return n, nil
}

// base64Decoder skips what is not in the alphabet (RFC 2045 section 6.8), goes
// on behind padding, and gives whole bytes only.
type base64Decoder struct {
	bits uint32
	n    int // sextets in bits
}

var base64Values = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		t[c] = byte(i)
	}
	t['='] = 0xfe
	return t
}()

func (d *base64Decoder) decode(dst, src []byte, atEOF bool) ([]byte, int) {
	for _, c := range src {
		v := base64Values[c]
		if v >= 0xfe {
			if v == 0xfe {
				dst = d.flush(dst)
			}
			continue
		}
		d.bits = d.bits<<6 | uint32(v)
		if d.n++; d.n == 4 {
			dst = append(dst, byte(d.bits>>16), byte(d.bits>>8), byte(d.bits))
			d.bits, d.n = 0, 0
		}
	}
	if atEOF {
		dst = d.flush(dst)
	}
	return dst, len(src)
}

// flush delivers the bytes of an incomplete group.
func (d *base64Decoder) flush(dst []byte) []byte {
	switch d.n {
	case 2:
		dst = append(dst, byte(d.bits>>4))
	case 3:
		dst = append(dst, byte(d.bits>>10), byte(d.bits>>2))
	}
	d.bits, d.n = 0, 0
	return dst
}

// qpDecoder decodes quoted-printable (RFC 2045 section 6.7); an equals sign that
// stands for nothing stays.
type qpDecoder struct{ word bool } // word: an underscore is a space (RFC 2047)

func (d *qpDecoder) decode(dst, src []byte, atEOF bool) ([]byte, int) {
	for i := 0; i < len(src); {
		if d.word && src[i] == '_' {
			dst = append(dst, ' ')
			i++
			continue
		}
		if src[i] != '=' {
			n := len(src) - i
			if d.word {
				n = 1
			} else if m := bytes.IndexByte(src[i:], '='); m >= 0 {
				n = m
			}
			dst = append(dst, src[i:i+n]...)
			i += n
			continue
		}
		rest := src[i+1:]
		if len(rest) < 2 && !atEOF {
			return dst, i
		}
		switch {
		case len(rest) >= 2 && unhex(rest[0]) >= 0 && unhex(rest[1]) >= 0:
			dst = append(dst, byte(unhex(rest[0])<<4|unhex(rest[1])))
			i += 3
		case len(rest) >= 2 && rest[0] == '\r' && rest[1] == '\n':
			i += 3
		case len(rest) >= 1 && rest[0] == '\n':
			i += 2
		case len(rest) == 0, len(rest) == 1 && rest[0] == '\r': // cut soft line break
			i += 1 + len(rest)
		default:
			dst = append(dst, '=')
			i++
		}
	}
	return dst, len(src)
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}
