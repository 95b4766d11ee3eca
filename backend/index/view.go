package index

import (
	"iter"
	"slices"
	"sort"

	"mailbackend.io/backend/uidset"
)

// View is an immutable snapshot of a mailbox, in UID order. It is safe for
// concurrent use. Indexes are 0-based: a message's sequence number is its index
// plus one.
type View struct {
	chunks         []*chunk
	firsts, starts []uint32 // of the chunks: first UID, index of the first message
	n              int
	counts         Counts
	highest, floor uint64
	uidNext        uint32
	absent         absentees
	history        history
	kwEpoch        uint64
	kwSets         [][]string
	kwPrivate      bool // kwSets was extended for Gone messages
	hasGone        bool
}

// Len is how many messages the view shows, including Gone ones.
func (v *View) Len() int { return v.n }

// chunkAt returns the chunk of message i and its position there.
func (v *View) chunkAt(i int) (ci, pos int) {
	ci = sort.Search(len(v.starts), func(k int) bool { return int(v.starts[k]) > i }) - 1
	return ci, i - int(v.starts[ci])
}

// At returns message i. It panics unless 0 ≤ i < Len.
func (v *View) At(i int) Record {
	ci, pos := v.chunkAt(i)
	return v.chunks[ci].record(pos, v.floor)
}

// UID returns the UID of message i. It panics unless 0 ≤ i < Len.
func (v *View) UID(i int) uint32 {
	ci, pos := v.chunkAt(i)
	return v.chunks[ci].uids[pos]
}

// Find returns the index of a UID.
func (v *View) Find(uid uint32) (i int, ok bool) {
	ci := chunkOf(v.firsts, uid)
	if ci < 0 {
		return 0, false
	}
	pos, ok := v.chunks[ci].search(uid)
	return int(v.starts[ci]) + pos, ok
}

// Search returns the first index whose UID is uid or higher, Len if there is
// none.
func (v *View) Search(uid uint32) int {
	i, _ := v.Find(uid)
	return i
}

// All yields every message with its index.
func (v *View) All() iter.Seq2[int, Record] {
	return func(yield func(int, Record) bool) { v.scan(0, v.n, yield) }
}

// Range yields the messages from..to-1. Bounds outside 0..Len are cut.
func (v *View) Range(from, to int) iter.Seq2[int, Record] {
	return func(yield func(int, Record) bool) { v.scan(from, to, yield) }
}

func (v *View) scan(from, to int, yield func(int, Record) bool) {
	from, to = max(from, 0), min(to, v.n)
	if from >= to {
		return
	}
	ci, pos := v.chunkAt(from)
	for i := from; i < to; ci, pos = ci+1, 0 {
		for c := v.chunks[ci]; pos < c.len() && i < to; i, pos = i+1, pos+1 {
			if !yield(i, c.record(pos, v.floor)) {
				return
			}
		}
	}
}

// UIDs is the set of all UIDs in the view.
func (v *View) UIDs() uidset.Set { return v.uids(true) }

func (v *View) uids(withGone bool) uidset.Set {
	var s uidset.Set
	var open uidset.Range // the run being collected
	for _, c := range v.chunks {
		for i, uid := range c.uids {
			switch {
			case !withGone && c.isGone(i):
			case open.First != 0 && uid == open.Last+1:
				open.Last = uid
			default:
				if open.First != 0 {
					s.Add(open.First, open.Last)
				}
				open = uidset.Range{First: uid, Last: uid}
			}
		}
	}
	if open.First != 0 {
		s.Add(open.First, open.Last)
	}
	return s
}

// HighestModSeq is the highest modseq of any op applied, at least Floor.
func (v *View) HighestModSeq() uint64 { return v.highest }

// Floor is the modseq floor: no message's effective modseq is lower.
func (v *View) Floor() uint64 { return v.floor }

// UIDNext is the highest UID ever seen, plus one. The UIDNEXT that clients are
// told may be higher (root keeps it), never lower.
func (v *View) UIDNext() uint32 { return v.uidNext }

// Counts are the mailbox's totals; Gone messages are not counted.
func (v *View) Counts() Counts { return v.counts }

// FirstUnseen is the index of the first message without \Seen, -1 if there is
// none.
func (v *View) FirstUnseen() int {
	if v.counts.Unseen == 0 {
		return -1
	}
	for ci, c := range v.chunks {
		if c.counts.Unseen == 0 {
			continue
		}
		for i, f := range c.flags {
			if f&Seen == 0 && !c.isGone(i) {
				return int(v.starts[ci]) + i
			}
		}
	}
	return -1
}

// Keywords returns the keywords of a record of this view, sorted. The caller
// must not change the slice.
func (v *View) Keywords(k Keywords) []string { return v.kwSets[k] }

// KeywordNames returns all keywords that messages of the mailbox have or
// recently had, sorted. Names are compared without regard to ASCII case; the
// spelling that came first is kept.
func (v *View) KeywordNames() []string {
	var names []string
	for _, set := range v.kwSets {
		names = append(names, set...)
	}
	slices.SortFunc(names, compareFold)
	return slices.Clip(slices.CompactFunc(names, func(a, b string) bool { return compareFold(a, b) == 0 }))
}

// Expunged computes the set of all UIDs that were ever expunged (not those
// merely found missing, nor those never used). It looks at all messages: use
// IsExpunged for single UIDs.
func (v *View) Expunged() uidset.Set {
	present := v.uids(false).Ranges()
	absent := v.absent
	var s uidset.Set
	next := uint32(1)
	for len(present) > 0 || len(absent) > 0 {
		var r uidset.Range
		if len(absent) == 0 || len(present) > 0 && present[0].First < absent[0].first {
			r, present = present[0], present[1:]
		} else {
			r, absent = uidset.Range{First: absent[0].first, Last: absent[0].last}, absent[1:]
		}
		if next < r.First {
			s.Add(next, r.First-1)
		}
		next = r.Last + 1
	}
	if next < v.uidNext {
		s.Add(next, v.uidNext-1)
	}
	return s
}

// below is every UID below UIDNext that isn't there.
func (v *View) below() uidset.Set {
	all := *v
	all.absent = nil
	return all.Expunged()
}

// IsExpunged reports whether a UID was expunged, in O(log n).
func (v *View) IsExpunged(uid uint32) bool {
	if uid == 0 || uid >= v.uidNext {
		return false
	}
	if i, ok := v.Find(uid); ok {
		if !v.Gone(i) {
			return false
		}
	}
	_, absent := v.absent.find(uid)
	return !absent
}

// allExpunged reports whether all of first..last were expunged.
func (v *View) allExpunged(first, last uint32) bool {
	if last >= v.uidNext || v.Search(first) != v.Search(last+1) {
		return false
	}
	i := sort.Search(len(v.absent), func(i int) bool { return v.absent[i].last >= first })
	return i == len(v.absent) || v.absent[i].first > last
}

// VanishedSince returns the UIDs that were expunged or found missing with a
// modseq above the given one (RFC 7162 section 3.2.6). If the history does not
// reach back so far, it is every UID below UIDNext that isn't there; nor does it
// reach back behind the floor, which tells that what clients were told until then
// may be lost.
func (v *View) VanishedSince(modseq uint64) uidset.Set {
	switch {
	case modseq >= v.highest:
		return uidset.Set{}
	case modseq < v.floor:
		return v.below()
	}
	if s, ok := v.history.since(modseq); ok {
		return s
	}
	return v.below()
}

// ChangedSince yields the messages with an effective modseq above the given
// one; chunks without any are skipped.
func (v *View) ChangedSince(modseq uint64) iter.Seq2[int, Record] {
	return func(yield func(int, Record) bool) { v.scanChanged(modseq, yield) }
}

func (v *View) scanChanged(modseq uint64, yield func(int, Record) bool) {
	all := v.floor > modseq
	for ci, c := range v.chunks {
		if !all && c.maxMod <= modseq {
			continue
		}
		for i := range c.len() {
			if !all && c.modseqs.at(i) <= modseq {
				continue
			}
			if !yield(int(v.starts[ci])+i, c.record(i, v.floor)) {
				return
			}
		}
	}
}

// Gone reports whether message i is expunged and only still shown because the
// session could not be told yet (Advance with keepExpunged).
func (v *View) Gone(i int) bool {
	if !v.hasGone {
		return false
	}
	ci, pos := v.chunkAt(i)
	return v.chunks[ci].isGone(pos)
}

// HasGone reports whether any message is Gone.
func (v *View) HasGone() bool { return v.hasGone }
