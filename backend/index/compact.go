package index

import (
	"slices"

	"mailbackend.io/backend/uidset"
)

// Compact returns ops that have the same effect as ops, with one op per
// message where possible: flag changes join the append they follow, what
// happened to messages that are expunged in the end vanishes. The effect is the
// same on a mailbox that was at the point where ops begin (so its modseqs are
// lower), and on one that has seen the first few of them already. IDs and
// summaries of the appends that remain are kept; ops is not changed.
func Compact(ops []Op) []Op {
	c := compactor{latest: map[uint32]int{}}
	for i := range ops {
		c.highest = max(c.highest, ops[i].ModSeq)
		if ops[i].Kind == OpExpunge {
			c.expunged.AddSet(ops[i].UIDs)
		}
	}
	for i := range ops {
		c.add(&ops[i])
		c.top = max(c.top, ops[i].ModSeq)
	}
	out := slices.DeleteFunc(c.out, func(op Op) bool { return op.Kind == 0 })
	for i := range out {
		if out[i].ModSeq == c.highest {
			return out
		}
	}
	if c.highest > 0 { // what carried it vanished
		out = append(out, Op{Kind: OpExpunge, ModSeq: c.highest})
	}
	return out
}

type compactor struct {
	expunged uidset.Set // by any of the ops
	highest  uint64
	top      uint64         // highest so far
	out      []Op           // kind 0: superseded
	latest   map[uint32]int // position in out of a message's append or flags
	floor    int            // position + 1 of the op that raises the floor
}

func (c *compactor) add(op *Op) {
	switch op.Kind {
	case OpExpunge:
		if op.UIDs.Empty() {
			return // its modseq is in highest
		}
	case OpMissing:
		if op.UIDs.Empty() {
			return
		}
		// What comes before and after it must not be joined.
		for uid := range c.latest {
			if op.UIDs.Contains(uid) {
				delete(c.latest, uid)
			}
		}
	case OpFloor:
		if c.floor > 0 {
			f := &c.out[c.floor-1]
			f.ModSeq = max(f.ModSeq, op.ModSeq)
			return
		}
		c.floor = len(c.out) + 1
	case OpAppend, OpFlags:
		if c.expunged.Contains(op.UID) {
			return
		}
		if op.Kind == OpAppend && op.ModSeq < c.top {
			// Out of order: an earlier OpMissing may have the last
			// word, and must not lose it to flags that join.
			delete(c.latest, op.UID)
			break
		}
		if c.join(op) {
			return
		}
		c.latest[op.UID] = len(c.out)
	}
	c.out = append(c.out, *op)
}

// join merges op with the message's former op and reports whether that made it
// needless.
func (c *compactor) join(op *Op) bool {
	at, ok := c.latest[op.UID]
	if !ok {
		return false
	}
	former := &c.out[at]
	if op.Kind == former.Kind || op.Kind == OpFlags {
		if op.ModSeq <= former.ModSeq {
			return true
		}
		if op.Kind == OpFlags {
			former.ModSeq, former.Flags, former.Keywords = op.ModSeq, op.Flags, op.Keywords
			return true
		}
	}
	// An append after flags or an older append: it replaces everything if
	// its modseq is higher; if not, it matters to a mailbox without the
	// message, and so do the flags before it to one with it.
	if op.ModSeq > former.ModSeq {
		former.Kind = 0
	}
	return false
}
