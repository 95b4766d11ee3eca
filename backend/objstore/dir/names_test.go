package dir

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Names that sort differently from their keys are the point here.
var nameGen = rapid.StringOfN(rapid.RuneFrom([]rune("ab-.0~")), 1, 4, -1)

func TestNamesKeepTheFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kinds := rapid.MapOfN(nameGen, rapid.Bool(), 0, 400).Draw(t, "names")
		n := names{files: rapid.IntRange(1, 5).Draw(t, "files")}
		// A low bound, to be hit often.
		var all []entry
		for _, name := range slices.Sorted(func(yield func(string) bool) {
			for k := range kinds {
				if !yield(k) {
					return
				}
			}
		}) {
			all = append(all, entry{name, kinds[name]})
		}
		order := rapid.Permutation(all).Draw(t, "order")
		for i, e := range order {
			n.add([]byte(e.name), e.dir)
			if i%7 == 0 {
				n.sort()
			}
		}
		n.sort()
		slices.SortFunc(all, func(a, b entry) int {
			key := func(e entry) string {
				if e.dir {
					return e.name + "/"
				}
				return e.name
			}
			return strings.Compare(key(a), key(b))
		})
		want, files := []entry{}, 0
		for _, e := range all {
			if files == n.files {
				break
			}
			want = append(want, e)
			if !e.dir {
				files++
			}
		}
		if !slices.Equal(n.entries, want) {
			t.Fatalf("got %v, want %v", n.entries, want)
		}
		if n.cut != (len(want) < len(all)) {
			t.Fatalf("cut %v with %d of %d", n.cut, len(want), len(all))
		}
	})
}

func TestDirBefore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := nameGen.Draw(t, "name")
		after := strings.Join(rapid.SliceOfN(nameGen, 0, 2).Draw(t, "after"), "/")
		want := name+"/" < after && !strings.HasPrefix(after, name+"/")
		if got := dirBefore([]byte(name), after); got != want {
			t.Fatalf("dirBefore(%q, %q) = %v", name, after, got)
		}
	})
}
