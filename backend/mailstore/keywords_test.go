package mailstore

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"mailbackend.io/backend/index"
)

func TestParseFlags(t *testing.T) {
	cfg := Config{MaxKeywordLength: 10, MaxMessageKeywords: 3}
	for _, c := range []struct {
		in       string
		flags    index.Flags
		keywords string
		err      error
	}{
		{`\Seen \fLAGGED`, index.Seen | index.Flagged, "", nil},
		{`\Answered \Deleted \Draft`, index.Answered | index.Deleted | index.Draft, "", nil},
		{`\Recent \Unknown`, 0, "", nil},
		{`$Junk \Seen $junk NonJunk`, index.Seen, "$Junk NonJunk", nil},
		{`a b c`, 0, "a b c", nil},
		{`a b c d`, 0, "", ErrLimit},
		{`a b c C B A`, 0, "a b c", nil},
		{`abcdefghij`, 0, "abcdefghij", nil},
		{`abcdefghijk`, 0, "", ErrLimit},
		{`a(b`, 0, "", ErrCannot},
		{`a]`, 0, "", ErrCannot},
		{`ü`, 0, "", ErrCannot},
		{`a\b`, 0, "", ErrCannot},
	} {
		flags, keywords, err := parseFlags(strings.Fields(c.in), &cfg)
		if !errors.Is(err, c.err) || flags != c.flags || !slices.Equal(keywords, strings.Fields(c.keywords)) {
			t.Errorf("parseFlags(%s) = %v, %q, %v", c.in, flags, keywords, err)
		}
	}
	if _, _, err := parseFlags([]string{""}, &cfg); !errors.Is(err, ErrCannot) {
		t.Errorf("empty keyword: %v", err)
	}
}
