package wire

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"pgregory.net/rapid"

	"mailbackend.io/backend/uidset"
)

func TestAppendStrings(t *testing.T) {
	for _, c := range []struct{ s, str, astr, str8 string }{
		{"abc", `"abc"`, `abc`, `"abc"`},
		{"", `""`, `""`, `""`},
		{"nil", `"nil"`, `"nil"`, `"nil"`},
		{"a b", `"a b"`, `"a b"`, `"a b"`},
		{`a"\`, `"a\"\\"`, `"a\"\\"`, `"a\"\\"`},
		{"]", `"]"`, `]`, `"]"`},
		{"a\tb", "\"a\tb\"", "\"a\tb\"", "\"a\tb\""},
		{"a\r\nb", "{4}\r\na\r\nb", "{4}\r\na\r\nb", "{4}\r\na\r\nb"},
		{"ä", "{2}\r\nä", "{2}\r\nä", `"ä"`},
		{"ä\n", "{3}\r\nä\n", "{3}\r\nä\n", "{3}\r\nä\n"},
		{"\xff", "{1}\r\n\xff", "{1}\r\n\xff", "{1}\r\n\xff"},
	} {
		if got := string(AppendString(nil, c.s, false)); got != c.str {
			t.Errorf("string %q: %q", c.s, got)
		}
		if got := string(AppendAString(nil, c.s, false)); got != c.astr {
			t.Errorf("astring %q: %q", c.s, got)
		}
		if got := string(AppendString(nil, []byte(c.s), true)); got != c.str8 {
			t.Errorf("UTF-8 string %q: %q", c.s, got)
		}
	}
	long := strings.Repeat("x", 1001)
	if got := string(AppendAString(nil, long, false)); got != "{1001}\r\n"+long {
		t.Errorf("long string: %.20q", got)
	}
}

// What is appended as an astring is read as the same string.
func TestAStringRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-zA-Z"\\{}()\]%*& ]*`)).Draw(t, "s")
		utf8 := rapid.Bool().Draw(t, "utf8")
		b := AppendAString([]byte("a LOGIN "), s, utf8)
		b = append(b, " x\r\n"...)
		raw, rest, ok := split(b)
		if !ok || len(rest) > 0 {
			t.Fatalf("%q is not a command", b)
		}
		c, err := ParseCommand(raw, testOptions(utf8))
		if err != nil {
			t.Fatal(err)
		}
		l, err := ParseLogin(c.Args)
		if strings.ContainsRune(s, 0) {
			if err == nil {
				t.Fatalf("%q accepted", s)
			}
			return
		}
		if err != nil || l.User != s {
			t.Fatalf("%q: %q %v", b, l.User, err)
		}
	})
}

// A mailbox name that is sent is read as the same name, in both modes.
func TestMailboxRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringOf(rapid.RuneFrom([]rune("aIN &-,/+ü€日😀\"\\{"))).Draw(t, "name")
		utf8 := rapid.Bool().Draw(t, "utf8")
		b := append(AppendMailbox([]byte("a DELETE "), name, utf8), "\r\n"...)
		raw, _, ok := split(b)
		if !ok {
			t.Fatalf("%q is not a command", b)
		}
		c, err := ParseCommand(raw, testOptions(utf8))
		if err != nil {
			t.Fatal(err)
		}
		if m, err := ParseMailbox(c.Args); err != nil || m.Mailbox != name {
			t.Fatalf("%q: %q %v", b, m.Mailbox, err)
		}
	})
}

// written is what f writes with an Encoder.
func written(t *testing.T, utf8 bool, f func(*Encoder)) string {
	t.Helper()
	var b bytes.Buffer
	e := NewEncoder(&b)
	e.SetUTF8(utf8)
	f(e)
	if err := e.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestResponses(t *testing.T) {
	set := uidset.OfRanges(uidset.Range{First: 2, Last: 4}, uidset.Range{First: 9, Last: 9})
	for _, c := range []struct {
		want string
		utf8 bool
		f    func(*Encoder)
	}{
		{"* OK hello\r\n", false, func(e *Encoder) { e.Status("", imap.StatusResponseTypeOK, Code{}, "hello") }},
		{"a NO [TRYCREATE] no such\r\n", false, func(e *Encoder) {
			e.Status("a", imap.StatusResponseTypeNo, Code{Name: imap.ResponseCodeTryCreate}, "no such")
		}},
		{"* BYE BYE\r\n", false, func(e *Encoder) { e.Status("", imap.StatusResponseTypeBye, Code{}, "") }},
		{"a BAD x  y z\r\n", false, func(e *Encoder) { e.Status("a", imap.StatusResponseTypeBad, Code{}, "x\r\ny\x00z") }},
		{"* OK [UIDVALIDITY 7] x\r\n", false, func(e *Encoder) { e.Status("", "OK", CodeUIDValidity(7), "x") }},
		{"* OK [UIDNEXT 7] x\r\n", false, func(e *Encoder) { e.Status("", "OK", CodeUIDNext(7), "x") }},
		{"* OK [UNSEEN 7] x\r\n", false, func(e *Encoder) { e.Status("", "OK", CodeUnseen(7), "x") }},
		{"* OK [HIGHESTMODSEQ 9000000000] x\r\n", false, func(e *Encoder) { e.Status("", "OK", CodeHighestModSeq(9e9), "x") }},
		{"* OK [PERMANENTFLAGS (\\Seen \\*)] x\r\n", false, func(e *Encoder) { e.Status("", "OK", CodePermanentFlags([]string{`\Seen`, `\*`}), "x") }},
		{"* OK [CAPABILITY IMAP4rev1 IDLE] x\r\n", false, func(e *Encoder) { e.Status("", "OK", CodeCapability([]string{"IMAP4rev1", "IDLE"}), "x") }},
		{"* NO [BADCHARSET (UTF-8)] x\r\n", false, func(e *Encoder) { e.Status("", "NO", CodeBadCharset([]string{"UTF-8"}), "x") }},
		{"a OK [APPENDUID 1 2:4,9] x\r\n", false, func(e *Encoder) { e.Status("a", "OK", CodeAppendUID(1, set), "x") }},
		{"a OK [COPYUID 1 304,319:320 3956:3958] x\r\n", false, func(e *Encoder) {
			e.Status("a", "OK", CodeCopyUID(1, []uint32{304, 319, 320}, []uint32{3956, 3957, 3958}), "x")
		}},
		{"a OK [COPYUID 1 5:6,2 9,8,7] x\r\n", false, func(e *Encoder) {
			e.Status("a", "OK", CodeCopyUID(1, []uint32{5, 6, 2}, []uint32{9, 8, 7}), "x")
		}},
		{"a OK [MODIFIED 2:4,9] x\r\n", false, func(e *Encoder) { e.Status("a", "OK", CodeModified(set), "x") }},
		{"a OK [MAILBOXID (Fab)] x\r\n", false, func(e *Encoder) { e.Status("a", "OK", CodeMailboxID("Fab"), "x") }},
		{"+ idling\r\n", false, func(e *Encoder) { e.Continue("idling") }},
		{"+ \r\n", false, func(e *Encoder) { e.Continue("") }},
		{"* 23 EXISTS\r\n", false, func(e *Encoder) { e.Raw("* ").Number(23).Raw(" EXISTS").CRLF() }},
		{"* FLAGS (\\Seen a)\r\n", false, func(e *Encoder) { e.Raw("* FLAGS ").Words([]string{`\Seen`, "a"}).CRLF() }},
		{"* VANISHED 2:4,9\r\n", false, func(e *Encoder) { e.Raw("* VANISHED ").Set(set).CRLF() }},
		{"* ID (\"name\" \"x y\")\r\n", false, func(e *Encoder) { e.Raw("* ID (").String("name").Raw(" ").String("x y").Raw(")").CRLF() }},
		{"* LIST () \"/\" Entw&APw-rfe\r\n", false, func(e *Encoder) { e.List("LIST", ListEntry{Separator: '/', Name: "Entwürfe"}) }},
		{"* LIST (\\Noselect) \"/\" \"Entwürfe\"\r\n", true, func(e *Encoder) {
			e.List("LIST", ListEntry{Attrs: []string{`\Noselect`}, Separator: '/', Name: "Entwürfe"})
		}},
		{"* LSUB () NIL \"a b\"\r\n", false, func(e *Encoder) { e.List("LSUB", ListEntry{Name: "a b"}) }},
		{"* LIST () \"\\\\\" \"\"\r\n", false, func(e *Encoder) { e.List("LIST", ListEntry{Separator: '\\'}) }},
		{"* LIST () \"/\" a (\"CHILDINFO\" (\"SUBSCRIBED\" \"X\"))\r\n", false, func(e *Encoder) {
			e.List("LIST", ListEntry{Separator: '/', Name: "a", ChildInfo: []string{"SUBSCRIBED", "X"}})
		}},
		{"* LIST () \"/\" a (\"CHILDINFO\" (\"SUBSCRIBED\") \"OLDNAME\" (inbox))\r\n", false, func(e *Encoder) {
			e.List("LIST", ListEntry{Separator: '/', Name: "a", ChildInfo: []string{"SUBSCRIBED"}, OldName: "inbox"})
		}},
		{"* STATUS a (MESSAGES 3 MAILBOXID (F1) APPENDLIMIT NIL)\r\n", false, func(e *Encoder) {
			e.MailboxStatus("a", []StatusValue{{Item: StatusMessages, Num: 3}, {Item: StatusMailboxID, Str: "F1"}, {Item: StatusAppendLimit, Nil: true}})
		}},
		{"* SEARCH\r\n", false, func(e *Encoder) { e.Search(uidset.Set{}, 5) }},
		{"* SEARCH 2 3 4 9 (MODSEQ 5)\r\n", false, func(e *Encoder) { e.Search(set, 5) }},
		{"* SEARCH 2 3 4 9\r\n", false, func(e *Encoder) { e.Search(set, 0) }},
		{"* ESEARCH (TAG \"a\") UID MIN 2 MAX 9 COUNT 4 ALL 2:4,9 MODSEQ 7\r\n", false, func(e *Encoder) {
			e.ESearch(ESearch{Tag: "a", UID: true, Return: SearchMin | SearchMax | SearchCount | SearchAll | SearchSave, Found: set, ModSeq: 7})
		}},
		{"* ESEARCH (TAG \"a\") COUNT 0\r\n", false, func(e *Encoder) {
			e.ESearch(ESearch{Tag: "a", Return: SearchMin | SearchMax | SearchCount | SearchAll, ModSeq: 7})
		}},
		{"* ESEARCH (TAG \"a\\\\\") PARTIAL (1:2 2:3)\r\n", false, func(e *Encoder) {
			e.ESearch(ESearch{Tag: `a\`, Return: SearchPartial, Partial: PartialRange{1, 2}, Found: set})
		}},
		{"* ESEARCH (TAG \"a\") PARTIAL (5:9 NIL)\r\n", false, func(e *Encoder) {
			e.ESearch(ESearch{Tag: "a", Return: SearchPartial, Partial: PartialRange{5, 9}, Found: set})
		}},
	} {
		if got := written(t, c.utf8, c.f); got != c.want {
			t.Errorf(" got %q\nwant %q", got, c.want)
		}
	}
}

func TestPartialRange(t *testing.T) {
	found := uidset.OfRanges(uidset.Range{First: 2, Last: 4}, uidset.Range{First: 9, Last: 10}, uidset.Range{First: 20, Last: 20})
	for _, c := range []struct {
		p    PartialRange
		want string
	}{
		{PartialRange{1, 3}, "2:4"}, {PartialRange{3, 4}, "4,9"}, {PartialRange{4, 3}, "4,9"}, {PartialRange{-1, -2}, "10,20"},
		{PartialRange{-6, -6}, "2"}, {PartialRange{-7, -7}, ""}, {PartialRange{7, 9}, ""}, {PartialRange{1, 4294967295}, "2:4,9:10,20"},
	} {
		if got := c.p.Of(found).String(); got != c.want {
			t.Errorf("%v of %v: %s, want %s", c.p, found, got, c.want)
		}
	}
}

func TestAppendDateTime(t *testing.T) {
	zone := time.FixedZone("", -(7*3600 + 1800))
	for _, c := range []struct {
		t    time.Time
		want string
	}{
		{time.Date(1996, 7, 17, 2, 44, 25, 0, zone), `"17-Jul-1996 02:44:25 -0730"`},
		{time.Date(2024, 2, 1, 0, 0, 0, 0, time.UTC), `" 1-Feb-2024 00:00:00 +0000"`},
	} {
		got := AppendDateTime(nil, c.t)
		if string(got) != c.want {
			t.Errorf("%v: %s", c.t, got)
		}
		d := newDecoder(Raw{Lines: [][]byte{got}}, testOptions(false))
		if back, err := d.DateTime(); err != nil || !back.Equal(c.t) {
			t.Errorf("%s is read as %v %v", got, back, err)
		}
	}
}

// pieces is a writer that keeps what it was given in one call apart.
type pieces struct {
	parts []string
	err   error
}

func (p *pieces) Write(b []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	p.parts = append(p.parts, string(b))
	return len(b), nil
}

func TestEncoderBuffer(t *testing.T) {
	var w pieces
	e := NewEncoder(&w)
	e.Raw("* 1 FETCH (BODY[] {9}\r\n")
	big := bytes.Repeat([]byte("x"), encoderHigh)
	if n, err := e.Write(big); n != len(big) || err != nil {
		t.Fatal(n, err)
	}
	e.Raw(")").CRLF()
	if len(w.parts) != 2 || w.parts[1] != string(big) {
		t.Fatalf("a large write didn't pass through: %d parts", len(w.parts))
	}
	mark := e.Buffered()
	e.Raw("* 2 FETCH (")
	e.Truncate(mark)
	if err := e.Flush(); err != nil || w.parts[2] != ")\r\n" {
		t.Fatalf("%q %v", w.parts[2:], err)
	}
	if e.buf != nil || e.Buffered() != 0 {
		t.Fatal("the buffer is kept")
	}
	if err := e.Flush(); err != nil || len(w.parts) != 3 {
		t.Fatal("an empty flush writes")
	}
	for range 2 * encoderHigh {
		e.Raw("x")
	}
	if e.CRLF(); len(w.parts) != 4 || e.Buffered() != 0 {
		t.Fatal("a full buffer isn't written at the end of a response")
	}
	if err := e.Flush(); err != nil {
		t.Fatal(err)
	}
}

func TestEncoderError(t *testing.T) {
	broken := errors.New("broken pipe")
	w := pieces{err: broken}
	e := NewEncoder(&w)
	e.Raw("x").CRLF()
	if err := e.Flush(); !errors.Is(err, broken) || !errors.Is(e.Err(), broken) {
		t.Fatal(err)
	}
	w.err = nil
	e.Raw("y").CRLF()
	if _, err := e.Write(make([]byte, 1<<20)); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if err := e.Flush(); !errors.Is(err, broken) || len(w.parts) != 0 {
		t.Fatalf("written after an error: %q %v", w.parts, err)
	}
}

func TestEncoderAllocs(t *testing.T) {
	e := NewEncoder(&bytes.Buffer{})
	flags := []string{`\Seen`, "$Junk"}
	n := testing.AllocsPerRun(100, func() {
		e.Raw("* ").Number(7).Raw(" FETCH (UID ").Number(9).Raw(" FLAGS ").Words(flags).Raw(")")
		e.Mailbox("INBOX").AString("a b").String("x")
		e.Truncate(0)
	})
	if n != 0 {
		t.Errorf("%v allocations per response", n)
	}
}
