package wire

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestParseMailbox(t *testing.T) {
	show := func(m Mailbox) string { return fmt.Sprintf("%q", m.Mailbox) }
	checkParse(t, "DELETE", ParseMailbox, show, []parseCase{
		{" inBox", `"INBOX"`},
		{" {5}\r\ninbox", `"INBOX"`},
		{` "a b"`, `"a b"`},
		{` ""`, `""`},
		{" Entw&APw-rfe", `"Entwürfe"`},
		{` "&ZeVnLIqe-/&U,BTFw-"`, `"日本語/台北"`},
		{" R&-D", `"R&D"`},
		{" R&D", "!expected a mailbox name in modified UTF-7 at octet 9"},
		{` "Entwürfe&-&APw-"`, `"Entwürfe&ü"`}, // UTF-8 though it is not enabled
		{` "Entwürfe&AGE-"`, "!expected a mailbox name in modified UTF-7 at octet 9"},
		{" &AGE-", "!expected a mailbox name in modified UTF-7 at octet 9"},
		{" {3}\r\na&b", "!expected a mailbox name in modified UTF-7 at octet 9"},
		{" a*", "!expected end of command at octet 10"},
		{" " + strings.Repeat("x", 1001), "!the mailbox name is too long at octet 9"},
		{"", "!expected a space at octet 8"},
	})
	checkParseWith(t, testOptions(true), "DELETE", ParseMailbox, show, []parseCase{
		{` "Entwürfe"`, `"Entwürfe"`},
		{" {3}\r\n\xc3\xa4x", `"äx"`},
		{" Entw&APw-rfe", `"Entw&APw-rfe"`},
		{" R&D", `"R&D"`},
		{" {1}\r\n\xff", "!expected a mailbox name in UTF-8 at octet 9"},
	})
}

// A name that can't be is told from bad syntax.
func TestBadName(t *testing.T) {
	for name, want := range map[string]bool{"R&D": true, strings.Repeat("x", 1001): true, "a(": false} {
		_, err := ParseMailbox(command(t, "a DELETE "+name, testOptions(false)).Args)
		var e *Error
		if !errors.As(err, &e) || e.Name != want {
			t.Errorf("%.20s: %v", name, err)
		}
	}
}

func TestParseRename(t *testing.T) {
	checkParse(t, "RENAME", ParseRename, render[Rename], []parseCase{
		{" a b", "From:a To:b"},
		{" {1}\r\na {1}\r\nb", "From:a To:b"},
		{" a", "!expected a space at octet 10"},
		{" a b c", "!expected end of command at octet 12"},
	})
}

func TestParseCreate(t *testing.T) {
	checkParse(t, "CREATE", ParseCreate, render[Create], []parseCase{
		{" a", "Mailbox:a SpecialUse:[]"},
		{` a/ (USE (\Sent \drafts))`, `Mailbox:a/ SpecialUse:[\Sent \drafts]`},
		{` a (use ())`, `Mailbox:a SpecialUse:[]`},
		{` a (USE (Sent))`, `!expected \ at octet 17`},
		{` a ()`, `!expected a parameter of CREATE at octet 12`},
		{` a (FOO)`, `!expected a parameter of CREATE at octet 12`},
		{` a (USE (\Sent) USE (\Sent))`, `!expected a parameter of CREATE at octet 24`},
		{` a (USE (\Sent)) x`, `!expected end of command at octet 24`},
	})
}

func TestParseSelect(t *testing.T) {
	show := func(s Select) string {
		out := fmt.Sprintf("%s %v", s.Mailbox, s.CondStore)
		if q := s.QResync; q != nil {
			out += fmt.Sprintf(" %d %d %v %v %v %v %v", q.UIDValidity, q.ModSeq, q.Known, q.HasKnown, q.MatchSeqs, q.MatchUIDs, q.HasMatch)
		}
		return out
	}
	checkParse(t, "SELECT", ParseSelect, show, []parseCase{
		{" inbox", "INBOX false"},
		{" a (CONDSTORE)", "a true"},
		{" a (condstore qresync (1 2))", "a true 1 2  false   false"},
		{" a (QRESYNC (67890007 90060115194045000 41,43:211,214:541))", "a false 67890007 90060115194045000 41,43:211,214:541 true   false"},
		{" a (QRESYNC (67890007 90060115194045000 41:211 (1,2:5 41,43:46)))", "a false 67890007 90060115194045000 41:211 true 1,2:5 41,43:46 true"},
		{" a (QRESYNC (1 2 (1 41)))", "a false 1 2  false 1 41 true"},
		{" a (QRESYNC (0 2))", "!expected a number of 32 bits above zero at octet 21"},
		{" a (QRESYNC (1))", "!expected a space at octet 22"},
		{" a (QRESYNC (1 2 3:*))", "!expected a set of numbers without * and $ at octet 25"},
		{" a (QRESYNC (1 2 $))", "!expected a set of numbers without * and $ at octet 25"},
		{" a (QRESYNC (1 2 3 (1)))", "!expected a space at octet 29"},
		{" a (QRESYNC (1 2 3 (1 2) 4))", "!expected ) at octet 32"},
		{" a (QRESYNC (1 9223372036854775808))", "!expected a number of 63 bits at octet 23"},
		{" a (QRESYNC 1 2)", "!expected ( at octet 20"},
		{" a (FOO)", "!expected a parameter of SELECT at octet 12"},
		{" a CONDSTORE", "!expected ( at octet 11"},
	})
}

func TestParseStatus(t *testing.T) {
	checkParse(t, "STATUS", ParseStatus, render[Status], []parseCase{
		{" a (MESSAGES)", "Mailbox:a Items:[MESSAGES]"},
		{" a (messages recent uidnext uidvalidity unseen deleted size highestmodseq mailboxid appendlimit messages)",
			"Mailbox:a Items:[MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE HIGHESTMODSEQ MAILBOXID APPENDLIMIT]"},
		{" a ()", "!expected a STATUS item at octet 13"},
		{" a (MESSAGES  UNSEEN)", "!expected a STATUS item at octet 21"},
		{" a (FOO)", "!expected a STATUS item at octet 12"},
		{" a MESSAGES", "!expected ( at octet 11"},
		{" a (MESSAGES) ", "!expected end of command at octet 21"},
	})
}

func TestParseList(t *testing.T) {
	show := func(l List) string {
		return fmt.Sprintf("%v %04b %q %q %04b %v", l.Extended, l.Select, l.Reference, l.Patterns, l.Return, l.StatusItems)
	}
	checkParse(t, "LIST", ParseList, show, []parseCase{
		{` "" *`, `false 0000 "" ["*"] 0000 []`},
		{` "" ""`, `false 0000 "" [""] 0000 []`},
		{` a/ %`, `false 0000 "a/" ["%"] 0000 []`},
		{` "" {3}` + "\r\na*]", `false 0000 "" ["a*]"] 0000 []`},
		{` "" "&ZeVnLIqe-/*"`, `false 0000 "" ["日本語/*"] 0000 []`},
		{` () "" *`, `true 0000 "" ["*"] 0000 []`},
		{` (subscribed RECURSIVEMATCH remote special-use) "" *`, `true 1111 "" ["*"] 0000 []`},
		{` "" (INBOX "a b" x/%)`, `true 0000 "" ["INBOX" "a b" "x/%"] 0000 []`},
		{` "" % RETURN ()`, `true 0000 "" ["%"] 0000 []`},
		{` "" % return (CHILDREN SPECIAL-USE SUBSCRIBED STATUS (MESSAGES UNSEEN))`, `true 0000 "" ["%"] 1111 [MESSAGES UNSEEN]`},
		{` (SUBSCRIBED) "" (a b) RETURN (CHILDREN)`, `true 0001 "" ["a" "b"] 0010 []`},
		{` (RECURSIVEMATCH) "" *`, `!expected RECURSIVEMATCH beside an option such as SUBSCRIBED at octet 7`},
		{` (RECURSIVEMATCH REMOTE) "" *`, `!expected RECURSIVEMATCH beside an option such as SUBSCRIBED at octet 7`},
		{` (FOO) "" *`, `!expected a selection option of LIST at octet 8`},
		{` "" ()`, `!expected a mailbox pattern at octet 12`},
		{` "" % RETURN (FOO)`, `!expected a return option of LIST at octet 20`},
		{` "" % RETURN (STATUS ())`, `!expected a STATUS item at octet 29`},
		{` "" % RETURN (STATUS)`, `!expected a space at octet 26`},
		{` "" % CHILDREN`, `!expected RETURN at octet 12`},
		{` ""`, `!expected a space at octet 9`},
		{` "" a b`, `!expected RETURN at octet 12`},
		{` "" R&D*`, `false 0000 "" ["R&D*"] 0000 []`},
		{` "" ` + strings.Repeat("x", 1001), `!the mailbox pattern is too long at octet 10`},
		{` R&D *`, `!expected a mailbox name in modified UTF-7 at octet 7`},
	})
	checkParse(t, "LSUB", ParseLsub, show, []parseCase{
		{` "" *`, `false 0000 "" ["*"] 0000 []`},
		{` "" (a)`, `!expected a string at octet 10`},
		{` "" a RETURN ()`, `!expected end of command at octet 11`},
	})
	checkParseWith(t, testOptions(true), "LIST", ParseList, show, []parseCase{
		{` "" "R&D/ü*"`, `false 0000 "" ["R&D/ü*"] 0000 []`},
	})
}
