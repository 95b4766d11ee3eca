package mailstore

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

var testNameLimits = NameLimits{Length: 1000, Depth: 32}

func TestCanonicalName(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"INBOX", "INBOX"},
		{"inbox", "INBOX"},
		{"InBoX/Sub", "INBOX/Sub"},
		{"inboxes", "inboxes"},
		{"a/inbox", "a/inbox"},
		{"Entwu\u0308rfe", "Entwürfe"},
		{"日本語", "日本語"},
		{"100% & *", "100% & *"},
		{"..", ".."},
		{strings.Repeat("x", 1000), strings.Repeat("x", 1000)},
		{strings.Repeat("x/", 31) + "x", strings.Repeat("x/", 31) + "x"},
	} {
		got, err := CanonicalName(c.in, testNameLimits)
		if err != nil || got != c.want {
			t.Errorf("CanonicalName(%q) = %q, %v; want %q", c.in, got, err, c.want)
		}
	}
	for _, in := range []string{
		"", "/", "/a", "a/", "a//b", "a\x00b", "a\r\nb", "a\x7f", "a\u0085b", "a\u2028b", "\uFEFFa", "\uFFFE",
		"\xff", strings.Repeat("x", 1001), strings.Repeat("x/", 32) + "x",
	} {
		if got, err := CanonicalName(in, testNameLimits); !errors.Is(err, ErrCannot) {
			t.Errorf("CanonicalName(%q) = %q, %v; want ErrCannot", in, got, err)
		}
	}
}

func FuzzCanonicalName(f *testing.F) {
	for _, s := range []string{"inbox/a", "Entwu\u0308rfe", "a//b", "\xff", "\u1100\u1161"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got, err := CanonicalName(in, testNameLimits)
		if err != nil {
			return
		}
		again, err := CanonicalName(got, testNameLimits)
		if err != nil || again != got {
			t.Errorf("CanonicalName(%q) = %q, but of that %q, %v", in, got, again, err)
		}
		if !utf8.ValidString(got) || len(got) > testNameLimits.Length {
			t.Errorf("CanonicalName(%q) = %q", in, got)
		}
	})
}

// TestCompareNames shows that the order is total and keeps a parent right
// before what is below it.
func TestCompareNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`(INBOX|[a !0]{1,2})(/[a !]{1,2}){0,2}`)
		names := rapid.SliceOfNDistinct(name, 1, 12, rapid.ID[string]).Draw(t, "names")
		slices.SortFunc(names, compareNames)
		for i, a := range names {
			for j, b := range names {
				if got, want := compareNames(a, b), i-j; (got < 0) != (want < 0) || (got > 0) != (want > 0) {
					t.Fatalf("compareNames(%q, %q) = %d in %q", a, b, got, names)
				}
				if j > i+1 && isBelow(b, a) && !isBelow(names[i+1], a) {
					t.Fatalf("%q is away from its parent %q in %q", b, a, names)
				}
			}
			if inInbox(a) && i > 0 && !inInbox(names[i-1]) {
				t.Fatalf("INBOX is not first in %q", names)
			}
		}
	})
}
