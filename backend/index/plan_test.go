package index

import (
	"fmt"
	"slices"
	"testing"

	"mailbackend.io/backend/uidset"
)

// seg describes a segment for the table: what it has and how much.
func seg(name string, base bool, records int, depth uint8, cold int64, first, last uint32) SegmentInfo {
	s := SegmentInfo{Name: name, Base: base, RecordCount: records, Depth: depth, FirstUID: first, LastUID: last, Size: 1 << 40}
	if records > 0 {
		s.Records = Section{1000, int64(records) * 10}
	}
	if cold > 0 {
		s.Summaries = Section{100, cold}
		s.ColdCount = int(last - first + 1)
	}
	return s
}

func TestPlanUpload(t *testing.T) {
	view := filled(1000).View() // UIDs 1 to 1000
	base := seg("base", true, 100_000, 0, 0, 0, 0)
	log := func(i int, depth uint8) SegmentInfo { return seg(fmt.Sprint("log", i), false, 10, depth, 0, 0, 0) }
	cold := func(n int, size int64) (s []SegmentInfo) {
		for i := range n {
			s = append(s, seg(fmt.Sprint("cold", i), false, 0, 0, size, uint32(i+1), uint32(i+1)))
		}
		return s
	}
	everything := func(*SegmentInfo, bool) bool { return true }
	segs := func(parts ...any) (s []SegmentInfo) {
		for _, p := range parts {
			switch p := p.(type) {
			case SegmentInfo:
				s = append(s, p)
			case []SegmentInfo:
				s = append(s, p...)
			}
		}
		return s
	}
	for _, c := range []struct {
		name   string
		u      Upload
		want   string // base, depth, and the lists of the plan
		segs   int    // named afterwards
		reason string
	}{
		{"new mailbox, loaded", Upload{View: view, Ops: 10},
			"base true depth 0 logs [] cold [] drop [] fetch [] []", 1, "no base yet"},
		{"new mailbox, delivery only", Upload{Ops: 10},
			"base false depth 0 logs [] cold [] drop [] fetch [] []", 1, "log 1 of 4"},
		{"small base", Upload{View: view, Ops: 1, Segments: segs(seg("base", true, 3000, 0, 0, 0, 0), log(1, 0))},
			"base true depth 0 logs [] cold [] drop [] fetch [] []", 1, "base of 30000 bytes is small"},
		{"large base, few logs", Upload{View: view, Ops: 10, Segments: segs(base, log(1, 0), log(2, 0))},
			"base false depth 0 logs [] cold [] drop [] fetch [] []", 4, "log 3 of 4"},
		{"logs reach a quarter", Upload{View: view, Ops: 10, Segments: segs(base, seg("log1", false, 24_990, 0, 0, 0, 0))},
			"base true depth 0 logs [] cold [] drop [] fetch [] []", 1, "25000 ops reached 1/4 of the base's 100000 messages"},
		{"a quarter, but not loaded", Upload{Ops: 10, Segments: segs(base, seg("log1", false, 24_990, 0, 0, 0, 0))},
			"base false depth 0 logs [] cold [] drop [] fetch [] []", 3, "log 2 of 4"},
		{"four logs, all as young", Upload{Ops: 10, Local: everything, Segments: segs(base, log(1, 0), log(2, 0), log(3, 0), log(4, 0))},
			"base false depth 1 logs [1 2 3 4] cold [] drop [] fetch [] []", 2, "4 logs joined, 0 stay"},
		{"four logs, two rewritten", Upload{Ops: 10, Local: everything, Segments: segs(base, log(1, 2), log(2, 1), log(3, 0), log(4, 0))},
			"base false depth 1 logs [3 4] cold [] drop [] fetch [] []", 4, "2 logs joined, 2 stay"},
		{"four foreign logs, not loaded", Upload{Ops: 10, Segments: segs(base, log(1, 2), log(2, 1), log(3, 0), log(4, 0))},
			"base false depth 1 logs [3 4] cold [] drop [] fetch [3 4] []", 4, "2 logs joined, 2 stay"},
		{"more logs than allowed", Upload{Ops: 10, Local: everything, Limits: PlanLimits{MaxLogs: 2}, Segments: segs(base, log(1, 3), log(2, 2), log(3, 1))},
			"base false depth 3 logs [2 3] cold [] drop [] fetch [] []", 3, "2 logs joined, 1 stay"},
		{"joined logs keep their summaries", Upload{Ops: 10, Limits: PlanLimits{MaxLogs: 1}, Segments: segs(base, seg("log", false, 10, 0, 500, 1, 10))},
			"base false depth 1 logs [1] cold [] drop [] fetch [1] []", 3, "1 logs joined, 0 stay"},
		{"31 segments with summaries", Upload{View: view, Segments: cold(31, 500)},
			"base true depth 0 logs [] cold [] drop [] fetch [] []", 32, "no base yet"},
		{"32 segments with summaries", Upload{View: view, Segments: segs(cold(16, 500), cold(16, 90_000))},
			"base true depth 0 logs [] cold [0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15] drop [] fetch [] [0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15]", 17,
			"no base yet; ids and summaries of 16 segments merged"},
		{"larger ones join to make nine", Upload{View: view, Local: everything, Segments: segs(cold(5, 500), cold(27, 90_000))},
			"base true depth 0 logs [] cold [0 1 2 3 4 5 6 7 8] drop [] fetch [] []", 24,
			"no base yet; ids and summaries of 9 segments merged"},
		{"sealed ones never", Upload{View: view, Local: everything, Limits: PlanLimits{MaxColdBytes: 10_000}, Segments: segs(cold(28, 90_000), cold(4, 500))},
			"base true depth 0 logs [] cold [28 29 30 31] drop [] fetch [] []", 29,
			"no base yet; ids and summaries of 4 segments merged"},
		{"delivery only prefers local ones", Upload{Segments: segs(cold(20, 500), seg("far", false, 0, 0, 400, 1, 1), cold(11, 500)),
			Local: func(s *SegmentInfo, _ bool) bool { return s.Name != "far" }},
			"base false depth 0 logs [] cold [0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 21 22 23 24 25 26 27 28 29 30 31] drop [] fetch [] []", 2,
			"log 1 of 4; ids and summaries of 31 segments merged"},
		{"summaries of expunged mails only", Upload{View: view, Segments: segs(base, seg("old", false, 0, 0, 900, 2000, 3000), seg("log", false, 10, 0, 900, 2000, 3000))},
			"base false depth 0 logs [] cold [] drop [1 2] fetch [] []", 3,
			"log 2 of 4; ids and summaries of 2 segments are of expunged mails only"},
		{"summaries of expunged mails mostly", Upload{View: view, Segments: segs(base, seg("thin", false, 0, 0, 90_000, 900, 3000), seg("full", false, 0, 0, 900, 1, 900))},
			"base false depth 0 logs [] cold [1] drop [] fetch [] [1]", 3,
			"log 1 of 4; ids and summaries of 1 segments, more than half of expunged mails, merged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := PlanUpload(c.u)
			got := fmt.Sprint("base ", p.Base, " depth ", p.Depth, " logs ", p.MergeLogs, " cold ", p.MergeCold, " drop ", p.DropCold, " fetch ", p.FetchLogs, " ", p.FetchCold)
			after, garbage := p.Result(c.u.Segments, seg("new", p.Base, 10, p.Depth, 10, 1, 1))
			if got != c.want || p.Reason != c.reason || len(after) != c.segs || len(after)+len(garbage) != len(c.u.Segments)+1 {
				t.Errorf("%s\nwant %s\n%d segments, want %d, %d garbage\nreason %q\nwant   %q", got, c.want, len(after), c.segs, len(garbage), p.Reason, c.reason)
			}
		})
	}
}

// upkeep is what a simulated mailbox's uploads cost.
type upkeep struct {
	uploads                      int
	written                      int64 // bytes of all objects
	needed                       int64 // bytes that segments of the new ops alone have
	maxRecords, maxCold          int   // segments named with records, with ids and summaries
	fetched                      int   // segments read for merging
	recordBytes, recordsNeeded   int64
	coldBytes, coldNeeded, final int64
}

func (u *upkeep) String() string {
	return fmt.Sprintf("%d uploads, %d segments read; at most %d segments with records, %d with ids and summaries; write amplification %.1f (records %.1f, ids and summaries %.1f); %d KB stored in the end",
		u.uploads, u.fetched, u.maxRecords, u.maxCold, float64(u.written)/float64(u.needed),
		float64(u.recordBytes)/float64(u.recordsNeeded), float64(u.coldBytes)/float64(u.coldNeeded), u.final>>10)
}

// simulate uploads each batch of ops and watches the bounds.
func simulate(t *testing.T, start int, loaded bool, uploads int, batch func(i int, m *Mailbox) []Op) *upkeep {
	t.Helper()
	b, m := newBucket(PlanLimits{}), NewMailbox()
	u := &upkeep{uploads: uploads}
	var first []Op
	for i := range start {
		op := realOp(i)
		op.IDs, op.Summary = idsOf(op.UID), summaryOf(op.UID)
		first = append(first, op)
	}
	if err := m.Apply(first...); err != nil {
		t.Fatal(err)
	}
	b.upload(t, first, m.View(), nil)
	b.written, b.records, b.cold = 0, 0, 0
	for i := range uploads {
		ops := batch(i, m)
		if err := m.Apply(ops...); err != nil {
			t.Fatal(err)
		}
		v := m.View()
		if !loaded {
			v = nil
		}
		alone, info, err := Encode(Segment{Name: "alone", Ops: Compact(ops), MailboxID: "id", MailboxName: "INBOX"})
		if err != nil {
			t.Fatal(err)
		}
		u.needed += int64(len(alone))
		u.recordsNeeded += info.Records.Length
		u.coldNeeded += info.coldSize()
		b.upload(t, ops, v, func(*SegmentInfo, bool) bool { return false })
		records, cold := 0, 0
		for j := range b.segments {
			records += int(boolByte(b.segments[j].HasRecords()))
			cold += int(boolByte(b.segments[j].HasCold()))
		}
		u.maxRecords, u.maxCold = max(u.maxRecords, records), max(u.maxCold, cold)
	}
	u.written, u.recordBytes, u.coldBytes, u.fetched = b.written, b.records, b.cold, b.fetched
	for _, o := range b.objects {
		u.final += int64(len(o))
	}
	opened, dirs := b.open(t)
	want := m.View()
	if got := opened.View(); !got.UIDs().Equal(want.UIDs()) || got.Counts() != want.Counts() || got.HighestModSeq() != want.HighestModSeq() {
		t.Fatalf("opened: %+v, want %+v", got.Counts(), want.Counts())
	}
	b.checkCold(t, opened.View(), dirs)
	return u
}

// summaryOf is about as long and as compressible as real ones are.
func summaryOf(uid uint32) []byte {
	b := fmt.Appendf(nil, "summary of %d ", uid)
	h := uint64(uid)
	for range 30 {
		h = h*6364136223846793005 + 1442695040888963407
		b = fmt.Appendf(b, "%x Subject: ", h>>40)
	}
	return b
}

// TestUploadBounds simulates mailboxes over many uploads: however they live,
// opening reads at most five segments, and what is written stays within a
// small multiple of what is new.
func TestUploadBounds(t *testing.T) {
	next := func(m *Mailbox) Op {
		op := realOp(int(m.View().UIDNext() - 1))
		op.ModSeq = m.View().HighestModSeq() + 1
		op.IDs, op.Summary = idsOf(op.UID), summaryOf(op.UID)
		return op
	}
	deliver := func(n int) func(int, *Mailbox) []Op {
		return func(_ int, m *Mailbox) (ops []Op) {
			for i := range n {
				op := next(m)
				op.UID, op.ModSeq = op.UID+uint32(i), op.ModSeq+uint64(i)
				op.IDs, op.Summary = idsOf(op.UID), summaryOf(op.UID)
				ops = append(ops, op)
			}
			return ops
		}
	}
	reader := func(i int, m *Mailbox) []Op {
		ops := deliver(3)(i, m)
		for k := range 20 {
			uid := m.View().UID((i*7919 + k*104729) % m.View().Len())
			ops = append(ops, Op{Kind: OpFlags, UID: uid, Flags: Seen, ModSeq: ops[len(ops)-1].ModSeq + 1})
		}
		return ops
	}
	fetchAndDelete := func(i int, m *Mailbox) []Op {
		ops := deliver(10)(i, m)
		if i%3 == 2 {
			ops = append(ops, Op{Kind: OpExpunge, UIDs: m.View().UIDs(), ModSeq: ops[len(ops)-1].ModSeq + 1})
		}
		return ops
	}
	keepsTheLatest := func(i int, m *Mailbox) []Op {
		ops := deliver(10)(i, m)
		if v := m.View(); v.Len() > 2000 {
			ops = append(ops, Op{Kind: OpExpunge, UIDs: uidset.OfRanges(uidset.Range{First: 1, Last: v.UID(v.Len() - 2000)}), ModSeq: ops[len(ops)-1].ModSeq + 1})
		}
		return ops
	}
	for _, c := range []struct {
		name             string
		start            int
		loaded           bool
		uploads          int
		batch            func(int, *Mailbox) []Op
		records, coldAmp float64 // bounds of the write amplification
	}{
		{"deliveries only, 10 at a time, onto 10,000", 10_000, false, 600, deliver(10), 12, 4},
		{"reading and deliveries on 10,000, loaded", 10_000, true, 600, reader, 25, 4},
		// A small base is rewritten each time, which costs few bytes and
		// leaves one segment to open.
		{"reading and deliveries on 500, loaded", 500, true, 300, reader, 100, 4},
		{"fetched and deleted, loaded", 0, true, 300, fetchAndDelete, 10, 2},
		{"only the latest 2,000 are kept, loaded", 0, true, 600, keepsTheLatest, 60, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := simulate(t, c.start, c.loaded, c.uploads, c.batch)
			t.Log(u)
			if u.maxRecords > 5 || u.maxCold > 33 {
				t.Errorf("%d segments with records, %d with ids and summaries", u.maxRecords, u.maxCold)
			}
			if got := float64(u.recordBytes) / float64(u.recordsNeeded); got > c.records {
				t.Errorf("records: write amplification %.1f, bound %.1f", got, c.records)
			}
			if got := float64(u.coldBytes) / float64(u.coldNeeded); got > c.coldAmp {
				t.Errorf("ids and summaries: write amplification %.1f, bound %.1f", got, c.coldAmp)
			}
		})
	}
}

// TestDepth counts how often the busiest op is rewritten when nothing but logs
// is possible: the binomial bound of PlanUpload.
func TestDepth(t *testing.T) {
	segments := []SegmentInfo{seg("base", true, 1<<30, 0, 0, 0, 0)}
	rewritten := []int{} // by upload
	holds := map[string][]int{}
	for i := range 2380 {
		p := PlanUpload(Upload{Segments: segments, Ops: 1})
		info := seg(fmt.Sprint(i), false, 1, p.Depth, 0, 0, 0)
		for _, l := range p.MergeLogs {
			for _, old := range holds[segments[l].Name] {
				rewritten[old]++
				holds[info.Name] = append(holds[info.Name], old)
			}
		}
		holds[info.Name] = append(holds[info.Name], i)
		rewritten = append(rewritten, 0)
		segments, _ = p.Result(segments, info)
		if len(segments) > 5 {
			t.Fatalf("%d segments after %d uploads", len(segments), i+1)
		}
	}
	if most := slices.Max(rewritten); most > 13 {
		t.Errorf("an op was rewritten %d times in %d uploads", most, len(rewritten))
	}
}
