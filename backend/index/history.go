package index

import (
	"slices"
	"sort"

	"mailbackend.io/backend/uidset"
)

// vanished is a run of UIDs that left the mailbox at a modseq.
type vanished struct {
	modseq      uint64
	first, last uint32
}

// history remembers what vanished when, for VanishedSince. It is sorted by
// modseq and bounded. Views share the array; it is appended to and cut at the
// front, and replaced for any other change.
type history struct {
	entries []vanished
	// pruned is the highest modseq of an entry that was forgotten: questions
	// about what vanished since a lower one can't be answered exactly.
	pruned uint64
}

// add notes that uids left at modseq; limit bounds the entries.
func (h *history) add(uids uidset.Set, modseq uint64, limit int) {
	if modseq <= h.pruned {
		return // whoever asks is told everything
	}
	ranges := uids.Ranges()
	if len(ranges) > limit { // part of it can't be remembered, so none is
		at := sort.Search(len(h.entries), func(i int) bool { return h.entries[i].modseq > modseq })
		h.entries, h.pruned = h.entries[at:], modseq
		return
	}
	if n := len(h.entries); n == 0 || h.entries[n-1].modseq <= modseq {
		for _, r := range ranges {
			h.entries = append(h.entries, vanished{modseq, r.First, r.Last})
		}
	} else { // ops came out of order, which is rare
		at := sort.Search(n, func(i int) bool { return h.entries[i].modseq > modseq })
		entries := slices.Clone(h.entries[:at])
		for _, r := range ranges {
			entries = append(entries, vanished{modseq, r.First, r.Last})
		}
		h.entries = append(entries, h.entries[at:]...)
	}
	h.cut(limit)
}

func (h *history) cut(limit int) {
	if over := len(h.entries) - limit; over > 0 {
		h.pruned = h.entries[over-1].modseq
		h.entries = h.entries[over:]
	}
}

// remove forgets that uid vanished: it is back.
func (h *history) remove(uid uint32) {
	var entries []vanished
	for _, e := range h.entries {
		if uid < e.first || e.last < uid {
			entries = append(entries, e)
			continue
		}
		if e.first < uid {
			entries = append(entries, vanished{e.modseq, e.first, uid - 1})
		}
		if uid < e.last {
			entries = append(entries, vanished{e.modseq, uid + 1, e.last})
		}
	}
	h.entries = entries
}

// since returns what vanished after modseq; ok is false if that is not known.
func (h *history) since(modseq uint64) (uids uidset.Set, ok bool) {
	if modseq < h.pruned {
		return uidset.Set{}, false
	}
	at := sort.Search(len(h.entries), func(i int) bool { return h.entries[i].modseq > modseq })
	ranges := make([]uidset.Range, 0, len(h.entries)-at)
	for _, e := range h.entries[at:] {
		ranges = append(ranges, uidset.Range{First: e.first, Last: e.last})
	}
	// Sorted first, because Set.Add at the end is cheap.
	slices.SortFunc(ranges, func(a, b uidset.Range) int { return int(int64(a.First) - int64(b.First)) })
	return uidset.OfRanges(ranges...), true
}
