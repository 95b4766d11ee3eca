package sync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/message"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/uidset"
)

// "Deleting a mailbox commits root first. Its objects are removed by the holder
// afterwards; a mail there that the deleter's index did not know (a zombie's
// delivery) is re-homed to INBOX." What the index knew is noted in root, so that
// any later holder can go on with it, for as long as late mail is looked for.

// prepareDeletes opens the folders that apply deletes and whose knowledge
// needs the index: those with open ranges, where known and late mails mix.
func (a *Account) prepareDeletes(ctx context.Context, apply func(*Root) error) error {
	base := a.Root()
	try := base.clone()
	try.newID, try.now = a.e.newID, a.e.unixNow()
	if err := apply(try); err != nil {
		return err
	}
	for i := range base.Mailboxes {
		m := &base.Mailboxes[i]
		if try.ByID(m.ID) != nil || len(m.open) == 0 {
			continue
		}
		if f, ok := a.Folder(m.ID); ok {
			if _, err := f.ensureOpen(ctx); err != nil && !errors.Is(err, ErrIndexCorrupt) {
				return fmt.Errorf("deleting mailbox %s: %w", m.ID, err)
			}
		}
	}
	return nil
}

// finishDeletes notes, in a root that is about to be stored, what is known of
// the mailboxes that base has and next has not. Nothing is published in them
// from here on.
func (a *Account) finishDeletes(base, next *Root) {
	for i := range base.Mailboxes {
		m := &base.Mailboxes[i]
		if next.ByID(m.ID) != nil {
			continue
		}
		d := deletedMailbox{id: m.ID, name: m.Name, since: a.e.unixNow()}
		f, ok := a.Folder(m.ID)
		if !ok { // only after a change that made and unmade it
			continue
		}
		f.mu.Lock()
		f.gone = true
		f.knownLocked(m, &d)
		f.mu.Unlock()
		next.deleted = append(next.deleted, d)
	}
}

// knownLocked fills in which objects the index knows. f.mu is held.
func (f *Folder) knownLocked(m *Mailbox, d *deletedMailbox) {
	d.horizon = f.horizon()
	for _, o := range m.open {
		d.unsure.Add(o.first, o.last)
	}
	if !f.resolved && m.scanFrom < f.own.start {
		d.unsure.Add(m.scanFrom, f.own.start-1)
	}
	if f.box == nil || d.unsure.Empty() {
		return
	}
	view := f.box.View()
	d.sure = view.UIDs()
	d.sure.AddSet(view.Expunged())
	d.sure = d.sure.Intersect(d.unsure)
}

// knows tells whether the deleter's index knew an object.
func (d *deletedMailbox) knows(uid uint32) bool {
	return d.sure.Contains(uid) || uid < d.horizon && !d.unsure.Contains(uid)
}

// undelete undoes finishDeletes when the commit failed.
func (a *Account) undelete() {
	root := a.Root()
	for _, f := range a.liveFolders() {
		if root.ByID(f.id) == nil {
			continue
		}
		f.mu.Lock()
		f.gone = false
		n := f.advance()
		f.mu.Unlock()
		f.tell(n)
	}
}

// cleanUpDeleted lets go of the folders that the confirmed root has no longer.
func (a *Account) cleanUpDeleted(folders []*Folder, root *Root) {
	for _, f := range folders {
		if root.ByID(f.id) != nil {
			continue
		}
		a.mu.Lock()
		delete(a.folders, f.id)
		a.mu.Unlock()
		f.mu.Lock()
		subscribers := f.subscribers
		f.gone, f.sealed = true, true
		unpin := f.dropBox()
		f.slots, f.subscribers = nil, nil
		dirtied := f.dirtied
		f.mu.Unlock()
		unpin()
		a.setClean(f.id, dirtied)
		for _, s := range subscribers {
			s.fn(nil)
		}
		a.cleanUpMailbox(f.id, 0)
	}
}

// cleanUpMailbox removes what a deleted mailbox left, and goes on looking for
// late mail at growing intervals; delay is the present one.
func (a *Account) cleanUpMailbox(id MailboxID, delay time.Duration) {
	again := func() {
		next := min(max(2*delay, a.e.cfg.RelistFirst), a.e.cfg.OpenRangeAge)
		a.after(next, func() { a.cleanUpMailbox(id, next) })
	}
	a.spawn(func() {
		if a.enter() != nil {
			again()
			return
		}
		defer a.leave()
		more, err := a.cleanUp(a.idle(), id)
		if err != nil && a.Err() == nil {
			a.log.Warn("cleaning up after a mailbox failed; it is repeated", "mailbox", id, "error", err)
		}
		if more || err != nil {
			again()
		}
	})
}

// cleanUp does one round. more tells that there is to be another.
func (a *Account) cleanUp(ctx context.Context, id MailboxID) (more bool, err error) {
	root := a.Root()
	i := slices.IndexFunc(root.deleted, func(d deletedMailbox) bool { return d.id == id })
	if i < 0 {
		return false, nil
	}
	d := &root.deleted[i]
	if err := a.removeMails(ctx, d); err != nil {
		return true, err
	}
	// No root to come can name a segment of a mailbox that is gone.
	if err := a.removeAllSegments(ctx, id); err != nil {
		return true, err
	}
	if a.files != nil {
		if err := a.files.RemoveMailbox(string(id)); err != nil {
			a.log.Warn("cache of a deleted mailbox not removed", "mailbox", id, "error", err)
		}
	}
	if a.e.unixNow()-d.since < int64(a.e.cfg.OpenRangeAge/time.Second) {
		return true, nil
	}
	return false, a.commit(ctx, func(r *Root) error {
		r.deleted = slices.DeleteFunc(r.deleted, func(d deletedMailbox) bool { return d.id == id })
		return nil
	}, nil)
}

// removeMails removes the mails of a deleted mailbox that its index knew, and
// re-homes the others.
func (a *Account) removeMails(ctx context.Context, d *deletedMailbox) error {
	from := &Folder{a: a, id: d.id} // good for keys only
	return from.eachPage(ctx, span{first: 1}, func(page []listed) error {
		var keys []string
		for _, l := range page {
			if !d.knows(l.uid) {
				if err := a.rehomeToInbox(ctx, from, l.uid); err != nil {
					return err
				}
			}
			keys = append(keys, MailKey(a.prefix, d.id, l.uid))
		}
		return a.deleteKeys(ctx, keys)
	})
}

// rehomeToInbox stores a mail of a deleted mailbox in INBOX. When it returned
// nil, the mail is there, or is none.
func (a *Account) rehomeToInbox(ctx context.Context, from *Folder, uid uint32) error {
	m := a.Root().ByName(Inbox)
	if m == nil {
		return fmt.Errorf("mail of deleted mailbox %s: INBOX: %w", from.id, ErrNoMailbox)
	}
	inbox, ok := a.Folder(m.ID)
	if !ok {
		return fmt.Errorf("mail of deleted mailbox %s: INBOX: %w", from.id, ErrNoMailbox)
	}
	if _, err := inbox.ensureOpen(ctx); err != nil {
		return err
	}
	if err := inbox.tidying.acquire(ctx); err != nil {
		return err
	}
	defer inbox.tidying.release()
	if a.isHandled(from.id, uid) {
		return nil
	}
	mail, err := inbox.rehomed(ctx, from, uid)
	if err != nil {
		return err
	}
	if mail == nil {
		if _, err := a.e.store.Head(ctx, MailKey(a.prefix, from.id, uid)); errors.Is(err, objstore.ErrNotFound) {
			return nil
		}
		return fmt.Errorf("mail %d of deleted mailbox %s can't be read", uid, from.id)
	}
	// Pending, then handled: the one ends when the other begins.
	inbox.mu.Lock()
	pending := inbox.pendingLocked(mail.guid)
	inbox.mu.Unlock()
	if a.isHandled(from.id, uid) {
		return nil
	}
	if pending {
		return fmt.Errorf("mail %d of deleted mailbox %s: its new copy is not settled: %w", uid, from.id, ErrUnavailable)
	}
	known, err := inbox.findGUIDs(ctx, []stored{{guid: mail.guid}})
	if err != nil {
		return err
	}
	if copied := known[mail.guid]; copied != 0 {
		_, err := a.e.store.Head(ctx, MailKey(a.prefix, inbox.id, copied))
		if err == nil {
			return nil // by an earlier holder, who did not come to remove this
		}
		if !errors.Is(err, objstore.ErrNotFound) {
			return fmt.Errorf("confirming UID %d of INBOX: %w: %w", copied, ErrUnavailable, err)
		}
	}
	mail.sources = handledAll(from.id, &mail.meta)
	_, err = inbox.store(ctx, mail)
	return err
}

// handledIn notes mails of deleted mailboxes that live on in this one. They are
// committed together with the messages here, never before: who knows that they
// are handled and finds them nowhere takes them for expunged. f.mu is held.
func (f *Folder) handledIn(mails []handled) {
	if len(mails) == 0 {
		return
	}
	if f.pend == nil {
		f.pend = &changes{}
	}
	a := f.a
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.handled == nil {
		a.handled = map[MailboxID]uidset.Set{}
	}
	for _, h := range mails {
		if h.uid == 0 || h.uid > index.MaxUID {
			continue
		}
		f.pend.handled = append(f.pend.handled, h)
		s := a.handled[h.from]
		s.Add(h.uid, h.uid)
		a.handled[h.from] = s
	}
}

// noteHandled puts into a root what handledIn noted.
func (r *Root) noteHandled(mails []handled) {
	for i := range r.deleted {
		d := &r.deleted[i]
		cloned := false
		for _, h := range mails {
			if h.from != d.id {
				continue
			}
			if !cloned {
				d.sure, cloned = d.sure.Clone(), true
			}
			d.sure.Add(h.uid, h.uid)
		}
	}
}

// isCommittedAsHandled tells whether root knows that the mail of a deleted
// mailbox that an object is a copy of was dealt with.
func (a *Account) isCommittedAsHandled(meta *message.Meta) bool {
	from := MailboxID(meta.OriginMailbox)
	root := a.Root()
	i := slices.IndexFunc(root.deleted, func(d deletedMailbox) bool { return d.id == from })
	return i >= 0 && slices.ContainsFunc(handledAll(from, meta), func(h handled) bool { return root.deleted[i].knows(h.uid) })
}

func (a *Account) isHandled(id MailboxID, uid uint32) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.handled[id].Contains(uid)
}

// removeAllSegments deletes all segments of a deleted mailbox.
func (a *Account) removeAllSegments(ctx context.Context, id MailboxID) error {
	for {
		page, err := a.e.store.List(ctx, IndexPrefix(a.prefix, id), "", 0)
		if err != nil {
			return fmt.Errorf("listing segments of deleted mailbox %s: %w: %w", id, ErrUnavailable, err)
		}
		keys := make([]string, len(page.Objects))
		for i := range page.Objects {
			keys[i] = page.Objects[i].Key
		}
		if err := a.deleteKeys(ctx, keys); err != nil {
			return err
		}
		if !page.More || len(keys) == 0 {
			return nil
		}
	}
}
