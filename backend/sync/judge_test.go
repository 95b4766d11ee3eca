package sync

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/uidset"
)

// TestJudge cites section 4 of the architecture: what an object means that a
// LIST shows. The own range is 200 to 263; the immediately preceding holder had
// 100 to 163, one before it 50 to 63; the index has 10 and 101, and 11 and 102
// were expunged.
func TestJudge(t *testing.T) {
	fresh := []uidset.Range{{First: 100, Last: 163}}
	set := func(uids ...uint32) func(uint32) bool {
		return func(uid uint32) bool { return slices.Contains(uids, uid) }
	}
	for _, c := range []struct {
		says  string
		uid   uint32
		fresh []uidset.Range
		want  verdict
	}{
		{"mails found in the range of the immediately preceding holder keep their UIDs", 103, fresh, keepsUID},
		{"… the first of it", 100, fresh, keepsUID},
		{"… the last of it", 163, fresh, keepsUID},
		{"mails found in older open ranges are late", 55, fresh, isLate},
		{"late mail: an object that appears in an open range after that", 103, nil, isLate},
		{"objects in the holder's own range are its own deliveries under way: a LIST leaves them alone", 200, fresh, isOwn},
		{"… up to its end", 263, nil, isOwn},
		{"an object at or above the end of its own range proves that it was overtaken", 264, fresh, provesOvertaken},
		{"… far above", 1 << 31, nil, provesOvertaken},
		{"an unknown object anywhere else: deleted if the index's set of expunged UIDs names it", 11, fresh, isExpunged},
		{"… in the preceding range, too: an expunged mail never comes back", 102, fresh, isExpunged},
		{"… else re-homed", 12, fresh, isLate},
		{"an entry whose object was merely found missing is not in that set: should the object reappear, it is re-homed", 13, nil, isLate},
		{"what the index has is known", 10, fresh, isKnown},
		{"… in the preceding range, too", 101, fresh, isKnown},
	} {
		o := outlook{own: uidRange{200, 264}, fresh: c.fresh, has: set(10, 101), expunged: set(11, 102)}
		if got := o.judge(c.uid); got != c.want {
			t.Errorf("%q: UID %d: %v, want %v", c.says, c.uid, got, c.want)
		}
	}
}

func TestJudgeRoot(t *testing.T) {
	sent, base, other := id(1), id(2), id(3)
	for _, c := range []struct {
		says  string
		found index.ID
		want  commitVerdict
	}{
		{"or the echo of one's own PUT: a commit id in root tells", sent, landed},
		{"nothing has happened yet", base, unchanged},
		{"a 412 on a commit means overtaken", other, overtaken},
	} {
		if got := judgeRoot(sent, base, c.found); got != c.want {
			t.Errorf("%q: %v, want %v", c.says, got, c.want)
		}
	}
}

func TestClaim(t *testing.T) {
	base := func() *Root {
		return &Root{
			User: "u", Epoch: 4, Holder: Holder{"a", "1"}, CommitID: id(1), lastUIDValidity: 9, logless: true,
			Mailboxes: []Mailbox{{
				ID: newMailboxID(id(2)), Name: "INBOX", UIDValidity: 9, UIDNext: 70, HighestModSeq: 500, FirstRecent: 1,
				uids: uidRange{65, 129}, modseqs: modSeqRange{400, 1400}, floor: 300, scanFrom: 68,
				open: []openRange{{10, 20, 1000}}, fresh: []uidset.Range{{First: 10, Last: 20}},
			}},
		}
	}
	p := claimParams{self: Holder{"b", "2"}, commitID: id(9), now: 5000, uidRange: 64, modSeqRange: 1000}

	t.Run("of a user whose holder is silent", func(t *testing.T) {
		old := base()
		r := claimRoot(old, p)
		m := r.Mailboxes[0]
		if r.Epoch != 5 || r.Holder != p.self || r.CommitID != p.commitID || r.logless {
			t.Errorf("this incarnation as holder, epoch + 1: %+v", r)
		}
		if m.uids != (uidRange{129, 193}) || m.modseqs != (modSeqRange{1401, 2401}) {
			t.Errorf("the next holder starts behind the reserved end of the one before: %+v", m)
		}
		if want := []openRange{{10, 20, 1000}, {65, 128, 5000}}; !reflect.DeepEqual(m.open, want) {
			t.Errorf("the old holder's range is noted as an open range: %v", m.open)
		}
		if want := []uidset.Range{{First: 65, Last: 128}}; !reflect.DeepEqual(m.fresh, want) {
			t.Errorf("only the immediately preceding holder's mails keep their UIDs: %v", m.fresh)
		}
		if m.floor != 1401 || m.HighestModSeq != 1401 {
			t.Errorf("the modseq floor is set to the old reserved modseq end: %d, HIGHESTMODSEQ %d", m.floor, m.HighestModSeq)
		}
		if m.scanFrom != 68 || m.UIDNext != 129 || m.checkBelow != 129 {
			t.Errorf("listed from %d, UIDNEXT %d, to be checked below %d", m.scanFrom, m.UIDNext, m.checkBelow)
		}
		if !reflect.DeepEqual(old, base()) {
			t.Error("the old root was changed")
		}
	})
	t.Run("of one who was released", func(t *testing.T) {
		old := base()
		old.Holder = Holder{}
		m := claimRoot(old, p).Mailboxes[0]
		if m.uids != (uidRange{129, 193}) || m.modseqs != (modSeqRange{1401, 2401}) {
			t.Errorf("ranges do not shrink: %+v", m)
		}
		if m.floor != 300 || m.UIDNext != 70 || m.checkBelow != 0 || len(m.open) != 1 {
			t.Errorf("nothing else changes: %+v", m)
		}
		if len(m.fresh) != 1 {
			t.Errorf("what the releaser never listed is still to be listed: %v", m.fresh)
		}
	})
	t.Run("of one whose local logs are here", func(t *testing.T) {
		q := p
		q.replay = true
		m := claimRoot(base(), q).Mailboxes[0]
		if m.floor != 300 || m.HighestModSeq != 500 {
			t.Errorf("the modseq floor need not rise: %d", m.floor)
		}
		if m.uids.start != 129 || len(m.open) != 2 {
			t.Errorf("never continue the old range: requests that the log has not seen may still land: %+v", m)
		}
	})
}

// TestRangesNeverMeet: any chain of claims and extensions gives each UID and
// each modseq to one holder at the most.
func TestRangesNeverMeet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &Root{User: "u", Epoch: 1, lastUIDValidity: 1, Mailboxes: []Mailbox{{
			ID: newMailboxID(id(1)), Name: "INBOX", UIDValidity: 1, UIDNext: 1, HighestModSeq: 1, FirstRecent: 1,
			uids: uidRange{1, 1}, modseqs: modSeqRange{1, 1}, floor: 1, scanFrom: 1,
		}}}
		if rapid.Bool().Draw(t, "near the end") {
			m := &r.Mailboxes[0]
			m.uids = uidRange{index.MaxUID - 5, index.MaxUID - 5}
			m.modseqs = modSeqRange{maxModSeq - 5, maxModSeq - 5}
			m.HighestModSeq = maxModSeq - 5
		}
		for i := range rapid.IntRange(1, 30).Draw(t, "steps") {
			m := &r.Mailboxes[0]
			if rapid.Bool().Draw(t, "claim") {
				if rapid.Bool().Draw(t, "released") {
					r.Holder = Holder{}
				}
				nextUID, nextModSeq := uint64(m.uids.end), m.modseqs.end+1
				r = claimRoot(r, claimParams{
					self: Holder{"p", fmt.Sprint(i)}, commitID: id(byte(i)),
					uidRange: uint32(rapid.IntRange(1, 3).Draw(t, "uids")), modSeqRange: uint64(rapid.IntRange(1, 3).Draw(t, "modseqs")),
				})
				m = &r.Mailboxes[0]
				if uint64(m.uids.start) < nextUID || m.modseqs.start+1 < nextModSeq {
					t.Fatalf("claim gives out again: %+v, before %d and %d", m, nextUID, nextModSeq)
				}
			} else {
				end, last := m.uids.end, m.modseqs.end
				m.topUp(m.uids.end, m.modseqs.end, uint32(rapid.IntRange(0, 5).Draw(t, "uids")), uint64(rapid.IntRange(0, 5).Draw(t, "modseqs")))
				if m.uids.end < end || m.modseqs.end < last {
					t.Fatal("a range shrank")
				}
			}
			if err := r.check(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestOpenRanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var open []openRange
		covered := map[uint32]int64{}
		for range rapid.IntRange(0, 60).Draw(t, "n") {
			first := uint32(rapid.IntRange(1, 400).Draw(t, "first"))
			o := openRange{first, first + uint32(rapid.IntRange(0, 5).Draw(t, "more")), int64(rapid.IntRange(0, 100).Draw(t, "since"))}
			open = addOpen(open, o)
			for u := o.first; u <= o.last; u++ {
				covered[u] = max(covered[u], o.since)
			}
			if len(open) > maxOpenRanges {
				t.Fatalf("%d ranges", len(open))
			}
		}
		for i := 1; i < len(open); i++ {
			if open[i].first <= open[i-1].last {
				t.Fatalf("ranges %v", open)
			}
		}
		const now, age = 100, 50
		young := pruneOpen(open, now, age)
		for u, since := range covered {
			if !openContains(open, u) {
				t.Fatalf("UID %d is forgotten: %v", u, open)
			}
			if now-since < age && !openContains(young, u) {
				t.Fatalf("UID %d of %d is no longer looked for: %v", u, since, young)
			}
		}
		// Whatever is to be looked for is within the LISTs.
		from := uint32(rapid.IntRange(1, 500).Draw(t, "from"))
		lists := planLists(from, open)
		listed := func(u uint32) bool {
			return slices.ContainsFunc(lists, func(s span) bool { return s.first <= u && (s.last == 0 || u <= s.last) })
		}
		for u := range covered {
			if !listed(u) {
				t.Fatalf("UID %d is not listed by %v", u, lists)
			}
		}
		if !listed(from) || !listed(1<<31) {
			t.Fatalf("news are not listed by %v", lists)
		}
	})
}

func TestPlanLists(t *testing.T) {
	for _, c := range []struct {
		from uint32
		open []openRange
		want []span
	}{
		{100, nil, []span{{100, 0}}},
		{100, []openRange{{110, 120, 0}}, []span{{100, 0}}},
		{100, []openRange{{50, 80, 0}}, []span{{50, 0}}},
		{100_000, []openRange{{50, 80, 0}, {99_500, 99_600, 0}}, []span{{50, 80}, {99_500, 0}}},
	} {
		if got := planLists(c.from, c.open); !reflect.DeepEqual(got, c.want) {
			t.Errorf("from %d with %v: %v, want %v", c.from, c.open, got, c.want)
		}
	}
}

// TestTellDoubles: "two copies of one GUID, met after a crash in between,
// count as one mail (the lower UID goes, after the higher is confirmed to exist)".
func TestTellDoubles(t *testing.T) {
	g, h := id(1), id(2)
	none := func(uint32) bool { return false }
	for _, c := range []struct {
		says     string
		found    []stored
		known    map[index.ID]uint32
		expunged func(uint32) bool
		want     doubles
	}{
		{
			says:  "two mails",
			found: []stored{{uid: 5, guid: g}, {uid: 6, guid: h}},
			want:  doubles{adopt: []uint32{5, 6}},
		},
		{
			says:  "a late mail",
			found: []stored{{uid: 5, guid: g, late: true}},
			want:  doubles{rehome: []uint32{5}},
		},
		{
			says:  "the crash came between the PUT of the new and the DELETE of the old: the lower UID goes",
			found: []stored{{uid: 5, guid: g, late: true}, {uid: 9, guid: g, origins: []uint32{5}}},
			want:  doubles{adopt: []uint32{9}, drop: []drop{{5, 9}}, origins: uidset.Of(5)},
		},
		{
			says:  "the old was deleted: its UID counts as expunged all the same",
			found: []stored{{uid: 9, guid: g, origins: []uint32{5}}},
			want:  doubles{adopt: []uint32{9}, origins: uidset.Of(5)},
		},
		{
			says:  "the index has the higher copy",
			found: []stored{{uid: 5, guid: g, late: true}},
			known: map[index.ID]uint32{g: 9},
			want:  doubles{drop: []drop{{5, 9}}},
		},
		{
			says:  "the index has the lower copy: it goes once the late one is stored",
			found: []stored{{uid: 9, guid: g, late: true}},
			known: map[index.ID]uint32{g: 5},
			want:  doubles{rehome: []uint32{9}, replaced: map[uint32]uint32{5: 9}},
		},
		{
			says:  "the index has the lower copy, the higher keeps its UID",
			found: []stored{{uid: 9, guid: g}},
			known: map[index.ID]uint32{g: 5},
			want:  doubles{adopt: []uint32{9}, drop: []drop{{5, 9}}},
		},
		{
			says:     "re-homed by two holders, the other copy was expunged: it never comes back",
			found:    []stored{{uid: 9, guid: g, origins: []uint32{5}, late: true}},
			expunged: func(uid uint32) bool { return uid == 5 },
			want:     doubles{drop: []drop{{9, 0}}},
		},
		{
			says:     "re-homed by two holders, the other copy is in the index",
			found:    []stored{{uid: 9, guid: g, origins: []uint32{5}, late: true}},
			known:    map[index.ID]uint32{g: 12},
			expunged: func(uid uint32) bool { return uid == 5 },
			want:     doubles{drop: []drop{{9, 12}}},
		},
		{
			says:  "re-homed twice: all the UIDs that it had count as expunged",
			found: []stored{{uid: 9, guid: g, origins: []uint32{3, 5}}},
			want:  doubles{adopt: []uint32{9}, origins: uidset.Of(3, 5)},
		},
		{
			says:  "three copies",
			found: []stored{{uid: 9, guid: g}, {uid: 7, guid: g}, {uid: 8, guid: g, late: true}},
			want:  doubles{adopt: []uint32{9}, drop: []drop{{7, 9}, {8, 9}}},
		},
	} {
		if c.expunged == nil {
			c.expunged = none
		}
		if c.want.replaced == nil {
			c.want.replaced = map[uint32]uint32{}
		}
		if got := tellDoubles(c.found, c.known, c.expunged); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", c.says, got, c.want)
		}
	}
}

// TestDoublesLoseNothing: whatever copies of whatever mails are met, each mail
// is kept at least once, and of those that keep it the highest UID.
func TestDoublesLoseNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var found []stored
		known := map[index.ID]uint32{}
		used := map[uint32]bool{}
		for range rapid.IntRange(1, 8).Draw(t, "objects") {
			uid := uint32(rapid.IntRange(1, 40).Draw(t, "uid"))
			if used[uid] {
				continue
			}
			used[uid] = true
			guid := id(byte(rapid.IntRange(1, 3).Draw(t, "guid")))
			if rapid.IntRange(0, 3).Draw(t, "where") == 0 && known[guid] == 0 {
				known[guid] = uid
				continue
			}
			found = append(found, stored{uid: uid, guid: guid, late: rapid.Bool().Draw(t, "late")})
		}
		d := tellDoubles(found, known, func(uint32) bool { return false })
		kept := map[uint32]bool{}
		for _, uid := range slices.Concat(d.adopt, d.rehome) {
			kept[uid] = true
		}
		for _, uid := range known {
			kept[uid] = true
		}
		for _, x := range d.drop {
			if x.keep == 0 || x.keep <= x.uid {
				t.Fatalf("drops %d for %d: %+v", x.uid, x.keep, d)
			}
			kept[x.uid] = false
		}
		for uid, by := range d.replaced {
			if by <= uid || !slices.Contains(d.rehome, by) {
				t.Fatalf("replaces %d by %d: %+v", uid, by, d)
			}
			kept[uid] = false
		}
		keepers := map[index.ID]int{}
		for _, s := range found {
			if kept[s.uid] {
				keepers[s.guid]++
			}
		}
		for guid, uid := range known {
			if kept[uid] {
				keepers[guid]++
			}
		}
		for _, s := range found {
			if keepers[s.guid] != 1 {
				t.Fatalf("%d copies of a mail are kept: %+v of %+v and %v", keepers[s.guid], d, found, known)
			}
		}
	})
}

func TestCoveredLogs(t *testing.T) {
	l := localMeta{epoch: 7, holder: Holder{"a", "1"}, claim: id(5)}
	for _, c := range []struct {
		name string
		root Root
		pod  string
		want bool
	}{
		{"the former incarnation's claim", Root{Epoch: 7, Holder: Holder{"a", "1"}}, "a", true},
		{"the claim that was to replay them", Root{Epoch: 8, Holder: Holder{"a", "2"}, CommitID: id(5)}, "a", true},
		{"another pod", Root{Epoch: 7, Holder: Holder{"a", "1"}}, "b", false},
		{"a later claim", Root{Epoch: 8, Holder: Holder{"a", "2"}, CommitID: id(6)}, "a", false},
		{"released", Root{Epoch: 7}, "a", false},
		{"logs that lack something", Root{Epoch: 7, Holder: Holder{"a", "1"}, logless: true}, "a", false},
	} {
		if got := l.covers(&c.root, c.pod); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	var zero localMeta
	if zero.covers(&Root{Epoch: 7, Holder: Holder{"a", "1"}}, "a") {
		t.Error("an empty meta covers something")
	}
}
