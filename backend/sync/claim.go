package sync

import (
	"slices"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/uidset"
)

// claimParams are what a claim needs beside the old root.
type claimParams struct {
	self        Holder
	commitID    index.ID
	now         int64 // seconds since 1970
	uidRange    uint32
	modSeqRange uint64
	// replay: the old holder's local logs are here and whole.
	replay bool
}

// released tells whether the last holder gave its claim back.
func (r *Root) released() bool { return r.Holder == Holder{} }

// claimRoot returns the root that claims old for p.self (architecture section
// 4, "Claim" and "Takeover"). It is pure.
func claimRoot(old *Root, p claimParams) *Root {
	r := old.clone()
	r.Epoch++
	r.Holder = p.self
	r.CommitID = p.commitID
	r.logless = false
	for i := range r.Mailboxes {
		m := &r.Mailboxes[i]
		if !old.released() {
			m.overtake(p.now, p.replay)
		}
		// "The next holder starts behind the reserved end of the one before."
		m.uids.start = m.uids.end
		m.modseqs.start = m.floorAbove()
		m.modseqs.end = m.modseqs.start
		m.topUp(m.uids.start, m.modseqs.start, p.uidRange, p.modSeqRange)
	}
	return r
}

// overtake notes what follows from a holder that did not release.
func (m *Mailbox) overtake(now int64, replay bool) {
	m.fresh = nil
	if m.uids.start < m.uids.end {
		// "The old holder's reserved UID range is noted in root as an open
		// range". Only the mails of the immediately preceding holder keep
		// their UIDs: fresh forgets what it had.
		m.open = addOpen(m.open, openRange{m.uids.start, m.uids.end - 1, now})
		m.fresh = []uidset.Range{{First: m.uids.start, Last: m.uids.end - 1}}
	}
	// Whatever UIDNEXT the old holder told, it was not above its range.
	m.UIDNext = max(m.UIDNext, m.uids.end)
	m.checkBelow = m.uids.end
	if !replay {
		// "Each mailbox's modseq floor is set to the old reserved modseq end".
		m.floor = max(m.floor, m.floorAbove())
		m.HighestModSeq = max(m.HighestModSeq, m.floor)
	}
}

// floorAbove is the lowest modseq above all that the holder may have given out.
// The floor must not be one that a client may know already: it would not be
// sent what has that modseq.
func (m *Mailbox) floorAbove() uint64 { return min(m.modseqs.end+1, maxModSeq) }

// topUp extends the reserved ranges so that uids UIDs from next on and modseqs
// modseqs above last are the holder's. Ranges never shrink.
func (m *Mailbox) topUp(next uint32, last uint64, uids uint32, modseqs uint64) {
	end := min(uint64(next)+uint64(uids), index.MaxUID+1)
	m.uids.end = max(m.uids.end, uint32(end))
	modseqs = min(modseqs, maxModSeq-last)
	m.modseqs.end = max(m.modseqs.end, last+modseqs)
}

// maxOpenRanges bounds the open ranges of a mailbox: many takeovers within a
// day join neighbouring ranges, which are then looked at together.
const maxOpenRanges = 32

// addOpen returns open with o, sorted. Touching ranges become one that is as
// young as the youngest: that only means that it is looked at for longer.
func addOpen(open []openRange, o openRange) []openRange {
	out := make([]openRange, 0, len(open)+1)
	out = append(out, open...)
	out = append(out, o)
	slices.SortFunc(out, func(a, b openRange) int { return int(int64(a.first) - int64(b.first)) })
	joined := out[:1]
	for _, next := range out[1:] {
		last := &joined[len(joined)-1]
		if uint64(next.first) <= uint64(last.last)+1 {
			last.last = max(last.last, next.last)
			last.since = max(last.since, next.since)
			continue
		}
		joined = append(joined, next)
	}
	for len(joined) > maxOpenRanges {
		joined = joinClosest(joined)
	}
	return joined
}

// joinClosest joins the two neighbours with the smallest gap.
func joinClosest(open []openRange) []openRange {
	best := 1
	for i := 2; i < len(open); i++ {
		if open[i].first-open[i-1].last < open[best].first-open[best-1].last {
			best = i
		}
	}
	open[best-1].last = open[best].last
	open[best-1].since = max(open[best-1].since, open[best].since)
	return slices.Delete(open, best, best+1)
}

// pruneOpen returns the ranges that are still to be looked at: "age ends the
// looking, never the meaning".
func pruneOpen(open []openRange, now, maxAge int64) []openRange {
	young := func(o openRange) bool { return now-o.since < maxAge }
	if !slices.ContainsFunc(open, func(o openRange) bool { return !young(o) }) {
		return open
	}
	var kept []openRange
	for _, o := range open {
		if young(o) {
			kept = append(kept, o)
		}
	}
	return kept
}

func openContains(open []openRange, uid uint32) bool {
	return slices.ContainsFunc(open, func(o openRange) bool { return o.first <= uid && uid <= o.last })
}

// span is the UIDs first..last of one LIST; last 0: to the end of the folder.
type span struct{ first, last uint32 }

// oneListUIDs is how many UIDs below scanFrom are rather listed along than by
// a request of their own.
const oneListUIDs = 1000

// planLists returns the LISTs that find all that may be news of a mailbox:
// everything from scanFrom on and the open ranges. Mostly it is one.
func planLists(scanFrom uint32, open []openRange) []span {
	tail := span{first: scanFrom}
	var lists []span
	for i := len(open) - 1; i >= 0; i-- {
		o := open[i]
		switch {
		case o.first >= tail.first:
		case uint64(o.last)+oneListUIDs >= uint64(tail.first) && tail.first-o.first <= 2*oneListUIDs:
			tail.first = o.first
		default:
			lists = append(lists, span{o.first, o.last})
		}
	}
	return append(lists, tail)
}
