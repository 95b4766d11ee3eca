package mem

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestSortedKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s sortedKeys
		model := map[string]bool{}
		ascending := rapid.Bool().Draw(t, "ascending")
		n := rapid.IntRange(0, 3000).Draw(t, "n")
		rnd := rapid.Uint32().Draw(t, "seed")
		for i := range n {
			rnd = rnd*1664525 + 1013904223
			key := fmt.Sprintf("%06d", rnd>>8%5000)
			if ascending {
				key = fmt.Sprintf("%06d", i)
			}
			if rnd>>3%4 == 0 {
				key = fmt.Sprintf("%06d", rnd>>9%5000)
				s.remove(key)
				delete(model, key)
				continue
			}
			s.insert(key)
			model[key] = true
		}
		var want []string
		for k := range model {
			want = append(want, k)
		}
		slices.Sort(want)
		if got := s.all(); !slices.Equal(got, want) {
			t.Fatalf("got %d keys, want %d", len(got), len(want))
		}
		for _, c := range s.chunks {
			if len(c) == 0 || len(c) > chunkKeys {
				t.Fatalf("a chunk of %d keys", len(c))
			}
		}
		for i := range 20 {
			after := fmt.Sprintf("%06d", i*250)
			at, found := slices.BinarySearch(want, after)
			if found {
				at++
			}
			var got []string
			s.ascend(after, func(k string) bool {
				got = append(got, k)
				return len(got) < 5
			})
			if !slices.Equal(got, want[at:min(at+5, len(want))]) {
				t.Fatalf("after %s: %q", after, got)
			}
		}
	})
}
