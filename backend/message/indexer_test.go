package message

import (
	"bytes"
	"fmt"
	"testing"
	"unsafe"

	"mailbackend.io/test/corpus"
)

func TestEveryMail(t *testing.T) {
	everyMail(t, func(t *testing.T, raw []byte) {
		small := Limits{MaxParts: 5, MaxDepth: 2, MaxCachedHeader: 100, MaxPartText: 60, MaxBoundary: 10, PreviewBytes: 50, PreviewChars: 10}
		for _, lim := range []Limits{DefaultLimits(), small, {}} {
			if err := checkMail(raw, lim); err != nil {
				t.Errorf("%+v: %v", lim, err)
			}
		}
	})
}

// TestPrefixed compares the summary of a mail with a prefix with that of the
// two put together.
func TestPrefixed(t *testing.T) {
	prefix := []byte("Return-Path: <ada@example.com>\r\nDelivered-To: ben@example.net\r\nX-Trace: 1\r\nReceived: from a\r\n\tby b; c\r\n")
	cut := bytes.IndexByte(prefix, '\n') + 1
	everyMail(t, func(t *testing.T, raw []byte) {
		if len(raw) > 0 && (raw[0] == ' ' || raw[0] == '\t') {
			return // Body.Object looks after those
		}
		whole := append(bytes.Clone(prefix), raw...)
		// Budgets are of one mail: with large headers the two may differ.
		lim := DefaultLimits()
		lim.MaxCachedHeader *= 100
		s := Parse(raw, lim).Prefixed(prefix[cut:]).Prefixed(prefix[:cut])
		if err := checkSummary(s, whole, lim); err != nil {
			t.Fatal(err)
		}
		want := Parse(whole, lim)
		if got, want := render(s), render(want); got != want {
			t.Fatalf("got\n%.1000s\nwant\n%.1000s", got, want)
		}
	})
}

// render is all that a summary tells, but for the preview.
func render(s Summary) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n%s\n", s.AppendEnvelope(nil, true), s.AppendBody(nil, true, true))
	s.Walk(func(path []int, p Part) bool {
		fmt.Fprintf(&b, "%v %+v\n", path, p)
		return true
	})
	for _, name := range fieldNames[1:] {
		lines, ok := s.HeaderFields(nil, []string{string(bytes.ToUpper([]byte(name)))})
		fmt.Fprintf(&b, "%s %v %q\n", name, ok, lines)
	}
	for _, name := range []string{"RECEIVED", "X-TRACE", "X-OTHER"} {
		_, ok := s.HeaderFields(nil, []string{name})
		fmt.Fprintf(&b, "%s %v\n", name, ok)
	}
	return b.String()
}

// hostile are shapes of mail that cost too much if one pass isn't one pass.
var hostile = map[string]func(n int) []byte{
	"nested messages":   func(n int) []byte { return []byte(corpus.NestedMessages(n / 50)) },
	"nested multiparts": func(n int) []byte { return []byte(corpus.NestedMultiparts(n / 70)) },
	"parts":             func(n int) []byte { return []byte(corpus.ManyParts(n / 17)) },
	"delimiters":        shape("Content-Type: multipart/mixed; boundary=b\n\n", "--b\n"),
	"closing":           shape("Content-Type: multipart/mixed; boundary=b\n\n", "--b--\n"),
	"almost delimiters": shape(openMultiparts(49, ""), "--b"),
	"dashes":            shape(openMultiparts(49, ""), "--\n"),
	"long almost delimiters": shape(openMultiparts(49, string(bytes.Repeat([]byte{'x'}, 900))),
		"--b00"+string(bytes.Repeat([]byte{'x'}, 899))+"y\n"),
	"same boundaries":     shape(openMultiparts(1, ""), "--b0\nContent-Type: multipart/mixed; boundary=b0\n\n"),
	"header lines":        shape("", "A:\n"),
	"header names":        countedHeader,
	"no colons":           shape("", "aaaa\n"),
	"continuations":       shape("Subject:", "\n "),
	"one header line":     shape("Subject:", "x"),
	"one body line":       shape("\n", "x"),
	"parameters":          shape("Content-Type: text/plain", "; a=b"),
	"continued params":    shape("Content-Type: text/plain", "; a*0=b; a*1=c"),
	"quotes in params":    shape("Content-Type: text/plain; a=", "\"\\\""),
	"comments in params":  shape("Content-Type: ", "("),
	"content types":       shape("", "Content-Type: text/plain; a=\"b\n"),
	"addresses":           shape("To: ", "a@b.c,"),
	"languages":           shape("Content-Language: ", "de,"),
	"embedded headers":    shape("Content-Type: message/rfc822\n\n", "To: a@b.c\n"),
	"HTML":                shape("Content-Type: text/html\n\n", "<"),
	"HTML references":     shape("Content-Type: text/html\n\n", "&amp"),
	"hidden HTML":         shape("Content-Type: text/html\n\n", "<style></"),
	"quoted lines":        shape("\n", ">\n"),
	"truncated multipart": shape("Content-Type: multipart/digest; boundary=b\n\n--b\n", "Subject: x\n\n--b\n"),
}

func shape(head, repeated string) func(n int) []byte {
	return func(n int) []byte {
		return append([]byte(head), bytes.Repeat([]byte(repeated), n/len(repeated))...)
	}
}

func countedHeader(n int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "X-%d:\n", i)
	}
	return b.Bytes()
}

// openMultiparts is a mail in which n multiparts are open.
func openMultiparts(n int, suffix string) string {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%02d%s\n\n--b%02d%s\n", i, suffix, i, suffix)
	}
	return b.String() + "\n"
}

// TestLinear counts operations and memory of hostile mails of 250 KB, 500 KB
// and 1 MB: twice the bytes may cost little more than twice as much.
func TestLinear(t *testing.T) {
	for name, make := range hostile {
		t.Run(name, func(t *testing.T) {
			var before int64
			for _, n := range []int{250_000, 500_000, 1_000_000} {
				raw := make(n)
				x := new(indexer)
				x.reset(raw, DefaultLimits())
				x.run()
				s := Summary{x.encode()}
				ops := x.ops
				if perByte := float64(ops) / float64(len(raw)); perByte > 25 {
					t.Errorf("%d bytes: %.1f operations for each", len(raw), perByte)
				}
				if before > 0 && ops > before*21/10+200_000 {
					t.Errorf("%d operations for %d bytes, %d for half of them", ops, len(raw), before)
				}
				if len(s.Bytes()) > 400_000 {
					t.Errorf("a summary of %d bytes", len(s.Bytes()))
				}
				if memory := cap(x.nodes)*int(unsafe.Sizeof(node{})) + cap(x.fields) + cap(x.text) + 2*cap(x.hashes); memory > 2_000_000 {
					t.Errorf("%d bytes of memory", memory)
				}
				before = ops
			}
		})
	}
}

// TestLinearAddresses does the same for the address parser.
func TestLinearAddresses(t *testing.T) {
	for _, unit := range []string{
		"\"", "\\\"", "(", "()", "<", "<@a,", "[", "a@[", "g:", "g:;", ",", ";", "a ", "a@b ", "a@b <", "<a@b>", "@", "\"a\" <", "<\"", "a@b(", ":", ". ", ">",
	} {
		before := 0
		for _, n := range []int{100_000, 200_000, 400_000} {
			p := addressParser{v: bytes.Repeat([]byte(unit), n/len(unit))}
			for p.next() {
			}
			if p.ops > 8*n || before > 0 && p.ops > before*21/10+1000 {
				t.Errorf("%q: %d operations for %d bytes, %d for half of them", unit, p.ops, n, before)
			}
			before = p.ops
		}
	}
}
