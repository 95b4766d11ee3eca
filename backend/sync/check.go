package sync

import (
	"context"
	"errors"
	"fmt"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/uidset"
)

// fullCheck is the "one LIST of the whole folder in the background" after a
// takeover: "entries that the old holder had committed and whose object is gone
// were expunged. Entries of the present holder are not judged by it." It also
// meets every object that the index does not know, and the segments that earlier
// holders left behind.
func (f *Folder) fullCheck(ctx context.Context) error {
	if _, err := f.ensureOpen(ctx); err != nil {
		return err
	}
	m := f.a.mailbox(f.id)
	f.mu.Lock()
	done := f.checked || f.box == nil
	var view *index.View
	if !done {
		view = f.box.View()
	}
	f.mu.Unlock()
	if m == nil || m.checkBelow == 0 || done {
		return nil
	}
	// The view is older than the LIST: what it has and the LIST has not was
	// there before, unless somebody expunges it meanwhile.
	missing, unknown, err := f.compare(ctx, view, m.checkBelow)
	if err != nil {
		return err
	}
	garbage, err := f.oldSegments(ctx)
	if err != nil {
		return err
	}
	if err := f.removeMissing(ctx, missing); err != nil {
		return err
	}
	if err := f.handleFound(ctx, unknown); err != nil {
		return err
	}
	f.mu.Lock()
	f.checked = true
	f.mu.Unlock()
	// "Garbage is removed in this order: LIST, then a successful commit of
	// one's own, then delete what was listed and that root does not name."
	if err := f.commitFolder(ctx); err != nil {
		return err
	}
	return f.removeSegments(ctx, garbage)
}

// compare lists the mails below a UID and returns those of the view that have
// no object, and the objects that the view does not have.
func (f *Folder) compare(ctx context.Context, view *index.View, below uint32) (missing uidset.Set, unknown []listed, err error) {
	i, end := 0, view.Search(below)
	if below > 1 {
		err = f.eachPage(ctx, span{1, below - 1}, func(page []listed) error {
			for _, l := range page {
				for ; i < end && view.UID(i) < l.uid; i++ {
					missing.Add(view.UID(i), view.UID(i))
				}
				if i < end && view.UID(i) == l.uid {
					i++
				} else {
					unknown = append(unknown, l)
				}
			}
			return nil
		})
	}
	for ; err == nil && i < end; i++ {
		missing.Add(view.UID(i), view.UID(i))
	}
	return missing, unknown, err
}

// removeMissing confirms that objects are gone and removes their messages. They
// don't join the expunged set: "should the object reappear, it is re-homed".
func (f *Folder) removeMissing(ctx context.Context, uids uidset.Set) error {
	var list []uint32
	for uid := range uids.All() {
		list = append(list, uid)
	}
	gone := make([]bool, len(list))
	errs := make([]error, len(list))
	inParallel(len(list), f.a.e.cfg.MaxParallel, func(i int) {
		_, err := f.a.e.store.Head(ctx, MailKey(f.a.prefix, f.id, list[i]))
		if gone[i] = errors.Is(err, objstore.ErrNotFound); !gone[i] && err != nil {
			errs[i] = fmt.Errorf("%s: confirming that UID %d is gone: %w: %w", f, list[i], ErrUnavailable, err)
		}
	})
	if err := errors.Join(errs...); err != nil {
		return err
	}
	var confirmed uidset.Set
	for i, uid := range list {
		if gone[i] {
			confirmed.Add(uid, uid)
		}
	}
	if confirmed.Empty() {
		return nil
	}
	f.a.log.Info("messages without objects are removed: expunged before a crash", "mailbox", f.id, "uids", confirmed.String())
	return f.applyOne(ctx, index.Op{Kind: index.OpMissing, UIDs: confirmed})
}

// oldSegments lists the segments that were written under earlier claims.
func (f *Folder) oldSegments(ctx context.Context) ([]string, error) {
	prefix := IndexPrefix(f.a.prefix, f.id)
	var names []string
	for after := ""; ; {
		page, err := f.a.e.store.List(ctx, prefix, after, 0)
		if err != nil {
			return nil, fmt.Errorf("%s: listing segments: %w: %w", f, ErrUnavailable, err)
		}
		for i := range page.Objects {
			after = page.Objects[i].Key
			key, err := ParseKey(f.a.prefix, after)
			if err != nil || key.Kind != KeySegment {
				continue // nothing of ours
			}
			if epoch, _, _ := ParseSegmentName(key.Segment); epoch < f.a.epoch {
				names = append(names, key.Segment)
			}
		}
		if !page.More || len(page.Objects) == 0 {
			return names, nil
		}
	}
}

// removeSegments deletes segments of earlier claims that the root which was
// confirmed since does not name: no root to come can name them.
func (f *Folder) removeSegments(ctx context.Context, names []string) error {
	m := f.a.mailbox(f.id)
	if m == nil {
		return nil // removed with the mailbox
	}
	named := map[string]struct{}{}
	for i := range m.segments {
		named[m.segments[i].Name] = struct{}{}
	}
	var keys []string
	for _, name := range names {
		if _, ok := named[name]; !ok {
			keys = append(keys, IndexKey(f.a.prefix, f.id, name))
			f.forget(name)
		}
	}
	return f.a.deleteKeys(ctx, keys)
}
