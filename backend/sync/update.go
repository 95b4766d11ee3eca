package sync

import (
	"context"
	"errors"
	"fmt"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/uidset"
)

// Update changes the index: fn is given the present view and a source of
// modseqs, and returns OpFlags ops. It is called under the folder's lock: it must
// not block, and may be called again when the reserved modseqs ran out. The local
// log has the ops before Update returns the new view. The folder must be open.
func (f *Folder) Update(ctx context.Context, fn func(v *index.View, next func() uint64) []index.Op) (*index.View, error) {
	if err := f.a.enter(); err != nil {
		return nil, err
	}
	defer f.a.leave()
	for want := uint64(1); ; {
		if err := f.lockWithModSeqs(ctx, want); err != nil {
			return nil, err
		}
		if !f.ready {
			f.mu.Unlock()
			return nil, f.notOpen()
		}
		last := f.lastModSeq
		ops := fn(f.box.View(), func() uint64 { last++; return last })
		if last > f.modEnd {
			// fn has told how many it needs. What it made is forgotten.
			want = last - f.lastModSeq
			f.mu.Unlock()
			continue
		}
		if err := checkUpdate(ops, f.lastModSeq, last); err != nil {
			f.mu.Unlock()
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		if len(ops) > 0 {
			f.lastModSeq = last
			f.apply(ops)
		}
		n := f.tidings()
		f.mu.Unlock()
		f.tell(n)
		return n.view, nil
	}
}

// checkUpdate refuses ops that are not what Update promises to take.
func checkUpdate(ops []index.Op, above, upTo uint64) error {
	for i := range ops {
		op := &ops[i]
		if op.Kind != index.OpFlags || op.ModSeq <= above || op.ModSeq > upTo {
			return fmt.Errorf("update: op of kind %d with modseq %d, wanted flags and %d to %d", op.Kind, op.ModSeq, above+1, upTo)
		}
		if err := op.Validate(); err != nil {
			return fmt.Errorf("update: %w", err)
		}
	}
	return nil
}

// Expunge removes the messages of uids that exist: first their objects, then
// the index entries. It returns which are removed, with an error those that
// were nevertheless. The folder must be open.
func (f *Folder) Expunge(ctx context.Context, uids uidset.Set) (uidset.Set, error) {
	if err := f.a.enter(); err != nil {
		return uidset.Set{}, err
	}
	defer f.a.leave()
	view := f.View()
	if view == nil {
		return uidset.Set{}, f.notOpen()
	}
	plain, tainted := f.splitTainted(present(view, uids))
	err := f.expungeTainted(ctx, tainted)
	if err != nil {
		tainted = uidset.Set{}
	}
	removed, err2 := f.expungePlain(ctx, plain)
	removed.AddSet(tainted)
	return removed, errors.Join(err, err2)
}

// splitTainted parts messages by whether an object might appear under their
// UID after it was deleted: an attempt of this holder to store it was never
// answered, or one of an earlier holder may have been (its range is open).
func (f *Folder) splitTainted(uids uidset.Set) (plain, tainted uidset.Set) {
	m := f.a.mailbox(f.id)
	f.mu.Lock()
	defer f.mu.Unlock()
	risky := f.tainted.Clone()
	if m != nil {
		for _, o := range m.open {
			risky.Add(o.first, o.last)
		}
	}
	plain, tainted = uids.Clone(), uids.Intersect(risky)
	for _, r := range tainted.Ranges() {
		plain.Remove(r.First, r.Last)
	}
	return plain, tainted
}

// expungePlain: "the objects are deleted (up to 1,000 per request) before the
// client is told; the local index follows".
func (f *Folder) expungePlain(ctx context.Context, uids uidset.Set) (removed uidset.Set, err error) {
	if uids.Empty() {
		return removed, nil
	}
	var chunks [][]string
	var sets []uidset.Set
	for uid := range uids.All() {
		if n := len(chunks); n == 0 || len(chunks[n-1]) == objstore.MaxDelete {
			chunks, sets = append(chunks, nil), append(sets, uidset.Set{})
		}
		n := len(chunks) - 1
		chunks[n] = append(chunks[n], MailKey(f.a.prefix, f.id, uid))
		sets[n].Add(uid, uid)
	}
	errs := make([]error, len(chunks))
	inParallel(len(chunks), f.a.e.cfg.MaxParallel, func(i int) {
		if err := f.a.e.store.Delete(ctx, chunks[i]); err != nil {
			errs[i] = fmt.Errorf("%s: deleting %d mails: %w: %w", f, len(chunks[i]), ErrUnavailable, err)
		}
	})
	for i, err := range errs {
		if err == nil {
			removed.AddSet(sets[i])
		}
	}
	if !removed.Empty() {
		if err := f.applyOne(ctx, index.Op{Kind: index.OpExpunge, UIDs: removed}); err != nil {
			return uidset.Set{}, errors.Join(append(errs, err)...)
		}
		f.forgetBodies(removed)
	}
	return removed, errors.Join(errs...)
}

// expungeTainted: "a UID that has an attempt which was never answered is
// tainted: that attempt may land after the DELETE, so its expunge is committed
// first". Nobody is told before that either.
func (f *Folder) expungeTainted(ctx context.Context, uids uidset.Set) error {
	if uids.Empty() {
		return nil
	}
	if err := f.a.uploadFolder(ctx, f, uids); err != nil {
		return err
	}
	// The commit stands, and with it the expunge: what is left is repeated in
	// the background if it fails.
	var list []uint32
	for uid := range uids.All() {
		list = append(list, uid)
	}
	if err := f.removeObjects(ctx, list); err != nil {
		f.a.attempt("removing expunged mails", func(ctx context.Context) error { return f.removeObjects(ctx, list) })
	}
	f.forgetBodies(uids)
	return nil
}

// forgetBodies removes expunged mails from the cache.
func (f *Folder) forgetBodies(uids uidset.Set) {
	if f.a.files == nil {
		return
	}
	for uid := range uids.All() {
		_ = f.a.files.Remove(string(f.id), formatUID(uid), bodyKind)
	}
}
