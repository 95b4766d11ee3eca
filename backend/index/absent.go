package index

import (
	"slices"
	"sort"

	"mailbackend.io/backend/uidset"
)

// absentRange is a run of UIDs below UIDNext that are neither in the mailbox
// nor expunged: never used (ModSeq 0) or found missing at ModSeq.
type absentRange struct {
	first, last uint32
	modseq      uint64
}

// absentees are sorted, disjoint ranges. They say which UIDs were expunged
// without a list of those: every UID below UIDNext that is neither there nor
// absent. A mailbox has few absentees (the rests of UID ranges that former
// holders reserved) and, in time, as many expunged UIDs as it had mails.
//
// Views share the array; it is only appended to, and replaced for any other
// change.
type absentees []absentRange

// find returns the range that holds uid.
func (a absentees) find(uid uint32) (absentRange, bool) {
	i := sort.Search(len(a), func(i int) bool { return a[i].last >= uid })
	if i < len(a) && a[i].first <= uid {
		return a[i], true
	}
	return absentRange{}, false
}

// within is the absent UIDs of s; unused: only those never used.
func (a absentees) within(s uidset.Set, unused bool) uidset.Set {
	var out uidset.Set
	ranges := s.Ranges()
	for i, j := 0, 0; i < len(a) && j < len(ranges); {
		f, l := max(a[i].first, ranges[j].First), min(a[i].last, ranges[j].Last)
		if f <= l && !(unused && a[i].modseq != 0) {
			out.Add(f, l)
		}
		if a[i].last < ranges[j].Last {
			i++
		} else {
			j++
		}
	}
	return out
}

// push adds a range behind all others.
func (a absentees) push(first, last uint32, modseq uint64) absentees {
	if n := len(a); n > 0 && a[n-1].modseq == modseq && a[n-1].last+1 == first {
		a = slices.Clone(a)
		a[n-1].last = last
		return a
	}
	return append(a, absentRange{first, last, modseq})
}

// without returns a copy without the UIDs in s, in one pass.
func (a absentees) without(s uidset.Set) absentees {
	out := make(absentees, 0, len(a))
	ranges := s.Ranges()
	j := 0
	for _, r := range a {
		for j < len(ranges) && ranges[j].Last < r.first {
			j++
		}
		for k := j; k < len(ranges) && ranges[k].First <= r.last; k++ {
			if r.first < ranges[k].First {
				out = append(out, absentRange{r.first, ranges[k].First - 1, r.modseq})
			}
			if ranges[k].Last >= r.last {
				r.first = 0 // nothing is left
				break
			}
			r.first = ranges[k].Last + 1
		}
		if r.first != 0 {
			out = append(out, r)
		}
	}
	return out
}

// with returns a copy in which the UIDs in s are absent at modseq; those that
// were at a higher one stay so.
func (a absentees) with(s uidset.Set, modseq uint64) absentees {
	higher := uidset.Set{}
	for _, r := range a {
		if r.modseq > modseq {
			higher.Add(r.first, r.last)
		}
	}
	s = s.Clone()
	for _, r := range higher.Ranges() {
		s.Remove(r.First, r.Last)
	}
	rest := a.without(s)
	out := make(absentees, 0, len(rest)+len(s.Ranges()))
	for _, r := range s.Ranges() {
		for len(rest) > 0 && rest[0].first < r.First {
			out, rest = append(out, rest[0]), rest[1:]
		}
		out = append(out, absentRange{r.First, r.Last, modseq})
	}
	return append(out, rest...)
}
