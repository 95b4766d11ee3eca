package mailstore

import (
	"context"
	"fmt"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/uidset"
)

// FlagMode is what SetFlags does with the flags it is given.
type FlagMode uint8

// The modes: STORE +FLAGS, -FLAGS and FLAGS.
const (
	AddFlags FlagMode = iota
	RemoveFlags
	ReplaceFlags
)

// FlagChange is one STORE (RFC 9051 6.4.6, RFC 7162 3.1.3).
type FlagChange struct {
	// UIDs that don't exist are ignored.
	UIDs uidset.Set
	Mode FlagMode
	// Flags as in NewMessage.
	Flags []string
	// HasUnchangedSince makes the change of each message conditional on
	// its modseq being at most UnchangedSince.
	HasUnchangedSince bool
	UnchangedSince    uint64
}

// FlagResult is what came of a FlagChange.
type FlagResult struct {
	// Modified are the messages that failed UNCHANGEDSINCE.
	Modified uidset.Set
	// Changed are the messages whose flags differ now. Others that were
	// asked for had the wanted flags already and kept their modseq.
	Changed uidset.Set
	// Missing are the UIDs asked for that don't exist (any more), as far
	// as they are below UIDNEXT.
	Missing uidset.Set
}

// storeBatch is how many messages one update of the index changes at the most:
// what it holds in memory and how long it keeps others out is bounded by that,
// not by the mailbox.
const storeBatch = 16 << 10

// SetFlags changes flags. The local log has the change when it returns.
// ErrReadOnly, ErrLimit for too many or too long keywords (then nothing has
// changed). With any other error some messages may be changed.
func (m *Mailbox) SetFlags(ctx context.Context, c FlagChange) (FlagResult, error) {
	if err := m.check("store flags", true); err != nil {
		return FlagResult{}, err
	}
	w := flagWork{change: c, cfg: &m.u.e.s.cfg, todo: c.UIDs.Clone(), limit: storeBatch}
	var err error
	if w.flags, w.keywords, err = parseFlags(c.Flags, w.cfg); err != nil {
		return FlagResult{}, fmt.Errorf("store flags in mailbox %q: %w", m.Name(), err)
	}
	for first := true; first || !w.todo.Empty(); first = false {
		var refused error
		_, err := m.folder().Update(ctx, func(v *index.View, next func() uint64) []index.Op {
			var ops []index.Op
			if refused = w.fits(v, first); refused == nil {
				ops, refused = w.plan(v, next)
			}
			return ops
		})
		if err == nil {
			err = refused
		}
		if err != nil {
			return w.result, failed("store flags in mailbox", m.Name(), err)
		}
		w.finish()
		m.u.e.s.noteChange(m.u.e)
	}
	return w.result, nil
}

// flagWork is one FlagChange being worked out, batch by batch.
type flagWork struct {
	change   FlagChange
	cfg      *Config
	flags    index.Flags
	keywords []string
	limit    int // of changed messages in a batch
	todo     uidset.Set
	result   FlagResult // of the batches before
	// batch and rest are what plan made of the current one: its result, and
	// what it left of todo.
	batch FlagResult
	rest  uidset.Set
	// known are the new keywords for each set of old ones met so far.
	known map[index.Keywords]newKeywords
}

type newKeywords struct {
	names []string
	same  bool
}

// finish ends a batch.
func (w *flagWork) finish() {
	w.result.Modified.AddSet(w.batch.Modified)
	w.result.Changed.AddSet(w.batch.Changed)
	w.result.Missing.AddSet(w.batch.Missing)
	w.todo = w.rest
}

// fits checks the limits: those of the mailbox, and before the first batch
// those of every message, so that a refused change changes nothing.
func (w *flagWork) fits(v *index.View, every bool) error {
	if w.change.Mode == RemoveFlags || len(w.keywords) == 0 {
		return nil
	}
	names := keywordNames{}
	names.add(w.keywords)
	if err := names.fit(v, w.cfg.MaxMailboxKeywords); err != nil {
		return err
	}
	if !every || w.change.Mode != AddFlags {
		return nil
	}
	seen := map[index.Keywords]bool{}
	for _, r := range w.todo.Ranges() {
		for _, rec := range v.Range(v.Search(r.First), v.Len()) {
			if rec.UID > r.Last {
				break
			}
			if !seen[rec.Keywords] {
				seen[rec.Keywords] = true
				if _, err := w.newKeywords(v.Keywords(rec.Keywords)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// plan computes the ops that the change makes of v, for the messages of todo
// up to the batch's limit. On an error there are none. It may be called again,
// with a newer view, until its ops are taken.
func (w *flagWork) plan(v *index.View, next func() uint64) ([]index.Op, error) {
	w.batch, w.rest = FlagResult{}, uidset.Set{}
	w.known = map[index.Keywords]newKeywords{}
	var ops []index.Op
	for _, r := range w.todo.Ranges() {
		want := r.First // the lowest UID of the range not yet looked at
		for i, rec := range v.Range(v.Search(r.First), v.Len()) {
			if rec.UID > r.Last {
				break
			}
			if len(ops) == w.limit {
				w.rest = w.todo.Clone()
				w.rest.Remove(1, want-1)
				return ops, nil
			}
			if rec.UID > want {
				w.batch.Missing.Add(want, rec.UID-1)
			}
			want = rec.UID + 1
			op, changed, err := w.message(v, rec)
			if err != nil {
				return nil, err
			}
			if changed {
				if ops == nil { // likely the others of the range change too
					ops = make([]index.Op, 0, min(w.limit, v.Search(r.Last)+1-i))
				}
				op.ModSeq = next()
				ops = append(ops, op)
			}
		}
		if last := min(r.Last, v.UIDNext()-1); want <= last {
			w.batch.Missing.Add(want, last)
		}
	}
	return ops, nil
}

// message works out one message.
func (w *flagWork) message(v *index.View, rec index.Record) (op index.Op, changed bool, err error) {
	if w.change.HasUnchangedSince && rec.ModSeq > w.change.UnchangedSince {
		w.batch.Modified.Add(rec.UID, rec.UID)
		return index.Op{}, false, nil
	}
	flags := rec.Flags
	switch w.change.Mode {
	case AddFlags:
		flags |= w.flags
	case RemoveFlags:
		flags &^= w.flags
	case ReplaceFlags:
		flags = w.flags
	}
	kw, ok := w.known[rec.Keywords]
	if !ok {
		if kw, err = w.newKeywords(v.Keywords(rec.Keywords)); err != nil {
			return index.Op{}, false, err
		}
		w.known[rec.Keywords] = kw
	}
	if flags == rec.Flags && kw.same {
		return index.Op{}, false, nil
	}
	w.batch.Changed.Add(rec.UID, rec.UID)
	return index.Op{Kind: index.OpFlags, UID: rec.UID, Flags: flags, Keywords: kw.names}, true, nil
}

// newKeywords applies the change to one set of keywords.
func (w *flagWork) newKeywords(old []string) (newKeywords, error) {
	given := keywordNames{}
	given.add(w.keywords)
	if w.change.Mode != AddFlags || len(given) == 0 {
		return w.fewerKeywords(old, given), nil
	}
	names := old[:len(old):len(old)]
	have := keywordNames{}
	have.add(old)
	for _, k := range w.keywords {
		if _, ok := have[foldKeyword(k)]; !ok {
			names = append(names, k)
		}
	}
	if len(names) > w.cfg.MaxMessageKeywords && len(names) > len(old) {
		return newKeywords{}, errKeywords(len(names), w.cfg)
	}
	return newKeywords{names: names, same: len(names) == len(old)}, nil
}

// fewerKeywords is newKeywords where none is added to the old ones.
func (w *flagWork) fewerKeywords(old []string, given keywordNames) newKeywords {
	kept := 0
	var rest []string
	for _, k := range old {
		if _, ok := given[foldKeyword(k)]; ok {
			kept++
		} else {
			rest = append(rest, k)
		}
	}
	switch w.change.Mode {
	case RemoveFlags:
		return newKeywords{names: rest, same: kept == 0}
	case ReplaceFlags:
		return newKeywords{names: w.keywords, same: kept == len(old) && kept == len(given)}
	}
	return newKeywords{names: old, same: true}
}
