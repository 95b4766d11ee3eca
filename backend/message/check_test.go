package message

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"mailbackend.io/test/corpus"
)

// everyMail calls f with the odd mails and some realistic ones.
func everyMail(t *testing.T, f func(t *testing.T, raw []byte)) {
	t.Helper()
	for _, m := range corpus.All() {
		t.Run(m.Name, func(t *testing.T) { f(t, m.Raw) })
	}
	for i := range 60 {
		t.Run(fmt.Sprintf("realistic-%d", i), func(t *testing.T) { f(t, corpus.Realistic(5, i)) })
	}
}

// checkMail checks what must hold of the summary of any bytes. It returns the
// first violation.
func checkMail(raw []byte, lim Limits) error {
	x := new(indexer)
	x.reset(raw, lim)
	x.run()
	s := Summary{x.encode()}
	if limit := opsLimit(len(raw), x.lim); x.ops > limit {
		return fmt.Errorf("%d operations for %d bytes, limit %d", x.ops, len(raw), limit)
	}
	if !bytes.Equal(s.Bytes(), Parse(raw, lim).Bytes()) {
		return fmt.Errorf("a used indexer gives another summary than a new one")
	}
	return checkSummary(s, raw, lim)
}

// opsLimit is linear in the mail's size: a line costs its bytes, twice in a
// header, and one comparison for each open multipart.
func opsLimit(n int, lim Limits) int64 {
	return int64(n)*int64(8+lim.MaxDepth) + int64(64*lim.PreviewBytes) + 1000
}

func checkSummary(s Summary, raw []byte, lim Limits) error {
	again, err := ParseSummary(s.Bytes())
	if err != nil {
		return err
	}
	if s.Size() != int64(len(raw)) || again.Size() != s.Size() || !s.Valid() {
		return fmt.Errorf("size %d of %d", s.Size(), len(raw))
	}
	if p := s.Preview(); !utf8.ValidString(p) || utf8.RuneCountInString(p) > lim.PreviewChars || strings.ContainsAny(p, "\r\n\t") {
		return fmt.Errorf("preview %q", p)
	}
	for _, utf8 := range []bool{false, true} {
		if err := checkIMAP(s.AppendEnvelope(nil, utf8), utf8, checkEnvelope); err != nil {
			return fmt.Errorf("ENVELOPE: %w", err)
		}
		for _, extended := range []bool{false, true} {
			if err := checkIMAP(s.AppendBody(nil, extended, utf8), utf8, func(v any) error { return checkBody(v, extended, utf8) }); err != nil {
				return fmt.Errorf("BODY (extended %v): %w", extended, err)
			}
		}
	}
	if err := checkParts(s, raw, lim); err != nil {
		return err
	}
	return checkFields(s, raw)
}

// checkParts checks that parts lie within their parents and in order, and that
// sections agree with them.
func checkParts(s Summary, raw []byte, lim Limits) (err error) {
	type span struct{ off, end int64 }
	ends := map[string]span{}
	count := 0
	size := int64(len(raw))
	last := int64(0)
	s.Walk(func(path []int, p Part) bool {
		count++
		key := fmt.Sprint(path)
		found, ok := p, true
		if count < 50 || count%50 == 0 { // each is a walk of its own
			found, ok = s.Part(path)
		}
		switch {
		case !ok || found != p:
			err = fmt.Errorf("part %v: walk says %+v, Part %+v", path, p, found)
		case p.MIMEOffset < 0 || p.MIMEOffset+p.MIMELen != p.BodyOffset || p.BodyOffset+p.BodyLen > size || p.MIMELen < 0 || p.BodyLen < 0:
			err = fmt.Errorf("part %v: %+v is not within %d bytes", path, p, size)
		case p.Lines > p.BodyLen:
			err = fmt.Errorf("part %v: %d lines in %d bytes", path, p.Lines, p.BodyLen)
		case p.IsMessage && (p.HeaderOffset != p.BodyOffset || p.HeaderLen+p.TextLen != p.BodyLen || p.TextOffset != p.HeaderOffset+p.HeaderLen):
			err = fmt.Errorf("part %v: header and text of %+v don't make its body", path, p)
		case (p.IsText || p.IsMessage) && p.Lines != int64(bytes.Count(raw[p.BodyOffset:p.BodyOffset+p.BodyLen], lf)):
			err = fmt.Errorf("part %v: %d lines", path, p.Lines)
		case p.MIMEOffset < last:
			err = fmt.Errorf("part %v at %d is not behind the one before at %d", path, p.MIMEOffset, last)
		}
		if len(path) > 1 && err == nil {
			parent := ends[fmt.Sprint(path[:len(path)-1])]
			if p.BodyOffset < parent.off || p.BodyOffset+p.BodyLen > parent.end {
				err = fmt.Errorf("part %v: %+v is not within its parent %v", path, p, parent)
			}
		}
		if err == nil && (count < 50 || count%50 == 0) {
			err = checkSections(s, path, p)
		}
		last = p.MIMEOffset
		ends[key] = span{p.BodyOffset, p.BodyOffset + p.BodyLen}
		return err == nil
	})
	if err != nil {
		return err
	}
	if count > 2*lim.MaxParts+2 {
		return fmt.Errorf("%d parts, limit %d", count, lim.MaxParts)
	}
	off, n, ok := s.Section(nil, "")
	_, header, ok1 := s.Section(nil, "HEADER")
	textOff, text, ok2 := s.Section(nil, "TEXT")
	if off != 0 || n != size || header+text != size || textOff != header || !ok || !ok1 || !ok2 {
		return fmt.Errorf("header of %d and text of %d bytes at %d don't make the mail of %d", header, text, textOff, size)
	}
	return nil
}

func checkSections(s Summary, path []int, p Part) error {
	for _, spec := range []string{"", "HEADER", "TEXT", "MIME", "FOO"} {
		off, n, ok := s.Section(path, spec)
		var want bool
		switch spec {
		case "":
			want = true
		case "MIME":
			want = len(path) > 0
		case "HEADER", "TEXT":
			want = len(path) == 0 || p.IsMessage
		}
		if ok != want || off < 0 || n < 0 || off+n > s.Size() {
			return fmt.Errorf("section %v %q: %d, %d, %v", path, spec, off, n, ok)
		}
	}
	if _, ok := s.Part(append(slices.Clone(path), p.Children+1000)); ok {
		return fmt.Errorf("part %v has a child %d", path, p.Children+1000)
	}
	return nil
}

// checkFields compares HeaderFields with a simple reader of the header.
func checkFields(s Summary, raw []byte) error {
	_, n, _ := s.Section(nil, "HEADER")
	lines := splitFields(raw[:n])
	names := []string{"X-NOT-THERE"}
	for _, f := range lines {
		if len(names) < 30 && !slices.Contains(names, f.name) {
			names = append(names, f.name)
		}
	}
	for _, set := range [][]string{{"SUBJECT"}, {"FROM", "TO", "CC", "DATE", "MESSAGE-ID"}, {"X-NOT-THERE"}, nil} {
		if err := checkFieldSet(s, lines, set); err != nil {
			return err
		}
	}
	for _, name := range names {
		if err := checkFieldSet(s, lines, []string{name}); err != nil {
			return err
		}
	}
	return nil
}

func checkFieldSet(s Summary, lines []fieldLine, names []string) error {
	var want []byte
	for _, f := range lines {
		if slices.Contains(names, f.name) {
			want = append(want, f.raw...)
			if !bytes.HasSuffix(want, lf) {
				want = append(want, crlf...)
			}
		}
	}
	got, ok := s.HeaderFields([]byte("before"), names)
	if !ok && string(got) != "before" || ok && string(got) != "before"+string(want) {
		return fmt.Errorf("fields %q: %q, %v; want %q", names, clip(got, 200), ok, clip(want, 200))
	}
	return nil
}

type fieldLine struct {
	name string
	raw  []byte
}

// splitFields reads a header the simple way.
func splitFields(header []byte) []fieldLine {
	var list []fieldLine
	start := 0
	for pos := 0; pos < len(header); {
		next := pos + bytes.IndexByte(header[pos:], '\n') + 1
		if next == pos {
			next = len(header)
		}
		line := header[pos:next]
		switch {
		case string(line) == "\r\n" || string(line) == "\n":
		case len(list) > 0 && (line[0] == ' ' || line[0] == '\t'):
			list[len(list)-1].raw = header[start:next]
		default:
			start = pos
			name, _, ok := bytes.Cut(line, []byte(":"))
			if !ok {
				name = nil
			}
			list = append(list, fieldLine{asciiUpper(bytes.TrimRight(name, " \t")), line})
		}
		pos = next
	}
	return slices.DeleteFunc(list, func(f fieldLine) bool { return f.name == "" })
}

func asciiUpper(name []byte) string {
	up := bytes.Clone(name)
	for i, c := range up {
		up[i] = upper(c)
	}
	return string(up)
}
