// Package contract is the test suite that every object store must pass before
// a mail is trusted to it: mem, dir, and s3 in front of a real server run it.
// It tests what a store does, not how fast; faults are the business of the
// tests of objstore itself.
package contract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"mailbackend.io/backend/objstore"
)

// Run tests the stores that open returns, one per subtest, each empty and used
// by nobody else, with all cases but those named: wrappers may differ in some on
// purpose. It leaves objects behind.
func Run(t *testing.T, open func(t *testing.T) objstore.Store, except ...string) {
	for _, c := range cases {
		if slices.Contains(except, c.name) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			t.Cleanup(cancel)
			c.run(&suite{T: t, ctx: ctx, s: open(t)})
		})
	}
}

var cases = []struct {
	name string
	run  func(*suite)
}{
	{"Missing", missing},
	{"Sizes", sizes},
	{"Pieces", pieces},
	{"Ranges", ranges},
	{"OwnBytes", ownBytes},
	{"OddKeys", oddKeys},
	{"BadKeys", badKeys},
	{"PutIfAbsent", putIfAbsent},
	{"PutIfAbsentSameBytes", putIfAbsentSameBytes},
	{"PutIfMatch", putIfMatch},
	{"SameBytesTwice", sameBytesTwice},
	{"Delete", deleteSome},
	{"Delete1000", delete1000},
	{"ListEmpty", listEmpty},
	{"ListOrder", listOrder},
	{"ListStartAfter", listStartAfter},
	{"ListPages", listPages},
	{"ListPrefix", listPrefix},
	{"ListNested", listNested},
	{"Ended", ended},
	{"RaceAbsent", raceAbsent},
	{"RaceMatch", raceMatch},
	{"RaceIncrement", raceIncrement},
	{"RaceMatchDelete", raceMatchDelete},
	{"RaceDirectories", raceDirectories},
	{"ReadersSeeWholeVersions", readersSeeWholeVersions},
	{"ListSeesWhatWasThere", listSeesWhatWasThere},
	{"Model", model},
	{"Probe", probe},
}

// suite is one subtest on its own store.
type suite struct {
	*testing.T
	ctx context.Context
	s   objstore.Store
}

func (t *suite) create(key string, data []byte) objstore.ETag {
	t.Helper()
	tag, err := t.s.PutIfAbsent(t.ctx, key, objstore.Blob{data})
	if err != nil {
		t.Fatal(err)
	}
	if tag == "" {
		t.Fatalf("PutIfAbsent %q: no ETag", key)
	}
	return tag
}

// holds checks that key's object is data, version tag ("" is any), by Get and Head.
func (t *suite) holds(key string, data []byte, tag objstore.ETag) {
	t.Helper()
	obj, err := t.s.Get(t.ctx, key, objstore.Range{})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(obj.Data, data) {
		t.Fatalf("Get %q: %d bytes %.60q, want %d bytes %.60q", key, len(obj.Data), obj.Data, len(data), data)
	}
	info, err := t.s.Head(t.ctx, key)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []objstore.Info{obj.Info, info} {
		if i.Key != key || i.Size != int64(len(data)) || i.ETag == "" || tag != "" && i.ETag != tag {
			t.Fatalf("info of %q: %+v, want size %d, ETag %q", key, i, len(data), tag)
		}
	}
	if info.Modified.IsZero() {
		t.Fatalf("Head %q: no time", key)
	}
}

func (t *suite) is(err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("got error %v, want: %v", err, kind)
	}
}

func (t *suite) ok(err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// list returns the keys of one page.
func (t *suite) list(prefix, startAfter string, limit int) (keys []string, more bool) {
	t.Helper()
	page, err := t.s.List(t.ctx, prefix, startAfter, limit)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range page.Objects {
		keys = append(keys, o.Key)
	}
	return keys, page.More
}

func (t *suite) same(what string, got, want any) {
	t.Helper()
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Fatalf("%s: got %q, want %q", what, got, want)
	}
}

// noise is n bytes that compress badly, the same for the same seed.
func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	src := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), 1})
	_, _ = src.Read(b) // never fails
	return b
}
