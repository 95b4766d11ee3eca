package index

import "mailbackend.io/backend/uidset"

// Changes is what a session must be told to get from one view to another.
type Changes struct {
	// Expunged are sequence numbers as EXPUNGE responses name them, in the
	// order to send: descending, so that each is valid when it is sent and
	// none shifts another (RFC 9051 section 7.5.1).
	Expunged []int
	// Vanished are the same messages as UIDs (RFC 7162 section 3.2.10).
	Vanished uidset.Set
	// Changed are the indexes in the shown view, ascending, of messages
	// that were shown before and whose flags, keywords or modseq differ.
	Changed []int
	// Added is how many messages were appended: the last Added of the
	// shown view.
	Added int
	// Broken: a message appeared whose UID is below the UIDNext of the old
	// view. No response can say that; the session must end with BYE. The
	// other fields and the shown view are then meaningless.
	Broken bool
}

// None reports whether there is nothing to tell.
func (c *Changes) None() bool {
	return !c.Broken && c.Added == 0 && len(c.Expunged) == 0 && len(c.Changed) == 0
}

// Advance computes what a session that shows old must be told in order to show
// the mailbox's view new. Where no EXPUNGE may be sent (RFC 9051 section
// 7.5.1), keepExpunged keeps the messages that are gone in the shown view,
// marked Gone, until a later Advance. Chunks that both views share are
// skipped. old may be a shown view; new must be a view of the Mailbox.
func Advance(old, new *View, keepExpunged bool) (shown *View, ch Changes) {
	panic("index: not yet")
}
