package search

import (
	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/message"
)

// verdict is what is known of a key and a message.
type verdict uint8

const (
	no verdict = iota
	yes
	unknown // a later phase will tell
)

func is(b bool) verdict {
	if b {
		return yes
	}
	return no
}

// candidate is a message and what is known of it.
type candidate struct {
	i    int // its index in the view
	rec  index.Record
	ids  *index.IDs
	sum  message.Summary
	text *text // nil: not read; else how far
}

// eval decides a node as far as what is known of c allows.
func (r *run) eval(n *node, c *candidate) verdict {
	switch n.op {
	case wire.OpAnd:
		return r.unlessOne(no, yes, n.kids, c)
	case wire.OpOr:
		return r.unlessOne(yes, no, n.kids, c)
	case wire.OpNot:
		switch r.eval(n.kids[0], c) {
		case no:
			return yes
		case yes:
			return no
		}
		return unknown
	case wire.OpEmailID, wire.OpThreadID:
		switch {
		case c.ids == nil:
			return unknown
		case n.op == wire.OpEmailID:
			return is(c.ids.EmailID == n.id)
		}
		return is(c.ids.ThreadID == n.id)
	case wire.OpHeader, wire.OpSentBefore, wire.OpSentOn, wire.OpSentSince:
		return r.header(n, c)
	case wire.OpBody, wire.OpText:
		if c.text == nil {
			return unknown
		}
		return c.text.has(n)
	}
	return is(r.record(n, c))
}

// unlessOne is otherwise, but decides if one of the keys is that, and else
// unknown if one of them is.
func (r *run) unlessOne(decides, otherwise verdict, keys []*node, c *candidate) verdict {
	for _, k := range keys {
		switch got := r.eval(k, c); got {
		case decides:
			return decides
		case unknown:
			otherwise = unknown
		}
	}
	return otherwise
}

const day = 86400

// record decides a node by the index.
func (r *run) record(n *node, c *candidate) bool {
	rec := &c.rec
	switch n.op {
	case wire.OpAll, wire.OpSaveDateSupported:
		return true
	case wire.OpSeqs, wire.OpUIDs:
		return r.sets[n.slot].Contains(uint32(c.i) + 1)
	case wire.OpFlag:
		return rec.Flags&n.flag != 0
	case wire.OpKeyword:
		return r.keyword(n, rec.Keywords)
	case wire.OpRecent:
		return r.session.Recent.Contains(rec.UID)
	case wire.OpLarger:
		return uint64(rec.Size) > n.num
	case wire.OpSmaller:
		return uint64(rec.Size) < n.num
	case wire.OpBefore, wire.OpOn, wire.OpSince:
		return onDay(n.op-wire.OpBefore, floorDay(rec.InternalDate), n.day)
	case wire.OpSavedBefore, wire.OpSavedOn, wire.OpSavedSince:
		date := rec.SaveDate
		if date == 0 { // RFC 8514 section 4.1: the internal date stands in
			date = rec.InternalDate
		}
		return onDay(n.op-wire.OpSavedBefore, floorDay(date), n.day)
	case wire.OpOlder:
		return rec.InternalDate <= r.session.Now.Unix()-int64(n.num)
	case wire.OpYounger:
		return rec.InternalDate >= r.session.Now.Unix()-int64(n.num)
	case wire.OpModSeq:
		return rec.ModSeq >= n.num
	}
	panic("search: key of an unknown kind")
}

// onDay compares days: which is 0 for before, 1 for on, 2 for since.
func onDay(which wire.SearchOp, have, want int64) bool {
	switch which {
	case 0:
		return have < want
	case 1:
		return have == want
	}
	return have >= want
}

// floorDay is the day, counted from 1970-01-01 UTC, of a time in seconds.
func floorDay(seconds int64) int64 {
	d := seconds / day
	if seconds%day < 0 {
		d--
	}
	return d
}

// keyword reports whether the set of keywords has n's. The answer is
// remembered: a mailbox has few sets.
func (r *run) keyword(n *node, k index.Keywords) bool {
	if k == 0 {
		return false
	}
	known := r.words[n.slot]
	has, ok := known[k]
	if !ok {
		for _, name := range r.view.Keywords(k) {
			has = has || lower(name) == n.field
		}
		known[k] = has
	}
	return has
}
