package wire

import (
	"fmt"
	"testing"
)

func TestParseNothing(t *testing.T) {
	checkParse(t, "NOOP", func(d *Decoder) (string, error) { return "", ParseNothing(d) }, render[string], []parseCase{
		{"", ""},
		{" ", "!expected end of command at octet 6"},
		{" x", "!expected end of command at octet 6"},
		{" {1}\r\nx", "!expected end of command at octet 6"},
	})
}

func TestParseLogin(t *testing.T) {
	show := func(l Login) string { return fmt.Sprintf("%q %q", l.User, l.Password) }
	checkParse(t, "LOGIN", ParseLogin, show, []parseCase{
		{" bob secret", `"bob" "secret"`},
		{` "bob" "sec \"ret\\"`, `"bob" "sec \"ret\\"`},
		{" b]b s+ecret", `"b]b" "s+ecret"`},
		{" {3}\r\nbob {6}\r\nsecret", `"bob" "secret"`},
		{" {3+}\r\nb\r\n {6+}\r\nsec\"et", `"b\r\n" "sec\"et"`},
		{" {3}\r\nbob secret", `"bob" "secret"`},
		{` bob ""`, `"bob" ""`},
		{" bob {0}\r\n", `"bob" ""`},
		{` bob "pässword"`, `"bob" "pässword"`},
		{" bob {4}\r\np\xe4ss", `"bob" "p\xe4ss"`},
		{" ~{3}\r\nbob x", "!expected a space at octet 9"},
		{"", "!expected a space at octet 7"},
		{" bob", "!expected a space at octet 11"},
		{" bob ", "!expected a string at octet 12"},
		{" bob secret x", "!expected end of command at octet 18"},
		{" (bob) secret", "!expected a string at octet 8"},
		{` bob "sec`, "!expected the quoted string's closing quote at octet 16"},
		{` bob "sec\`, `!expected a quote or a backslash behind the backslash at octet 17`},
		{` bob "sec\n"`, `!expected a quote or a backslash behind the backslash at octet 17`},
		{" bob \"se\x00\"", "!expected a character that may stand in a quoted string at octet 15"},
		{" bob \"se\xff\"", "!expected a quoted string in UTF-8 at octet 12"},
		{" bob {3}\r\na\x00b", "!expected a literal without NUL at octet 15"},
		{" bob {3}\r\nabcd", "!expected end of command at octet 15"},
		{" b\\b x", "!expected a space at octet 9"},
		{" b%b x", "!expected a space at octet 9"},
	})
}

func TestParseAuthenticate(t *testing.T) {
	show := func(a Authenticate) string { return fmt.Sprintf("%s %q %v", a.Mechanism, a.Initial, a.Initial == nil) }
	checkParse(t, "AUTHENTICATE", ParseAuthenticate, show, []parseCase{
		{" plain", `PLAIN "" true`},
		{" PLAIN =", `PLAIN "" false`},
		{" PLAIN AGJvYgB4", `PLAIN "\x00bob\x00x" false`},
		{" SCRAM-SHA-256 eA==", `SCRAM-SHA-256 "x" false`},
		{"", "!expected a space at octet 14"},
		{" ", "!expected a mechanism's name at octet 15"},
		{" PLAIN ", "!expected an initial response in base64 at octet 21"},
		{" PLAIN eA=", "!expected an initial response in base64 at octet 21"},
		{" PLAIN eA==x", "!expected an initial response in base64 at octet 21"},
		{" PLAIN e A=", "!expected an initial response in base64 at octet 21"},
		{" PLAIN {2}\r\nxx", "!expected an initial response in base64 at octet 21"},
	})
}

func TestDecodeSASL(t *testing.T) {
	for _, c := range []struct {
		line, want string
		ok         bool
	}{
		{"=", "", true}, {"eA==", "x", true}, {"", "", false}, {"*", "", false}, {"eA", "", false}, {"eB==", "", false}, {"e\r\nA==", "", false},
	} {
		if got, ok := DecodeSASL([]byte(c.line)); ok != c.ok || ok && string(got) != c.want {
			t.Errorf("%q: %q %v", c.line, got, ok)
		}
	}
}

func TestParseID(t *testing.T) {
	checkParse(t, "ID", ParseID, func(i ID) string { return fmt.Sprint(i.Fields) }, []parseCase{
		{" NIL", "[]"},
		{" ()", "[]"},
		{` ("name" "x" "version" NIL)`, "[{name x false} {version  true}]"},
		{" (\"name\" {1}\r\ny)", "[{name y false}]"},
		{` ("name" "")`, "[{name  false}]"},
		{` ("name")`, "!expected a space at octet 12"},
		{` (name "x")`, "!expected a string at octet 6"},
		{` ("name" "x"`, "!expected a space or ) at octet 16"},
		{"", "!expected a space at octet 4"},
		{" nil x", "!expected end of command at octet 8"},
	})
}

func TestParseEnable(t *testing.T) {
	checkParse(t, "ENABLE", ParseEnable, render[Enable], []parseCase{
		{" condstore", "Capabilities:[CONDSTORE]"},
		{" IMAP4rev2 UTF8=ACCEPT", "Capabilities:[IMAP4REV2 UTF8=ACCEPT]"},
		{"", "!expected a space at octet 8"},
		{" ", "!expected a capability's name at octet 9"},
		{" X ", "!expected a capability's name at octet 11"},
		{" (X)", "!expected a capability's name at octet 9"},
	})
}
