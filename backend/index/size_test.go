package index

import (
	"runtime"
	"testing"

	"mailbackend.io/backend/uidset"
)

// heap is how many bytes are in use after a collection.
func heap() int64 {
	var s runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

const million = 1_000_000

// millionBase is a base of a million messages, as expunges left it: one in
// eleven is gone.
func millionBase(t testing.TB) []byte {
	t.Helper()
	m := filled(million * 11 / 10)
	var gone uidset.Set
	for uid := uint32(11); uid <= million*11/10; uid += 11 {
		gone.Add(uid, uid)
	}
	if err := m.Apply(Op{Kind: OpExpunge, ModSeq: 1 << 30, UIDs: gone}); err != nil {
		t.Fatal(err)
	}
	base, err := encodeBase(m.View())
	if err != nil {
		t.Fatal(err)
	}
	return base
}

// TestMemory counts the heap bytes of a million messages: at rest, after their
// flags were changed here and there, and of a session's view of its own.
func TestMemory(t *testing.T) {
	base := millionBase(t)
	t.Logf("base of a million messages: %.1f bytes per message", float64(len(base))/million)
	before := heap()
	m, err := LoadBase(base)
	if err != nil {
		t.Fatal(err)
	}
	v := m.View()
	at := func(what string, limit float64) {
		perMessage := float64(heap()-before) / float64(v.Len())
		t.Logf("%s: %.2f bytes per message", what, perMessage)
		if perMessage > limit {
			t.Errorf("%s: %.2f bytes per message, limit %.0f", what, perMessage, limit)
		}
	}
	at("loaded", 30)
	for i := range 3000 {
		uid := v.UID(i * 331 % v.Len())
		op := Op{Kind: OpFlags, UID: uid, ModSeq: 1<<40 + uint64(i), Flags: Flagged, Keywords: []string{"$Forwarded"}}
		if err := m.Apply(op); err != nil {
			t.Fatal(err)
		}
		if i%100 == 0 {
			v = m.View()
		}
	}
	v = m.View()
	at("after 3,000 flag changes in 1,000 chunks", 40)

	// A session that has not been told of the latest change keeps its own
	// list of chunks, and the chunk that changed.
	before = heap()
	old := m.View()
	if err := m.Apply(Op{Kind: OpFlags, UID: old.UID(5000), ModSeq: 1 << 41, Flags: Seen}); err != nil {
		t.Fatal(err)
	}
	v = m.View()
	if own := heap() - before; own > 100_000 {
		t.Errorf("a view of its own costs %d bytes", own)
	} else {
		t.Logf("a view of its own costs %d bytes", own)
	}
	runtime.KeepAlive(old)
	runtime.KeepAlive(v)
	runtime.KeepAlive(m)
}

// TestAppended: a mailbox that grew by single deliveries is as compact as a
// loaded one.
func TestAppended(t *testing.T) {
	before := heap()
	m := NewMailbox()
	for i := range 100_000 {
		if err := m.Apply(realOp(i)); err != nil {
			t.Fatal(err)
		}
		m.View()
	}
	v := m.View()
	perMessage := float64(heap()-before) / float64(v.Len())
	t.Logf("%.2f bytes per message", perMessage)
	if perMessage > 40 {
		t.Errorf("%.2f bytes per message", perMessage)
	}
	runtime.KeepAlive(m)
}

// TestIterationAllocates nothing, whatever is looked at.
func TestIterationAllocates(t *testing.T) {
	v := filled(3000).View()
	var sum uint64
	for name, f := range map[string]func(){
		"Range": func() {
			for _, r := range v.Range(500, 2500) {
				sum += uint64(r.Size)
			}
		},
		"ChangedSince": func() {
			for _, r := range v.ChangedSince(1 << 20) {
				sum += r.ModSeq
			}
		},
		"At":          func() { sum += v.At(1234).ModSeq },
		"Find":        func() { i, _ := v.Find(1234); sum += uint64(i) },
		"FirstUnseen": func() { sum += uint64(v.FirstUnseen()) },
	} {
		if n := testing.AllocsPerRun(100, f); n > 0 {
			t.Errorf("%s allocates %.0f times", name, n)
		}
	}
	_ = sum
}

// TestChangeCopiesOneChunk: a flag change in a large mailbox allocates the
// chunk's flag arrays and the list of chunks, nothing that grows with the
// number of messages beyond that.
func TestChangeCopiesOneChunk(t *testing.T) {
	bytesPer := func(n int) uint64 {
		m := filled(n)
		m.View()
		var a, b runtime.MemStats
		runtime.ReadMemStats(&a)
		const rounds = 100
		for i := range rounds {
			if err := m.Apply(Op{Kind: OpFlags, UID: uint32(i + 1), ModSeq: 1<<40 + uint64(i), Flags: Seen}); err != nil {
				t.Fatal(err)
			}
			m.View()
		}
		runtime.ReadMemStats(&b)
		return (b.TotalAlloc - a.TotalAlloc) / rounds
	}
	small, large := bytesPer(maxChunk), bytesPer(200*maxChunk)
	t.Logf("%d bytes in a mailbox of one chunk, %d in one of 200", small, large)
	if large > small+200*8+1000 {
		t.Errorf("a change of one message allocates %d bytes in a mailbox of 200 chunks, %d in one of 1", large, small)
	}
}
