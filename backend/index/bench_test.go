package index

import (
	"sync"
	"testing"

	"mailbackend.io/backend/uidset"
)

// benchBase is built once for all benchmarks.
var benchBase = sync.OnceValue(func() []byte { return millionBase(&testing.B{}) })

func benchMailbox(b *testing.B) *Mailbox {
	b.Helper()
	m, err := LoadBase(benchBase())
	if err != nil {
		b.Fatal(err)
	}
	return m
}

// BenchmarkOpenMillion decodes a base and builds the Mailbox and its View.
func BenchmarkOpenMillion(b *testing.B) {
	base := benchBase()
	b.ReportMetric(float64(len(base))/million, "stored-B/message")
	b.ResetTimer()
	for b.Loop() {
		m, err := LoadBase(base)
		if err != nil || m.View().Len() != million {
			b.Fatal(err)
		}
	}
}

// BenchmarkEncodeMillion writes the base.
func BenchmarkEncodeMillion(b *testing.B) {
	v := benchMailbox(b).View()
	b.ResetTimer()
	for b.Loop() {
		if _, err := encodeBase(v); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAppend delivers to a mailbox of a million, with a View after each.
func BenchmarkAppend(b *testing.B) {
	m := benchMailbox(b)
	i := int(m.View().UIDNext()) - 1
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		op := realOp(i)
		op.ModSeq += 1 << 40
		i++
		if err := m.Apply(op); err != nil {
			b.Fatal(err)
		}
		m.View()
	}
}

// BenchmarkFlagChange changes one message of a million, with a View after each.
func BenchmarkFlagChange(b *testing.B) {
	m := benchMailbox(b)
	v := m.View()
	modseq := v.HighestModSeq()
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		modseq++
		if err := m.Apply(Op{Kind: OpFlags, UID: v.UID(i * 7919 % v.Len()), ModSeq: modseq, Flags: Flags(i) & allFlags}); err != nil {
			b.Fatal(err)
		}
		m.View()
	}
}

// BenchmarkFlagAll changes all of a million in one Apply.
func BenchmarkFlagAll(b *testing.B) {
	m := benchMailbox(b)
	v := m.View()
	modseq := v.HighestModSeq()
	ops := make([]Op, v.Len())
	for b.Loop() {
		b.StopTimer()
		for i, r := range v.All() {
			modseq++
			ops[i] = Op{Kind: OpFlags, UID: r.UID, ModSeq: modseq, Flags: Seen}
		}
		b.StartTimer()
		if err := m.Apply(ops...); err != nil {
			b.Fatal(err)
		}
		m.View()
	}
}

// BenchmarkExpungeOne expunges one message of a million, with a View after.
func BenchmarkExpungeOne(b *testing.B) {
	m := benchMailbox(b)
	modseq := m.View().HighestModSeq()
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		modseq++
		v := m.View()
		if v.Len() == 0 {
			b.StopTimer()
			m = benchMailbox(b)
			v = m.View()
			b.StartTimer()
		}
		if err := m.Apply(Op{Kind: OpExpunge, UIDs: uidset.Of(v.UID(i * 7919 % v.Len())), ModSeq: modseq}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAdvanceMillion diffs two views of a million after one change.
func BenchmarkAdvanceMillion(b *testing.B) {
	m := benchMailbox(b)
	old := m.View()
	if err := m.Apply(Op{Kind: OpFlags, UID: old.UID(777_777), ModSeq: 1 << 40, Flags: Flagged}); err != nil {
		b.Fatal(err)
	}
	v := m.View()
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		if _, ch := Advance(old, v, false); len(ch.Changed) != 1 {
			b.Fatal(len(ch.Changed))
		}
	}
}

func BenchmarkIterateMillion(b *testing.B) {
	v := benchMailbox(b).View()
	var sum uint64
	for b.Loop() {
		for _, r := range v.All() {
			sum += uint64(r.Flags)
		}
	}
	_ = sum
}

func BenchmarkAt(b *testing.B) {
	v := benchMailbox(b).View()
	var sum uint64
	for i := 0; b.Loop(); i++ {
		sum += uint64(v.At(i * 7919 % v.Len()).UID)
	}
	_ = sum
}

func BenchmarkFind(b *testing.B) {
	v := benchMailbox(b).View()
	n := v.UIDNext()
	hits := 0
	for i := uint32(0); b.Loop(); i++ {
		if _, ok := v.Find(i * 7919 % n); ok {
			hits++
		}
	}
}

// BenchmarkChangedSince finds one change among a million.
func BenchmarkChangedSince(b *testing.B) {
	m := benchMailbox(b)
	if err := m.Apply(Op{Kind: OpFlags, UID: m.View().UID(777_777), ModSeq: 1 << 40, Flags: Flagged}); err != nil {
		b.Fatal(err)
	}
	v := m.View()
	for b.Loop() {
		n := 0
		for range v.ChangedSince(1<<40 - 1) {
			n++
		}
		if n != 1 {
			b.Fatal(n)
		}
	}
}

// BenchmarkEncodeOps writes the local log entry of one flag change.
func BenchmarkEncodeOps(b *testing.B) {
	ops := []Op{{Kind: OpFlags, UID: 5, ModSeq: 1 << 40, Flags: Seen, Keywords: []string{"$Junk"}}}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = EncodeOps(buf[:0], ops)
	}
}
