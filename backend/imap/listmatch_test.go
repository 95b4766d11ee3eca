package imap

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPattern(t *testing.T) {
	for _, c := range []struct {
		reference, pattern, name string
		want                     bool
	}{
		{"", "*", "a/b", true},
		{"", "%", "a/b", false},
		{"", "%", "a", true},
		{"", "%/%", "a/b", true},
		{"", "", "", true},
		{"", "", "a", false},
		{"", "a%%b", "ab", true},
		{"", "a%*b", "a/x/b", true},
		{"", "*b%", "a/bc", true},
		{"", "*b%", "b/bc/d", false},
		{"", "inbox", "INBOX", true},
		{"", "inBox/%", "INBOX/x", true},
		{"", "inboxes", "INBOXES", false},
		{"in", "box", "INBOX", true},
		{"a/", "%", "a/b", true},
		{"", strings.Repeat("a", 200), strings.Repeat("a", 200), true},
		{"", strings.Repeat("a", 100) + "*" + strings.Repeat("a", 100), strings.Repeat("a", 199), false},
		{"", strings.Repeat("a%", 100), strings.Repeat("a", 300), true},
	} {
		if got := newPattern(c.reference, c.pattern).matches(c.name); got != c.want {
			t.Errorf("%q+%q matches %q: %v", c.reference, c.pattern, c.name, got)
		}
	}
}

// slowMatch is what a pattern means, tried in all ways.
func slowMatch(p, name string) bool {
	if p == "" {
		return name == ""
	}
	switch p[0] {
	case '*', '%':
		for i := 0; ; i++ {
			if slowMatch(p[1:], name[i:]) {
				return true
			}
			if i == len(name) || p[0] == '%' && name[i] == '/' {
				return false
			}
		}
	}
	return name != "" && name[0] == p[0] && slowMatch(p[1:], name[1:])
}

// TestPatternModel compares matches with slowMatch.
func TestPatternModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.StringMatching(`[ab/%*]{0,8}`).Draw(t, "pattern")
		name := rapid.StringMatching(`[ab/]{0,8}`).Draw(t, "name")
		pad := strings.Repeat("x", rapid.SampledFrom([]int{0, 60, 61, 62, 63, 64, 130}).Draw(t, "pad"))
		if got, want := newPattern("", pad+p).matches(pad+name), slowMatch(p, name); got != want {
			t.Fatalf("pattern %q, name %q: %v", p, name, got)
		}
	})
}

// BenchmarkPattern is a pattern made to be slow.
func BenchmarkPattern(b *testing.B) {
	p := newPattern("", strings.Repeat("%a*", 300))
	name := strings.Repeat("a/", 300) + "b"
	for b.Loop() {
		p.matches(name)
	}
}
