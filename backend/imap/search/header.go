package search

import (
	"bytes"

	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/message"
)

// header decides a header or sent-date key by the summary, or by the header if
// that was read.
func (r *run) header(n *node, c *candidate) verdict {
	if c.text != nil && c.text.headerRead {
		return is(c.text.headers[n.slot])
	}
	if !c.sum.Valid() {
		return unknown
	}
	names := r.names[:1]
	names[0] = n.field
	lines, ok := c.sum.HeaderFields(r.lines[:0], names)
	r.lines = lines[:0]
	if !ok {
		return unknown
	}
	hit := false
	for len(lines) > 0 && !hit {
		var field []byte
		field, lines = cutField(lines)
		_, value, _ := bytes.Cut(field, []byte(":"))
		hit = r.value(n, value)
	}
	return is(hit)
}

// cutField takes the first field with its continuation lines off.
func cutField(lines []byte) (field, rest []byte) {
	for at := 0; ; {
		n := bytes.IndexByte(lines[at:], '\n')
		if n < 0 {
			return lines, nil
		}
		at += n + 1
		if at == len(lines) || lines[at] != ' ' && lines[at] != '\t' {
			return lines[:at], lines[at:]
		}
	}
}

// value decides whether a field's value, as it was written, is what n asks for.
func (r *run) value(n *node, value []byte) bool {
	if n.op != wire.OpHeader {
		d, ok := dateDay(value)
		return ok && onDay(n.op-wire.OpSentBefore, d, n.day)
	}
	if len(n.text) == 0 {
		return true
	}
	r.folded = appendFolded(r.folded[:0], value)
	return bytes.Contains(r.folded, n.text)
}

// appendFolded appends a header value decoded and folded.
func appendFolded(dst, value []byte) []byte {
	value = bytes.TrimRight(value, "\r\n")
	plain := !bytes.Contains(value, []byte("=?"))
	for _, c := range value {
		plain = plain && c < 0x80 && c != '\r' && c != '\n'
	}
	if plain { // the most, and decoding wouldn't change it
		return fold(dst, value)
	}
	return fold(dst, []byte(message.DecodeHeader(value)))
}
