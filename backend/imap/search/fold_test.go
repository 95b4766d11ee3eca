package search

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestFold(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"Hello, World 123", "hello, world 123"},
		{"É", "e\u0301"}, {"e\u0301", "e\u0301"}, {"Ä\u0323", "a\u0323\u0308"},
		{"Straße", "straße"}, {"STRASSE", "strasse"}, {"ẞ", "ß"},
		{"ΣΊΣΥΦΟΣ ς", "σι\u0301συφοσ σ"},
		{"ﬁne", "fine"}, {"Ｆｕｌｌ", "full"}, {"①", "1"}, {"K", "k"}, {"ſ", "s"},
		{"İ", "i\u0307"}, {"ДАДА", "дада"}, {"日本", "日本"}, {"가", "\u1100\u1161"},
		{"\u200b", "\u200b"},
	} {
		if got := string(fold(nil, []byte(c.in))); got != c.want {
			t.Errorf("%q folds to %q, want %q", c.in, got, c.want)
		}
		if got := string(fold(nil, []byte(c.want))); got != c.want {
			t.Errorf("%q folds to %q again", c.want, got)
		}
	}
	long := strings.Repeat("ÄÖÜ日本", 100)
	if got := string(fold(nil, []byte(long))); got != strings.Repeat("a\u0308o\u0308u\u0308日本", 100) {
		t.Errorf("a long text folds to %q", got)
	}
	_ = fold(nil, bytes.Repeat([]byte{0x80}, 100)) // not UTF-8: no panic
}

// However a text is cut, what is in it is found, and nothing else.
func TestMatcher(t *testing.T) {
	letters := rapid.RuneFrom([]rune("abAB Éß日"))
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(letters, 0, 60, -1).Draw(t, "text")
		var needles [][]byte
		for range rapid.IntRange(1, 3).Draw(t, "needles") {
			needles = append(needles, fold(nil, []byte(rapid.StringOfN(letters, 1, 5, -1).Draw(t, "needle"))))
		}
		m := newMatcher(needles)
		m.feed([]byte("leftover ab"))
		m.clear()
		for rest := []byte(text); len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "piece")
			m.feed(rest[:n])
			rest = rest[n:]
		}
		for i, n := range needles {
			if want := bytes.Contains(fold(nil, []byte(text)), n); m.found[i] != want {
				t.Fatalf("%q in %q: %v", n, text, m.found[i])
			}
		}
	})
}

func TestMatcherRestart(t *testing.T) {
	m := newMatcher([][]byte{[]byte("ab")})
	m.feed([]byte("a"))
	m.restart()
	if m.feed([]byte("b")) {
		t.Error("a string is found across two texts")
	}
	if !m.feed([]byte("ab")) || m.feed([]byte("ab")) || m.left != 0 {
		t.Error("news are not told once")
	}
}

func TestDateDay(t *testing.T) {
	for _, c := range []struct {
		value string
		day   int64
	}{
		{"Thu, 1 Jan 1970 23:59:59 -0800", 0},
		{" 2 Jan 1970 00:00 +0000", 1},
		{"Fri, 02 Jan 70 00:00:00 GMT", 1},
		{"2 January 1970", 1},
		{"(a (b) comment) Fri,\r\n\t2 (x)Jan 1970 00:00:00 (UTC)", 1},
		{"Fri Jan  2 00:00:00 1970", 1},
		{"Fri Jan  2 00:00:00 PST 1970", 1},
		{"Friday, 02-Jan-70 00:00:00 GMT", 1},
		{"1 Jan 100", 10957}, // of three digits: 1900 + 100
		{"1 Jan 49", 28855},
		{"31 Dec 1969", -1},
	} {
		if got, ok := dateDay([]byte(c.value)); !ok || got != c.day {
			t.Errorf("%q is day %d %v, want %d", c.value, got, ok, c.day)
		}
	}
	for _, bad := range []string{
		"30 Feb 1970", "0 Jan 1970", "nonsense", "", "Jan", "1 Jan", "Jan 1970", "1970-01-02", "x Jan y", strings.Repeat("x", 2000) + " 1 Jan 1970",
	} {
		if got, ok := dateDay([]byte(bad)); ok {
			t.Errorf("%q is day %d", bad, got)
		}
	}
}

func TestCutField(t *testing.T) {
	var got []string
	for rest := []byte("A: 1\r\nB: 2\r\n\tc\r\n d\nC: 3"); len(rest) > 0; {
		var f []byte
		f, rest = cutField(rest)
		got = append(got, string(f))
	}
	if strings.Join(got, "|") != "A: 1\r\n|B: 2\r\n\tc\r\n d\n|C: 3" {
		t.Errorf("%q", got)
	}
}
