package message

import (
	"bytes"
	"encoding/binary"

	"mailbackend.io/backend/format"
)

// What a node's text block holds besides type and encoding; see
// docs/formats.md.
const (
	hasID = 1 << iota
	hasDescription
	hasMD5
	hasDisposition
	hasDispositionParams
	hasLanguage
	hasLocation
	hasParams
)

var (
	typeText        = []byte("text")
	typePlain       = []byte("plain")
	typeHTML        = []byte("html")
	typeMessage     = []byte("message")
	typeRFC822      = []byte("rfc822")
	typeGlobal      = []byte("global")
	typeMultipart   = []byte("multipart")
	typeDigest      = []byte("digest")
	typeApplication = []byte("application")
	typeOctetStream = []byte("octet-stream")
	encoding7bit    = []byte("7bit")
	typeAttachment  = []byte("attachment")
)

// contentType is a parsed Content-Type with the defaults of RFC 2045 section
// 5.2 and RFC 2046 section 5.1.5 applied. Its parameters are in indexer.params.
type contentType struct {
	typ, sub []byte
	digest   bool // multipart/digest: its parts are messages by default
}

// contentType reads the field of the header that was just read. What can't be
// understood is text/plain; so is a multipart that names no boundary.
func (x *indexer) contentType(inDigest bool) contentType {
	x.params.clear()
	v := x.mime.get(fContentType)
	if v == nil && inDigest {
		return contentType{typ: typeMessage, sub: typeRFC822}
	}
	x.ops += int64(2 * len(v))
	typ, i := mimeToken(v, skipCFWS(v, 0))
	i = skipCFWS(v, i)
	switch {
	case len(typ) == 0:
		return contentType{typ: typeText, sub: typePlain}
	case i < len(v) && v[i] == '/':
		sub, end := mimeToken(v, skipCFWS(v, i+1))
		if len(sub) == 0 {
			return contentType{typ: typeText, sub: typePlain}
		}
		x.params.parse(v[end:])
		return contentType{typ: typ, sub: sub, digest: bytes.EqualFold(sub, typeDigest)}
	case bytes.EqualFold(typ, typeText):
		x.params.parse(v[i:])
	}
	return contentType{typ: typeText, sub: typePlain}
}

// mimeToken reads a token (RFC 2045 section 5.1) at i, nothing if there is none.
func mimeToken(v []byte, i int) (token []byte, end int) {
	start := i
	for i < len(v) && v[i] > ' ' && v[i] < 0x7f && bytes.IndexByte([]byte("()<>@,;:\\\"/[]?="), v[i]) < 0 {
		i++
	}
	if i-start > maxTokenLen {
		return nil, i
	}
	return v[start:i], i
}

// transferEncoding is the first token of the field, as written.
func (x *indexer) transferEncoding() []byte {
	v := x.mime.get(fContentTransferEncoding)
	if token, _ := mimeToken(v, skipCFWS(v, 0)); len(token) > 0 {
		return token
	}
	return encoding7bit
}

// startBody decides what the entity whose header was just read is. It returns
// true if the header of an embedded message follows at pos. ended tells that a
// delimiter follows: there is no body.
func (x *indexer) startBody(ended bool) bool {
	f := &x.stack[len(x.stack)-1]
	n := &x.nodes[f.node]
	boundary := x.describe(n, x.parentIsDigest())
	switch n.kind {
	case kindMulti:
		f.boundary, f.sum, f.last = boundary, format.Checksum(boundary), n.body
		x.open++
	case kindMessage:
		n.children = 1
		x.push(node{off: x.pos, body: x.pos, lines: x.lf}, true)
		if !ended {
			return true
		}
		x.describe(x.top(), false)
	}
	return false
}

func (x *indexer) parentIsDigest() bool {
	return len(x.stack) > 1 && x.stack[len(x.stack)-2].digest
}

// describe decides the kind of n from the fields in x.mime and encodes its
// strings. It returns the boundary of a multipart.
func (x *indexer) describe(n *node, inDigest bool) (boundary []byte) {
	ct := x.contentType(inDigest)
	deep := len(x.stack) > x.lim.MaxDepth || len(x.nodes) >= x.lim.MaxParts
	switch {
	case bytes.EqualFold(ct.typ, typeMultipart):
		boundary = bytes.TrimRight(x.params.get("boundary"), " \t")
		switch {
		case len(boundary) == 0 || len(boundary) > x.lim.MaxBoundary:
			ct = contentType{typ: typeText, sub: typePlain}
			x.params.clear()
		case deep:
			x.opaque(n)
			return nil
		default:
			n.kind = kindMulti
		}
	case bytes.EqualFold(ct.typ, typeMessage) && (bytes.EqualFold(ct.sub, typeRFC822) || bytes.EqualFold(ct.sub, typeGlobal)):
		if deep {
			x.opaque(n)
			return nil
		}
		n.kind = kindMessage
	}
	if bytes.EqualFold(ct.typ, typeText) {
		n.kind = kindText
	}
	if n.kind == kindMulti {
		x.stack[len(x.stack)-1].digest = ct.digest
	}
	encoding := x.transferEncoding()
	x.consider(n, ct, encoding)
	x.appendText(n, ct, encoding)
	return boundary
}

// opaque makes n a leaf of which nothing is told.
func (x *indexer) opaque(n *node) {
	n.kind = kindLeaf
	x.mime = mimeFields{}
	x.params.clear()
	x.appendText(n, contentType{typ: typeApplication, sub: typeOctetStream}, encoding7bit)
}

// appendText encodes the strings of n.
func (x *indexer) appendText(n *node, ct contentType, encoding []byte) {
	if len(ct.typ)+len(ct.sub)+len(encoding)+8 > x.textLeft {
		ct.typ, ct.sub, encoding = typeApplication, typeOctetStream, encoding7bit
		if n.kind == kindMulti {
			ct.sub = []byte("mixed")
		} else if n.kind != kindMessage {
			n.kind = kindLeaf
		} else {
			ct.typ, ct.sub = typeMessage, typeRFC822
		}
	}
	start := len(x.text)
	x.text = append(x.text, 0)
	mask := byte(0)
	if n.kind != kindMulti {
		x.text = appendToken(x.text, ct.typ)
	}
	x.text = appendToken(x.text, ct.sub)
	if n.kind != kindMulti {
		x.text = appendToken(x.text, encoding)
	}
	x.textLeft -= len(x.text) - start
	mask |= x.appendParams(hasParams)
	mask |= x.appendString(fContentID, hasID)
	mask |= x.appendString(fContentDescription, hasDescription)
	mask |= x.appendString(fContentMD5, hasMD5)
	mask |= x.appendDisposition()
	mask |= x.appendLanguages()
	mask |= x.appendString(fContentLocation, hasLocation)
	x.text[start] = mask
	n.text = [2]int{start, len(x.text)}
}

// appendString encodes a field whose value is one string, if it is there and
// there is room for it.
func (x *indexer) appendString(id field, bit byte) byte {
	v := x.mime.get(id)
	if v == nil {
		return 0
	}
	x.ops += int64(len(v))
	v = trimSpace(v)
	if len(v)+4 > x.textLeft {
		return 0
	}
	start := len(x.text)
	x.text = appendToken(x.text, unfold(nil, v))
	x.textLeft -= len(x.text) - start
	return bit
}

// appendParams encodes x.params; those for which there is no room are left out.
func (x *indexer) appendParams(bit byte) byte {
	count, room := 0, x.textLeft-1
	for _, p := range x.params.list {
		if need := len(p.name) + len(p.value) + 8; need <= room {
			room -= need
			count++
		} else {
			x.params.list = x.params.list[:count]
			break
		}
	}
	if count == 0 {
		return 0
	}
	start := len(x.text)
	x.text = append(x.text, byte(count)) // ≤ maxParams
	for _, p := range x.params.list {
		x.text = appendToken(x.text, p.name)
		x.text = appendToken(x.text, p.value)
	}
	x.textLeft -= len(x.text) - start
	return bit
}

func (x *indexer) appendDisposition() byte {
	v := x.mime.get(fContentDisposition)
	x.ops += int64(2 * len(v))
	token, i := mimeToken(v, skipCFWS(v, 0))
	if len(token) == 0 || len(token)+4 > x.textLeft {
		return 0
	}
	start := len(x.text)
	x.text = appendToken(x.text, token)
	x.textLeft -= len(x.text) - start
	x.params.parse(v[i:])
	return hasDisposition | x.appendParams(hasDispositionParams)
}

// appendLanguages encodes Content-Language: a list of tags (RFC 3282).
func (x *indexer) appendLanguages() byte {
	v := x.mime.get(fContentLanguage)
	x.ops += int64(len(v))
	var tags [16][]byte
	n, room := 0, x.textLeft-1
	for i := 0; i < len(v) && n < len(tags); i++ {
		var tag []byte
		tag, i = mimeToken(v, skipCFWS(v, i))
		if len(tag) > 0 && len(tag)+4 <= room {
			tags[n] = tag
			room -= len(tag) + 4
			n++
		}
		for i < len(v) && v[i] != ',' {
			i++
		}
	}
	if n == 0 {
		return 0
	}
	start := len(x.text)
	x.text = binary.AppendUvarint(x.text, uint64(n))
	for _, tag := range tags[:n] {
		x.text = appendToken(x.text, tag)
	}
	x.textLeft -= len(x.text) - start
	return hasLanguage
}
