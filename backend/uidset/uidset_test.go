package uidset

import (
	"testing"

	"pgregory.net/rapid"
)

// TestModel compares Set with a map through random adds and removes.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Set
		model := map[uint32]bool{}
		const top = 40
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			a := rapid.Uint32Range(1, top).Draw(t, "a")
			b := rapid.Uint32Range(a, top).Draw(t, "b")
			add := rapid.Bool().Draw(t, "add")
			if add {
				s.Add(a, b)
			} else {
				s.Remove(a, b)
			}
			for n := a; n <= b; n++ {
				model[n] = add
			}
			want := uint64(0)
			for n := uint32(1); n <= top; n++ {
				if model[n] {
					want++
				}
				if s.Contains(n) != model[n] {
					t.Fatalf("%v contains %d: %v", s, n, s.Contains(n))
				}
			}
			if s.Len() != want {
				t.Fatalf("%v has length %d, want %d", s, s.Len(), want)
			}
			for i, r := range s.Ranges() {
				if r.First > r.Last || i > 0 && s.Ranges()[i-1].Last+1 >= r.First {
					t.Fatalf("ranges not normal: %v", s)
				}
			}
			var enumerated Set
			for n := range s.All() {
				enumerated.Add(n, n)
			}
			if !enumerated.Equal(s) || !s.Intersect(enumerated).Equal(s) {
				t.Fatalf("%v enumerates as %v", s, enumerated)
			}
		}
	})
}

// TestWithout compares the difference of random sets with its definition.
func TestWithout(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) (s Set) {
			for range rapid.IntRange(0, 8).Draw(t, name) {
				a := rapid.Uint32Range(1, 30).Draw(t, name)
				s.Add(a, min(30, a+rapid.Uint32Range(0, 5).Draw(t, name)))
			}
			return s
		}
		a, b := draw("a"), draw("b")
		got, want := a.Without(b), a.Clone()
		for _, r := range b.Ranges() {
			want.Remove(r.First, r.Last)
		}
		if !got.Equal(want) {
			t.Fatalf("%v without %v is %v", a, b, got)
		}
	})
	all := OfRanges(Range{1, 1<<32 - 1})
	if got := all.Without(all); !got.Empty() {
		t.Fatalf("all without all is %v", got)
	}
}

func TestExtremes(t *testing.T) {
	var s Set
	s.Add(1, 1<<32-1)
	if s.Len() != 1<<32-1 || s.String() != "1:4294967295" {
		t.Fatalf("full set: %d %s", s.Len(), s)
	}
	s.Remove(1<<32-1, 1<<32-1)
	s.Remove(1, 1)
	if s.String() != "2:4294967294" {
		t.Fatalf("trimmed set: %s", s)
	}
	if s.Add(1<<32-1, 1<<32-1); s.String() != "2:4294967295" {
		t.Fatalf("grown set: %s", s)
	}
}

// TestAddSet compares AddSet, for few and many ranges, with adding one by one.
func TestAddSet(t *testing.T) {
	set := rapid.Custom(func(t *rapid.T) Set {
		var s Set
		for range rapid.IntRange(0, 12).Draw(t, "ranges") {
			first := rapid.Uint32Range(1, 60).Draw(t, "first")
			s.Add(first, first+rapid.Uint32Range(0, 3).Draw(t, "more"))
		}
		return s
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := set.Draw(t, "a"), set.Draw(t, "b")
		want := a.Clone()
		for n := range b.All() {
			want.Add(n, n)
		}
		before := b.String()
		got := a.Clone()
		got.AddSet(b)
		if !got.Equal(want) {
			t.Fatalf("%v and %v make %v", a, b, got)
		}
		if got.Add(1, 70); b.String() != before {
			t.Fatalf("the set that was added changed: %s", b)
		}
	})
}
