package wire

import "math"

// Star is "*" in a NumRange: the largest number in use.
const Star uint32 = 0

// NumRange is one element of a sequence set as it was written: First and Last
// in any order, each a number or Star. A single number has both equal.
type NumRange struct{ First, Last uint32 }

// NumSet is a sequence set or a UID set as it was written (RFC 9051 section
// 9, sequence-set): ranges, so that its cost is bounded by what was sent.
// Package msgset resolves it against a mailbox.
type NumSet struct {
	Ranges []NumRange
	// Saved: "$", the saved search result (RFC 5182); Ranges is empty.
	Saved bool
}

// Bounds are a range's ends in ascending order, with max for Star.
func (r NumRange) Bounds(max uint32) (first, last uint32) {
	first, last = r.First, r.Last
	if first == Star {
		first = max
	}
	if last == Star {
		last = max
	}
	if first > last {
		first, last = last, first
	}
	return first, last
}

// Append appends the set in IMAP syntax.
func (s NumSet) Append(dst []byte) []byte {
	if s.Saved {
		return append(dst, '$')
	}
	for i, r := range s.Ranges {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendSetNumber(dst, r.First)
		if r.Last != r.First {
			dst = appendSetNumber(append(dst, ':'), r.Last)
		}
	}
	return dst
}

// String is the set in IMAP syntax.
func (s NumSet) String() string { return string(s.Append(nil)) }

func appendSetNumber(dst []byte, n uint32) []byte {
	if n == Star {
		return append(dst, '*')
	}
	return appendUint(dst, uint64(n))
}

// NumSet consumes a sequence set or "$".
func (d *Decoder) NumSet() (NumSet, error) {
	if d.Accept('$') {
		return NumSet{Saved: true}, nil
	}
	var s NumSet
	for {
		if len(s.Ranges) >= d.opts.Limits.NumRanges {
			return s, d.beyond("the message set has too many ranges")
		}
		first, err := d.setNumber()
		if err != nil {
			return s, err
		}
		last := first
		if d.Accept(':') {
			if last, err = d.setNumber(); err != nil {
				return s, err
			}
		}
		s.Ranges = append(s.Ranges, NumRange{first, last})
		if !d.Accept(',') {
			return s, nil
		}
	}
}

// UIDSet consumes a set of numbers without "*" and "$" (RFC 7162 section 3.2.5,
// known-uids).
func (d *Decoder) UIDSet() (NumSet, error) {
	start := d.pos
	s, err := d.NumSet()
	if err != nil {
		return s, err
	}
	bad := s.Saved
	for _, r := range s.Ranges {
		bad = bad || r.First == Star || r.Last == Star
	}
	if bad {
		d.pos = start
		return s, d.want("a set of numbers without * and $")
	}
	return s, nil
}

func (d *Decoder) setNumber() (uint32, error) {
	if d.Accept('*') {
		return Star, nil
	}
	start := d.pos
	n, err := d.digits(math.MaxUint32, "a message number or *")
	if err == nil && n == 0 {
		d.pos = start
		err = d.want("a message number or *")
	}
	return uint32(n), err
}
