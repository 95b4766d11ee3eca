package message

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// Classes of bytes in IMAP strings.
const (
	chEscape  = 1 << iota // needs a backslash in a quoted string
	chEight               // 8-bit: quoted only if it is UTF-8 and the session speaks it
	chLiteral             // only a literal can carry it
	chNUL                 // nothing can
)

var classes = func() (t [256]byte) {
	t['"'], t['\\'] = chEscape, chEscape
	t['\r'], t['\n'] = chLiteral, chLiteral
	t[0] = chNUL
	for i := 0x80; i < 0x100; i++ {
		t[i] = chEight
	}
	return t
}()

// appendString appends s as an IMAP string (RFC 9051 section 4.3).
func appendString(dst, s []byte, utf8ok bool) []byte {
	class := byte(0)
	for _, c := range s {
		class |= classes[c]
	}
	if class == 0 {
		dst = append(dst, '"')
		dst = append(dst, s...)
		return append(dst, '"')
	}
	if class&chNUL != 0 {
		s = bytes.ReplaceAll(s, []byte{0}, []byte{'?'})
	}
	if class&chLiteral != 0 || class&chEight != 0 && !(utf8ok && utf8.Valid(s)) {
		dst = append(dst, '{')
		dst = strconv.AppendInt(dst, int64(len(s)), 10)
		dst = append(dst, "}\r\n"...)
		return append(dst, s...)
	}
	dst = append(dst, '"')
	for _, c := range s {
		if classes[c]&chEscape != 0 {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

// appendNString appends s, or NIL if ok is false.
func appendNString(dst, s []byte, ok, utf8ok bool) []byte {
	if !ok {
		return append(dst, "NIL"...)
	}
	return appendString(dst, s, utf8ok)
}
