package message

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/transform"
)

// DecodeHeader decodes a header value to UTF-8: unfolds it, decodes encoded
// words (RFC 2047) and takes raw 8-bit bytes as UTF-8 or, where they aren't,
// as Windows-1252. It never fails: what can't be decoded stays as it is.
func DecodeHeader(value []byte) string {
	v := unfold(nil, value)
	if !bytes.Contains(v, []byte("=?")) {
		if utf8.Valid(v) {
			return string(v)
		}
		return string(decodeCharset("", v))
	}
	var out []byte
	var pending encodedWord // its bytes may go on in the next word
	plain := 0              // start of text that is not in an encoded word
	for i := 0; i < len(v); {
		n := bytes.Index(v[i:], []byte("=?"))
		if n < 0 {
			break
		}
		i += n
		w, end := parseWord(v, i)
		if end == 0 {
			i += 2
			continue
		}
		between := v[plain:i]
		if pending.charset != "" && len(trimSpace(between)) == 0 {
			between = nil // white space between encoded words is not shown
		}
		if between != nil || !strings.EqualFold(w.charset, pending.charset) {
			out = append(out, pending.text()...)
			out = append(out, decodeCharset("", between)...)
			pending = w
		} else {
			pending.bytes = append(pending.bytes, w.bytes...)
		}
		i, plain = end, end
	}
	out = append(out, pending.text()...)
	out = append(out, decodeCharset("", v[plain:])...)
	return string(out)
}

// encodedWord is one or more encoded words of the same charset; charset "" is none.
type encodedWord struct {
	charset string
	bytes   []byte
}

func (w encodedWord) text() []byte {
	if w.charset == "" {
		return nil
	}
	return decodeCharset(w.charset, w.bytes)
}

// parseWord decodes the encoded word that starts at i with "=?". end is 0 if it
// is none.
func parseWord(v []byte, i int) (w encodedWord, end int) {
	rest := v[i+2:]
	n := bytes.IndexByte(clip(rest, 64), '?')
	if n < 1 || len(rest) < n+3 || rest[n+2] != '?' {
		return w, 0
	}
	charset, kind, text := rest[:n], rest[n+1]|0x20, rest[n+3:]
	m := bytes.IndexByte(text, '?')
	if m < 0 || m+1 >= len(text) || text[m+1] != '=' {
		return w, 0
	}
	charset, _, _ = bytes.Cut(charset, []byte("*")) // RFC 2231 section 5: language
	if len(charset) == 0 {
		return w, 0
	}
	w.charset = string(charset)
	switch kind {
	case 'b':
		var d base64Decoder
		w.bytes, _ = d.decode(nil, text[:m], true)
	case 'q':
		var d qpDecoder
		d.word = true
		w.bytes, _ = d.decode(nil, text[:m], true)
	default:
		return w, 0
	}
	return w, i + 2 + n + 3 + m + 2
}

// DecodeText decodes the content of a text part (transfer encoding and
// charset) to valid UTF-8, at most limit bytes of it. Best effort: it never fails.
func DecodeText(p Part, content []byte, limit int) []byte {
	return decodeText(p.Encoding, p.Charset, content, limit)
}

// decodeText never aliases content.
func decodeText(encoding, charset string, content []byte, limit int) []byte {
	// Up to four bytes of a charset make one of UTF-8, and three or so of an
	// encoding one of a charset: what can't be returned needn't be decoded.
	room := 4*limit + 16
	b := clip(content, room)
	if d := newDecoder(encoding); d != nil {
		content = clip(content, 4*room)
		b, _ = d.decode(make([]byte, 0, min(len(content), room)), content, true)
	}
	b = decodeCharset(charset, clip(b, room))
	if len(b) > limit {
		for limit > 0 && !utf8.RuneStart(b[limit]) {
			limit--
		}
		b = b[:limit]
	}
	return b
}

// decodeCharset converts b to valid UTF-8. The result doesn't alias b.
func decodeCharset(charset string, b []byte) []byte {
	t := newCharsetDecoder(charset)
	if _, lenient := t.(*lenientUTF8); lenient && utf8.Valid(b) {
		return bytes.Clone(b)
	}
	out, _, err := transform.Bytes(t, b)
	if err != nil {
		out, _, _ = transform.Bytes(new(lenientUTF8), b)
	}
	return out
}

// NewTextReader is DecodeText as a stream: r delivers the part's content.
// Errors are those of r only.
func NewTextReader(p Part, r io.Reader) io.Reader {
	decoded, _ := NewTransferReader(p.Encoding, r)
	return transform.NewReader(decoded, newCharsetDecoder(p.Charset))
}
