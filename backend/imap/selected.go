package imap

import (
	"slices"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/uidset"
)

// selected is a session's selected mailbox and what its client knows of it.
type selected struct {
	mb       Mailbox
	readOnly bool

	// shown is what the client was told.
	// Invariant: see the package comment.
	shown *index.View
	// uidNext is UIDNEXT at the time of SELECT.
	uidNext uint32
	// saved are the UIDs of "$" (RFC 5182). Those of messages that are
	// gone do no harm: a UID never names another message.
	saved uidset.Set
	// recent are the UIDs that are \Recent here (RFC 3501 section 2.3.2);
	// they may name messages that are gone. recentTold is the last RECENT.
	recent     uidset.Set
	recentTold int
	// keywords are the names that FLAGS told last.
	keywords []string
}

// newSelected starts a session's picture of mb with what is there now.
func newSelected(mb Mailbox, readOnly bool) *selected {
	// A message that comes between the two calls is in the view, and the
	// larger of the two figures is right.
	uidNext := mb.UIDNext()
	sel := &selected{mb: mb, readOnly: readOnly, shown: mb.View()}
	sel.uidNext = max(uidNext, sel.shown.UIDNext())
	sel.recent = mb.Recent()
	sel.recentTold = sel.countRecent()
	sel.keywords = sel.shown.KeywordNames()
	return sel
}

// advance moves the shown view on to the mailbox's present one and returns the
// view before and what the client has to be told.
func (sel *selected) advance(keepExpunged bool) (old *index.View, ch index.Changes) {
	old = sel.shown
	now := sel.mb.View()
	if now == old {
		return old, ch
	}
	shown, ch := index.Advance(old, now, keepExpunged)
	if ch.Broken {
		return old, ch
	}
	sel.shown = shown
	if ch.Added > 0 {
		sel.recent = sel.mb.Recent()
	}
	return old, ch
}

// countRecent is how many of the shown messages are \Recent.
func (sel *selected) countRecent() int {
	n := 0
	for _, r := range sel.recent.Ranges() {
		end := sel.shown.Len()
		if r.Last < ^uint32(0) {
			end = sel.shown.Search(r.Last + 1)
		}
		n += end - sel.shown.Search(r.First)
	}
	return n
}

// newKeywords reports whether the mailbox has keywords that the client was not
// told of, and notes that it will be.
func (sel *selected) newKeywords() bool {
	names := sel.shown.KeywordNames()
	told := sel.keywords
	sel.keywords = names
	for _, n := range names {
		if !slices.Contains(told, n) {
			return true
		}
	}
	return false
}

// unselect gives the selected mailbox back, if there is one.
func (s *session) unselect() {
	if s.sel == nil {
		return
	}
	s.sel.mb.Notify(nil)
	s.sel.mb.Close()
	s.sel = nil
}
