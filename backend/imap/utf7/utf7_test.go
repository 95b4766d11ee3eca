package utf7

import (
	"testing"
	"unicode/utf8"
)

var pairs = []struct{ name, encoded string }{
	{"", ""},
	{"INBOX", "INBOX"},
	{"R&D", "R&-D"},
	{"&", "&-"},
	{"&&", "&-&-"},
	{"Entwürfe", "Entw&APw-rfe"},
	{"ü&ü", "&APw-&-&APw-"},
	{"~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"}, // RFC 3501 section 5.1.3
	{"😀", "&2D3eAA-"},
	{"a😀b", "a&2D3eAA-b"},
	{"\t", "&AAk-"},
	{"\x7f", "&AH8-"},
	{"üü", "&APwA,A-"},
	{"üüü", "&APwA,AD8-"},
	{"\ufffd", "&,,0-"},
}

func TestPairs(t *testing.T) {
	for _, p := range pairs {
		if got := string(Encode(nil, p.name)); got != p.encoded {
			t.Errorf("%q encodes as %q, want %q", p.name, got, p.encoded)
		}
		if got, ok := Decode(p.encoded); !ok || got != p.name {
			t.Errorf("%q decodes as %q %v, want %q", p.encoded, got, ok, p.name)
		}
	}
}

func TestBad(t *testing.T) {
	for name, s := range map[string]string{
		"8-bit":                        "ü",
		"control":                      "a\tb",
		"shift without end":            "&APw",
		"shift at the end":             "a&",
		"empty shift in base64 place":  "&=-",
		"slash instead of comma":       "&ZeVnLIqe-/&U/BTFw-",
		"direct character in a shift":  "&AGE-",
		"ampersand in a shift":         "&ACY-",
		"two shifts where one will do": "&APw-&APw-",
		"left-over bits":               "&APx-",
		"a sextet too many":            "&APwA-",
		"short":                        "&AP-",
		"lonely high surrogate":        "&2D0-",
		"lonely low surrogate":         "&3gA-",
		"surrogates in wrong order":    "&3gDYPQ-",
		"high surrogate and a letter":  "&2D0A,A-",
		"padding":                      "&APw=-",
	} {
		if got, ok := Decode(s); ok {
			t.Errorf("%s: %q decodes as %q", name, s, got)
		}
	}
}

func TestInvalidUTF8(t *testing.T) {
	if got := string(Encode(nil, "a\xffb")); got != "a&,,0-b" {
		t.Errorf("invalid UTF-8 encodes as %q", got)
	}
}

// FuzzDecode: what is accepted is valid UTF-8, and encodes as what was decoded.
func FuzzDecode(f *testing.F) {
	for _, p := range pairs {
		f.Add(p.encoded)
	}
	f.Add("&AGE-&3gA-&")
	f.Fuzz(func(t *testing.T, s string) {
		name, ok := Decode(s)
		if !ok {
			return
		}
		if !utf8.ValidString(name) {
			t.Fatalf("%q decodes as %q", s, name)
		}
		if again := string(Encode(nil, name)); again != s {
			t.Fatalf("%q decodes as %q, which encodes as %q", s, name, again)
		}
	})
}

// FuzzEncode: every name survives.
func FuzzEncode(f *testing.F) {
	for _, p := range pairs {
		f.Add(p.name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if !utf8.ValidString(name) {
			return
		}
		s := string(Encode(nil, name))
		if again, ok := Decode(s); !ok || again != name {
			t.Fatalf("%q encodes as %q, which decodes as %q %v", name, s, again, ok)
		}
	})
}
