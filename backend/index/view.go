package index

import (
	"iter"

	"mailbackend.io/backend/uidset"
)

// View is an immutable snapshot of a mailbox, in UID order. It is safe for
// concurrent use. Indexes are 0-based: a message's sequence number is its index
// plus one.
type View struct{}

// Len is how many messages the view shows, including Gone ones.
func (v *View) Len() int { panic("index: not yet") }

// At returns message i. It panics unless 0 ≤ i < Len.
func (v *View) At(i int) Record { panic("index: not yet") }

// UID returns the UID of message i.
func (v *View) UID(i int) uint32 { panic("index: not yet") }

// Find returns the index of a UID.
func (v *View) Find(uid uint32) (i int, ok bool) { panic("index: not yet") }

// Search returns the first index whose UID is uid or higher, Len if there is
// none.
func (v *View) Search(uid uint32) int { panic("index: not yet") }

// All yields every message with its index.
func (v *View) All() iter.Seq2[int, Record] { panic("index: not yet") }

// Range yields the messages from..to-1. Bounds outside 0..Len are cut.
func (v *View) Range(from, to int) iter.Seq2[int, Record] { panic("index: not yet") }

// UIDs is the set of all UIDs in the view.
func (v *View) UIDs() uidset.Set { panic("index: not yet") }

// HighestModSeq is the highest modseq of any op applied, at least Floor.
func (v *View) HighestModSeq() uint64 { panic("index: not yet") }

// Floor is the modseq floor: no message's effective modseq is lower.
func (v *View) Floor() uint64 { panic("index: not yet") }

// UIDNext is the highest UID ever seen, plus one. The UIDNEXT that clients are
// told may be higher (root keeps it), never lower.
func (v *View) UIDNext() uint32 { panic("index: not yet") }

// Counts are the mailbox's totals; Gone messages are not counted.
func (v *View) Counts() Counts { panic("index: not yet") }

// FirstUnseen is the index of the first message without \Seen, -1 if there is
// none.
func (v *View) FirstUnseen() int { panic("index: not yet") }

// Keywords returns the keywords of a record of this view, sorted. The caller
// must not change the slice.
func (v *View) Keywords(k Keywords) []string { panic("index: not yet") }

// KeywordNames returns all keywords that messages of the mailbox have or
// recently had, sorted. Names are compared without regard to ASCII case; the
// spelling that came first is kept.
func (v *View) KeywordNames() []string { panic("index: not yet") }

// Expunged computes the set of all UIDs that were ever expunged (not those
// merely found missing, nor those never used). It looks at all messages: use
// IsExpunged for single UIDs.
func (v *View) Expunged() uidset.Set { panic("index: not yet") }

// IsExpunged reports whether a UID was expunged, in O(log n).
func (v *View) IsExpunged(uid uint32) bool { panic("index: not yet") }

// VanishedSince returns the UIDs that were expunged or found missing with a
// modseq above the given one (RFC 7162 section 3.2.6). If the history does not
// reach back so far, it is every UID below UIDNext that isn't there.
func (v *View) VanishedSince(modseq uint64) uidset.Set { panic("index: not yet") }

// ChangedSince yields the messages with an effective modseq above the given
// one; chunks without any are skipped.
func (v *View) ChangedSince(modseq uint64) iter.Seq2[int, Record] { panic("index: not yet") }

// Gone reports whether message i is expunged and only still shown because the
// session could not be told yet (Advance with keepExpunged).
func (v *View) Gone(i int) bool { panic("index: not yet") }

// HasGone reports whether any message is Gone.
func (v *View) HasGone() bool { panic("index: not yet") }
