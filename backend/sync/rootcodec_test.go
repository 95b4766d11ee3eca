package sync

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"mailbackend.io/backend/format"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/uidset"
)

var update = flag.Bool("update", false, "write golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes differ from the golden %d: the format has changed (-update, if that is meant)", name, len(got), len(want))
	}
}

// id makes a readable id.
func id(n byte) (i index.ID) {
	for k := range i {
		i[k] = n
	}
	return i
}

// goldenRoot has every field.
func goldenRoot() *Root {
	return &Root{
		User: "Alice@example.org", Epoch: 7, Holder: Holder{"mail-0", "2026-01-02T03:04:05Z"}, CommitID: id(1),
		Subscriptions: []string{"Gone", "INBOX"}, lastUIDValidity: 1_700_000_002, logless: true,
		Mailboxes: []Mailbox{
			{
				ID: newMailboxID(id(2)), Name: "INBOX", UIDValidity: 1_700_000_000,
				UIDNext: 70, HighestModSeq: 4_000_000, FirstRecent: 60,
				Counts: index.Counts{Messages: 50, Unseen: 4, Deleted: 1, Size: 1 << 33, DeletedSize: 1000},
				uids:   uidRange{129, 193}, modseqs: modSeqRange{1 << 22, 1 << 23}, floor: 3_000_000,
				scanFrom: 65, checkBelow: 129,
				open:  []openRange{{65, 128, 1_700_001_000}},
				fresh: []uidset.Range{{First: 65, Last: 128}},
				segments: []index.SegmentInfo{
					{
						Name: SegmentName(5, true, id(3)), Epoch: 5, Base: true, Size: 1000,
						Records: index.Section{Offset: 700, Length: 300}, Directory: index.Section{Offset: 600, Length: 100},
						IDs: index.Section{Offset: 100, Length: 200}, Summaries: index.Section{Offset: 300, Length: 300},
						RecordCount: 48, ColdCount: 48, FirstUID: 1, LastUID: 60, MinModSeq: 2, MaxModSeq: 3_000_000,
					},
					{
						Name: SegmentName(6, false, id(4)), Epoch: 6, Depth: 1, Size: 100,
						Records: index.Section{Offset: 50, Length: 50}, RecordCount: 2, MinModSeq: 3_000_001, MaxModSeq: 4_000_000,
					},
				},
				unknown: []rawField{{tag: 99, data: []byte("later")}},
			},
			{
				ID: newMailboxID(id(5)), Name: "Entwürfe", UIDValidity: 1_700_000_002, SpecialUse: []string{`\Drafts`},
				UIDNext: 1, HighestModSeq: 1, FirstRecent: 1, uids: uidRange{1, 65}, modseqs: modSeqRange{1, 1 << 20}, floor: 1, scanFrom: 1,
			},
		},
		deleted: []deletedMailbox{{
			id: newMailboxID(id(6)), name: "Old", since: 1_700_000_500, horizon: 20,
			unsure: uidset.OfRanges(uidset.Range{First: 3, Last: 9}), sure: uidset.Of(4, 7, 8),
		}},
		unknown: []rawField{{tag: 100, data: []byte{1, 2, 3}}},
	}
}

func TestRootGolden(t *testing.T) {
	r := goldenRoot()
	b := appendRoot(nil, r)
	got, err := decodeRoot(b, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, r) {
		t.Errorf("decoded:\n%+v\nwant:\n%+v", got, r)
	}
	if *update {
		golden(t, "root-v1.golden", b)
	}
	// What zstd makes of the body may differ from version to version of the
	// library: the golden file must decode, and what is before the
	// compression be the same.
	old, err := os.ReadFile(filepath.Join("testdata", "root-v1.golden"))
	if err != nil {
		t.Fatal(err)
	}
	if was, err := decodeRoot(old, 1<<20); err != nil || !reflect.DeepEqual(was, r) {
		t.Errorf("golden root: %v\n%+v", err, was)
	}
	for i := range 2 {
		a, errA := frameAt(b, i)
		g, errG := frameAt(old, i)
		if errA != nil || errG != nil || !bytes.Equal(a, g) {
			t.Errorf("payload of frame %d differs from the golden one (%v, %v)", i, errA, errG)
		}
	}
}

// frameAt is the payload of the head (0) or body (1).
func frameAt(b []byte, n int) ([]byte, error) {
	head, err := format.Open(b, rootHeadMagic, 1, 1<<20)
	if err != nil || n == 0 {
		return head.Payload, err
	}
	body, err := format.Open(b[head.Size:], rootBodyMagic, 1, 1<<20)
	return body.Payload, err
}

func TestRootIdentity(t *testing.T) {
	// Two commits are told apart by their first bytes (objstore.IdentityBytes),
	// however long the user's name is.
	r := goldenRoot()
	r.User = string(bytes.Repeat([]byte("x"), maxUserName))
	a := appendRoot(nil, r)
	r.CommitID = id(9)
	b := appendRoot(nil, r)
	if bytes.Equal(a[:objstore.IdentityBytes], b[:objstore.IdentityBytes]) {
		t.Error("two commits begin alike")
	}
}

// TestRootDamage flips bits and cuts: nothing of that decodes.
func TestRootDamage(t *testing.T) {
	b := appendRoot(nil, goldenRoot())
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 1 << (i % 8)
		if _, err := decodeRoot(bad, 1<<20); err == nil {
			t.Fatalf("byte %d damaged: decoded", i)
		}
		if _, err := decodeRoot(b[:i], 1<<20); err == nil {
			t.Fatalf("cut to %d bytes: decoded", i)
		}
	}
	if _, err := decodeRoot(append(bytes.Clone(b), 0), 1<<20); !errors.Is(err, format.ErrCorrupt) {
		t.Errorf("a byte too many: %v", err)
	}
	// The halves of two commits don't make a root.
	other := goldenRoot()
	other.CommitID = id(7)
	c := appendRoot(nil, other)
	head, _ := format.FrameSize(b, rootHeadMagic)
	if _, err := decodeRoot(append(bytes.Clone(b[:head]), c[head:]...), 1<<20); !errors.Is(err, format.ErrCorrupt) {
		t.Errorf("halves of two commits: %v", err)
	}
	if _, err := decodeRoot(b, 100); !errors.Is(err, format.ErrTooLarge) {
		t.Errorf("over the limit: %v", err)
	}
}

func TestRootCheck(t *testing.T) {
	for name, spoil := range map[string]func(*Root){
		"no user":             func(r *Root) { r.User = "" },
		"epoch 0":             func(r *Root) { r.Epoch = 0 },
		"id from elsewhere":   func(r *Root) { r.Mailboxes[0].ID = "../../etc" },
		"two of one id":       func(r *Root) { r.Mailboxes[1].ID = r.Mailboxes[0].ID },
		"two of one name":     func(r *Root) { r.Mailboxes[1].Name = "INBOX" },
		"no name":             func(r *Root) { r.Mailboxes[0].Name = "" },
		"UIDVALIDITY 0":       func(r *Root) { r.Mailboxes[0].UIDValidity = 0 },
		"UIDVALIDITY unknown": func(r *Root) { r.Mailboxes[0].UIDValidity = 1_800_000_000 },
		"no range":            func(r *Root) { r.Mailboxes[0].uids = uidRange{0, 0} },
		"range backwards":     func(r *Root) { r.Mailboxes[0].uids = uidRange{193, 129} },
		"UIDNEXT 0":           func(r *Root) { r.Mailboxes[0].UIDNext = 0 },
		"UIDNEXT above":       func(r *Root) { r.Mailboxes[0].UIDNext = 194 },
		"listed from above":   func(r *Root) { r.Mailboxes[0].scanFrom = 194 },
		"modseqs backwards":   func(r *Root) { r.Mailboxes[0].modseqs = modSeqRange{2, 1} },
		"modseq above":        func(r *Root) { r.Mailboxes[0].HighestModSeq = 1<<23 + 1 },
		"floor above":         func(r *Root) { r.Mailboxes[0].floor = 5_000_000 },
		"open range above":    func(r *Root) { r.Mailboxes[0].open[0].last = 193 },
		"fresh range above":   func(r *Root) { r.Mailboxes[0].fresh[0].Last = 129 },
		"segment's name":      func(r *Root) { r.Mailboxes[0].segments[0].Name = "../root" },
		"subscriptions":       func(r *Root) { r.Subscriptions = []string{"b", "a"} },
		"deleted and there":   func(r *Root) { r.deleted[0].id = r.Mailboxes[0].ID },
	} {
		r := goldenRoot()
		spoil(r)
		if r.check() == nil {
			t.Errorf("%s: passed", name)
		}
		if _, err := decodeRoot(appendRoot(nil, r), 1<<20); err == nil {
			t.Errorf("%s: decoded", name)
		}
	}
}

func TestRootMethods(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := byte(0)
		r := &Root{User: "u", Epoch: 1, newID: func() index.ID { n++; return id(n * 37) }, now: rapid.Int64Range(-5, 1<<33).Draw(t, "now")}
		names := map[string]MailboxID{}
		subscribed := map[string]bool{}
		validities := map[uint32]bool{}
		for range rapid.IntRange(0, 20).Draw(t, "steps") {
			name := rapid.SampledFrom([]string{"INBOX", "a", "b", "c/d"}).Draw(t, "name")
			switch rapid.IntRange(0, 3).Draw(t, "op") {
			case 0:
				got, err := r.Create(NewMailbox{Name: name})
				if _, ok := names[name]; ok != errors.Is(err, ErrExists) {
					t.Fatalf("create %q: %v", name, err)
				}
				if err == nil {
					names[name] = got
					if v := r.ByID(got).UIDValidity; validities[v] {
						t.Fatalf("UIDVALIDITY %d a second time", v)
					} else {
						validities[v] = true
					}
				}
			case 1:
				gone, ok := names[name]
				if !ok {
					gone = newMailboxID(id(250))
				}
				if err := r.Delete(gone); ok == errors.Is(err, ErrNoMailbox) {
					t.Fatalf("delete %q: %v", name, err)
				}
				delete(names, name)
			case 2:
				on := rapid.Bool().Draw(t, "on")
				r.Subscribe(name, on)
				subscribed[name] = on
			case 3:
				if m := r.ByName(name); m != nil && r.ByName(name+"x") == nil {
					m.Name = name + "x"
					names[name+"x"] = names[name]
					delete(names, name)
				}
			}
			for i := range r.Mailboxes { // as a commit does
				r.Mailboxes[i].topUp(1, 1, 1, 1)
			}
			if err := r.check(); err != nil {
				t.Fatal(err)
			}
		}
		for name, want := range names {
			if m := r.ByName(name); m == nil || m.ID != want || r.ByID(want) != m {
				t.Fatalf("%q: %+v", name, m)
			}
		}
		for name, on := range subscribed {
			if found := fmt.Sprint(r.Subscriptions); on != contains(r.Subscriptions, name) {
				t.Fatalf("%q subscribed: %v in %s", name, on, found)
			}
		}
		if len(r.Mailboxes) != len(names) {
			t.Fatalf("%d mailboxes, want %d", len(r.Mailboxes), len(names))
		}
	})
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func FuzzDecodeRoot(f *testing.F) {
	f.Add(appendRoot(nil, goldenRoot()))
	f.Add(appendRoot(nil, &Root{User: "u", Epoch: 1}))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRoot(b, 1<<20)
		if err != nil {
			return
		}
		again, err := decodeRoot(appendRoot(nil, r), 1<<21)
		if err != nil || !reflect.DeepEqual(again, r) {
			t.Fatalf("%v\n%+v\n%+v", err, r, again)
		}
	})
}

// FuzzRootBody reaches the fields behind the checksums.
func FuzzRootBody(f *testing.F) {
	for _, r := range []*Root{goldenRoot(), {User: "u", Epoch: 1}} {
		b := appendRoot(nil, r)
		head, _ := frameAt(b, 0)
		body, _ := frameAt(b, 1)
		f.Add(head[16:], body[16:])
	}
	f.Fuzz(func(t *testing.T, head, body []byte) {
		commit := make([]byte, 16)
		b := format.Seal(nil, rootHeadMagic, 1, append(bytes.Clone(commit), head...))
		b = format.Seal(b, rootBodyMagic, 1, append(bytes.Clone(commit), body...))
		r, err := decodeRoot(b, 1<<20)
		if err != nil {
			return
		}
		next := claimRoot(r, claimParams{self: Holder{"p", "i"}, uidRange: 64, modSeqRange: 1 << 20, now: 1})
		if err := next.check(); err != nil {
			t.Fatalf("a root that passes check can't be claimed: %v", err)
		}
	})
}

func TestLocalMeta(t *testing.T) {
	l := localMeta{epoch: 7, holder: Holder{"mail-0", "run-1"}, claim: id(3)}
	b := l.encode()
	golden(t, "localmeta-v1.golden", b)
	if got, err := decodeLocalMeta(b); err != nil || got != l {
		t.Errorf("%+v, %v", got, err)
	}
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 0x10
		if _, err := decodeLocalMeta(bad); err == nil {
			t.Errorf("byte %d damaged: decoded", i)
		}
	}
}

func FuzzLocalMeta(f *testing.F) {
	f.Add((&localMeta{epoch: 1, holder: Holder{"a", "b"}}).encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if l, err := decodeLocalMeta(b); err == nil {
			if again, err := decodeLocalMeta(l.encode()); err != nil || again != l {
				t.Fatalf("%+v, %+v, %v", l, again, err)
			}
		}
	})
}
