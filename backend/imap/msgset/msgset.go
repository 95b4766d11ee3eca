// Package msgset resolves the message sets of commands against a view of a
// mailbox. Sets stay ranges: the cost is that of the ranges sent and of the runs
// of messages found, never of the numbers they could name. It does not parse;
// package wire does.
package msgset

import (
	"cmp"
	"errors"
	"math"
	"slices"

	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/uidset"
)

// ErrNoSuchMessage: a sequence number is beyond the mailbox. The command is
// answered with BAD.
var ErrNoSuchMessage = errors.New("message sequence number out of range")

// View is the part of index.View that is needed here.
type View interface {
	Len() int
	// UID is the UID of the message with the index i.
	UID(i int) uint32
	// Search is the first index whose UID is uid or higher, Len if there is
	// none.
	Search(uid uint32) int
}

// Seqs resolves a command's set to sequence numbers of v. uid: the set holds
// UIDs; those that don't exist are ignored (RFC 9051 section 6.4.9). saved are
// the UIDs that "$" means (RFC 5182); those that are gone are ignored.
// ErrNoSuchMessage for a sequence number that v doesn't have, "*" of an empty
// mailbox included.
func Seqs(v View, set wire.NumSet, uid bool, saved uidset.Set) (uidset.Set, error) {
	switch {
	case set.Saved:
		return SeqsOf(v, saved), nil
	case uid:
		return SeqsOf(v, UIDRanges(v, set)), nil
	}
	n := uint32(min(v.Len(), math.MaxUint32))
	for _, r := range set.Ranges {
		if first, last := r.Bounds(n); first == 0 || last > n {
			return uidset.Set{}, ErrNoSuchMessage
		}
	}
	return normal(set, n), nil
}

// UIDRanges is a command's set of UIDs as it is meant: sorted, "*" resolved to
// the largest UID in v. UIDs in it need not exist. set must not be "$".
func UIDRanges(v View, set wire.NumSet) uidset.Set {
	star := uint32(0)
	if n := v.Len(); n > 0 {
		star = v.UID(n - 1)
	}
	return normal(set, star)
}

// Plain is the set of numbers that a set without "*" and "$" names, as that of
// QRESYNC's known UIDs.
func Plain(set wire.NumSet) uidset.Set { return normal(set, 0) }

// normal sorts a set's ranges before it adds them, so that a set sent in
// descending order costs no more than another. Ranges that still start at 0 ("*"
// of nothing) name nothing.
func normal(set wire.NumSet, star uint32) uidset.Set {
	ranges := make([]wire.NumRange, 0, len(set.Ranges))
	for _, r := range set.Ranges {
		first, last := r.Bounds(star)
		if first == 0 {
			// "5:*" of an empty mailbox: there is no largest UID, and
			// no message either.
			continue
		}
		ranges = append(ranges, wire.NumRange{First: first, Last: last})
	}
	slices.SortFunc(ranges, func(a, b wire.NumRange) int { return cmp.Compare(a.First, b.First) })
	var out uidset.Set
	for _, r := range ranges {
		out.Add(r.First, r.Last)
	}
	return out
}

// SeqsOf are the sequence numbers of those of uids that exist in v.
func SeqsOf(v View, uids uidset.Set) uidset.Set {
	var out uidset.Set
	for _, r := range uids.Ranges() {
		from := v.Search(r.First)
		to := v.Len()
		if r.Last != math.MaxUint32 {
			to = v.Search(r.Last + 1)
		}
		if from < to {
			out.Add(uint32(from)+1, uint32(to))
		}
	}
	return out
}

// UIDs are the UIDs of the messages with the given sequence numbers, all of
// which v must have. Its cost is that of the messages.
func UIDs(v View, seqs uidset.Set) uidset.Set {
	var out uidset.Set
	for _, r := range seqs.Ranges() {
		first := v.UID(int(r.First) - 1)
		last := v.UID(int(r.Last) - 1)
		if last-first == r.Last-r.First { // no gaps
			out.Add(first, last)
			continue
		}
		start, prev := first, first
		for i := int(r.First); i < int(r.Last); i++ {
			u := v.UID(i)
			if u != prev+1 {
				out.Add(start, prev)
				start = u
			}
			prev = u
		}
		out.Add(start, prev)
	}
	return out
}
