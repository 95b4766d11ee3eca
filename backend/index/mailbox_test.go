package index

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"mailbackend.io/backend/uidset"
)

// TestKeywordSweep: a client that goes through ever new sets of keywords does
// not fill the memory, and old views keep theirs.
func TestKeywordSweep(t *testing.T) {
	m := filled(3)
	old := m.View()
	if err := m.Apply(Op{Kind: OpFlags, UID: 1, ModSeq: 1 << 30, Keywords: []string{"first"}}); err != nil {
		t.Fatal(err)
	}
	first := m.View()
	for i := range 10_000 {
		if err := m.Apply(Op{Kind: OpFlags, UID: 2, ModSeq: 1<<30 + 1 + uint64(i), Keywords: []string{fmt.Sprint("k", i)}}); err != nil {
			t.Fatal(err)
		}
		if len(m.kw.sets) > 3000 {
			t.Fatalf("%d sets after %d changes", len(m.kw.sets), i+1)
		}
	}
	if err := m.invariants(); err != nil {
		t.Fatal(err)
	}
	v := m.View()
	if got := v.Keywords(v.At(0).Keywords); !slices.Equal(got, []string{"first"}) {
		t.Errorf("UID 1 has %v", got)
	}
	if got := v.Keywords(v.At(1).Keywords); !slices.Equal(got, []string{"k9999"}) {
		t.Errorf("UID 2 has %v", got)
	}
	if got := first.Keywords(first.At(0).Keywords); !slices.Equal(got, []string{"first"}) || len(old.KeywordNames()) != 0 {
		t.Errorf("former views: %v, %v", got, old.KeywordNames())
	}
	if _, ch := Advance(first, v, false); !slices.Equal(ch.Changed, []int{1}) {
		t.Errorf("changed %v, want just the second", ch.Changed)
	}
}

// TestKeywordNames are sorted, told once, and spelled as they came first.
func TestKeywordNames(t *testing.T) {
	m := filled(2)
	for i, names := range [][]string{{"Work", "$junk"}, {"work"}, {"$JUNK", "later", "WORK"}} {
		if err := m.Apply(Op{Kind: OpFlags, UID: uint32(i%2 + 1), ModSeq: 1<<30 + uint64(i), Keywords: names}); err != nil {
			t.Fatal(err)
		}
	}
	v := m.View()
	if got := v.KeywordNames(); !slices.Equal(got, []string{"$junk", "later", "Work"}) {
		t.Errorf("names %v", got)
	}
	if got := v.Keywords(v.At(0).Keywords); !slices.Equal(got, []string{"$junk", "later", "Work"}) {
		t.Errorf("UID 1 has %v", got)
	}
}

// TestHistoryPruned: what was forgotten is answered with a superset.
func TestHistoryPruned(t *testing.T) {
	m := filled(100)
	m.SetHistory(3)
	start := m.View().HighestModSeq()
	for i := range uint64(10) {
		if err := m.Apply(Op{Kind: OpExpunge, ModSeq: start + 1 + i, UIDs: uidset.Of(uint32(2*i + 1))}); err != nil {
			t.Fatal(err)
		}
	}
	v := m.View()
	for since, want := range map[uint64]string{
		start:      "1,3,5,7,9,11,13,15,17,19",
		start + 6:  "1,3,5,7,9,11,13,15,17,19",
		start + 7:  "15,17,19",
		start + 9:  "19",
		start + 10: "",
	} {
		if got := v.VanishedSince(since).String(); got != want {
			t.Errorf("vanished since %d: %s, want %s", since-start, got, want)
		}
	}
	if err := m.Apply(Op{Kind: OpExpunge, ModSeq: start + 20, UIDs: uidset.Of(2, 4, 6, 8)}); err != nil {
		t.Fatal(err)
	}
	if got := m.View().VanishedSince(start + 19).String(); got != "1:9,11,13,15,17,19" {
		t.Errorf("after more at once than is remembered: %s", got)
	}
}

// TestLargeExpunge takes out every second of many messages, then most of the
// rest: few chunks remain, and they are full enough.
func TestLargeExpunge(t *testing.T) {
	m := filled(50 * maxChunk)
	before := m.View()
	var odd uidset.Set
	for uid := uint32(1); uid < 50*maxChunk; uid += 2 {
		odd.Add(uid, uid)
	}
	if err := m.Apply(Op{Kind: OpExpunge, ModSeq: 1 << 40, UIDs: odd}); err != nil {
		t.Fatal(err)
	}
	if err := m.Apply(Op{Kind: OpExpunge, ModSeq: 1<<40 + 1, UIDs: uidset.OfRanges(uidset.Range{First: 100, Last: 49 * maxChunk})}); err != nil {
		t.Fatal(err)
	}
	if err := m.invariants(); err != nil {
		t.Fatal(err)
	}
	if v := m.View(); v.Len() != 49+maxChunk/2 || len(v.chunks) > 2 {
		t.Errorf("%d messages in %d chunks", v.Len(), len(v.chunks))
	}
	if before.Len() != 50*maxChunk || before.Counts().Messages != 50*maxChunk {
		t.Errorf("the former view has %d", before.Len())
	}
}

// TestReadersAndWriter looks at views while the mailbox changes; the race
// detector watches.
func TestReadersAndWriter(t *testing.T) {
	m := filled(maxChunk + 10)
	views := make(chan *View, 100)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			shown := NewMailbox().View()
			for v := range views {
				var counts Counts
				for _, r := range v.All() {
					counts.add(r.Flags, r.Size)
					v.Keywords(r.Keywords)
				}
				if counts != v.Counts() {
					t.Errorf("counts %+v, want %+v", counts, v.Counts())
				}
				v.KeywordNames()
				v.VanishedSince(1)
				if next, ch := Advance(shown, v, len(v.KeywordNames())%2 == 0); !ch.Broken {
					shown = next
				}
			}
		})
	}
	for i := range 600 {
		op := realOp(m.View().Len() + 1000 + i)
		op.UID, op.ModSeq = m.View().UIDNext(), 1<<40+uint64(3*i)
		err := m.Apply(
			op,
			Op{Kind: OpFlags, UID: m.View().UID(i), ModSeq: op.ModSeq + 1, Flags: Seen, Keywords: []string{fmt.Sprint("k", i)}},
			Op{Kind: OpExpunge, UIDs: uidset.Of(m.View().UID(2 * i % m.View().Len())), ModSeq: op.ModSeq + 2},
		)
		if err != nil {
			t.Fatal(err)
		}
		views <- m.View()
	}
	close(views)
	wg.Wait()
}

// TestOutOfOrder: the highest modseq has the last word, in whatever order ops
// come, alone and compacted.
func TestOutOfOrder(t *testing.T) {
	add := func(modseq uint64) Op { return Op{Kind: OpAppend, UID: 3, ModSeq: modseq} }
	flags := func(modseq uint64) Op { return Op{Kind: OpFlags, UID: 3, ModSeq: modseq, Flags: Seen} }
	missing := func(modseq uint64) Op { return Op{Kind: OpMissing, UIDs: uidset.Of(3), ModSeq: modseq} }
	expunge := func(modseq uint64) Op { return Op{Kind: OpExpunge, UIDs: uidset.Of(3), ModSeq: modseq} }
	for name, c := range map[string]struct {
		ops  []Op
		want string
	}{
		"append below missing":                  {[]Op{missing(4), add(2)}, "absent"},
		"append below missing, then flags":      {[]Op{missing(4), add(2), flags(9)}, "absent"},
		"append between two missing, reordered": {[]Op{missing(9), missing(5), add(7)}, "absent"},
		"append above missing":                  {[]Op{add(1), missing(4), add(5)}, "there 0"},
		"missing below flags":                   {[]Op{add(1), flags(5), missing(3)}, "there 1"},
		"flags below append":                    {[]Op{add(5), flags(3)}, "there 0"},
		"append below flags":                    {[]Op{add(1), flags(5), add(3)}, "there 1"},
		"append above flags":                    {[]Op{add(1), flags(5), add(6)}, "there 0"},
		"append below flags, flags":             {[]Op{flags(8), add(2), flags(9)}, "there 1"},
		"flags of nothing":                      {[]Op{flags(5), add(6)}, "there 0"},
		"expunge below everything":              {[]Op{add(4), flags(5), expunge(1)}, "expunged"},
		"append after expunge":                  {[]Op{expunge(1), add(4)}, "expunged"},
		"missing after expunge":                 {[]Op{add(1), expunge(2), missing(4), add(5)}, "expunged"},
		"expunge after missing":                 {[]Op{add(1), missing(2), expunge(4), add(5)}, "expunged"},
	} {
		for how, ops := range map[string][]Op{"plain": c.ops, "compacted": Compact(c.ops)} {
			m := NewMailbox()
			if err := m.Apply(ops...); err != nil {
				t.Fatal(err)
			}
			v, got := m.View(), "absent"
			if i, ok := v.Find(3); ok {
				got = fmt.Sprint("there ", v.At(i).Flags)
			} else if v.IsExpunged(3) {
				got = "expunged"
			}
			if got != c.want || v.HighestModSeq() != slices.MaxFunc(c.ops, func(a, b Op) int { return int(a.ModSeq) - int(b.ModSeq) }).ModSeq {
				t.Errorf("%s, %s: %s at %d, want %s", name, how, got, v.HighestModSeq(), c.want)
			}
		}
	}
}
