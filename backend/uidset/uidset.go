// Package uidset is a set of 32-bit message numbers (UIDs or sequence
// numbers) kept as sorted ranges, so that "1:4294967295" costs eight bytes and
// no hostile client can make the server enumerate it. It does not parse IMAP
// syntax and does not know "*".
package uidset

import (
	"iter"
	"slices"
	"sort"
	"strconv"
)

// Range is the numbers First..Last, both included, 1 ≤ First ≤ Last.
type Range struct{ First, Last uint32 }

// Set is a set of numbers. The zero value is empty and ready for use. A Set is
// not safe for concurrent change.
//
// Invariant: ranges are sorted, disjoint and not adjacent.
type Set struct{ ranges []Range }

// Of returns the set of the given numbers, in any order; zeros are ignored.
func Of(nums ...uint32) Set {
	var s Set
	for _, n := range nums {
		if n != 0 {
			s.Add(n, n)
		}
	}
	return s
}

// OfRanges returns the union of rs.
func OfRanges(rs ...Range) Set {
	var s Set
	for _, r := range rs {
		s.Add(r.First, r.Last)
	}
	return s
}

// Add inserts first..last. It panics if first is zero or above last, which is
// a broken invariant of the caller.
func (s *Set) Add(first, last uint32) {
	if first == 0 || first > last {
		panic("uidset: bad range " + strconv.FormatUint(uint64(first), 10) + ":" + strconv.FormatUint(uint64(last), 10))
	}
	if n := len(s.ranges); n == 0 || uint64(s.ranges[n-1].Last)+1 < uint64(first) {
		s.ranges = append(s.ranges, Range{first, last})
		return
	}
	// i: first range that touches or follows; j: first that lies clearly behind.
	i := sort.Search(len(s.ranges), func(k int) bool { return uint64(s.ranges[k].Last)+1 >= uint64(first) })
	j := sort.Search(len(s.ranges), func(k int) bool { return uint64(s.ranges[k].First) > uint64(last)+1 })
	if i < j {
		first = min(first, s.ranges[i].First)
		last = max(last, s.ranges[j-1].Last)
	}
	s.ranges = slices.Replace(s.ranges, i, j, Range{first, last})
}

// AddSet inserts all of o, in time proportional to both sets.
func (s *Set) AddSet(o Set) {
	if len(o.ranges) <= 4 { // most are; each finds its place by itself
		for _, r := range o.ranges {
			s.Add(r.First, r.Last)
		}
		return
	}
	merged := Set{make([]Range, 0, len(s.ranges)+len(o.ranges))}
	a, b := s.ranges, o.ranges
	for len(a) > 0 && len(b) > 0 {
		if a[0].First <= b[0].First {
			merged.Add(a[0].First, a[0].Last)
			a = a[1:]
		} else {
			merged.Add(b[0].First, b[0].Last)
			b = b[1:]
		}
	}
	for _, r := range append(a[:len(a):len(a)], b...) { // one of them is empty
		merged.Add(r.First, r.Last)
	}
	*s = merged
}

// Remove takes first..last out.
func (s *Set) Remove(first, last uint32) {
	i := sort.Search(len(s.ranges), func(k int) bool { return s.ranges[k].Last >= first })
	j := sort.Search(len(s.ranges), func(k int) bool { return s.ranges[k].First > last })
	if i >= j {
		return
	}
	var keep []Range
	if a := s.ranges[i]; a.First < first {
		keep = append(keep, Range{a.First, first - 1})
	}
	if b := s.ranges[j-1]; b.Last > last {
		keep = append(keep, Range{last + 1, b.Last})
	}
	s.ranges = slices.Replace(s.ranges, i, j, keep...)
}

// Contains reports whether n is in the set.
func (s Set) Contains(n uint32) bool {
	i := sort.Search(len(s.ranges), func(k int) bool { return s.ranges[k].Last >= n })
	return i < len(s.ranges) && s.ranges[i].First <= n
}

// Len is how many numbers the set holds.
func (s Set) Len() uint64 {
	var n uint64
	for _, r := range s.ranges {
		n += uint64(r.Last-r.First) + 1
	}
	return n
}

// Empty reports whether the set holds nothing.
func (s Set) Empty() bool { return len(s.ranges) == 0 }

// Max is the largest number, 0 if the set is empty.
func (s Set) Max() uint32 {
	if len(s.ranges) == 0 {
		return 0
	}
	return s.ranges[len(s.ranges)-1].Last
}

// Min is the smallest number, 0 if the set is empty.
func (s Set) Min() uint32 {
	if len(s.ranges) == 0 {
		return 0
	}
	return s.ranges[0].First
}

// Ranges are the set's ranges, ascending. The caller must not change them.
func (s Set) Ranges() []Range { return s.ranges }

// All yields the numbers, ascending. The caller bounds the set first: it may
// hold four billion numbers.
func (s Set) All() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for _, r := range s.ranges {
			for n := uint64(r.First); n <= uint64(r.Last); n++ {
				if !yield(uint32(n)) {
					return
				}
			}
		}
	}
}

// Intersect returns what is in both sets.
func (s Set) Intersect(o Set) Set {
	var out Set
	for i, j := 0, 0; i < len(s.ranges) && j < len(o.ranges); {
		a, b := s.ranges[i], o.ranges[j]
		if f, l := max(a.First, b.First), min(a.Last, b.Last); f <= l {
			out.Add(f, l)
		}
		if a.Last < b.Last {
			i++
		} else {
			j++
		}
	}
	return out
}

// Without returns what is in s and not in o, in one pass over both.
func (s Set) Without(o Set) Set {
	var out Set
	j := 0
	for _, r := range s.ranges {
		first := uint64(r.First)
		for j < len(o.ranges) && o.ranges[j].Last < r.First {
			j++
		}
		for k := j; k < len(o.ranges) && o.ranges[k].First <= r.Last; k++ {
			if first < uint64(o.ranges[k].First) {
				out.Add(uint32(first), o.ranges[k].First-1)
			}
			first = uint64(o.ranges[k].Last) + 1
		}
		if first <= uint64(r.Last) {
			out.Add(uint32(first), r.Last)
		}
	}
	return out
}

// Clone returns an independent copy.
func (s Set) Clone() Set { return Set{slices.Clone(s.ranges)} }

// Equal reports whether both hold the same numbers.
func (s Set) Equal(o Set) bool { return slices.Equal(s.ranges, o.ranges) }

// Append appends the set in IMAP syntax ("1:3,7"; RFC 9051 section 9,
// uid-set). An empty set appends nothing.
func (s Set) Append(dst []byte) []byte {
	for i, r := range s.ranges {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(dst, uint64(r.First), 10)
		if r.Last != r.First {
			dst = append(dst, ':')
			dst = strconv.AppendUint(dst, uint64(r.Last), 10)
		}
	}
	return dst
}

// String is the set in IMAP syntax.
func (s Set) String() string { return string(s.Append(nil)) }
