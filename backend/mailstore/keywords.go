package mailstore

import (
	"fmt"
	"strings"

	"mailbackend.io/backend/index"
)

// systemFlags are the names of the flags that a Record holds (RFC 9051 2.3.2).
var systemFlags = [...]struct {
	name string
	flag index.Flags
}{
	{`\Seen`, index.Seen},
	{`\Answered`, index.Answered},
	{`\Flagged`, index.Flagged},
	{`\Deleted`, index.Deleted},
	{`\Draft`, index.Draft},
}

// parseFlags tells system flags and keywords apart. \Recent and unknown system
// flags are ignored; of keywords that differ in ASCII case the first counts.
// ErrLimit, ErrCannot.
func parseFlags(names []string, cfg *Config) (index.Flags, []string, error) {
	var (
		flags    index.Flags
		keywords []string
		seen     map[string]bool
	)
	for _, name := range names {
		if strings.HasPrefix(name, `\`) {
			flags |= systemFlag(name)
			continue
		}
		if err := checkKeyword(name, cfg.MaxKeywordLength); err != nil {
			return 0, nil, err
		}
		if seen == nil {
			seen = map[string]bool{}
		}
		if key := foldKeyword(name); !seen[key] {
			seen[key] = true
			keywords = append(keywords, name)
		}
	}
	if len(keywords) > cfg.MaxMessageKeywords {
		return 0, nil, errKeywords(len(keywords), cfg)
	}
	return flags, keywords, nil
}

func errKeywords(n int, cfg *Config) error {
	return fmt.Errorf("%d keywords on one message, at most %d are allowed: %w", n, cfg.MaxMessageKeywords, ErrLimit)
}

func systemFlag(name string) index.Flags {
	for _, s := range systemFlags {
		if strings.EqualFold(s.name, name) {
			return s.flag
		}
	}
	return 0
}

// checkKeyword lets pass what is an atom (RFC 9051 section 9: flag-keyword).
func checkKeyword(name string, maxLen int) error {
	if len(name) > maxLen {
		return fmt.Errorf("keyword of %d bytes, at most %d are allowed: %w", len(name), maxLen, ErrLimit)
	}
	if name == "" {
		return fmt.Errorf("empty keyword: %w", ErrCannot)
	}
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`(){%*"\]`, c) >= 0 {
			return fmt.Errorf("keyword %q: character %q is not allowed: %w", name, c, ErrCannot)
		}
	}
	return nil
}

// foldKeyword is the same for keywords that differ in ASCII case only. A
// keyword is ASCII, or checkKeyword had refused it.
func foldKeyword(name string) string { return strings.ToLower(name) }

// keywordNames is a set of keywords that are about to join a mailbox.
type keywordNames map[string]struct{}

func (k keywordNames) add(names []string) {
	for _, n := range names {
		k[foldKeyword(n)] = struct{}{}
	}
}

// fit fails with ErrLimit if the mailbox would have too many. Without a view
// (the mailbox is not in memory) only those that join are counted. A mailbox
// that is over its limit already may go on using what it has.
func (k keywordNames) fit(v *index.View, limit int) error {
	if len(k) == 0 {
		return nil
	}
	joining, present := len(k), 0
	if v != nil {
		names := v.KeywordNames()
		present = len(names)
		for _, name := range names {
			if _, ok := k[foldKeyword(name)]; ok {
				joining--
			}
		}
	}
	if joining > 0 && present+joining > limit {
		return fmt.Errorf("%d different keywords in the mailbox, at most %d are allowed: %w", present+joining, limit, ErrLimit)
	}
	return nil
}
