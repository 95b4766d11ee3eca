package mailstore

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mailbackend.io/backend/sync"
)

func rootOf(names ...string) *sync.Root {
	r := &sync.Root{}
	for i, n := range names {
		r.Mailboxes = append(r.Mailboxes, sync.Mailbox{ID: sync.MailboxID(fmt.Sprint(i)), Name: n})
	}
	return r
}

func namesOf(r *sync.Root) string {
	var names []string
	for i := range r.Mailboxes {
		names = append(names, r.Mailboxes[i].Name)
	}
	return strings.Join(names, " ")
}

func TestRenameIn(t *testing.T) {
	for _, c := range []struct {
		have     string
		from, to string
		want     string
		err      error
	}{
		{"a b", "a", "c", "c b", nil},
		{"a a/x a/x/y ab", "a", "c/d", "c/d c/d/x c/d/x/y ab", nil},
		{"a/x b", "a", "c", "c/x b", nil}, // a \NonExistent parent
		{"a b/x", "a", "b", "b b/x", nil}, // onto a \NonExistent parent
		{"a/b", "a/b", "a", "a", nil},     // out of it
		{"a", "x", "y", "", ErrNoMailbox},
		{"a b", "a", "b", "", ErrExists},
		{"a", "a", "a", "", ErrExists},
		{"a a/x b/x", "a", "b", "", ErrExists}, // the child's name is taken
		{"a", "a", "a/b", "", ErrCannot},
		{"INBOX/x", "INBOX/x", "y", "y", nil},
		{"a/" + strings.Repeat("x", 20), "a", strings.Repeat("y", 20), "", ErrCannot}, // too long
		{"a/x/x/x", "a", "b/b", "", ErrCannot},                                        // too deep
	} {
		r := rootOf(strings.Fields(c.have)...)
		err := renameIn(r, c.from, c.to, NameLimits{Length: 30, Depth: 4})
		switch {
		case !errors.Is(err, c.err):
			t.Errorf("rename %s to %s in %s: error %v, want %v", c.from, c.to, c.have, err, c.err)
		case err != nil && namesOf(r) != c.have:
			t.Errorf("rename %s to %s in %s: failed, yet now %s", c.from, c.to, c.have, namesOf(r))
		case err == nil && namesOf(r) != c.want:
			t.Errorf("rename %s to %s in %s: now %s, want %s", c.from, c.to, c.have, namesOf(r), c.want)
		}
	}
}

// TestRenameInKeepsNamesApart shows that no rename makes two mailboxes of one
// name or loses one, and that renaming back gives what was there.
func TestRenameInKeepsNamesApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[abc](/[ab]){0,2}`)
		names := rapid.SliceOfNDistinct(name, 1, 6, rapid.ID[string]).Draw(t, "names")
		from, to := name.Draw(t, "from"), name.Draw(t, "to")
		r := rootOf(names...)
		free := !slices.ContainsFunc(names, func(n string) bool { return n == to || isBelow(n, to) })
		if err := renameIn(r, from, to, testNameLimits); err != nil {
			if namesOf(r) != strings.Join(names, " ") {
				t.Fatalf("failed with %v, yet changed to %s", err, namesOf(r))
			}
			return
		}
		after := map[string]bool{}
		for i := range r.Mailboxes {
			after[r.Mailboxes[i].Name] = true
		}
		if len(after) != len(names) {
			t.Fatalf("two mailboxes of one name: %v", slices.Sorted(maps.Keys(after)))
		}
		if free && !isBelow(from, to) {
			if err := renameIn(r, to, from, testNameLimits); err != nil || namesOf(r) != strings.Join(names, " ") {
				t.Fatalf("renamed back: %v, %s", err, namesOf(r))
			}
		}
	})
}
