package message

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
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
	for line := range bytes.SplitAfterSeq(header, lf) {
		if len(line) == 0 || string(line) == "\r\n" || string(line) == "\n" {
			continue
		}
		if n := len(list); n > 0 && (line[0] == ' ' || line[0] == '\t') {
			list[n-1].raw = append(slices.Clip(list[n-1].raw), line...)
			continue
		}
		name, _, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			name = nil
		}
		list = append(list, fieldLine{asciiUpper(bytes.TrimRight(name, " \t")), line})
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

// checkIMAP parses b as one IMAP value and has it checked.
func checkIMAP(b []byte, utf8 bool, check func(any) error) error {
	r := imapReader{b: b, utf8: utf8}
	v := r.value()
	if r.err == nil && len(r.b) > 0 {
		r.err = fmt.Errorf("%q behind it", clip(r.b, 50))
	}
	if r.err != nil {
		return fmt.Errorf("%w in %q", r.err, clip(b, 300))
	}
	if err := check(v); err != nil {
		return fmt.Errorf("%w in %q", err, clip(b, 300))
	}
	return nil
}

// imapReader reads what servers send (RFC 9051 section 9): strings, numbers,
// NIL and lists. It refuses what the grammar does.
type imapReader struct {
	b    []byte
	utf8 bool
	err  error
}

type imapNIL struct{}

func (r *imapReader) value() any {
	switch {
	case r.err != nil:
		return nil
	case len(r.b) == 0:
		r.err = fmt.Errorf("ends too early")
	case r.b[0] == '(':
		return r.list()
	case r.b[0] == '"':
		return r.quoted()
	case r.b[0] == '{':
		return r.literal()
	case bytes.HasPrefix(r.b, []byte("NIL")):
		r.b = r.b[3:]
		return imapNIL{}
	default:
		n := 0
		for n < len(r.b) && '0' <= r.b[n] && r.b[n] <= '9' {
			n++
		}
		v, err := strconv.ParseUint(string(r.b[:n]), 10, 63)
		if err != nil {
			r.err = fmt.Errorf("%q is no value", clip(r.b, 20))
		}
		r.b = r.b[n:]
		return int64(v)
	}
	return nil
}

// list reads values parted by single spaces; lists may follow each other
// directly, as addresses and parts do.
func (r *imapReader) list() any {
	r.b = r.b[1:]
	list := []any{}
	for r.err == nil {
		v := r.value()
		list = append(list, v)
		switch {
		case r.err != nil || len(r.b) == 0:
			r.err = fmt.Errorf("unclosed list: %w", r.err)
		case r.b[0] == ')':
			r.b = r.b[1:]
			return list
		case r.b[0] == ' ':
			r.b = r.b[1:]
		case r.b[0] != '(':
			r.err = fmt.Errorf("%q in a list", clip(r.b, 20))
		}
	}
	return nil
}

func (r *imapReader) quoted() any {
	var s []byte
	for i := 1; i < len(r.b); i++ {
		c := r.b[i]
		switch {
		case c == '"':
			r.b = r.b[i+1:]
			if r.utf8 && !utf8.Valid(s) {
				r.err = fmt.Errorf("quoted string %q is not UTF-8", s)
			}
			return string(s)
		case c == '\\':
			i++
			if i == len(r.b) || r.b[i] != '"' && r.b[i] != '\\' {
				r.err = fmt.Errorf("bad escape")
				return nil
			}
			c = r.b[i]
		case c == 0, c == '\r', c == '\n', c >= 0x80 && !r.utf8:
			r.err = fmt.Errorf("byte %#x in a quoted string", c)
			return nil
		}
		s = append(s, c)
	}
	r.err = fmt.Errorf("unclosed string")
	return nil
}

func (r *imapReader) literal() any {
	head, rest, ok := bytes.Cut(r.b, []byte("}\r\n"))
	n, err := strconv.Atoi(string(head[1:]))
	if !ok || err != nil || n > len(rest) || bytes.IndexByte(rest[:n], 0) >= 0 {
		r.err = fmt.Errorf("bad literal %q", clip(r.b, 20))
		return nil
	}
	r.b = rest[n:]
	return string(rest[:n])
}

// checkEnvelope checks the grammar of an ENVELOPE.
func checkEnvelope(v any) error {
	list, ok := v.([]any)
	if !ok || len(list) != 10 {
		return fmt.Errorf("envelope of %d fields", len(list))
	}
	for _, i := range []int{0, 1, 8, 9} {
		if !isNString(list[i]) {
			return fmt.Errorf("field %d is no string", i)
		}
	}
	for i := 2; i < 8; i++ {
		if _, nothing := list[i].(imapNIL); nothing {
			continue
		}
		addresses, ok := list[i].([]any)
		if !ok || len(addresses) == 0 {
			return fmt.Errorf("field %d is no address list", i)
		}
		inGroup := false
		for _, a := range addresses {
			f, ok := a.([]any)
			if !ok || len(f) != 4 || !isNString(f[0]) || !isNString(f[1]) || !isNString(f[2]) || !isNString(f[3]) {
				return fmt.Errorf("address %v", a)
			}
			_, noMailbox := f[2].(imapNIL)
			_, noHost := f[3].(imapNIL)
			if noHost && noMailbox != inGroup || noMailbox && !noHost {
				return fmt.Errorf("groups in %v", addresses)
			}
			if noHost {
				inGroup = !noMailbox
			}
		}
		if inGroup {
			return fmt.Errorf("a group doesn't end in %v", addresses)
		}
	}
	return nil
}

func isNString(v any) bool {
	switch v.(type) {
	case string, imapNIL:
		return true
	}
	return false
}

// checkBody checks the grammar of a BODY or BODYSTRUCTURE.
func checkBody(v any, extended, utf8 bool) error {
	list, ok := v.([]any)
	if !ok {
		return fmt.Errorf("body is %T", v)
	}
	n := 0
	for n < len(list) {
		if _, part := list[n].([]any); !part {
			break
		}
		if err := checkBody(list[n], extended, utf8); err != nil {
			return err
		}
		n++
	}
	if n > 0 {
		return checkMultiBody(list[n:], extended)
	}
	if len(list) < 7 {
		return fmt.Errorf("body of %d fields", len(list))
	}
	typ, ok1 := list[0].(string)
	sub, ok2 := list[1].(string)
	_, ok3 := list[5].(string)
	_, ok4 := list[6].(int64)
	if !ok1 || !ok2 || !ok3 || !ok4 || !isParams(list[2]) || !isNString(list[3]) || !isNString(list[4]) {
		return fmt.Errorf("fields of %v", list)
	}
	rest := list[7:]
	switch {
	case strings.EqualFold(typ, "text"):
		if len(rest) < 1 {
			return fmt.Errorf("text without lines")
		}
		if _, ok := rest[0].(int64); !ok {
			return fmt.Errorf("lines %v", rest[0])
		}
		rest = rest[1:]
	case strings.EqualFold(typ, "message") && (strings.EqualFold(sub, "rfc822") || utf8 && strings.EqualFold(sub, "global")):
		if len(rest) < 3 {
			return fmt.Errorf("message of %d fields", len(list))
		}
		if err := checkEnvelope(rest[0]); err != nil {
			return err
		}
		if err := checkBody(rest[1], extended, utf8); err != nil {
			return err
		}
		if _, ok := rest[2].(int64); !ok {
			return fmt.Errorf("lines %v", rest[2])
		}
		rest = rest[3:]
	}
	if !extended {
		if len(rest) > 0 {
			return fmt.Errorf("extension data %v", rest)
		}
		return nil
	}
	if len(rest) != 4 || !isNString(rest[0]) {
		return fmt.Errorf("extension data %v", rest)
	}
	return checkExtension(rest[1:])
}

func checkMultiBody(rest []any, extended bool) error {
	if len(rest) == 0 {
		return fmt.Errorf("multipart without subtype")
	}
	if _, ok := rest[0].(string); !ok {
		return fmt.Errorf("subtype %v", rest[0])
	}
	if !extended {
		if len(rest) != 1 {
			return fmt.Errorf("extension data %v", rest)
		}
		return nil
	}
	if len(rest) != 5 || !isParams(rest[1]) {
		return fmt.Errorf("extension data %v", rest)
	}
	return checkExtension(rest[2:])
}

// checkExtension checks disposition, language and location.
func checkExtension(v []any) error {
	if d, ok := v[0].([]any); ok {
		if len(d) != 2 || !isParams(d[1]) {
			return fmt.Errorf("disposition %v", d)
		}
		if _, ok := d[0].(string); !ok {
			return fmt.Errorf("disposition %v", d)
		}
	} else if !isNString(v[0]) {
		return fmt.Errorf("disposition %v", v[0])
	}
	if l, ok := v[1].([]any); ok {
		for _, tag := range l {
			if _, ok := tag.(string); !ok {
				return fmt.Errorf("language %v", l)
			}
		}
	} else if !isNString(v[1]) {
		return fmt.Errorf("language %v", v[1])
	}
	if !isNString(v[2]) {
		return fmt.Errorf("location %v", v[2])
	}
	return nil
}

func isParams(v any) bool {
	if _, nothing := v.(imapNIL); nothing {
		return true
	}
	list, ok := v.([]any)
	for _, s := range list {
		_, isString := s.(string)
		ok = ok && isString
	}
	return ok && len(list) > 0 && len(list)%2 == 0
}
