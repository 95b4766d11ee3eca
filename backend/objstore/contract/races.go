package contract

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"mailbackend.io/backend/objstore"
)

const racers = 16

// together runs f(0) to f(n-1) at once and waits for all.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

// oneWins lets 16 writers try at once and checks that exactly one succeeded,
// that the others were told so, and that the object is the winner's. No two
// rounds may write the same bytes: where ETags are content hashes, a version
// that comes back would let a second writer in, rightly.
func oneWins(t *suite, key string, round int, put func(i int, data objstore.Blob) (objstore.ETag, error)) objstore.ETag {
	t.Helper()
	var wins atomic.Int32
	var winner atomic.Int32
	tags := make([]objstore.ETag, racers)
	version := func(i int) objstore.Blob {
		return objstore.Blob{fmt.Appendf(nil, "writer %d in round %d ", i, round), noise(uint64(i), 3000+i)}
	}
	together(racers, func(i int) {
		tag, err := put(i, version(i))
		switch {
		case err == nil:
			wins.Add(1)
			winner.Store(int32(i))
			tags[i] = tag
		case !errors.Is(err, objstore.ErrPrecondition) && !errors.Is(err, objstore.ErrUnavailable):
			// A conflict that the store asks to retry is fine.
			t.Errorf("writer %d: %v", i, err)
		}
	})
	if wins.Load() != 1 {
		t.Fatalf("%d of %d racing writers won", wins.Load(), racers)
	}
	w := int(winner.Load())
	t.holds(key, bytes.Join(version(w), nil), tags[w])
	return tags[w]
}

func raceAbsent(t *suite) {
	for round := range 20 {
		key := fmt.Sprintf("race/%d/mail/0001", round)
		oneWins(t, key, round, func(_ int, data objstore.Blob) (objstore.ETag, error) {
			return t.s.PutIfAbsent(t.ctx, key, data)
		})
	}
}

func raceMatch(t *suite) {
	const key = "race/root"
	for i := range 20 {
		tag := t.create(key, []byte("first"))
		for j := range 2 {
			tag = oneWins(t, key, 2*i+j, func(_ int, data objstore.Blob) (objstore.ETag, error) {
				return t.s.PutIfMatch(t.ctx, key, data, tag)
			})
		}
		t.ok(t.s.Delete(t.ctx, []string{key}))
	}
}

// raceIncrement: compare-and-swap counts right, with readers that hold stale
// versions all the time. Each version carries its writer and number, as every
// object must tell itself from others (objstore.IdentityBytes).
func raceIncrement(t *suite) {
	const key, each = "race/counter", 5
	t.create(key, []byte("0"))
	together(racers, func(i int) {
		for done := 0; done < each; {
			obj, err := t.s.Get(t.ctx, key, objstore.Range{})
			if err != nil {
				t.Error(err)
				return
			}
			count, _, _ := bytes.Cut(obj.Data, []byte(" "))
			n, err := strconv.Atoi(string(count))
			if err != nil {
				t.Error(err)
				return
			}
			_, err = t.s.PutIfMatch(t.ctx, key, objstore.Blob{fmt.Appendf(nil, "%d by %d.%d", n+1, i, done)}, obj.ETag)
			switch {
			case err == nil:
				done++
			case !errors.Is(err, objstore.ErrPrecondition) && !errors.Is(err, objstore.ErrUnavailable):
				t.Error(err)
				return
			}
		}
	})
	obj, err := t.s.Get(t.ctx, key, objstore.Range{})
	t.ok(err)
	if want := fmt.Sprintf("%d by ", racers*each); !bytes.HasPrefix(obj.Data, []byte(want)) {
		t.Fatalf("counted to %q, want %q", obj.Data, want)
	}
}

// raceMatchDelete: whichever of a replacement and a delete is first, nothing is
// left in the end.
func raceMatchDelete(t *suite) {
	for round := range 50 {
		key := fmt.Sprintf("race/%d/root", round%3)
		tag := t.create(key, fmt.Appendf(nil, "round %d", round))
		together(2, func(i int) {
			if i == 0 {
				if err := t.s.Delete(t.ctx, []string{key}); err != nil {
					t.Error(err)
				}
				return
			}
			_, err := t.s.PutIfMatch(t.ctx, key, objstore.Blob{[]byte("replaced")}, tag)
			if err != nil && !errors.Is(err, objstore.ErrPrecondition) && !errors.Is(err, objstore.ErrUnavailable) {
				t.Error(err)
			}
		})
		if _, err := t.s.Head(t.ctx, key); !errors.Is(err, objstore.ErrNotFound) {
			t.Fatalf("round %d: after Delete beside PutIfMatch: %v", round, err)
		}
	}
}

// raceDirectories: objects come and go in directories that are empty in
// between; no put fails for it.
func raceDirectories(t *suite) {
	together(racers, func(i int) {
		for n := range 20 {
			key := fmt.Sprintf("u/%d/mail/%04d", n%2, i)
			data := []byte(key)
			if _, err := t.s.PutIfAbsent(t.ctx, key, objstore.Blob{data}); err != nil {
				t.Errorf("racer %d: %v", i, err)
				return
			}
			obj, err := t.s.Get(t.ctx, key, objstore.Range{})
			if err != nil || !bytes.Equal(obj.Data, data) {
				t.Errorf("racer %d: Get gives %q, %v", i, obj.Data, err)
				return
			}
			if err := t.s.Delete(t.ctx, []string{key}); err != nil {
				t.Errorf("racer %d: %v", i, err)
				return
			}
		}
	})
	keys, _ := t.list("", "", 0)
	t.same("LIST in the end", keys, []string(nil))
}

// readersSeeWholeVersions: a reader sees one version or another, never a mix.
func readersSeeWholeVersions(t *suite) {
	const key, versions, size = "whole/root", 40, 150_000
	version := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, size+i) }
	tag := t.create(key, version(0))
	var done atomic.Bool
	together(5, func(i int) {
		if i == 0 {
			defer done.Store(true)
			for v := 1; v < versions; v++ {
				next, err := t.s.PutIfMatch(t.ctx, key, objstore.Blob{version(v)}, tag)
				if err != nil {
					t.Error(err)
					return
				}
				tag = next
			}
			return
		}
		for last := 0; !done.Load(); {
			obj, err := t.s.Get(t.ctx, key, objstore.Range{})
			if err != nil {
				t.Error(err)
				return
			}
			v := len(obj.Data) - size
			if v < last || v >= versions || !bytes.Equal(obj.Data, version(v)) || obj.Size != int64(len(obj.Data)) {
				t.Errorf("reader %d: after version %d a read gives %d bytes that are no later one", i, last, len(obj.Data))
				return
			}
			last = v
		}
	})
}

// listSeesWhatWasThere: while others write, LIST shows at least what was
// acknowledged before it started.
func listSeesWhatWasThere(t *suite) {
	const writers, each = 4, 30
	var acked [writers]atomic.Int32
	together(writers+1, func(i int) {
		if i < writers {
			for n := range each {
				if _, err := t.s.PutIfAbsent(t.ctx, fmt.Sprintf("l/mail/%d-%04d", i, n), nil); err != nil {
					t.Error(err)
				}
				acked[i].Add(1)
			}
			return
		}
		for total := int32(0); total < writers*each && !t.Failed(); {
			var before [writers]int32
			total = 0
			for w := range writers {
				before[w] = acked[w].Load()
				total += before[w]
			}
			page, err := t.s.List(t.ctx, "l/mail/", "", 0)
			if err != nil {
				t.Error(err)
				return
			}
			there := map[string]bool{}
			for _, o := range page.Objects {
				there[o.Key] = true
			}
			for w := range writers {
				for n := range before[w] {
					if k := fmt.Sprintf("l/mail/%d-%04d", w, n); !there[k] {
						t.Errorf("LIST misses %q, which was acknowledged before", k)
						return
					}
				}
			}
		}
	})
}
