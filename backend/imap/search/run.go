package search

import (
	"context"
	"slices"

	"mailbackend.io/backend/imap/bodyio"
	"mailbackend.io/backend/imap/msgset"
	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/uidset"
)

// firstBatch is how many messages are looked at first for MIN and MAX; each
// further batch is twice as large.
const firstBatch = 64

// run is one evaluation of a program.
type run struct {
	prog    *Program
	view    *index.View
	src     Source
	session Session

	scope uidset.Set                // sequence numbers that can match at all
	sets  []uidset.Set              // sequence numbers, by node
	words []map[index.Keywords]bool // by node

	direct, late uidset.Set // found by the index, and later
	modseq       uint64

	// Reused from message to message.
	names         [1]string
	lines, folded []byte
	field, piece  []byte
	state         *text
	reader        *bodyio.Reader
}

func newRun(p *Program, v *index.View, src Source, s Session) (*run, error) {
	r := &run{prog: p, view: v, src: src, session: s, sets: make([]uidset.Set, p.sets)}
	for range p.words {
		r.words = append(r.words, map[index.Keywords]bool{})
	}
	if err := r.resolve(p.root); err != nil {
		return nil, err
	}
	if n := v.Len(); n > 0 {
		r.scope.Add(1, uint32(n))
	}
	// Sets that every match must be in.
	for _, k := range p.root.kids {
		if p.root.op == wire.OpAnd && (k.op == wire.OpSeqs || k.op == wire.OpUIDs) {
			r.scope = r.scope.Intersect(r.sets[k.slot])
		}
	}
	return r, nil
}

// resolve turns the nodes' sets into sequence numbers.
func (r *run) resolve(n *node) (err error) {
	if n.op == wire.OpSeqs || n.op == wire.OpUIDs {
		r.sets[n.slot], err = msgset.Seqs(r.view, n.set, n.op == wire.OpUIDs, r.session.Saved)
		return err
	}
	for _, k := range n.kids {
		if err := r.resolve(k); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) reset() { r.direct, r.late, r.modseq = uidset.Set{}, uidset.Set{}, 0 }

func (r *run) result() Result { return Result{merge(r.direct, r.late), r.modseq} }

// end is a result of one message, or of none for 0.
func (r *run) end(seq uint32) Result {
	if seq == 0 {
		return Result{}
	}
	return Result{uidset.Of(seq), r.view.At(int(seq) - 1).ModSeq}
}

// found adds a message to a set; they come in ascending order.
func (r *run) found(to *uidset.Set, c *candidate) {
	to.Add(uint32(c.i)+1, uint32(c.i)+1)
	r.modseq = max(r.modseq, c.rec.ModSeq)
}

// first looks for the first match, or the last, in ever larger batches. What
// the last batch has found is the result.
func (r *run) first(ctx context.Context, backwards bool) error {
	rest := slices.Clone(r.scope.Ranges())
	for size := uint32(firstBatch); len(rest) > 0; size *= 2 {
		var part []uidset.Range
		if backwards {
			part, rest = takeLast(rest, size)
		} else {
			part, rest = takeFirst(rest, size)
		}
		if err := r.all(ctx, uidset.OfRanges(part...)); err != nil || !r.direct.Empty() || !r.late.Empty() {
			return err
		}
	}
	return nil
}

// takeFirst cuts n numbers off the front of rs, or all. It changes rs.
func takeFirst(rs []uidset.Range, n uint32) (taken, rest []uidset.Range) {
	for i := range rs {
		size := rs[i].Last - rs[i].First + 1
		if size > n {
			taken = slices.Clone(rs[:i])
			if n > 0 {
				taken = append(taken, uidset.Range{First: rs[i].First, Last: rs[i].First + n - 1})
				rs[i].First += n
			}
			return taken, rs[i:]
		}
		n -= size
	}
	return rs, nil
}

// takeLast cuts n numbers off the end of rs, or all. It changes rs.
func takeLast(rs []uidset.Range, n uint32) (taken, rest []uidset.Range) {
	for i := len(rs) - 1; i >= 0; i-- {
		size := rs[i].Last - rs[i].First + 1
		if size > n {
			if n > 0 {
				taken = []uidset.Range{{First: rs[i].Last - n + 1, Last: rs[i].Last}}
				rs[i].Last -= n
			}
			return append(taken, rs[i+1:]...), rs[:i+1]
		}
		n -= size
	}
	return rs, nil
}

// all evaluates the program for the messages in scope, through all phases.
func (r *run) all(ctx context.Context, scope uidset.Set) error {
	var open []uint32 // indexes of the undecided
	for _, rg := range scope.Ranges() {
		if err := ctx.Err(); err != nil {
			return err
		}
		var c candidate
		for i, rec := range r.view.Range(int(rg.First)-1, int(rg.Last)) {
			if i&0xffff == 0xffff && ctx.Err() != nil {
				return ctx.Err()
			}
			if r.view.HasGone() && r.view.Gone(i) {
				continue
			}
			c.i, c.rec = i, rec
			switch r.eval(r.prog.root, &c) {
			case yes:
				r.found(&r.direct, &c)
			case unknown:
				open = append(open, uint32(i))
			}
		}
	}
	size := batch
	if r.prog.root.phase == byText {
		size = textBatch
	}
	for len(open) > 0 {
		n := min(size, len(open))
		if err := r.later(ctx, open[:n]); err != nil {
			return err
		}
		open = open[n:]
	}
	return nil
}

// uses reports whether a node of exactly that phase is at or below n.
func (n *node) uses(p phase) bool {
	if len(n.kids) == 0 {
		return n.phase == p
	}
	for _, k := range n.kids {
		if k.uses(p) {
			return true
		}
	}
	return false
}

// merge is the union of two sets in the time of their ranges.
func merge(a, b uidset.Set) uidset.Set {
	if a.Empty() {
		return b
	}
	if b.Empty() {
		return a
	}
	var out uidset.Set
	x, y := a.Ranges(), b.Ranges()
	for len(x) > 0 || len(y) > 0 {
		if len(y) == 0 || len(x) > 0 && x[0].First < y[0].First {
			out.Add(x[0].First, x[0].Last)
			x = x[1:]
		} else {
			out.Add(y[0].First, y[0].Last)
			y = y[1:]
		}
	}
	return out
}
