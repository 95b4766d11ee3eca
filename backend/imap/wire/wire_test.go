package wire

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// split reads raw bytes as the engine does: lines, and the literals that they
// announce. What comes behind the command is returned. ok is false if the bytes
// end before the command does.
func split(b []byte) (raw Raw, rest []byte, ok bool) {
	for {
		line, after, found := bytes.Cut(b, []byte("\n"))
		if !found {
			return raw, nil, false
		}
		line = bytes.TrimSuffix(line, []byte("\r"))
		raw.Lines = append(raw.Lines, line)
		b = after
		size, _, _, announced, err := TrailingLiteral(line)
		if err != nil || !announced {
			return raw, b, err == nil
		}
		if size > uint64(len(b)) {
			return raw, nil, false
		}
		raw.Literals = append(raw.Literals, b[:size])
		b = b[size:]
	}
}

func testOptions(utf8 bool) Options { return Options{Limits: DefaultLimits(), UTF8: utf8} }

// command parses the head of one command given as text without the final CRLF.
func command(t *testing.T, text string, o Options) Command {
	t.Helper()
	raw, rest, ok := split([]byte(text + "\r\n"))
	if !ok || len(rest) > 0 {
		t.Fatalf("%q is not one whole command", text)
	}
	c, err := ParseCommand(raw, o)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return c
}

// render is a parsed value as text, to be compared with the expected one.
func render[T any](v T) string {
	s := fmt.Sprintf("%+v", v)
	return strings.TrimSuffix(strings.TrimPrefix(s, "{"), "}")
}

// parseCase is a command's arguments and what they should give. A want that
// starts with "!" is the error's text.
type parseCase struct{ args, want string }

// checkParse runs the cases of one command; name stands before each args.
func checkParse[T any](t *testing.T, name string, parse func(*Decoder) (T, error), show func(T) string, cases []parseCase) {
	t.Helper()
	checkParseWith(t, testOptions(false), name, parse, show, cases)
}

func checkParseWith[T any](t *testing.T, o Options, name string, parse func(*Decoder) (T, error), show func(T) string, cases []parseCase) {
	t.Helper()
	for _, c := range cases {
		cmd := command(t, "a "+name+c.args, o)
		v, err := parse(cmd.Args)
		var got string
		if err != nil {
			got = "!" + err.Error()
			var e *Error
			if !errors.As(err, &e) {
				t.Errorf("%s%s: error of type %T", name, c.args, err)
			}
		} else {
			got = show(v)
		}
		if got != c.want {
			t.Errorf("%s%s:\n got %s\nwant %s", name, c.args, got, c.want)
		}
	}
}

func TestTrailingLiteral(t *testing.T) {
	for _, c := range []struct {
		line            string
		size            uint64
		nonSync, binary bool
		ok              bool
		err             error
	}{
		{"a LOGIN {5}", 5, false, false, true, nil},
		{"a LOGIN {5+}", 5, true, false, true, nil},
		{"a APPEND x ~{0}", 0, false, true, true, nil},
		{"a APPEND x ~{12+}", 12, true, true, true, nil},
		{"{007}", 7, false, false, true, nil},
		{"a LOGIN {}", 0, false, false, false, nil},
		{"a LOGIN {+}", 0, false, false, false, nil},
		{"a LOGIN {5", 0, false, false, false, nil},
		{"a LOGIN 5}", 0, false, false, false, nil},
		{"a LOGIN {5} ", 0, false, false, false, nil},
		{"a LOGIN {-5}", 0, false, false, false, nil},
		{"a LOGIN {5-}", 0, false, false, false, nil},
		{"}", 0, false, false, false, nil},
		{"", 0, false, false, false, nil},
		{"x {9223372036854775797}", 9223372036854775797, false, false, true, nil},
		{"x {9223372036854775808}", 0, false, false, false, ErrLiteralSize},
		{"x {99999999999999999999999+}", 0, true, false, false, ErrLiteralSize},
	} {
		size, nonSync, binary, ok, err := TrailingLiteral([]byte(c.line))
		if size != c.size || nonSync != c.nonSync || binary != c.binary || ok != c.ok || !errors.Is(err, c.err) {
			t.Errorf("%q: %d %v %v %v %v", c.line, size, nonSync, binary, ok, err)
		}
	}
}

func TestParseCommand(t *testing.T) {
	for _, c := range []struct{ line, tag, name, err string }{
		{"a001 NOOP", "a001", "NOOP", ""},
		{"a001 noop", "a001", "NOOP", ""},
		{"] NOOP", "]", "NOOP", ""},
		{"a.b-c uid fetch 1 UID", "a.b-c", "UID FETCH", ""},
		{"a UID UID UID", "a", "UID UID", ""},
		{"a", "a", "", "expected a space at octet 1"},
		{"a ", "a", "", "expected a command name at octet 2"},
		{"a  NOOP", "a", "", "expected a command name at octet 2"},
		{"a UID", "a", "", "expected a space at octet 5"},
		{"", "", "", "expected a tag at octet 0"},
		{" NOOP", "", "", "expected a tag at octet 0"},
		{"+ NOOP", "", "", "expected a tag at octet 0"},
		{"* NOOP", "", "", "expected a tag at octet 0"},
		{`"a" NOOP`, "", "", "expected a tag at octet 0"},
		{"a{5} NOOP", "a", "", "expected a space at octet 1"},
		{"a\x80 NOOP", "a", "", "expected a space at octet 1"},
		{"a \x00", "a", "", "expected a command name at octet 2"},
		{strings.Repeat("a", 1001) + " NOOP", "", "", "a tag is too long at octet 0"},
	} {
		cmd, err := ParseCommand(Raw{Lines: [][]byte{[]byte(c.line)}}, testOptions(false))
		name, got := "", ""
		if err != nil {
			got = err.Error()
		} else {
			name = cmd.FullName()
		}
		if cmd.Tag != c.tag || name != c.name || got != c.err {
			t.Errorf("%q: %q %q %q", c.line, cmd.Tag, name, got)
		}
		if tag, peeked := Peek([]byte(c.line), testOptions(false)); tag != c.tag || peeked != c.name {
			t.Errorf("Peek %q: %q %q", c.line, tag, peeked)
		}
	}
	if _, err := ParseCommand(Raw{}, testOptions(false)); err == nil {
		t.Error("a command without a line is accepted")
	}
}

// The Raw of a hostile or broken engine must not make the parser read past it.
func TestMissingLiteral(t *testing.T) {
	for _, raw := range []Raw{
		{Lines: [][]byte{[]byte("a LOGIN {3}")}},
		{Lines: [][]byte{[]byte("a LOGIN {3}")}, Literals: [][]byte{[]byte("bob")}},
		{Lines: [][]byte{[]byte("a LOGIN {3}"), []byte(" x")}, Literals: [][]byte{[]byte("bo")}},
		{Lines: [][]byte{[]byte("a LOGIN {3}"), []byte(" x")}},
	} {
		c, err := ParseCommand(raw, testOptions(false))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseLogin(c.Args); err == nil {
			t.Errorf("%q: accepted", raw)
		}
	}
}
