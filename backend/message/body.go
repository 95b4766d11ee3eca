package message

import (
	"bytes"
	"strconv"
)

// AppendBody appends the IMAP BODY or, extended, BODYSTRUCTURE (RFC 9051
// section 7.5.2) to dst. utf8 as for AppendEnvelope; with it parameters that
// are encoded by RFC 2231 are decoded to UTF-8, too, as RFC 9051 wants, and
// keep the asterisk in their names; without it they are passed on in their
// encoded form, pieces joined.
func (s Summary) AppendBody(dst []byte, extended, utf8 bool) []byte {
	var h head
	r := bodyRenderer{cursor: h.read(s.b), extended: extended, utf8: utf8}
	dst, _ = r.append(dst, 0)
	return dst
}

type bodyRenderer struct {
	cursor
	extended, utf8 bool
}

// append renders the node at the cursor and all below it, and returns where
// its body ends.
func (r *bodyRenderer) append(dst []byte, pos int64) (out []byte, end int64) {
	n := r.node(pos)
	dst = append(dst, '(')
	pos = n.body
	if n.kind == kindMulti {
		for range n.children {
			if r.err != nil {
				break // a summary that ParseSummary never saw
			}
			dst, pos = r.append(dst, pos)
		}
		dst = append(dst, ' ')
		dst = appendString(dst, n.sub, r.utf8)
		if r.extended {
			dst = r.params(append(dst, ' '), n.params, false)
			dst = r.disposition(dst, &n)
		}
		return append(dst, ')'), n.end
	}
	dst = append(appendString(dst, n.typ, r.utf8), ' ')
	dst = append(appendString(dst, n.sub, r.utf8), ' ')
	dst = append(r.params(dst, n.params, n.kind == kindText), ' ')
	dst = append(appendNString(dst, n.id, n.mask&hasID != 0, r.utf8), ' ')
	dst = append(appendNString(dst, n.desc, n.mask&hasDescription != 0, r.utf8), ' ')
	dst = append(appendString(dst, n.encoding, r.utf8), ' ')
	dst = strconv.AppendInt(dst, n.end-n.body, 10)
	if n.kind == kindMessage {
		dst = r.message(dst, &n)
	}
	if n.kind == kindMessage && r.envelopes(&n) || n.kind == kindText {
		dst = append(dst, ' ')
		dst = strconv.AppendInt(dst, n.lines, 10)
	}
	if r.extended {
		dst = append(dst, ' ')
		dst = appendNString(dst, n.md5, n.mask&hasMD5 != 0, r.utf8)
		dst = r.disposition(dst, &n)
	}
	return append(dst, ')'), n.end
}

// envelopes tells whether a message part is shown with its envelope and body.
// RFC 9051 has them for message/global; IMAP4rev1 clients know it as a leaf.
func (r *bodyRenderer) envelopes(n *treeNode) bool {
	return r.utf8 || !bytes.EqualFold(n.sub, typeGlobal)
}

// message renders the envelope and body of the embedded message.
func (r *bodyRenderer) message(dst []byte, n *treeNode) []byte {
	at := r.i
	embedded := r.node(n.body)
	r.i = at
	if r.err != nil {
		return dst
	}
	start := len(dst)
	dst = append(dst, ' ')
	dst = append(appendEnvelope(dst, embedded.fields, r.utf8), ' ')
	dst, _ = r.append(dst, n.body)
	if !r.envelopes(n) {
		dst = dst[:start]
	}
	return dst
}

// params renders a parameter list. A text part without a charset has the
// default one of RFC 2046 section 4.1.2.
func (r *bodyRenderer) params(dst []byte, l list, text bool) []byte {
	start := len(dst)
	c := cursor{b: r.b, i: l.at}
	for range l.count {
		name, value := c.token(), c.token()
		text = text && !bytes.EqualFold(name, []byte("charset"))
		if len(dst) == start {
			dst = append(dst, '(')
		} else {
			dst = append(dst, ' ')
		}
		dst = append(appendString(dst, name, r.utf8), ' ')
		if n := len(name); r.utf8 && n > 0 && name[n-1] == '*' {
			value = decodeExtended(value)
		}
		dst = appendString(dst, value, r.utf8)
	}
	switch {
	case text && len(dst) == start:
		return append(dst, `("charset" "us-ascii")`...)
	case text:
		dst = append(dst, ` "charset" "us-ascii"`...)
	case len(dst) == start:
		return append(dst, "NIL"...)
	}
	return append(dst, ')')
}

// disposition renders disposition, language and location.
func (r *bodyRenderer) disposition(dst []byte, n *treeNode) []byte {
	dst = append(dst, ' ')
	if n.mask&hasDisposition != 0 {
		dst = append(dst, '(')
		dst = append(appendString(dst, n.disp, r.utf8), ' ')
		dst = append(r.params(dst, n.dispParams, false), ')')
	} else {
		dst = append(dst, "NIL"...)
	}
	dst = append(dst, ' ')
	if n.mask&hasLanguage != 0 && n.language.count > 0 {
		c := cursor{b: r.b, i: n.language.at}
		for i := range n.language.count {
			if i == 0 {
				dst = append(dst, '(')
			} else {
				dst = append(dst, ' ')
			}
			dst = appendString(dst, c.token(), r.utf8)
		}
		dst = append(dst, ')')
	} else {
		dst = append(dst, "NIL"...)
	}
	dst = append(dst, ' ')
	return appendNString(dst, n.loc, n.mask&hasLocation != 0, r.utf8)
}

// decodeExtended decodes an extended value of RFC 2231 section 4
// (charset'language'percent-encoded) to UTF-8.
func decodeExtended(v []byte) []byte {
	charset, rest, ok := bytes.Cut(v, []byte("'"))
	if ok {
		_, rest, ok = bytes.Cut(rest, []byte("'"))
	}
	if !ok {
		charset, rest = nil, v
	}
	out := make([]byte, 0, len(rest))
	for i := 0; i < len(rest); i++ {
		if rest[i] == '%' && i+2 < len(rest) && unhex(rest[i+1]) >= 0 && unhex(rest[i+2]) >= 0 {
			out = append(out, byte(unhex(rest[i+1])<<4|unhex(rest[i+2])))
			i += 2
			continue
		}
		out = append(out, rest[i])
	}
	return decodeCharset(string(charset), out)
}
