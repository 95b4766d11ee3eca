package sync

import (
	"context"
	"errors"
	"fmt"

	"mailbackend.io/backend/cache"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/uidset"
)

const bodyKind = cache.Body

// Object returns the bytes off..off+n-1 of the message's stored object (n ≤ 0:
// to its end), cut at its end, from the cache or with one GET. ErrMessageGone:
// the object does not exist, and the message was removed from the index. The
// folder must be open. The result must not be changed.
func (f *Folder) Object(ctx context.Context, uid uint32, off, n int64) ([]byte, error) {
	view := f.View()
	if view == nil {
		return nil, f.notOpen()
	}
	i, ok := view.Find(uid)
	if !ok {
		return nil, fmt.Errorf("%s: UID %d: %w", f, uid, ErrMessageGone)
	}
	// An object is hardly larger than its mail: a small one is read whole, so
	// that the next part of it costs nothing.
	whole := int64(view.At(i).Size) <= f.a.e.cfg.WholeObject
	if b, ok := f.body(uid, off, n); ok {
		return b, nil
	}
	r := objstore.Range{Offset: off, Length: max(n, 0)}
	if whole {
		r = objstore.Range{}
	}
	key := MailKey(f.a.prefix, f.id, uid)
	obj, err := f.a.e.store.Get(ctx, key, r)
	switch {
	case errors.Is(err, objstore.ErrNotFound):
		return nil, f.missing(ctx, uid)
	case err != nil:
		return nil, fmt.Errorf("mail %s: %w: %w", key, ErrUnavailable, err)
	case !whole:
		return obj.Data, nil
	}
	f.keepBody(uid, obj.Data)
	return cut(obj.Data, off, n), nil
}

// missing is called when the object of a message was not found. It confirms
// that and removes that message, no other: ErrMessageGone. Any other error means
// that it is not certain.
func (f *Folder) missing(ctx context.Context, uid uint32) error {
	key := MailKey(f.a.prefix, f.id, uid)
	gone := fmt.Errorf("mail %s: %w", key, ErrMessageGone)
	f.mu.Lock()
	known := f.box != nil
	if known {
		_, known = f.box.View().Find(uid)
	}
	f.mu.Unlock()
	if !known {
		return gone // expunged while somebody read it
	}
	_, err := f.a.e.store.Head(ctx, key)
	switch {
	case err == nil:
		return fmt.Errorf("mail %s: found by one request and not by another: %w", key, ErrUnavailable)
	case !errors.Is(err, objstore.ErrNotFound):
		return fmt.Errorf("mail %s: confirming that it is gone: %w: %w", key, ErrUnavailable, err)
	}
	if f.a.enter() != nil {
		return gone // the next holder finds out by itself
	}
	defer f.a.leave()
	f.a.log.Warn("the object of a message is gone; the message is removed", "mailbox", f.id, "uid", uid)
	if err := f.applyOne(ctx, index.Op{Kind: index.OpMissing, UIDs: uidset.Of(uid)}); err != nil {
		return err
	}
	return gone
}
