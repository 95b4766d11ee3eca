package wire

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestParseAppend(t *testing.T) {
	show := func(a Append) string {
		out := a.Mailbox
		for _, m := range a.Messages {
			date := ""
			if !m.Date.IsZero() {
				date = m.Date.Format(time.RFC3339)
			}
			out += fmt.Sprintf(" [%q %s %q %v %v]", m.Flags, date, m.Data, m.UTF8, m.Binary)
		}
		return out
	}
	checkParse(t, "APPEND", ParseAppend, show, []parseCase{
		{" inbox {3}\r\nabc", `INBOX [[]  "abc" false false]`},
		{" x (\\seen $A b) {3+}\r\nabc", `x [["\\Seen" "$A" "b"]  "abc" false false]`},
		{" x () \"17-Jul-1996 02:44:25 -0700\" ~{3}\r\na\x00c", `x [[] 1996-07-17T02:44:25-07:00 "a\x00c" false true]`},
		{" x \" 1-Feb-2024 23:59:60 +0000\" {0}\r\n", `x [[] 2024-02-02T00:00:00Z "" false false]`},
		{" x (\\Recent \\Seen) {1}\r\na", `x [["\\Seen"]  "a" false false]`},
		{" x {1}\r\na (\\Seen) {1}\r\nb {1}\r\nc", `x [[]  "a" false false] [["\\Seen"]  "b" false false] [[]  "c" false false]`},
		{" {1}\r\nx {1}\r\na", `x [[]  "a" false false]`},
		{" x UTF8 (~{2}\r\nü)", `x [[]  "ü" true true]`},
		{" x {2}\r\na\x00", `x [[]  "a\x00" false false]`},
		{" x UTF8 ({2}\r\nü)", "!expected a literal8 (~{n}) at octet 17"},
		{" x UTF8 (~{2}\r\nü", "!expected ) at octet 21"},
		{" x (\\Foo) {1}\r\na", "!expected a flag that clients may set at octet 12"},
		{" x (\\*) {1}\r\na", "!expected a flag at octet 13"},
		{" x \"1-Foo-2024 00:00:00 +0000\" {1}\r\na", `!expected a date and time ("01-Jan-2000 00:00:00 +0000") at octet 11`},
		{" x \"30-Feb-2024 00:00:00 +0000\" {1}\r\na", `!expected a date and time ("01-Jan-2000 00:00:00 +0000") at octet 11`},
		{" x \"01-Jan-2024 24:00:00 +0000\" {1}\r\na", `!expected a date and time ("01-Jan-2000 00:00:00 +0000") at octet 11`},
		{" x \"01-Jan-2024 00:00:00 GMT\" {1}\r\na", `!expected a date and time ("01-Jan-2000 00:00:00 +0000") at octet 11`},
		{" x \"01-Jan-2024\" {1}\r\na", `!expected a date and time ("01-Jan-2000 00:00:00 +0000") at octet 11`},
		{" x abc", "!expected a literal at octet 11"},
		{" x", "!expected a space at octet 10"},
		{" x {1}\r\na x", "!expected a literal at octet 15"},
		{" x {1}\r\nax", "!expected a space at octet 14"},
	})
}

func TestParseAppendHead(t *testing.T) {
	for _, c := range []struct {
		lines, literals []string
		mailbox         string
		ok              bool
	}{
		{[]string{"a APPEND x {100}"}, nil, "x", true},
		{[]string{"a append inbox (\\Seen) {100+}"}, nil, "INBOX", true},
		{[]string{"a APPEND {5}"}, nil, "", false},
		{[]string{"a APPEND {3}", " {100}"}, []string{"b c"}, "b c", true},
		{[]string{"a LOGIN x {100}"}, nil, "", false},
		{[]string{"a UID APPEND x {100}"}, nil, "", false},
	} {
		var raw Raw
		for _, l := range c.lines {
			raw.Lines = append(raw.Lines, []byte(l))
		}
		for _, l := range c.literals {
			raw.Literals = append(raw.Literals, []byte(l))
		}
		if m, ok := ParseAppendHead(raw, testOptions(false)); m != c.mailbox || ok != c.ok {
			t.Errorf("%q: %q %v", c.lines, m, ok)
		}
	}
}

func TestParseStore(t *testing.T) {
	show := func(s Store) string {
		return fmt.Sprintf("%v %d %v %q %d %v", s.Set, s.Mode, s.Silent, s.Flags, s.UnchangedSince, s.HasUnchangedSince)
	}
	checkParse(t, "STORE", ParseStore, show, []parseCase{
		{` 1 FLAGS (\seen)`, `1 0 false ["\\Seen"] 0 false`},
		{` 1:* +FLAGS.SILENT (\Deleted $x)`, `1:* 1 true ["\\Deleted" "$x"] 0 false`},
		{` $ -flags.silent ()`, `$ 2 true [] 0 false`},
		{` 1,3:2 +FLAGS \Flagged junk`, `1,3:2 1 false ["\\Flagged" "junk"] 0 false`},
		{` 1 (UNCHANGEDSINCE 0) FLAGS ()`, `1 0 false [] 0 true`},
		{` 1 (unchangedsince 12121230045) +FLAGS (\Answered)`, `1 1 false ["\\Answered"] 12121230045 true`},
		{` 1 FLAGS (\Recent)`, `!expected a flag that clients may set at octet 17`},
		{` 1 FLAGS \*`, `!expected a flag at octet 17`},
		{` 1 FLAG (\Seen)`, `!expected FLAGS or FLAGS.SILENT at octet 10`},
		{` 1 FLAGS`, `!expected a space at octet 15`},
		{` 1 FLAGS `, `!expected a flag at octet 16`},
		{` 1 ()  FLAGS ()`, `!expected a modifier of STORE at octet 11`},
		{` 1 (FOO 1) FLAGS ()`, `!expected a modifier of STORE at octet 11`},
		{` 1 (UNCHANGEDSINCE 1 UNCHANGEDSINCE 1) FLAGS ()`, `!expected a modifier of STORE at octet 28`},
		{` 0 FLAGS ()`, `!expected a message number or * at octet 8`},
		{` 1 FLAGS (\Seen) x`, `!expected end of command at octet 23`},
	})
}

func TestParseCopy(t *testing.T) {
	checkParse(t, "COPY", ParseCopy, render[Copy], []parseCase{
		{" 1:* x", "Set:1:* Mailbox:x"},
		{" $ inbox", "Set:$ Mailbox:INBOX"},
		{" 1", "!expected a space at octet 8"},
		{" x 1", "!expected a message number or * at octet 7"},
	})
	checkParse(t, "UID EXPUNGE", ParseSet, render[Set], []parseCase{
		{" 3000:3002", "Set:3000:3002"},
		{"", "!expected a space at octet 13"},
	})
}

func TestNumSet(t *testing.T) {
	checkParse(t, "X", ParseSet, render[Set], []parseCase{
		{" 1", "Set:1"},
		{" *", "Set:*"},
		{" *:5,7:*,4294967295,1:1", "Set:*:5,7:*,4294967295,1"},
		{" $", "Set:$"},
		{" 4294967296", "!expected a message number or * at octet 4"},
		{" 1,", "!expected a message number or * at octet 6"},
		{" 1:", "!expected a message number or * at octet 6"},
		{" 1:2:3", "!expected end of command at octet 7"},
		{" ,1", "!expected a message number or * at octet 4"},
		{" 1,$", "!expected a message number or * at octet 6"},
		{" -1", "!expected a message number or * at octet 4"},
		{" 1," + strings.Repeat("2,", 50_000) + "3", "!the message set has too many ranges at octet 100004"},
	})
}

func TestBounds(t *testing.T) {
	for _, c := range []struct {
		r           NumRange
		first, last uint32
	}{
		{NumRange{1, 5}, 1, 5}, {NumRange{5, 1}, 1, 5}, {NumRange{5, Star}, 5, 9}, {NumRange{12, Star}, 9, 12}, {NumRange{Star, Star}, 9, 9},
	} {
		if f, l := c.r.Bounds(9); f != c.first || l != c.last {
			t.Errorf("%v: %d %d", c.r, f, l)
		}
	}
}
