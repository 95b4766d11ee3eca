package index

import (
	"fmt"

	"mailbackend.io/backend/uidset"
)

// Mailbox is the writer's side of one mailbox's index. It is not safe for
// concurrent use: its owner serialises changes. The Views it hands out are
// immutable and shared freely.
type Mailbox struct {
	// gen is the present generation: what was made in it is not yet seen by
	// a View and is changed in place.
	gen uint64
	// chunks are never empty. firsts are their first UIDs, starts the index
	// of their first message. The slices are owned if their gen is present.
	chunks              []*chunk
	firsts, starts      []uint32
	chunksGen, indexGen uint64
	startsStale         bool

	counts         Counts
	highest, floor uint64
	uidNext        uint32
	absent         absentees
	history        history
	historyLimit   int
	chunkLimit     int // maxChunk; less in tests
	kw             keywordTable
	view           *View // nil after a change
}

// DefaultHistory is how many ranges of vanished UIDs are remembered with their
// modseq: 16 bytes each.
const DefaultHistory = 8192

// NewMailbox returns an empty mailbox: no message, UIDNext 1, modseq 0.
func NewMailbox() *Mailbox {
	return &Mailbox{gen: 1, uidNext: 1, historyLimit: DefaultHistory, chunkLimit: maxChunk, kw: newKeywordTable()}
}

// SetHistory bounds how many ranges of expunged UIDs are remembered with their
// modseq (VanishedSince); DefaultHistory without it. Beyond, the oldest are
// forgotten, and VanishedSince answers older questions with a superset.
func (m *Mailbox) SetHistory(ranges int) {
	m.historyLimit = max(ranges, 1)
	m.history.cut(m.historyLimit)
	m.view = nil
}

// Apply applies ops in order. If one of them is invalid (see Op.Validate),
// nothing is changed and the error names it.
//
//   - OpAppend inserts. A UID that is there already is left alone, or replaced
//     as a whole if the op's ModSeq is higher; one that was expunged stays
//     expunged; one that was found missing at the same ModSeq or a higher one
//     stays missing.
//   - OpFlags replaces if its ModSeq is higher; an unknown UID is ignored.
//   - OpExpunge removes whatever its ModSeq is; UIDs that were never seen
//     join the expunged ones, and UIDNext rises above all of them.
//   - OpMissing removes messages whose own ModSeq is not higher.
//   - Every op raises HighestModSeq to its ModSeq. An OpExpunge or OpMissing
//     without UIDs does just that.
func (m *Mailbox) Apply(ops ...Op) error {
	for i := range ops {
		if err := ops[i].Validate(); err != nil {
			return fmt.Errorf("index: op %d of %d: %w", i+1, len(ops), err)
		}
	}
	if len(ops) > 0 {
		m.view = nil
	}
	for i := range ops {
		op := &ops[i]
		m.highest = max(m.highest, op.ModSeq)
		switch op.Kind {
		case OpAppend:
			m.append(op)
		case OpFlags:
			m.setFlags(op)
		case OpExpunge:
			m.expunge(op)
		case OpMissing:
			m.missing(op)
		case OpFloor:
			m.floor = max(m.floor, op.ModSeq)
		}
	}
	if m.kw.crowded() {
		m.sweepKeywords()
	}
	return nil
}

// View returns an immutable snapshot. Without a change since, it is the same
// one as before.
func (m *Mailbox) View() *View {
	if m.view != nil {
		return m.view
	}
	m.settleStarts()
	m.view = &View{
		chunks: m.chunks, firsts: m.firsts, starts: m.starts, n: int(m.counts.Messages),
		counts: m.counts, highest: m.highest, floor: m.floor, uidNext: m.uidNext,
		absent: m.absent, history: m.history,
		kwEpoch: m.kw.epoch, kwSets: m.kw.sets,
	}
	m.gen++
	return m.view
}

// settleStarts recomputes starts after chunks grew, shrank, came or went.
func (m *Mailbox) settleStarts() {
	if !m.startsStale {
		return
	}
	m.startsStale = false
	starts := make([]uint32, len(m.chunks))
	n := 0
	for i, c := range m.chunks {
		starts[i] = uint32(n)
		n += c.len()
	}
	m.starts = starts
}

func (m *Mailbox) append(op *Op) {
	r := Record{
		UID: op.UID, ModSeq: op.ModSeq, Flags: op.Flags,
		Size: op.Size, InternalDate: op.InternalDate, SaveDate: op.SaveDate,
	}
	if op.UID >= m.uidNext {
		m.rise(uidset.Of(op.UID), 0)
		r.Keywords = m.kw.intern(op.Keywords)
		m.pushLast(&r)
		return
	}
	if ci, i, ok := m.find(op.UID); ok {
		if m.chunks[ci].modseqs.at(i) < op.ModSeq {
			m.replace(ci, i, &r, op.Keywords)
		}
		return
	}
	a, ok := m.absent.find(op.UID)
	if !ok || a.modseq != 0 && a.modseq >= op.ModSeq {
		return // expunged, or found missing later
	}
	m.absent = m.absent.without(uidset.Of(op.UID))
	if a.modseq != 0 {
		m.history.remove(op.UID)
	}
	r.Keywords = m.kw.intern(op.Keywords)
	m.insert(&r)
}

// rise raises uidNext above all of uids, each at least uidNext: the gaps
// between them become absent at modseq 0, themselves at modseq unless it is 0.
func (m *Mailbox) rise(uids uidset.Set, modseq uint64) {
	for _, r := range uids.Ranges() {
		if r.First > m.uidNext {
			m.absent = m.absent.push(m.uidNext, r.First-1, 0)
		}
		if modseq != 0 {
			m.absent = m.absent.push(r.First, r.Last, modseq)
		}
		m.uidNext = r.Last + 1
	}
}

func (m *Mailbox) replace(ci, i int, r *Record, keywords []string) {
	c := m.ownAll(ci)
	m.counts = m.counts.minus(c.counts)
	c.setRest(i, r)
	m.kw.unref(c.kw(i))
	k := m.kw.intern(keywords)
	m.kw.ref(k)
	c.setFlags(i, r.Flags, k, r.ModSeq)
	m.counts.addAll(c.counts)
}

func (m *Mailbox) setFlags(op *Op) {
	ci, i, ok := m.find(op.UID)
	if !ok || m.chunks[ci].modseqs.at(i) >= op.ModSeq {
		return
	}
	c := m.ownFlags(ci)
	m.counts.sub(c.flags[i], c.sizes[i])
	m.counts.add(op.Flags, c.sizes[i])
	m.kw.unref(c.kw(i))
	k := m.kw.intern(op.Keywords)
	m.kw.ref(k)
	c.setFlags(i, op.Flags, k, op.ModSeq)
}

func (m *Mailbox) expunge(op *Op) {
	if op.UIDs.Empty() {
		return
	}
	left := m.remove(op.UIDs, ^uint64(0))
	if absent := m.absent.within(op.UIDs, false); !absent.Empty() {
		m.absent = m.absent.without(absent)
		left.AddSet(absent)
	}
	unseen := above(op.UIDs, m.uidNext)
	m.rise(unseen, 0)
	left.AddSet(unseen)
	m.history.add(left, op.ModSeq, m.historyLimit)
}

func (m *Mailbox) missing(op *Op) {
	if op.UIDs.Empty() {
		return
	}
	left := m.remove(op.UIDs, op.ModSeq)
	unseen := above(op.UIDs, m.uidNext)
	// Like removed ones, UIDs that were never seen may be known to clients:
	// a former holder may have told them.
	told := left.Clone()
	told.AddSet(m.absent.within(op.UIDs, true))
	told.AddSet(unseen)
	m.history.add(told, op.ModSeq, m.historyLimit)
	left.AddSet(m.absent.within(op.UIDs, false))
	if !left.Empty() {
		m.absent = m.absent.with(left, op.ModSeq)
	}
	m.rise(unseen, op.ModSeq)
}

// above is what of s is not below bound.
func above(s uidset.Set, bound uint32) uidset.Set {
	if s.Max() < bound {
		return uidset.Set{}
	}
	return s.Intersect(uidset.OfRanges(uidset.Range{First: bound, Last: ^uint32(0)}))
}
