package search

import (
	"context"
	"errors"

	"mailbackend.io/backend/mailstore"
	"mailbackend.io/backend/uidset"
)

const (
	// batch is how many messages go through the phases behind the index
	// together; textBatch is the same where texts are read, for their
	// summaries are held meanwhile.
	batch     = 4096
	textBatch = 128
)

// later takes the messages, ascending, through the phases behind the index.
// Messages that are gone are dropped.
func (r *run) later(ctx context.Context, open []uint32) error {
	cs := make([]candidate, 0, len(open))
	for _, i := range open {
		cs = append(cs, candidate{i: int(i), rec: r.view.At(int(i))})
	}
	var found uidset.Set
	for _, phase := range []func(context.Context, []candidate, *uidset.Set) ([]candidate, error){r.byIDs, r.bySummary, r.byText} {
		if len(cs) == 0 {
			break
		}
		var done uidset.Set // ascending, within a phase
		var err error
		if cs, err = phase(ctx, cs, &done); err != nil {
			return err
		}
		found = merge(found, done)
	}
	r.late.AddSet(found)
	return nil
}

// decide evaluates c and reports whether it is still open.
func (r *run) decide(c *candidate, done *uidset.Set) (open bool) {
	v := r.eval(r.prog.root, c)
	if v == yes {
		r.found(done, c)
	}
	return v == unknown
}

func uidsOf(cs []candidate) []uint32 {
	uids := make([]uint32, len(cs))
	for i := range cs {
		uids[i] = cs[i].rec.UID
	}
	return uids
}

// The phases decide what they can and return what is still open.

func (r *run) byIDs(ctx context.Context, cs []candidate, done *uidset.Set) ([]candidate, error) {
	if !r.prog.root.uses(byIDs) {
		return cs, nil
	}
	open := cs[:0]
	for _, c := range cs {
		ids, err := r.src.ids(ctx, c.rec.UID)
		if errors.Is(err, mailstore.ErrMessageGone) {
			continue
		}
		if err != nil {
			return nil, err
		}
		c.ids = &ids
		if r.decide(&c, done) {
			open = append(open, c)
		}
	}
	return open, nil
}

func (r *run) bySummary(ctx context.Context, cs []candidate, done *uidset.Set) ([]candidate, error) {
	uids := uidsOf(cs)
	open := cs[:0]
	at := 0
	for item, err := range r.src.summaries(ctx, uids) {
		if err != nil {
			return nil, err
		}
		for at < len(uids) && uids[at] < item.UID {
			at++ // gone
		}
		if at == len(uids) || uids[at] != item.UID {
			continue
		}
		c := cs[at]
		at++
		c.sum = item.Summary
		if r.decide(&c, done) {
			open = append(open, c)
		}
	}
	return open, ctx.Err()
}

func (r *run) byText(ctx context.Context, cs []candidate, done *uidset.Set) ([]candidate, error) {
	r.src.prefetch(uidsOf(cs))
	defer r.src.prefetch(nil)
	for i := range cs {
		hit, err := r.readText(ctx, &cs[i])
		if err != nil {
			return nil, err
		}
		if hit {
			r.found(done, &cs[i])
		}
	}
	return nil, nil
}
