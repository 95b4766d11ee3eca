package msgset

import (
	"errors"
	"math"
	"slices"
	"sort"
	"testing"

	"pgregory.net/rapid"

	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/uidset"
)

// uids is a View that is a sorted list of UIDs.
type uids []uint32

func (u uids) Len() int         { return len(u) }
func (u uids) UID(i int) uint32 { return u[i] }
func (u uids) Search(uid uint32) int {
	return sort.Search(len(u), func(i int) bool { return u[i] >= uid })
}

// set is a set as a client writes it.
func set(text string) wire.NumSet {
	c, err := wire.ParseCommand(wire.Raw{Lines: [][]byte{[]byte("a X " + text)}}, wire.Options{Limits: wire.DefaultLimits()})
	if err != nil {
		panic(err)
	}
	s, err := wire.ParseSet(c.Args)
	if err != nil {
		panic(err)
	}
	return s.Set
}

func TestSeqs(t *testing.T) {
	v := uids{3, 4, 5, 9, 20, math.MaxUint32}
	saved := uidset.Of(4, 6, 9)
	for _, c := range []struct {
		set  wire.NumSet
		uid  bool
		want string
		err  error
	}{
		{set("1,3:2"), false, "1:3", nil},
		{set("*"), false, "6", nil},
		{set("4:*"), false, "4:6", nil},
		{set("7"), false, "", ErrNoSuchMessage},
		{set("7:*"), false, "", ErrNoSuchMessage},
		{set("7:8"), true, "", nil},
		{set("1:9"), true, "1:4", nil},
		{set("*"), true, "6", nil},
		{set("20:*,4"), true, "2,5:6", nil},
		{set("1:4294967295"), true, "1:6", nil},
		{set("$"), false, "2,4", nil},
		{set("$"), true, "2,4", nil},
	} {
		got, err := Seqs(v, c.set, c.uid, saved)
		if got.String() != c.want || !errors.Is(err, c.err) {
			t.Errorf("%v (uid %v): %v %v, want %q %v", c.set, c.uid, got, err, c.want, c.err)
		}
	}
}

// RFC 9051 section 6.4.9: "UID FETCH 559:*" always includes the last message,
// even where 559 is above its UID.
func TestStarBelowFirst(t *testing.T) {
	got, err := Seqs(uids{3, 7}, set("559:*"), true, uidset.Set{})
	if err != nil || got.String() != "2" {
		t.Fatalf("559:* gives %v %v, want 2", got, err)
	}
}

func TestEmptyMailbox(t *testing.T) {
	for _, r := range []string{"1", "1:*", "*"} {
		if got, err := Seqs(uids{}, set(r), false, uidset.Set{}); !errors.Is(err, ErrNoSuchMessage) {
			t.Errorf("%v in an empty mailbox: %v %v", r, got, err)
		}
		if got, err := Seqs(uids{}, set(r), true, uidset.Set{}); err != nil || !got.Empty() {
			t.Errorf("UID %v in an empty mailbox: %v %v", r, got, err)
		}
	}
}

// TestModel compares with the definition, message by message.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := uids(rapid.SliceOfNDistinct(rapid.Uint32Range(1, 40), 1, 20, rapid.ID[uint32]).Draw(t, "uids"))
		slices.Sort(v)
		var s wire.NumSet
		for range rapid.IntRange(1, 6).Draw(t, "ranges") {
			s.Ranges = append(s.Ranges, wire.NumRange{
				First: rapid.Uint32Range(0, 45).Draw(t, "first"), // 0 is Star
				Last:  rapid.Uint32Range(0, 45).Draw(t, "last"),
			})
		}
		got, err := Seqs(v, s, true, uidset.Set{})
		if err != nil {
			t.Fatal(err)
		}
		var wantUIDs uidset.Set
		for i, u := range v {
			in := false
			for _, r := range s.Ranges {
				first, last := r.Bounds(v[len(v)-1])
				in = in || first <= u && u <= last
			}
			if got.Contains(uint32(i+1)) != in {
				t.Fatalf("%v in %v: %v has message %d: %v", s, v, got, i+1, !in)
			}
			if in {
				wantUIDs.Add(u, u)
			}
		}
		if back := UIDs(v, got); !back.Equal(wantUIDs) {
			t.Fatalf("UIDs of %v in %v are %v, want %v", got, v, back, wantUIDs)
		}
	})
}
