package wire

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
