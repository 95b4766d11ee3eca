package index

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"mailbackend.io/backend/uidset"
	"pgregory.net/rapid"
)

// model is the simplest mailbox that obeys Apply's contract.
type model struct {
	msgs           map[uint32]modelMsg
	expunged       map[uint32]bool
	missing        map[uint32]uint64 // modseq
	left           map[uint32]uint64 // when a UID was last seen leaving
	uidNext        uint32
	highest, floor uint64
}

type modelMsg struct {
	modseq         uint64
	flags          Flags
	keywords       string
	size           uint32
	internal, save int64
}

func newModel() *model {
	return &model{msgs: map[uint32]modelMsg{}, expunged: map[uint32]bool{}, missing: map[uint32]uint64{}, left: map[uint32]uint64{}, uidNext: 1}
}

func (m *model) clone() *model {
	c := *m
	c.msgs, c.expunged, c.missing, c.left = maps.Clone(m.msgs), maps.Clone(m.expunged), maps.Clone(m.missing), maps.Clone(m.left)
	return &c
}

func keywordKey(names []string) string {
	var l []string
	for _, n := range names {
		l = append(l, strings.ToLower(n))
	}
	slices.Sort(l)
	return strings.Join(slices.Compact(l), " ")
}

func (m *model) apply(op Op) {
	m.highest = max(m.highest, op.ModSeq)
	switch op.Kind {
	case OpAppend:
		msg, there := m.msgs[op.UID]
		if m.expunged[op.UID] || there && msg.modseq >= op.ModSeq || m.missing[op.UID] >= op.ModSeq {
			return
		}
		delete(m.missing, op.UID)
		delete(m.left, op.UID)
		m.msgs[op.UID] = modelMsg{op.ModSeq, op.Flags, keywordKey(op.Keywords), op.Size, op.InternalDate, op.SaveDate}
		m.uidNext = max(m.uidNext, op.UID+1)
	case OpFlags:
		if msg, ok := m.msgs[op.UID]; ok && msg.modseq < op.ModSeq {
			msg.modseq, msg.flags, msg.keywords = op.ModSeq, op.Flags, keywordKey(op.Keywords)
			m.msgs[op.UID] = msg
		}
	case OpExpunge:
		for uid := range op.UIDs.All() {
			if !m.expunged[uid] {
				m.left[uid] = max(m.left[uid], op.ModSeq)
			}
			m.expunged[uid] = true
			delete(m.msgs, uid)
			delete(m.missing, uid)
			m.uidNext = max(m.uidNext, uid+1)
		}
	case OpMissing:
		for uid := range op.UIDs.All() {
			msg, there := m.msgs[uid]
			if m.expunged[uid] || there && msg.modseq > op.ModSeq {
				continue
			}
			if m.missing[uid] == 0 {
				m.left[uid] = max(m.left[uid], op.ModSeq)
			}
			delete(m.msgs, uid)
			m.missing[uid] = max(m.missing[uid], op.ModSeq)
			m.uidNext = max(m.uidNext, uid+1)
		}
	case OpFloor:
		m.floor = max(m.floor, op.ModSeq)
	}
}

func (m *model) uids() []uint32 { return slices.Sorted(maps.Keys(m.msgs)) }

// check compares everything a view tells with the model. exact: the view's
// history goes back to the beginning.
func (m *model) check(t interface{ Fatalf(string, ...any) }, v *View, exact bool) {
	uids := m.uids()
	if v.Len() != len(uids) || v.UIDNext() != m.uidNext || v.HighestModSeq() != m.highest || v.Floor() != m.floor {
		t.Fatalf("%d messages, UIDNEXT %d, highest %d, floor %d; want %d, %d, %d, %d",
			v.Len(), v.UIDNext(), v.HighestModSeq(), v.Floor(), len(uids), m.uidNext, m.highest, m.floor)
	}
	var counts Counts
	firstUnseen := -1
	i := 0
	for at, r := range v.All() {
		uid := uids[i]
		want := m.msgs[uid]
		got := modelMsg{r.ModSeq, r.Flags, keywordKey(v.Keywords(r.Keywords)), r.Size, r.InternalDate, r.SaveDate}
		want.modseq = max(want.modseq, m.floor)
		if at != i || r.UID != uid || got != want || v.At(i) != r || v.UID(i) != uid {
			t.Fatalf("message %d (%d): UID %d %+v, want UID %d %+v; At %+v", i, at, r.UID, got, uid, want, v.At(i))
		}
		if f, ok := v.Find(uid); f != i || !ok {
			t.Fatalf("Find(%d) = %d, %v; want %d", uid, f, ok, i)
		}
		counts.add(r.Flags, r.Size)
		if firstUnseen < 0 && r.Flags&Seen == 0 {
			firstUnseen = i
		}
		i++
	}
	if i != len(uids) || v.Counts() != counts || v.FirstUnseen() != firstUnseen {
		t.Fatalf("%d of %d yielded, counts %+v, first unseen %d; want %+v, %d", i, len(uids), v.Counts(), v.FirstUnseen(), counts, firstUnseen)
	}
	if !v.UIDs().Equal(uidset.Of(uids...)) || !v.Expunged().Equal(uidset.Of(slices.Collect(maps.Keys(m.expunged))...)) {
		t.Fatalf("UIDs %v, expunged %v; want %v, %v", v.UIDs(), v.Expunged(), uids, m.expunged)
	}
	for uid := range m.uidNext + 2 {
		at, ok := v.Find(uid)
		_, there := m.msgs[uid]
		want, _ := slices.BinarySearch(uids, uid)
		if ok != there || at != want || v.Search(uid) != want || v.IsExpunged(uid) != m.expunged[uid] {
			t.Fatalf("UID %d: found %v at %d, expunged %v; want %v, %d, %v", uid, ok, at, v.IsExpunged(uid), there, want, m.expunged[uid])
		}
	}
	m.checkSince(t, v, exact)
}

func (m *model) checkSince(t interface{ Fatalf(string, ...any) }, v *View, exact bool) {
	since := map[uint64]bool{0: true}
	for s := range m.left {
		since[m.left[s]], since[m.left[s]-1] = true, true
	}
	for _, msg := range m.msgs {
		since[msg.modseq], since[msg.modseq-1] = true, true
	}
	for s := range since {
		var changed []uint32
		for i, r := range v.ChangedSince(s) {
			if v.At(i) != r {
				t.Fatalf("ChangedSince(%d): %d is %+v, not %+v", s, i, r, v.At(i))
			}
			changed = append(changed, r.UID)
		}
		var wantChanged []uint32
		for _, uid := range m.uids() {
			if max(m.msgs[uid].modseq, m.floor) > s {
				wantChanged = append(wantChanged, uid)
			}
		}
		if !slices.Equal(changed, wantChanged) {
			t.Fatalf("changed since %d: %v, want %v", s, changed, wantChanged)
		}
		var gone uidset.Set
		for uid, at := range m.left {
			if at > s {
				gone.Add(uid, uid)
			}
		}
		got := v.VanishedSince(s)
		if exact && s >= m.floor && !got.Equal(gone) || !gone.Without(got).Empty() || !got.Intersect(v.UIDs()).Empty() || got.Max() >= v.UIDNext() {
			t.Fatalf("vanished since %d: %v, want %v", s, got, gone)
		}
	}
}

// opGen draws ops as they happen in a mailbox's life: mostly in order, with
// the odd rescan, replay and straggler.
type opGen struct {
	modseq  uint64
	lowest  uint64 // stragglers are above it
	next    uint32
	ordered bool // no stragglers
	live    bool // appends are above all others
	big     bool // summaries are many to a block, but not very many
}

var testKeywords = []string{"$Junk", "$NotJunk", "$Forwarded", "work", "Work", "later"}

func (g *opGen) draw(t *rapid.T) Op {
	g.modseq += rapid.Uint64Range(1, 3).Draw(t, "step")
	if rapid.IntRange(0, 60).Draw(t, "claim") == 0 {
		g.modseq += 1 << 33
	}
	op := Op{ModSeq: g.modseq}
	if !g.ordered && rapid.IntRange(0, 9).Draw(t, "straggler") == 0 {
		op.ModSeq = rapid.Uint64Range(g.lowest+1, g.modseq).Draw(t, "old modseq")
	}
	some := func() uint32 { return rapid.Uint32Range(1, max(g.next, 1)+2).Draw(t, "uid") }
	switch k := rapid.IntRange(0, 99).Draw(t, "op"); {
	case k < 40 || g.live && k < 48:
		op.Kind = OpAppend
		g.next += rapid.SampledFrom([]uint32{1, 1, 1, 1, 2, 5}).Draw(t, "gap")
		op.UID = g.next
	case k < 48:
		op.Kind, op.UID = OpAppend, some()
		g.next = max(g.next, op.UID)
	case k < 75:
		op.Kind, op.UID = OpFlags, some()
	case k < 90:
		op.Kind = OpExpunge
	case k < 97:
		op.Kind = OpMissing
	default:
		op.Kind = OpFloor
	}
	switch op.Kind {
	case OpExpunge, OpMissing:
		for range rapid.IntRange(0, 3).Draw(t, "ranges") {
			first := some()
			op.UIDs.Add(first, first+rapid.Uint32Range(0, 3).Draw(t, "length"))
		}
		g.next = max(g.next, op.UIDs.Max())
	case OpAppend, OpFlags:
		op.Flags = Flags(rapid.Uint8Range(0, uint8(allFlags)).Draw(t, "flags"))
		op.Keywords = rapid.SliceOfN(rapid.SampledFrom(testKeywords), 0, 2).Draw(t, "keywords")
	}
	if op.Kind == OpAppend {
		op.Size = rapid.Uint32Range(0, 1<<20).Draw(t, "size")
		op.InternalDate = rapid.SampledFrom([]int64{0, 1e9, 1e9 + 5, -1 << 63, 1<<63 - 1}).Draw(t, "internal")
		op.SaveDate = op.InternalDate + rapid.Int64Range(-3, 1<<34).Draw(t, "save")
		op.IDs = idsOf(op.UID)
		op.Summary = fmt.Appendf(nil, "summary of %d ", op.UID)
		if g.big {
			op.Summary = append(op.Summary, make([]byte, 7000*(op.UID%5))...)
		}
	}
	return op
}

func (g *opGen) drawN(t *rapid.T, n int) (ops []Op) {
	for range rapid.IntRange(0, n).Draw(t, "ops") {
		ops = append(ops, g.draw(t))
	}
	return ops
}

// small returns a mailbox whose chunks hold few messages, so that short
// histories split and join them.
func small(t *rapid.T) *Mailbox {
	m := NewMailbox()
	m.chunkLimit = rapid.IntRange(2, 9).Draw(t, "chunk")
	return m
}

// TestApplyModel applies random ops in random batches and compares views with
// the model; earlier views must not have changed in the end.
func TestApplyModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, mod, g := small(t), newModel(), opGen{}
		history := rapid.SampledFrom([]int{1, 4, 1000}).Draw(t, "history")
		m.SetHistory(history)
		type snapshot struct {
			v   *View
			mod *model
		}
		var snapshots []snapshot
		for range rapid.IntRange(1, 20).Draw(t, "batches") {
			ops := g.drawN(t, 6)
			if err := m.Apply(ops...); err != nil {
				t.Fatal(err)
			}
			if err := m.invariants(); err != nil {
				t.Fatal(err)
			}
			for _, op := range ops {
				mod.apply(op)
			}
			if rapid.Bool().Draw(t, "view") {
				mod.check(t, m.View(), history == 1000)
				snapshots = append(snapshots, snapshot{m.View(), mod.clone()})
			}
		}
		for _, s := range snapshots {
			s.mod.check(t, s.v, history == 1000)
		}
	})
}

// TestIdempotent applies ops, then those and a prefix of them again.
func TestIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, g := small(t), opGen{ordered: true}
		ops := g.drawN(t, 30)
		once := newModel()
		for _, op := range ops {
			once.apply(op)
		}
		if err := m.Apply(ops[:rapid.IntRange(0, len(ops)).Draw(t, "seen")]...); err != nil {
			t.Fatal(err)
		}
		if err := m.Apply(ops...); err != nil {
			t.Fatal(err)
		}
		once.check(t, m.View(), false)
	})
}

// TestCompactModel compares ops with their compaction, on a mailbox with some
// history and on one that has seen the first few already.
func TestCompactModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := opGen{ordered: rapid.Bool().Draw(t, "ordered")}
		before := g.drawN(t, 10)
		g.lowest = g.modseq
		ops := g.drawN(t, 20)
		compacted := Compact(ops)
		seen := 0
		if g.ordered {
			seen = rapid.IntRange(0, len(ops)).Draw(t, "seen")
		}
		plain, m := newModel(), small(t)
		for _, op := range append(slices.Clone(before), ops...) {
			plain.apply(op)
		}
		if err := m.Apply(append(slices.Clone(before), ops[:seen]...)...); err != nil {
			t.Fatal(err)
		}
		if err := m.Apply(compacted...); err != nil {
			t.Fatal(err)
		}
		plain.check(t, m.View(), false)
	})
}

func TestApplyInvalid(t *testing.T) {
	m := NewMailbox()
	if err := m.Apply(Op{Kind: OpAppend, UID: 1, ModSeq: 1}, Op{Kind: OpAppend, UID: 0, ModSeq: 2}); err == nil || m.View().Len() != 0 {
		t.Fatalf("error %v, %d messages", err, m.View().Len())
	}
	for _, op := range []Op{
		{Kind: 0, ModSeq: 1},
		{Kind: 6, ModSeq: 1},
		{Kind: OpFloor},
		{Kind: OpFloor, ModSeq: 1 << 63},
		{Kind: OpFlags, ModSeq: 1, UID: 1<<32 - 1},
		{Kind: OpFlags, ModSeq: 1, UID: 1, Flags: 0x20},
		{Kind: OpFlags, ModSeq: 1, UID: 1, Keywords: []string{"with space"}},
		{Kind: OpFlags, ModSeq: 1, UID: 1, Keywords: []string{""}},
		{Kind: OpAppend, ModSeq: 1, UID: 1, Summary: make([]byte, MaxSummary+1)},
		{Kind: OpExpunge, ModSeq: 1, UIDs: uidset.OfRanges(uidset.Range{First: 1, Last: 1<<32 - 1})},
	} {
		if m.Apply(op) == nil {
			t.Errorf("%+v was applied", op)
		}
	}
	if m.View().HighestModSeq() != 0 {
		t.Errorf("highest modseq %d", m.View().HighestModSeq())
	}
}
