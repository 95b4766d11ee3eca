package fetch

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/message"
	"mailbackend.io/test/corpus"
)

// mails are odd and everyday mails.
func mails() []corpus.Message {
	all := corpus.All()
	for i := range 30 {
		all = append(all, corpus.Message{Name: fmt.Sprintf("realistic %d", i), Raw: corpus.Realistic(7, i)})
	}
	return all
}

// respond is the whole response for items of a mail.
func respond(t *testing.T, raw []byte, text string, utf8 bool) []byte {
	t.Helper()
	m := &Message{Seq: 1, Record: index.Record{UID: 1, Size: uint32(len(raw))}, Summary: message.Parse(raw, message.DefaultLimits())}
	b := &mem{raw: raw, piece: 4096}
	var out bytes.Buffer
	e := wire.NewEncoder(&out)
	if err := Compile(items(t, text), Options{UTF8: utf8}).Write(t.Context(), e, m, b.open, false); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if err := e.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// value is the literal or quoted string behind head in a response of one item.
func value(t *testing.T, response []byte, head string) []byte {
	t.Helper()
	rest, ok := bytes.CutPrefix(response, []byte("* 1 FETCH ("+head+" "))
	if !ok {
		t.Fatalf("%.100q doesn't start with %s", response, head)
	}
	if string(rest) == "\"\")\r\n" {
		return nil
	}
	var n int
	if _, err := fmt.Sscanf(string(rest[:min(len(rest), 20)]), "{%d}\r\n", &n); err != nil {
		t.Fatalf("%.100q: %v", rest, err)
	}
	start := bytes.IndexByte(rest, '\n') + 1
	if string(rest[start+n:]) != ")\r\n" {
		t.Fatalf("%s: %.20q follows %d octets", head, rest[start+n:], n)
	}
	return rest[start : start+n]
}

// TestCorpusBytes: what came in comes out, as a whole, in two parts, in pieces.
func TestCorpusBytes(t *testing.T) {
	for _, c := range mails() {
		if got := value(t, respond(t, c.Raw, "BODY.PEEK[]", false), "BODY[]"); !bytes.Equal(got, c.Raw) {
			t.Errorf("%s: BODY[] differs", c.Name)
		}
		header := value(t, respond(t, c.Raw, "BODY.PEEK[HEADER]", false), "BODY[HEADER]")
		text := value(t, respond(t, c.Raw, "BODY.PEEK[TEXT]", false), "BODY[TEXT]")
		if string(header)+string(text) != string(c.Raw) {
			t.Errorf("%s: header and text aren't the mail", c.Name)
		}
		half := len(c.Raw)/2 + 1
		first := value(t, respond(t, c.Raw, fmt.Sprintf("BODY.PEEK[]<0.%d>", half), false), "BODY[]<0>")
		second := value(t, respond(t, c.Raw, fmt.Sprintf("BODY.PEEK[]<%d.%d>", half, math.MaxInt32), false), fmt.Sprintf("BODY[]<%d>", half))
		if string(first)+string(second) != string(c.Raw) {
			t.Errorf("%s: two halves aren't the mail", c.Name)
		}
	}
}

// TestCorpusFields: header fields from the summary are those of the header
// itself.
func TestCorpusFields(t *testing.T) {
	for _, c := range mails() {
		s := message.Parse(c.Raw, message.DefaultLimits())
		off, n, ok := s.Section(nil, "HEADER")
		if !ok {
			t.Errorf("%s: no header", c.Name)
			continue
		}
		for _, names := range []string{"FROM", "TO CC BCC", "SUBJECT DATE", "X-NONE", "CONTENT-TYPE MIME-VERSION", "RECEIVED", "REFERENCES MESSAGE-ID IN-REPLY-TO", "LIST-ID X-PRIORITY"} {
			want := filtered(t, string(c.Raw[off:off+n]), strings.Fields(names), false, false)
			cached, ok := s.HeaderFields(nil, strings.Fields(names))
			if ok && string(cached)+"\r\n" != want {
				t.Errorf("%s: %s from the summary is %.200q, from the header %.200q", c.Name, names, cached, want)
			}
			got := value(t, respond(t, c.Raw, "BODY.PEEK[HEADER.FIELDS ("+names+")]", false), "BODY[HEADER.FIELDS ("+names+")]")
			if string(got) != want {
				t.Errorf("%s: %s is %.200q, want %.200q", c.Name, names, got, want)
			}
		}
	}
}

// TestCorpusSyntax: whatever the mail, the response is a list of names and
// values that a client can read.
func TestCorpusSyntax(t *testing.T) {
	const all = "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY BODYSTRUCTURE PREVIEW BODY.PEEK[HEADER.FIELDS (From X-Odd)] BODY.PEEK[1] " +
		"BODY.PEEK[1.MIME] BODY.PEEK[2.1.HEADER] BODY.PEEK[2.1.HEADER.FIELDS.NOT (To)] BODY.PEEK[TEXT]<5.10>)"
	for _, c := range mails() {
		for _, utf8 := range []bool{false, true} {
			out := respond(t, c.Raw, all, utf8)
			r := reader{b: out[len("* 1 FETCH "):]}
			n := r.list(t)
			if string(r.b) != "\r\n" || n != 2*14 {
				t.Errorf("%s: %d elements, then %.50q of %.500q", c.Name, n, r.b, out)
			}
			if !utf8 && bytes.ContainsFunc(outsideLiterals(out), func(c rune) bool { return c >= 0x80 }) {
				t.Errorf("%s: 8-bit outside literals", c.Name)
			}
		}
	}
}

// reader reads a parenthesised list.
type reader struct{ b []byte }

// list consumes a list and counts its elements.
func (r *reader) list(t *testing.T) (n int) {
	t.Helper()
	if r.b[0] != '(' {
		t.Fatalf("no list: %.50q", r.b)
	}
	for r.b = r.b[1:]; r.b[0] != ')'; n++ {
		if r.b[0] == ' ' && n > 0 {
			r.b = r.b[1:]
		}
		switch r.b[0] {
		case '(':
			r.list(t)
		case '"':
			i := 1
			for ; r.b[i] != '"'; i++ {
				if r.b[i] == '\\' {
					i++
				}
				if r.b[i] == '\r' || r.b[i] == '\n' || r.b[i] == 0 {
					t.Fatalf("bad quoted string: %.50q", r.b)
				}
			}
			r.b = r.b[i+1:]
		case '{':
			var size int
			if _, err := fmt.Sscanf(string(r.b[:min(20, len(r.b))]), "{%d}\r\n", &size); err != nil {
				t.Fatalf("bad literal: %.50q", r.b)
			}
			r.b = r.b[bytes.IndexByte(r.b, '\n')+1+size:]
		default:
			i := 0
			for depth := 0; depth > 0 || strings.IndexByte(" ()\"{", r.b[i]) < 0; i++ {
				switch r.b[i] { // BODY[HEADER.FIELDS (x)] is one name
				case '[':
					depth++
				case ']':
					depth--
				}
			}
			if i == 0 {
				t.Fatalf("no element: %.50q", r.b)
			}
			r.b = r.b[i:]
		}
	}
	r.b = r.b[1:]
	return n
}

// outsideLiterals is b without the octets of literals.
func outsideLiterals(b []byte) (out []byte) {
	for {
		line, rest, ok := bytes.Cut(b, []byte("\r\n"))
		out = append(out, line...)
		if !ok {
			return out
		}
		size, _, _, literal, _ := wire.TrailingLiteral(line)
		if literal {
			rest = rest[size:]
		}
		b = rest
	}
}
