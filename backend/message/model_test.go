package message

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The model reads a mail by the book: recursively, by cutting out the bytes of
// each part first and then looking into them. It is quadratic, which is why
// the indexer isn't written like it.

type modelPart struct {
	off, body, end int
	kind           string // leaf, multi or message
	made           bool   // up, for a multipart without parts
	parts          []modelPart
}

// modelRead reads the entity raw[off:end].
func modelRead(raw []byte, off, end int) modelPart {
	p := modelPart{off: off, body: end, end: end, kind: "leaf"}
	typ, boundary := "", ""
	for pos := off; pos < end; {
		line, next := modelLine(raw, pos, end)
		if line == "" {
			p.body = next
			break
		}
		if v, ok := strings.CutPrefix(line, "Content-Type: "); ok && typ == "" {
			typ, boundary, _ = strings.Cut(v, "; boundary=")
		}
		pos = next
	}
	switch {
	case typ == "message/rfc822":
		p.kind = "message"
		p.parts = []modelPart{modelRead(raw, p.body, end)}
	case boundary != "":
		p.kind = "multi"
		p.parts = modelParts(raw, p.body, end, boundary)
	}
	return p
}

// modelParts reads the parts of a multipart's body.
func modelParts(raw []byte, off, end int, boundary string) (parts []modelPart) {
	start := -1
	closePart := func(lineStart int) {
		if start < 0 {
			return
		}
		partEnd := lineStart
		if lineStart < end {
			partEnd -= len("\r\n")
			if raw[lineStart-2] != '\r' {
				partEnd++
			}
			// A line end that a header needs is not the delimiter's.
			if partEnd < start || modelRead(raw, start, lineStart).endsInHeader(lineStart) {
				partEnd = lineStart
			}
		}
		parts = append(parts, modelRead(raw, start, partEnd))
	}
	for pos := off; pos < end; {
		line, next := modelLine(raw, pos, end)
		line = strings.TrimRight(line, " ")
		if line == "--"+boundary {
			closePart(pos)
			start = next
		}
		if line == "--"+boundary+"--" {
			closePart(pos)
			start = -2
			break
		}
		pos = next
	}
	if start >= 0 {
		closePart(end)
	}
	if len(parts) == 0 {
		parts = []modelPart{{off: end, body: end, end: end, kind: "leaf", made: true}}
	}
	return parts
}

// endsInHeader tells that the last header in p reaches to end.
func (p modelPart) endsInHeader(end int) bool {
	if p.body == end {
		return !p.made
	}
	return len(p.parts) > 0 && p.parts[len(p.parts)-1].endsInHeader(end)
}

func modelLine(raw []byte, pos, end int) (line string, next int) {
	i := bytes.IndexByte(raw[pos:end], '\n')
	if i < 0 {
		return string(raw[pos:end]), end
	}
	return strings.TrimSuffix(string(raw[pos:pos+i]), "\r"), pos + i + 1
}

func (p modelPart) show(b *strings.Builder) {
	fmt.Fprintf(b, "(%s %d %d %d", p.kind, p.off, p.body, p.end)
	for _, c := range p.parts {
		c.show(b)
	}
	b.WriteString(")")
}

// showTree writes a summary's tree as the model's.
func showTree(s Summary) string {
	var h head
	c := h.read(s.b)
	var b strings.Builder
	var node func(pos int64) int64
	node = func(pos int64) int64 {
		n := c.node(pos)
		fmt.Fprintf(&b, "(%s %d %d %d", [...]string{"leaf", "leaf", "multi", "message"}[n.kind], n.off, n.body, n.end)
		pos = n.body
		for range n.children {
			pos = node(pos)
		}
		b.WriteString(")")
		return n.end
	}
	node(0)
	return b.String()
}

// genMail draws a mail: a tree of parts with distinct boundaries, then damage.
func genMail(t *rapid.T) []byte {
	count := 0
	var entity func(depth int) string
	text := func() string {
		return rapid.SampledFrom([]string{"", "text", "text\n", "\n", "\n\ntext\n\n", "--", "-- ", "--x\n--b", "--b0x\n--b1x--\n", "a\n\nb"}).Draw(t, "text")
	}
	entity = func(depth int) string {
		head := rapid.SampledFrom([]string{"", "Subject: x\n", "X: y\n folded\n", "no colon\n"}).Draw(t, "head")
		kind := rapid.IntRange(0, 3).Draw(t, "kind")
		switch {
		case depth == 0 || kind == 0:
			return head + "\n" + text()
		case kind == 1:
			return head + "Content-Type: message/rfc822\n\n" + entity(depth-1)
		}
		b := fmt.Sprintf("b%d", count)
		count++
		out := head + "Content-Type: multipart/mixed; boundary=" + b + "\n\n" + text()
		for range rapid.IntRange(0, 3).Draw(t, "parts") {
			out += "\n--" + b + rapid.SampledFrom([]string{"\n", " \n", "\n"}).Draw(t, "pad") + entity(depth-1)
		}
		if rapid.IntRange(0, 3).Draw(t, "closed") > 0 {
			out += "\n--" + b + "--" + rapid.SampledFrom([]string{"", "\n", "\nepilogue"}).Draw(t, "epilogue")
		}
		return out
	}
	lines := strings.SplitAfter(entity(rapid.IntRange(0, 4).Draw(t, "depth")), "\n")
	for range rapid.IntRange(0, 3).Draw(t, "damage") { // lines lost, doubled or moved
		i, j := rapid.IntRange(0, len(lines)-1).Draw(t, "i"), rapid.IntRange(0, len(lines)-1).Draw(t, "j")
		switch rapid.IntRange(0, 2).Draw(t, "how") {
		case 0:
			lines[i] = ""
		case 1:
			lines[i] += lines[j]
		case 2:
			lines[i], lines[j] = lines[j], lines[i]
		}
	}
	mail := strings.Join(lines, "")
	if rapid.Bool().Draw(t, "crlf") {
		mail = strings.ReplaceAll(mail, "\n", "\r\n")
	}
	return []byte(mail)
}

// TestModel compares the indexer with the model. Damage may put one
// multipart's delimiter into another of the same boundary, where the two may
// differ: the indexer lets the innermost win, the model the outermost.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := genMail(t)
		if sameBoundaryTwice(raw) {
			return
		}
		var want strings.Builder
		modelRead(raw, 0, len(raw)).show(&want)
		if got := showTree(Parse(raw, DefaultLimits())); got != want.String() {
			t.Fatalf("%q\n got %s\nwant %s", raw, got, want.String())
		}
	})
}

func sameBoundaryTwice(raw []byte) bool {
	for i := range 100 {
		if bytes.Count(raw, fmt.Appendf(nil, "boundary=b%d\n", i))+bytes.Count(raw, fmt.Appendf(nil, "boundary=b%d\r\n", i)) > 1 {
			return true
		}
	}
	return false
}
