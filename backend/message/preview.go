package message

import (
	"bytes"
	"html"
	"unicode/utf8"
)

// previewPart is where a preview may come from: the first text/plain and the
// first text/html that are no attachments.
type previewPart struct{ plain, html previewSource }

type previewSource struct {
	node              int // index + 1; 0: none
	encoding, charset string
}

// consider takes note of the newest node if it is text that a preview may come
// from.
func (x *indexer) consider(n *node, ct contentType, encoding []byte) {
	if n.kind != kindText {
		return
	}
	src := &x.preview.plain
	if bytes.EqualFold(ct.sub, typeHTML) {
		src = &x.preview.html
	} else if !bytes.EqualFold(ct.sub, typePlain) {
		return
	}
	if src.node != 0 {
		return
	}
	v := x.mime.get(fContentDisposition)
	if d, _ := mimeToken(v, skipCFWS(v, 0)); bytes.EqualFold(d, typeAttachment) {
		return
	}
	*src = previewSource{len(x.nodes), string(encoding), string(clip(x.params.get("charset"), maxTokenLen))}
}

// clipLines returns about n bytes of b: up to a line end, if there is one.
func clipLines(b []byte, n int) []byte {
	if len(b) <= n {
		return b
	}
	if i := bytes.LastIndexByte(b[:n], '\n'); i >= 0 {
		return b[:i+1]
	}
	return b[:n]
}

func clip(b []byte, n int) []byte { return b[:min(len(b), n)] }

// makePreview appends the preview (RFC 8970) to dst. A little of the text is
// nearly always enough; only if not, all that the limits allow is decoded.
func (x *indexer) makePreview(dst []byte) []byte {
	start := len(dst)
	for _, src := range []*previewSource{&x.preview.plain, &x.preview.html} {
		for size := min(400, x.lim.PreviewBytes); src.node != 0 && size > 0; size = min(3*size, x.lim.PreviewBytes) {
			n := &x.nodes[src.node-1]
			raw := clipLines(x.raw[n.body:n.end], size)
			x.ops += int64(8 * len(raw))
			text := decodeText(src.encoding, src.charset, raw, 4*size)
			if src == &x.preview.html {
				text = stripHTML(text)
			}
			var full bool
			dst, full = appendFolded(dst[:start], text, x.lim.PreviewChars)
			if full || size == x.lim.PreviewBytes || len(raw) == n.end-n.body {
				break
			}
		}
		if len(dst) > start {
			break
		}
	}
	return dst
}

// appendFolded appends the first n characters of text, every run of white
// space and control characters as one space, without quoted lines (">") as far
// as something else is there. full tells that text had n characters.
func appendFolded(dst, text []byte, n int) (out []byte, full bool) {
	start := len(dst)
	dst, full = appendWords(dst, text, n, true)
	if len(dst) == start {
		dst, full = appendWords(dst, text, n, false)
	}
	return dst, full
}

func appendWords(dst, text []byte, n int, skipQuoted bool) (out []byte, full bool) {
	start, space, lineStart := len(dst), false, true
	for i := 0; i < len(text) && n > 0; {
		c := text[i]
		if lineStart && skipQuoted && c == '>' {
			end := bytes.IndexByte(text[i:], '\n')
			if end < 0 {
				break
			}
			i += end + 1
			space = true
			continue
		}
		lineStart = c == '\n'
		if c <= ' ' || c == 0x7f {
			space, i = true, i+1
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		i += size
		switch {
		case r == 0xa0, 0x80 <= r && r < 0xa0:
			space = true
			continue
		case r == 0x200b, r == 0xfeff, r == 0x34f, r == 0xad,
			(r == 0x200c || r == 0x200d) && (space || len(dst) == start):
			continue // invisible padding of newsletters
		}
		if space && len(dst) > start {
			if n == 1 {
				return dst, true
			}
			dst = append(dst, ' ')
			n--
		}
		space = false
		dst = utf8.AppendRune(dst, r)
		n--
	}
	return dst, n == 0
}

// stripHTML returns what a reader sees of HTML, roughly: no tags, no comments,
// no style or script, character references decoded. text is overwritten.
func stripHTML(text []byte) []byte {
	out := text[:0]
	for i := 0; i < len(text); {
		if text[i] != '<' {
			out = append(out, text[i])
			i++
			continue
		}
		end := tagEnd(text, i)
		if !inline(text[i:end]) {
			out = append(out, ' ')
		}
		i = end
	}
	if bytes.IndexByte(out, '&') < 0 {
		return out
	}
	return []byte(html.UnescapeString(string(out)))
}

// tagEnd returns where the tag, comment or hidden element at i ends.
func tagEnd(text []byte, i int) int {
	rest := text[i:]
	if bytes.HasPrefix(rest, []byte("<!--")) {
		return endOf(text, i, "-->")
	}
	for _, name := range []string{"style", "script", "head", "title"} {
		if len(rest) > len(name)+1 && bytes.EqualFold(rest[1:1+len(name)], []byte(name)) && !isLetter(rest[1+len(name)]) {
			return hiddenEnd(text, i+1, name)
		}
	}
	return endOf(text, i, ">")
}

func endOf(text []byte, i int, mark string) int {
	if n := bytes.Index(text[i:], []byte(mark)); n >= 0 {
		return i + n + len(mark)
	}
	return len(text)
}

// hiddenEnd returns where the end tag of an element that isn't shown ends.
func hiddenEnd(text []byte, i int, name string) int {
	for {
		n := bytes.Index(text[i:], []byte("</"))
		if n < 0 {
			return len(text)
		}
		i += n + 2
		if len(text)-i >= len(name) && bytes.EqualFold(text[i:i+len(name)], []byte(name)) {
			return endOf(text, i, ">")
		}
	}
}

// inline tells tags that don't part words.
func inline(tag []byte) bool {
	name := bytes.TrimPrefix(tag[1:], []byte("/"))
	n := 0
	for n < len(name) && isLetter(name[n]) {
		n++
	}
	switch string(bytes.ToLower(clip(name[:n], 8))) {
	case "b", "i", "u", "a", "em", "strong", "span", "font", "s", "sub", "sup", "small", "big", "tt":
		return true
	}
	return false
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
