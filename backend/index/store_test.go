package index

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"

	"mailbackend.io/backend/format"
	"mailbackend.io/backend/uidset"
	"pgregory.net/rapid"
)

// bucket plays the part of sync: it holds a mailbox's segment objects and
// root's list of them, uploads a tail of ops as planned, and opens the mailbox
// again.
type bucket struct {
	objects  map[string][]byte
	segments []SegmentInfo
	limits   PlanLimits
	n        int
	// What was written, and what for.
	written, records, cold int64
	fetched                int
}

type testT interface {
	Helper()
	Fatalf(string, ...any)
}

func newBucket(l PlanLimits) *bucket {
	return &bucket{objects: map[string][]byte{}, limits: l}
}

// get is a ranged GET.
func (b *bucket) get(t testT, name string, s Section) []byte {
	t.Helper()
	part, err := s.Cut(0, b.objects[name])
	if err != nil {
		t.Fatalf("GET %s: %v", name, err)
	}
	return part
}

// upload writes tail as one segment. v is nil if the base is not loaded.
func (b *bucket) upload(t testT, tail []Op, v *View, local func(*SegmentInfo, bool) bool) Plan {
	t.Helper()
	p := PlanUpload(Upload{Segments: b.segments, Ops: len(tail), View: v, Local: local, Limits: b.limits})
	b.fetched += len(p.FetchLogs) + len(p.FetchCold)
	b.n++
	s := Segment{
		Name: fmt.Sprintf("7-%d", b.n), Epoch: 7, Base: p.Base, Depth: p.Depth, View: v,
		MailboxID: "id", MailboxName: "INBOX",
	}
	known := map[string]Directory{}
	for _, i := range p.MergeLogs {
		info := &b.segments[i]
		ops, err := DecodeLog(b.get(t, info.Name, info.Records))
		if err != nil {
			t.Fatalf("%s: %v", info.Name, err)
		}
		s.Ops = append(s.Ops, ops...)
		b.directories(t, info, known)
	}
	s.Ops = Compact(append(s.Ops, tail...))
	if v != nil {
		for i := range b.segments {
			b.directories(t, &b.segments[i], known)
		}
	}
	for _, i := range p.MergeCold {
		info := b.segments[i]
		own, _, err := DecodeDirectory(b.get(t, info.Name, info.Directory))
		if err != nil {
			t.Fatalf("%s: %v", info.Name, err)
		}
		s.Merge = append(s.Merge, Cold{info, own, b.get(t, info.Name, info.IDs), b.get(t, info.Name, info.Summaries)})
	}
	s.Foreign = p.Foreign(b.segments, known)
	object, info, err := Encode(s)
	if err != nil {
		t.Fatalf("%v", err)
	}
	b.put(t, object, info)
	var garbage []string
	b.segments, garbage = p.Result(b.segments, info)
	for _, name := range garbage {
		delete(b.objects, name)
	}
	if len(b.objects) != len(b.segments) {
		t.Fatalf("%d objects, %d segments", len(b.objects), len(b.segments))
	}
	return p
}

func (b *bucket) put(t testT, object []byte, info SegmentInfo) {
	t.Helper()
	b.objects[info.Name] = object
	b.written += int64(len(object))
	b.records += info.Records.Length
	b.cold += info.coldSize()
	if info.Size != int64(len(object)) {
		t.Fatalf("%s: size %d of %d", info.Name, info.Size, len(object))
	}
	h, err := DecodeHeader(object[:min(len(object), HeaderGuess)])
	h.Info.Name = info.Name
	if err != nil || h.Info != info || h.MailboxID != "id" || h.MailboxName != "INBOX" {
		t.Fatalf("%s: header %+v, want %+v: %v", info.Name, h, info, err)
	}
	var w format.Writer
	info.Append(&w)
	r := format.NewReader(w.B)
	if got := ReadSegmentInfo(r); got != info || r.Err() != nil || r.Len() != 0 {
		t.Fatalf("info %+v, want %+v: %v", got, info, r.Err())
	}
}

// directories notes what opening a segment tells about ids and summaries.
func (b *bucket) directories(t testT, s *SegmentInfo, known map[string]Directory) {
	t.Helper()
	if !s.HasRecords() {
		return // nobody opens it
	}
	own, foreign, err := DecodeDirectory(b.get(t, s.Name, s.Directory))
	if err != nil {
		t.Fatalf("%s: %v", s.Name, err)
	}
	maps.Copy(known, foreign)
	known[s.Name] = own
}

// open builds the mailbox from what root names, and checks that this takes at
// most one base and MaxLogs logs, and tells where all ids and summaries are.
func (b *bucket) open(t testT) (*Mailbox, []Directory) {
	t.Helper()
	m := NewMailbox()
	known := map[string]Directory{}
	logs := 0
	for i := range b.segments {
		s := &b.segments[i]
		if !s.HasRecords() {
			continue
		}
		b.directories(t, s, known)
		records := b.get(t, s.Name, s.Records)
		if s.Base {
			var err error
			if m, err = LoadBase(records); err != nil || logs > 0 {
				t.Fatalf("%s: base behind %d logs: %v", s.Name, logs, err)
			}
			continue
		}
		logs++
		ops, err := DecodeLog(records)
		if err != nil || len(ops) != s.RecordCount {
			t.Fatalf("%s: %d of %d ops: %v", s.Name, len(ops), s.RecordCount, err)
		}
		if err := m.Apply(ops...); err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
	}
	if logs > b.limits.withDefaults().MaxLogs {
		t.Fatalf("%d logs", logs)
	}
	var dirs []Directory
	for i := range b.segments {
		if b.segments[i].HasCold() {
			d, ok := known[b.segments[i].Name]
			if !ok {
				t.Fatalf("nobody tells where %s has its ids and summaries", b.segments[i].Name)
			}
			dirs = append(dirs, d)
		}
	}
	return m, dirs
}

// checkCold reads ids and summaries of all messages of the view.
func (b *bucket) checkCold(t testT, v *View, dirs []Directory) {
	t.Helper()
	var holders []*SegmentInfo
	var ids, summaries []Blocks
	for i := range b.segments {
		if b.segments[i].HasCold() {
			holders = append(holders, &b.segments[i])
			ids, summaries = append(ids, dirs[len(ids)].IDs), append(summaries, dirs[len(summaries)].Summaries)
		}
	}
	idReads, missing := Locate(ids, v.UIDs())
	summaryReads, missingToo := Locate(summaries, v.UIDs())
	if !missing.Empty() || !missingToo.Empty() {
		t.Fatalf("no ids of %v, no summaries of %v", missing, missingToo)
	}
	var gotIDs, gotSummaries uidset.Set
	for _, r := range idReads {
		block := b.get(t, holders[r.Source].Name, Section{r.Block.Offset, int64(r.Block.Length)})
		err := DecodeIDs(block, func(uid uint32, ids IDs) bool {
			if r.UIDs.Contains(uid) {
				gotIDs.Add(uid, uid)
				if want := idsOf(uid); ids != want {
					t.Fatalf("UID %d: ids %x, want %x", uid, ids, want)
				}
			}
			return true
		})
		if err != nil {
			t.Fatalf("%v", err)
		}
	}
	for _, r := range summaryReads {
		block := b.get(t, holders[r.Source].Name, Section{r.Block.Offset, int64(r.Block.Length)})
		err := DecodeSummaries(block, func(uid uint32, summary []byte) bool {
			if r.UIDs.Contains(uid) {
				gotSummaries.Add(uid, uid)
				if !bytes.HasPrefix(summary, fmt.Appendf(nil, "summary of %d ", uid)) {
					t.Fatalf("UID %d: %.20q", uid, summary)
				}
			}
			return true
		})
		if err != nil {
			t.Fatalf("%v", err)
		}
	}
	if !v.UIDs().Without(gotIDs).Empty() || !v.UIDs().Without(gotSummaries).Empty() {
		t.Fatalf("of %v: ids %v, summaries %v", v.UIDs(), gotIDs, gotSummaries)
	}
}

func idsOf(uid uint32) IDs {
	ids := IDs{GUID: ID{1, byte(uid), byte(uid >> 8)}, EmailID: ID{2, byte(uid), byte(uid >> 8)}}
	if uid%3 == 0 {
		ids.ThreadID = ID{3}
	}
	return ids
}

// TestStoreModel lives a mailbox's life through local log entries, uploads with
// and without the base loaded, and reopening, and compares all of it with the
// model.
func TestStoreModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBucket(PlanLimits{
			MaxLogs:      rapid.IntRange(1, 4).Draw(t, "max logs"),
			SmallBase:    1,
			MaxCold:      rapid.IntRange(2, 6).Draw(t, "max cold"),
			MinColdMerge: 2,
			MaxColdBytes: rapid.SampledFrom([]int64{300, 2000, 1 << 20}).Draw(t, "max cold bytes"),
		})
		g, mod := opGen{big: rapid.Bool().Draw(t, "big")}, newModel()
		m, entries := small(t), [][]byte{}
		for range rapid.IntRange(1, 14).Draw(t, "rounds") {
			ops := g.drawN(t, 8)
			if err := m.Apply(ops...); err != nil {
				t.Fatal(err)
			}
			for _, op := range ops {
				mod.apply(op)
			}
			entries = append(entries, EncodeOps(nil, ops))
			switch rapid.IntRange(0, 3).Draw(t, "then") {
			case 0:
				v := m.View()
				if rapid.Bool().Draw(t, "not loaded") {
					v = nil
				}
				near := rapid.Bool().Draw(t, "local")
				b.upload(t, tailOf(t, entries), v, func(*SegmentInfo, bool) bool { return near })
				entries = nil
			case 1: // another process opens what is there
				var dirs []Directory
				m, dirs = b.open(t)
				if len(entries) == 0 {
					b.checkCold(t, m.View(), dirs)
				}
				if err := m.Apply(tailOf(t, entries)...); err != nil {
					t.Fatal(err)
				}
			}
			if err := m.invariants(); err != nil {
				t.Fatal(err)
			}
			mod.check(t, m.View(), false)
		}
		b.upload(t, tailOf(t, entries), m.View(), nil)
		m, dirs := b.open(t)
		mod.check(t, m.View(), false)
		b.checkCold(t, m.View(), dirs)
	})
}

// tailOf decodes the entries of a local log.
func tailOf(t *rapid.T, entries [][]byte) (ops []Op) {
	for _, e := range entries {
		batch, err := DecodeOps(e)
		if err != nil {
			t.Fatal(err)
		}
		ops = append(ops, batch...)
	}
	return ops
}

// TestBaseKeepsAll: a base written and loaded is the same mailbox, with the
// same history.
func TestBaseKeepsAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, mod, m := opGen{}, newModel(), small(t)
		ops := g.drawN(t, 60)
		if err := m.Apply(ops...); err != nil {
			t.Fatal(err)
		}
		for _, op := range ops {
			mod.apply(op)
		}
		first, err := encodeBase(m.View())
		if err != nil {
			t.Fatal(err)
		}
		loaded, err := LoadBase(first)
		if err != nil {
			t.Fatal(err)
		}
		mod.check(t, loaded.View(), true)
		second, err := encodeBase(loaded.View())
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("written again, the base differs: %v", err)
		}
		more := g.drawN(t, 10)
		for _, op := range more {
			mod.apply(op)
		}
		if err := loaded.Apply(more...); err != nil {
			t.Fatal(err)
		}
		mod.check(t, loaded.View(), true)
	})
}

// TestOpsKeepAll: a local log entry gives back the very ops.
func TestOpsKeepAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := opGen{}
		ops := g.drawN(t, 20)
		got, err := DecodeOps(EncodeOps(nil, ops))
		if err != nil || len(got) != len(ops) {
			t.Fatalf("%d of %d ops: %v", len(got), len(ops), err)
		}
		for i := range ops {
			if len(ops[i].Keywords) == 0 {
				ops[i].Keywords = nil
			}
			a, b := fmt.Sprintf("%+v", ops[i]), fmt.Sprintf("%+v", got[i])
			if a != b || !slices.Equal(ops[i].Keywords, got[i].Keywords) {
				t.Fatalf("op %s, want %s", b, a)
			}
		}
	})
}
