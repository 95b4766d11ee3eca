package index

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"mailbackend.io/backend/format"
	"mailbackend.io/backend/uidset"
)

// coldOf encodes a log of appends with random-looking summaries of the given
// size and returns what merging it needs.
func coldOf(t *testing.T, name string, size int, uids uidset.Set) Cold {
	t.Helper()
	var ops []Op
	for uid := range uids.All() {
		summary := fmt.Appendf(nil, "summary of %d ", uid)
		h := uint64(uid)
		for len(summary) < size {
			h = h*6364136223846793005 + 1442695040888963407
			summary = append(summary, byte(h>>56))
		}
		ops = append(ops, Op{Kind: OpAppend, UID: uid, ModSeq: uint64(uid), IDs: idsOf(uid), Summary: summary})
	}
	object, info, err := Encode(Segment{Name: name, Ops: ops})
	if err != nil {
		t.Fatal(err)
	}
	return coldFrom(t, object, info)
}

func coldFrom(t *testing.T, object []byte, info SegmentInfo) Cold {
	t.Helper()
	c := Cold{Info: info}
	var err, err2, err3 error
	c.IDs, err = info.IDs.Cut(0, object)
	c.Summaries, err2 = info.Summaries.Cut(0, object)
	dir, err3 := info.Directory.Cut(0, object)
	if errors.Join(err, err2, err3) != nil {
		t.Fatal(err, err2, err3)
	}
	if c.Directory, _, err = DecodeDirectory(dir); err != nil {
		t.Fatal(err)
	}
	return c
}

func uids(first, last uint32) uidset.Set {
	return uidset.OfRanges(uidset.Range{First: first, Last: last})
}

// TestMergeCopies: full blocks are copied as they are, small ones are packed
// together.
func TestMergeCopies(t *testing.T) {
	large := coldOf(t, "large", 1000, uids(1, 1000))
	sources := []Cold{large}
	for i := range uint32(20) {
		sources = append(sources, coldOf(t, fmt.Sprint("small", i), 1000, uids(1001+10*i, 1010+10*i)))
	}
	object, info, err := Encode(Segment{Name: "merged", Merge: sources})
	if err != nil {
		t.Fatal(err)
	}
	merged := coldFrom(t, object, info)
	copied := 0
	for i, b := range large.Directory.Summaries.Blocks() {
		part, err := Section{b.Offset, int64(b.Length)}.Cut(large.Info.Summaries.Offset, large.Summaries)
		if err != nil {
			t.Fatal(err)
		}
		if b.Raw > maxBlock {
			t.Errorf("block %d has %d bytes", i, b.Raw)
		}
		if bytes.Contains(merged.Summaries, part) {
			copied++
		}
	}
	before, after := len(large.Directory.Summaries.Blocks()), len(merged.Directory.Summaries.Blocks())
	if copied < before-1 || after > before+4 {
		t.Errorf("%d of %d blocks copied; %d small sections became %d blocks", copied, before, len(sources)-1, after-copied)
	}
	if got := merged.Directory.Summaries.UIDs(); !got.Equal(uids(1, 1200)) || info.ColdCount != 1200 || info.FirstUID != 1 || info.LastUID != 1200 {
		t.Errorf("merged UIDs %v, info %+v", got, info)
	}
}

// TestMergeFilters: messages that were expunged leave nothing behind, and the
// directory stays short.
func TestMergeFilters(t *testing.T) {
	source := coldOf(t, "source", 1000, uids(1, 2000))
	m := filled(2000)
	gone := uids(500, 1500)
	for uid := uint32(2); uid <= 2000; uid += 2 {
		gone.Add(uid, uid)
	}
	if err := m.Apply(Op{Kind: OpExpunge, ModSeq: 1 << 40, UIDs: gone}); err != nil {
		t.Fatal(err)
	}
	object, info, err := Encode(Segment{Name: "merged", View: m.View(), Merge: []Cold{source}})
	if err != nil {
		t.Fatal(err)
	}
	merged := coldFrom(t, object, info)
	if info.ColdCount != m.View().Len() {
		t.Errorf("ids and summaries of %d messages, %d are there", info.ColdCount, m.View().Len())
	}
	reads, missing := Locate([]Blocks{merged.Directory.Summaries}, m.View().UIDs())
	if !missing.Empty() {
		t.Errorf("missing %v", missing)
	}
	if rows := len(merged.Directory.Summaries.rows); rows > 2*len(reads) {
		t.Errorf("%d rows for %d blocks", rows, len(reads))
	}
	if r := float64(len(merged.Summaries)) / float64(len(source.Summaries)); r > 0.3 {
		t.Errorf("a quarter of the messages takes %.0f %% of the bytes", 100*r)
	}
}

// TestMergeGaps: a gap is not closed over UIDs that a copied block names,
// although they were expunged.
func TestMergeGaps(t *testing.T) {
	large := uids(1, 40)
	large.Add(100, 105)
	m := filled(110)
	gone := uids(41, 89)
	gone.Add(91, 109)
	if err := m.Apply(Op{Kind: OpExpunge, ModSeq: 1 << 40, UIDs: gone}); err != nil {
		t.Fatal(err)
	}
	object, info, err := Encode(Segment{Name: "merged", View: m.View(), Merge: []Cold{
		coldOf(t, "large", 1000, large), coldOf(t, "small", 1000, uidset.Of(90, 110)),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := coldFrom(t, object, info).Directory.Summaries.UIDs().String(); got != "1:40,90,100:105,110" {
		t.Errorf("directory names %s", got)
	}
}

// TestMergeSuperseded: of what two segments have, one copy is kept.
func TestMergeSuperseded(t *testing.T) {
	_, info, err := Encode(Segment{Name: "merged", Merge: []Cold{
		coldOf(t, "older", 1000, uids(1, 100)), coldOf(t, "newer", 1000, uids(50, 150)),
	}})
	if err != nil || info.ColdCount != 150 {
		t.Errorf("%d messages: %v", info.ColdCount, err)
	}
}

// TestEncodeRefuses views with Gone messages, and a base without a view.
func TestEncodeRefuses(t *testing.T) {
	m := filled(3)
	old := m.View()
	if err := m.Apply(Op{Kind: OpExpunge, ModSeq: 1 << 40, UIDs: uids(2, 2)}); err != nil {
		t.Fatal(err)
	}
	shown, _ := Advance(old, m.View(), true)
	for name, s := range map[string]Segment{
		"gone": {View: shown}, "gone, base": {Base: true, View: shown}, "no view": {Base: true},
		"invalid op": {Ops: []Op{{Kind: 9, ModSeq: 1}}},
	} {
		if _, _, err := Encode(s); err == nil {
			t.Errorf("%s: encoded", name)
		}
	}
}

// TestMergeDamaged: nothing damaged is carried on.
func TestMergeDamaged(t *testing.T) {
	for name, size := range map[string]int{"copied": 3000, "unpacked": 30} {
		source := coldOf(t, "source", size, uids(1, 300))
		source.Summaries = bytes.Clone(source.Summaries)
		source.Summaries[len(source.Summaries)/2] ^= 1
		_, _, err := Encode(Segment{Name: "merged", Merge: []Cold{source}})
		if !errors.Is(err, format.ErrChecksum) || !strings.Contains(err.Error(), "source") {
			t.Errorf("%s: %v", name, err)
		}
		source.Summaries = source.Summaries[:len(source.Summaries)-1]
		if _, _, err := Encode(Segment{Name: "merged", Merge: []Cold{source}}); err == nil {
			t.Errorf("%s: a cut section was merged", name)
		}
	}
}

// TestLocate: one read per block, the newest source wins.
func TestLocate(t *testing.T) {
	older, newer := coldOf(t, "older", 1000, uids(1, 1000)), coldOf(t, "newer", 1000, uids(900, 1100))
	sources := []Blocks{older.Directory.Summaries, newer.Directory.Summaries}
	reads, missing := Locate(sources, uidset.OfRanges(uidset.Range{First: 1, Last: 3}, uidset.Range{First: 5, Last: 5}, uidset.Range{First: 890, Last: 910}, uidset.Range{First: 1099, Last: 1105}))
	var got []string
	for _, r := range reads {
		got = append(got, fmt.Sprintf("%d %v", r.Source, r.UIDs))
	}
	want := "[0 1:3,5 0 890:899 1 900:910 1 1099:1100]"
	if fmt.Sprint(got) != want || missing.String() != "1101:1105" {
		t.Errorf("reads %v, want %s; missing %v", got, want, missing)
	}
	span := Span(reads[:2])
	if a, b := reads[0].Block, reads[1].Block; span.Offset != a.Offset || span.End() != b.Offset+int64(b.Length) {
		t.Errorf("span %+v of %+v and %+v", span, a, b)
	}
}

// TestLargeSummary: a summary beyond the block size has a block of its own.
func TestLargeSummary(t *testing.T) {
	c := coldOf(t, "large", MaxSummary, uids(1, 2))
	if n := len(c.Directory.Summaries.Blocks()); n != 2 {
		t.Fatalf("%d blocks", n)
	}
	for _, b := range c.Directory.Summaries.Blocks() {
		part, err := Section{b.Offset, int64(b.Length)}.Cut(c.Info.Summaries.Offset, c.Summaries)
		if err != nil {
			t.Fatal(err)
		}
		if err := DecodeSummaries(part, func(_ uint32, s []byte) bool { return len(s) == MaxSummary }); err != nil {
			t.Error(err)
		}
	}
}
