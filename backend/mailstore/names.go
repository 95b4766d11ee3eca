package mailstore

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Inbox is the one name that is case-insensitive and always there (RFC 9051
// section 5.1).
const Inbox = "INBOX"

// NameLimits bound mailbox names.
type NameLimits struct {
	Length int // bytes of UTF-8
	Depth  int // levels
}

// CanonicalName checks a mailbox name and returns its one spelling: NFC (RFC
// 9051 section 5.1 wants Net-Unicode, RFC 5198), INBOX in capitals also where
// it is the first of several levels. ErrCannot for a name that no mailbox can
// have: empty, empty levels, control characters, bad UTF-8, too long or deep.
func CanonicalName(name string, lim NameLimits) (string, error) {
	if len(name) > lim.Length { // before anything is spent on it
		return "", fmt.Errorf("mailbox name of %d bytes, at most %d are allowed: %w", len(name), lim.Length, ErrCannot)
	}
	if !utf8.ValidString(name) {
		return "", fmt.Errorf("mailbox name %q is not valid UTF-8: %w", name, ErrCannot)
	}
	for _, r := range name {
		if !allowedRune(r) {
			return "", fmt.Errorf("mailbox name %q: character %U is not allowed: %w", name, r, ErrCannot)
		}
	}
	name = norm.NFC.String(name)
	if len(name) > lim.Length {
		return "", fmt.Errorf("mailbox name of %d bytes, at most %d are allowed: %w", len(name), lim.Length, ErrCannot)
	}
	depth := 0
	for level := range strings.SplitSeq(name, string(Separator)) {
		if level == "" {
			return "", fmt.Errorf("mailbox name %q has an empty level: %w", name, ErrCannot)
		}
		depth++
	}
	if depth > lim.Depth {
		return "", fmt.Errorf("mailbox name of %d levels, at most %d are allowed: %w", depth, lim.Depth, ErrCannot)
	}
	return canonicalInbox(name), nil
}

// allowedRune refuses what Net-Unicode refuses (RFC 5198 section 2) and what
// would make two names look alike or break a line: controls, line and
// paragraph separators, noncharacters, the byte order mark.
func allowedRune(r rune) bool {
	switch {
	case unicode.IsControl(r), r == '\u2028', r == '\u2029', r == '\uFEFF':
		return false
	case r >= 0xFDD0 && r <= 0xFDEF, r&0xFFFE == 0xFFFE:
		return false
	}
	return true
}

// canonicalInbox spells a first level that is INBOX in capitals.
func canonicalInbox(name string) string {
	if len(name) < len(Inbox) || !strings.EqualFold(name[:len(Inbox)], Inbox) {
		return name
	}
	if rest := name[len(Inbox):]; rest == "" || rest[0] == Separator {
		return Inbox + rest
	}
	return name
}

// parentName is the name one level up; ok is false at the top.
func parentName(name string) (parent string, ok bool) {
	i := strings.LastIndexByte(name, Separator)
	if i < 0 {
		return "", false
	}
	return name[:i], true
}

// isBelow reports whether name is an inferior of top.
func isBelow(name, top string) bool {
	return len(name) > len(top)+1 && name[len(top)] == Separator && name[:len(top)] == top
}

// compareNames orders names so that INBOX and its children come first and a
// parent comes right before its children.
func compareNames(a, b string) int {
	if ai, bi := inInbox(a), inInbox(b); ai != bi {
		if ai {
			return -1
		}
		return 1
	}
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i] == b[i] {
			continue
		}
		// The separator sorts below every other byte.
		switch {
		case a[i] == Separator:
			return -1
		case b[i] == Separator:
			return 1
		}
		return cmp.Compare(a[i], b[i])
	}
	return cmp.Compare(len(a), len(b))
}

func inInbox(name string) bool { return name == Inbox || isBelow(name, Inbox) }

// specialUses are the attributes that a mailbox can have: those of RFC 6154
// and RFC 8457, but not \All and \Flagged, which are views over other
// mailboxes that this store does not offer.
var specialUses = [...]string{`\Archive`, `\Drafts`, `\Important`, `\Junk`, `\Sent`, `\Trash`}

// CanonicalSpecialUse returns the one spelling of a special-use attribute.
// ErrUseAttr if it is not one that a mailbox can have.
func CanonicalSpecialUse(attr string) (string, error) {
	for _, s := range specialUses {
		if strings.EqualFold(s, attr) {
			return s, nil
		}
	}
	return "", fmt.Errorf("special use %q: %w", attr, ErrUseAttr)
}
