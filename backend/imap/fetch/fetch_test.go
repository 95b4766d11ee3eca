package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/message"
)

// mem is a Body in memory that writes in pieces and may fail behind some octets.
type mem struct {
	raw   []byte
	piece int
	fail  error
	after int64 // octets that are written before fail
	reads int
}

func (m *mem) ReadRange(_ context.Context, w io.Writer, off, n int64) error {
	m.reads++
	end := min(off+n, int64(len(m.raw)))
	for off < end {
		if m.fail != nil && off >= m.after {
			return m.fail
		}
		k := min(int64(m.piece), end-off)
		if _, err := w.Write(m.raw[off : off+k]); err != nil {
			return err
		}
		off += k
	}
	return nil
}

// items parses FETCH items as a client writes them.
func items(t testing.TB, text string) []wire.FetchItem {
	t.Helper()
	c, err := wire.ParseCommand(wire.Raw{Lines: [][]byte{[]byte("a FETCH 1 " + text)}}, wire.Options{Limits: wire.DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	f, err := wire.ParseFetch(c.Args)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return f.Items
}

// testMessage is a message of the mail raw, in which LF stands for CRLF.
func testMessage(raw string) (*Message, *mem) {
	b := &mem{raw: []byte(strings.ReplaceAll(raw, "\n", "\r\n")), piece: 7}
	return &Message{
		Seq: 3,
		Record: index.Record{
			UID: 12, ModSeq: 77, Flags: index.Seen | index.Deleted, Size: uint32(len(b.raw)),
			InternalDate: 837570205, SaveDate: 837570206,
		},
		Keywords: []string{"$Junk", "x"},
		IDs:      index.IDs{EmailID: index.ID{1}, ThreadID: index.ID{2}},
		Summary:  message.Parse(b.raw, message.DefaultLimits()),
	}, b
}

func (m *mem) open(context.Context, uint32) (Body, error) { return m, nil }

// fetched is the response for items, with CRLF as LF.
func fetched(t testing.TB, text string, o Options, m *Message, b *mem) string {
	t.Helper()
	var out bytes.Buffer
	e := wire.NewEncoder(&out)
	p := Compile(items(t, text), o)
	given := *m
	if !p.Needs().Summary {
		given.Summary = message.Summary{}
	}
	if !p.Needs().IDs {
		given.IDs = index.IDs{}
	}
	b.reads = 0
	if err := p.Write(t.Context(), e, &given, b.open, false); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if needs := p.NeedsBody(&given); !needs && b.reads > 0 {
		t.Errorf("%s: reads the body, but NeedsBody is %v", text, needs)
	}
	if err := e.Flush(); err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(out.String(), "\r\n", "\n")
	if n := strings.Count(out.String(), "\n") - strings.Count(out.String(), "\r\n"); n != 0 {
		t.Errorf("%s: %d bare LF in %q", text, n, out.String())
	}
	return strings.TrimSuffix(strings.TrimPrefix(got, "* 3 FETCH ("), ")\n")
}

const nested = `From: Ann <ann@example.org>
To: bob@example.net
Subject: outer
Content-Type: multipart/mixed; boundary=b

preamble
--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: base64

AGFiYwA=
--b
Content-Type: message/rfc822

From: inner@example.org
Subject: inner
X-A: 1
 2
Content-Type: multipart/alternative; boundary=c

--c

part one
--c
Content-Type: text/html
Content-Transfer-Encoding: quoted-printable

p=C3=A4rt =
two
--c--

--b
Content-Transfer-Encoding: x-odd

odd
--b--
`

func TestItems(t *testing.T) {
	m, b := testMessage("From: Ann <ann@example.org>\nSubject: hi\nDate: Mon, 1 Jan 2024 00:00:00 +0000\nMessage-ID: <1@x>\n\nHello\nworld\n")
	for _, c := range []struct {
		items string
		o     Options
		want  string
	}{
		{"FLAGS", Options{}, `FLAGS (\Deleted \Seen $Junk x)`},
		{"FLAGS", Options{UID: true, ModSeq: true}, `UID 12 FLAGS (\Deleted \Seen $Junk x) MODSEQ (77)`},
		{"(FLAGS MODSEQ UID)", Options{UID: true, ModSeq: true}, `FLAGS (\Deleted \Seen $Junk x) MODSEQ (77) UID 12`},
		{"UID", Options{ModSeq: true}, `UID 12`},
		{"INTERNALDATE", Options{}, `INTERNALDATE "17-Jul-1996 02:23:25 +0000"`},
		{"SAVEDATE", Options{}, `SAVEDATE "17-Jul-1996 02:23:26 +0000"`},
		{"RFC822.SIZE", Options{}, `RFC822.SIZE 115`},
		{"(EMAILID THREADID)", Options{}, `EMAILID (M01000000000000000000000000000000) THREADID (T02000000000000000000000000000000)`},
		{"(ENVELOPE BODY BODYSTRUCTURE)", Options{}, "ENVELOPE " + string(m.Summary.AppendEnvelope(nil, false)) +
			" BODY " + string(m.Summary.AppendBody(nil, false, false)) + " BODYSTRUCTURE " + string(m.Summary.AppendBody(nil, true, false))},
		{"PREVIEW (LAZY)", Options{}, `PREVIEW "Hello world"`},
		{"BODY[TEXT]", Options{}, "BODY[TEXT] {14}\nHello\nworld\n"},
		{"RFC822.TEXT", Options{}, "RFC822.TEXT {14}\nHello\nworld\n"},
		{"BODY.PEEK[1]<3.6>", Options{}, "BODY[1]<3> {6}\nlo\nwo"},
		{"BODY[1]<12.100>", Options{}, "BODY[1]<12> {2}\n\n"},
		{"BODY[1]<14.1>", Options{}, `BODY[1]<14> ""`},
		{"BODY[1]<9223372036854775807.9223372036854775807>", Options{}, `BODY[1]<9223372036854775807> ""`},
		{"BODY[2]", Options{}, "BODY[2] NIL"},
		{"BODY[1.1.TEXT]<5.5>", Options{}, "BODY[1.1.TEXT]<5> NIL"},
		{"BODY[HEADER.FIELDS (subject X-None)]", Options{}, "BODY[HEADER.FIELDS (subject X-None)] {15}\nSubject: hi\n\n"},
		{"BODY[HEADER.FIELDS (X-None)]", Options{}, "BODY[HEADER.FIELDS (X-None)] {2}\n\n"},
		{"BODY[HEADER.FIELDS (X-None)]<2.1>", Options{}, `BODY[HEADER.FIELDS (X-None)]<2> ""`},
		{"BODY[HEADER.FIELDS (SUBJECT)]<9.2>", Options{}, "BODY[HEADER.FIELDS (SUBJECT)]<9> {2}\nhi"},
		{`BODY[HEADER.FIELDS ("a b" "c\"")]`, Options{}, "BODY[HEADER.FIELDS (\"a b\" \"c\\\"\")] {2}\n\n"},
		{"BODY[HEADER.FIELDS.NOT (From Date Message-ID)]", Options{}, "BODY[HEADER.FIELDS.NOT (From Date Message-ID)] {15}\nSubject: hi\n\n"},
		{"BODY[HEADER.FIELDS.NOT (From Date Message-ID)]<1.4>", Options{}, "BODY[HEADER.FIELDS.NOT (From Date Message-ID)]<1> {4}\nubje"},
		{"BODY[HEADER]", Options{}, "BODY[HEADER] {101}\nFrom: Ann <ann@example.org>\nSubject: hi\nDate: Mon, 1 Jan 2024 00:00:00 +0000\nMessage-ID: <1@x>\n\n"},
		{"RFC822.HEADER", Options{}, "RFC822.HEADER {101}\nFrom: Ann <ann@example.org>\nSubject: hi\nDate: Mon, 1 Jan 2024 00:00:00 +0000\nMessage-ID: <1@x>\n\n"},
		{"(BODY[]<0.5> UID BODY[]<5.5>)", Options{}, "BODY[]<0> {5}\nFrom: UID 12 BODY[]<5> {5}\n Ann "},
		{"(BINARY[1] BINARY.SIZE[1])", Options{}, "BINARY[1] {14}\nHello\nworld\n BINARY.SIZE[1] 14"},
		{"(BINARY[5] BINARY.SIZE[5])", Options{}, "BINARY[5] NIL BINARY.SIZE[5] 0"},
	} {
		if got := fetched(t, c.items, c.o, m, b); got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.items, got, c.want)
		}
	}
	utf8, b8 := testMessage("Subject: grün\n\nPrévoir")
	for _, on := range []bool{false, true} {
		want := "ENVELOPE " + string(utf8.Summary.AppendEnvelope(nil, on)) + " PREVIEW " + string(wire.AppendString(nil, "Prévoir", on))
		if got := fetched(t, "(ENVELOPE PREVIEW)", Options{UTF8: on}, utf8, b8); got != strings.ReplaceAll(want, "\r\n", "\n") {
			t.Errorf("UTF-8 %v: %q, want %q", on, got, want)
		}
	}
	m.Record.SaveDate, m.IDs.ThreadID, m.Record.Flags, m.Keywords, m.Recent = 0, index.ID{}, 0, nil, true
	if got := fetched(t, "(SAVEDATE THREADID FLAGS)", Options{}, m, b); got != `SAVEDATE NIL THREADID NIL FLAGS (\Recent)` {
		t.Error(got)
	}
}

func TestWhole(t *testing.T) {
	m, b := testMessage(nested)
	for _, name := range []string{"RFC822", "BODY[]", "BINARY[]"} {
		want := fmt.Sprintf("%s {%d}\n%s", name, len(b.raw), nested)
		if got := fetched(t, name, Options{}, m, b); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestNestedSections(t *testing.T) {
	m, b := testMessage(nested)
	innerHeader := "From: inner@example.org\nSubject: inner\nX-A: 1\n 2\nContent-Type: multipart/alternative; boundary=c\n\n"
	for _, c := range []struct{ items, want string }{
		{"BODY[1]", "BODY[1] {8}\nAGFiYwA="},
		{"BODY[1.MIME]", "BODY[1.MIME] {78}\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"},
		{"BODY[2.HEADER]", fmt.Sprintf("BODY[2.HEADER] {%d}\n%s", len(innerHeader)+6, innerHeader)},
		{"BODY[2.HEADER.FIELDS (x-a subject)]", "BODY[2.HEADER.FIELDS (x-a subject)] {30}\nSubject: inner\nX-A: 1\n 2\n\n"},
		{"BODY[2.HEADER.FIELDS.NOT (x-a From content-type)]", "BODY[2.HEADER.FIELDS.NOT (x-a From content-type)] {18}\nSubject: inner\n\n"},
		{"BODY[1.HEADER.FIELDS (x)]", "BODY[1.HEADER.FIELDS (x)] NIL"},
		{"BODY[2.2]", "BODY[2.2] {16}\np=C3=A4rt =\ntwo"},
		{"BODY[2.1]", "BODY[2.1] {8}\npart one"},
		{"(BINARY[1] BINARY.SIZE[1])", "BINARY[1] ~{5}\n\x00abc\x00 BINARY.SIZE[1] 5"},
		{"BINARY.PEEK[1]<1.3>", "BINARY[1]<1> ~{3}\nabc"},
		{"BINARY[2.2]", "BINARY[2.2] {9}\npärt two"},
		{"BINARY[2.2]<100.1>", `BINARY[2.2]<100> ""`},
		{"BINARY.SIZE[2.2]", "BINARY.SIZE[2.2] 9"},
	} {
		if got := fetched(t, c.items, Options{}, m, b); got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.items, got, c.want)
		}
	}
}

func TestUnknownCTE(t *testing.T) {
	m, b := testMessage(nested)
	var out bytes.Buffer
	e := wire.NewEncoder(&out)
	e.Raw("* OK before").CRLF()
	for _, text := range []string{"(UID BINARY[3])", "BINARY.SIZE[3]"} {
		err := Compile(items(t, text), Options{}).Write(t.Context(), e, m, b.open, false)
		if !errors.Is(err, ErrUnknownCTE) || errors.Is(err, ErrCut) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if err := e.Flush(); err != nil || out.String() != "* OK before\r\n" {
		t.Errorf("%q %v", out.String(), err)
	}
	if got := fetched(t, "BODY[3]", Options{}, m, b); got != "BODY[3] {3}\nodd" {
		t.Error(got)
	}
}

// Large values are produced twice rather than held.
func TestLargeMeasured(t *testing.T) {
	field := "X-Big: " + strings.Repeat("y", 900) + "\n"
	text := strings.Repeat("QUJD\n", 50_000) // "ABC" each
	m, b := testMessage("X-First: 1\n" + strings.Repeat(field, 200) + "Content-Transfer-Encoding: base64\n\n" + text)
	b.piece = 1000
	want := strings.Repeat(field, 200) + "\n"
	got := fetched(t, "BODY.PEEK[HEADER.FIELDS.NOT (X-First Content-Transfer-Encoding)]", Options{}, m, b)
	if head := fmt.Sprintf("BODY[HEADER.FIELDS.NOT (X-First Content-Transfer-Encoding)] {%d}\n", len(want)+201); got != head+want {
		t.Errorf("%.200q…", got)
	}
	got = fetched(t, "BODY.PEEK[HEADER.FIELDS.NOT (X-First Content-Transfer-Encoding)]<100000.10>", Options{}, m, b)
	if want := "BODY[HEADER.FIELDS.NOT (X-First Content-Transfer-Encoding)]<100000> {10}\nyyyyyyyyyy"; got != want {
		t.Errorf("%.200q…", got)
	}
	if got = fetched(t, "BINARY.PEEK[1]", Options{}, m, b); got != "BINARY[1] {150000}\n"+strings.Repeat("ABC", 50_000) {
		t.Errorf("%.200q…", got)
	}
	if got = fetched(t, "(BINARY.SIZE[1] BINARY.PEEK[1]<149999.5>)", Options{}, m, b); got != "BINARY.SIZE[1] 150000 BINARY[1]<149999> {1}\nC" {
		t.Errorf("%.200q…", got)
	}
}

func TestWithFlags(t *testing.T) {
	m, b := testMessage("A: b\n\nc")
	for _, c := range []struct {
		items string
		o     Options
		want  string
	}{
		{"BODY[TEXT]", Options{}, "* 3 FETCH (BODY[TEXT] {1}\r\nc FLAGS (\\Deleted \\Seen $Junk x))\r\n"},
		{"(FLAGS BODY[TEXT])", Options{}, "* 3 FETCH (FLAGS (\\Deleted \\Seen $Junk x) BODY[TEXT] {1}\r\nc)\r\n"},
		{"BODY[TEXT]", Options{ModSeq: true}, "* 3 FETCH (BODY[TEXT] {1}\r\nc FLAGS (\\Deleted \\Seen $Junk x) MODSEQ (77))\r\n"},
	} {
		var out bytes.Buffer
		e := wire.NewEncoder(&out)
		if err := Compile(items(t, c.items), c.o).Write(t.Context(), e, m, b.open, true); err != nil {
			t.Fatal(err)
		}
		if err := e.Flush(); err != nil || out.String() != c.want {
			t.Errorf("%s: %q %v", c.items, out.String(), err)
		}
	}
	var out bytes.Buffer
	e := wire.NewEncoder(&out)
	Flags(e, m, Options{})
	Flags(e, m, Options{UID: true, ModSeq: true})
	want := "* 3 FETCH (FLAGS (\\Deleted \\Seen $Junk x))\r\n* 3 FETCH (UID 12 FLAGS (\\Deleted \\Seen $Junk x) MODSEQ (77))\r\n"
	if err := e.Flush(); err != nil || out.String() != want {
		t.Errorf("%q %v", out.String(), err)
	}
}

func TestNeeds(t *testing.T) {
	for _, c := range []struct {
		items string
		want  Needs
		seen  bool
	}{
		{"(UID FLAGS INTERNALDATE RFC822.SIZE MODSEQ SAVEDATE)", Needs{}, false},
		{"FULL", Needs{Summary: true}, false},
		{"PREVIEW", Needs{Summary: true}, false},
		{"(EMAILID ENVELOPE)", Needs{Summary: true, IDs: true}, false},
		{"BODY.PEEK[]", Needs{Body: true}, false},
		{"BODY[]", Needs{Body: true}, true},
		{"RFC822", Needs{Body: true}, true},
		{"RFC822.HEADER", Needs{Summary: true, Body: true}, false},
		{"BODY.PEEK[1]", Needs{Summary: true, Body: true}, false},
		{"BODY.PEEK[HEADER.FIELDS (A)]", Needs{Summary: true, MayBody: true}, false},
		{"(BODY.PEEK[HEADER.FIELDS (A)] BODY[1])", Needs{Summary: true, Body: true}, true},
		{"BODY.PEEK[HEADER.FIELDS.NOT (A)]", Needs{Summary: true, Body: true}, false},
		{"BODY.PEEK[1.HEADER.FIELDS (A)]", Needs{Summary: true, Body: true}, false},
		{"BINARY.SIZE[1]", Needs{Summary: true, Body: true}, false},
	} {
		p := Compile(items(t, c.items), Options{})
		if p.Needs() != c.want || p.SetsSeen() != c.seen {
			t.Errorf("%s: %+v %v", c.items, p.Needs(), p.SetsSeen())
		}
	}
}

// Header fields that the summary doesn't hold are read from the mail.
func TestUncachedFields(t *testing.T) {
	m, b := testMessage("X-Long: " + strings.Repeat("x ", message.DefaultLimits().MaxCachedHeader) + "\nX-After: 1\nSubject: s\n\nt")
	p := Compile(items(t, "BODY.PEEK[HEADER.FIELDS (X-Long)]"), Options{})
	if !p.NeedsBody(m) {
		t.Fatal("a header of twice the limit is cached")
	}
	if got := fetched(t, "BODY.PEEK[HEADER.FIELDS (X-Long)]", Options{}, m, b); len(got) < 2*message.DefaultLimits().MaxCachedHeader || b.reads == 0 {
		t.Errorf("%.200q", got)
	}
	if got := fetched(t, "BODY.PEEK[HEADER.FIELDS (X-After X-None)]", Options{}, m, b); got != "BODY[HEADER.FIELDS (X-After X-None)] {14}\nX-After: 1\n\n" {
		t.Errorf("%q", got)
	}
}

// A Body with a Summary is asked where none was given.
type withSummary struct{ *mem }

func (w withSummary) Summary() message.Summary {
	return message.Parse(w.raw, message.DefaultLimits())
}

func TestSummaryOfBody(t *testing.T) {
	m, b := testMessage("Subject: s\n\nt")
	m.Summary = message.Summary{}
	open := Open(func(context.Context, uint32) (withSummary, error) { return withSummary{b}, nil })
	var out bytes.Buffer
	e := wire.NewEncoder(&out)
	if err := Compile(items(t, "BODY.PEEK[TEXT]"), Options{}).Write(t.Context(), e, m, open, false); err != nil {
		t.Fatal(err)
	}
	if err := e.Flush(); err != nil || out.String() != "* 3 FETCH (BODY[TEXT] {1}\r\nt)\r\n" {
		t.Errorf("%q %v", out.String(), err)
	}
}

// An error before anything is sent leaves nothing; later it cuts the response.
func TestErrors(t *testing.T) {
	gone := errors.New("gone")
	big := "A: b\n\n" + strings.Repeat("x", 100_000)
	m, b := testMessage(big)
	b.piece, b.fail = 5000, gone
	for _, c := range []struct {
		after int64
		cut   bool
	}{{0, false}, {5000, false}, {60_000, true}} {
		b.after = c.after
		var out bytes.Buffer
		e := wire.NewEncoder(&out)
		e.Raw("* OK before").CRLF()
		err := Compile(items(t, "(UID BODY.PEEK[])"), Options{}).Write(t.Context(), e, m, b.open, false)
		if !errors.Is(err, gone) || errors.Is(err, ErrCut) != c.cut {
			t.Errorf("failing after %d: %v", c.after, err)
		}
		if err := e.Flush(); err != nil || !c.cut && out.String() != "* OK before\r\n" {
			t.Errorf("failing after %d: %.100q %v", c.after, out.String(), err)
		}
	}
	noOpen := func(context.Context, uint32) (Body, error) { return nil, gone }
	for _, text := range []string{"BODY.PEEK[]", "BODY.PEEK[HEADER.FIELDS.NOT (x)]", "BINARY.PEEK[1]"} {
		e := wire.NewEncoder(io.Discard)
		if err := Compile(items(t, text), Options{}).Write(t.Context(), e, m, noOpen, false); !errors.Is(err, gone) || e.Buffered() != 0 {
			t.Errorf("%s of a mail that can't be opened: %v", text, err)
		}
	}
	// The mail is shorter or longer than the index says.
	m, b = testMessage("A: b\n\nc")
	m.Record.Size++
	e := wire.NewEncoder(io.Discard)
	if err := Compile(items(t, "BODY.PEEK[]"), Options{}).Write(t.Context(), e, m, b.open, false); !errors.Is(err, errLength) {
		t.Errorf("short mail: %v", err)
	}
	closed := errors.New("closed")
	e = wire.NewEncoder(writerFunc(func([]byte) (int, error) { return 0, closed }))
	m, b = testMessage(big)
	if err := Compile(items(t, "BODY.PEEK[]"), Options{}).Write(t.Context(), e, m, b.open, false); !errors.Is(err, closed) || errors.Is(err, ErrCut) {
		t.Errorf("closed connection: %v", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// A mail larger than memory should be: it passes through in pieces.
func TestStreams(t *testing.T) {
	m, b := testMessage("A: b\n\nc")
	b.raw = bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	b.piece = 512 << 10
	m.Record.Size = uint32(len(b.raw))
	largest, total := 0, 0
	e := wire.NewEncoder(writerFunc(func(p []byte) (int, error) {
		largest = max(largest, len(p))
		total += len(p)
		return len(p), nil
	}))
	if err := Compile(items(t, "BODY.PEEK[]"), Options{}).Write(t.Context(), e, m, b.open, false); err != nil {
		t.Fatal(err)
	}
	if err := e.Flush(); err != nil || largest > b.piece || total < len(b.raw) {
		t.Errorf("%d octets in pieces up to %d, %v", total, largest, err)
	}
}
