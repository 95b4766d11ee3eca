package sim

import (
	"context"
	"errors"
	"time"

	"mailbackend.io/backend/cache/memfs"
	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/sync"
	"mailbackend.io/backend/uidset"
)

// settle ends the faults, lets the history settle under a fresh backend, and
// lets another check what became of it.
func (w *world) settle() {
	w.calm.Store(true)
	if w.failed() {
		return
	}
	for _, q := range w.all {
		q.stopNoMore()
	}
	// Longer than any operation of a living process takes.
	time.Sleep(20 * time.Minute)
	for i, p := range w.pods {
		if p.proc == nil {
			continue
		}
		if i%2 == int(w.cfg.Seed%2) && w.cfg.Seed%3 == 0 {
			q := p.proc
			q.mu.Lock()
			a := q.acct
			q.mu.Unlock()
			if a != nil && a.Err() == nil {
				w.ops.Go(func() { _ = w.upload(q, a, a.Release) })
			}
		}
	}
	time.Sleep(11 * time.Minute)
	for _, q := range w.all {
		q.kill(true)
	}
	// Everything that is late arrives.
	time.Sleep(90 * time.Minute)
	if w.failed() {
		return
	}
	final := &pod{n: len(w.pods)}
	w.pods = append(w.pods, final)
	for round := range 3 {
		if !w.lookAround(final, round) {
			return
		}
	}
}

// stopNoMore lets a process run that was stopped.
func (q *process) stopNoMore() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.resume != nil {
		close(q.resume)
		q.resume = nil
	}
}

// lookAround is one of the fresh backends after the history. The first only
// takes the user over and dies; the second one lives for days, opens everything
// and reads every mail; the third checks what it finds.
func (w *world) lookAround(p *pod, round int) bool {
	p.proc, p.fs = nil, memfs.New(clock.System{})
	q := w.process(p.n)
	ctx, cancel := context.WithTimeout(w.ctx, 100*time.Hour)
	defer cancel()
	a, err := q.account(ctx, sync.LoadOptions{})
	if err != nil {
		w.fail("no-damage", "a fresh backend can't load the user: %v", err)
		return false
	}
	if round == 0 {
		time.Sleep(time.Minute)
		q.kill(true)
		return true
	}
	views, ok := w.openAll(ctx, q, a)
	if !ok {
		return false
	}
	if round == 1 {
		time.Sleep(30 * time.Hour)
		if views, ok = w.openAll(ctx, q, a); !ok {
			return false
		}
		w.readAll(ctx, a, views)
		time.Sleep(time.Hour)
		if err := a.Release(ctx); err != nil {
			w.fail("no-damage", "a fresh backend can't release the user: %v", err)
		}
		return !w.failed()
	}
	w.readAll(ctx, a, views)
	for _, c := range w.who {
		c.end()
		for id, v := range views {
			f, _ := a.Folder(id)
			c.resync(q.name, a.Epoch(), f, v)
		}
	}
	w.checkMails(views)
	w.checkBoxes(a.Root())
	w.checkCounts(a.Root(), views)
	w.checkObjects(a.Root(), views)
	return true
}

// openAll opens every mailbox.
func (w *world) openAll(ctx context.Context, q *process, a *sync.Account) (map[sync.MailboxID]*index.View, bool) {
	views := map[sync.MailboxID]*index.View{}
	for _, m := range a.Root().Mailboxes {
		f, ok := a.Folder(m.ID)
		if !ok {
			w.fail("created-mailbox-is-there", "%s has no folder", m.ID)
			return nil, false
		}
		v, err := f.Open(ctx)
		if err != nil {
			w.fail("no-damage", "a fresh backend can't open %s: %v", m.ID, err)
			return nil, false
		}
		w.led.see(q, a, f)
		views[m.ID] = v
	}
	return views, !w.failed()
}

// readAll reads every mail. Those whose objects are gone leave the views.
func (w *world) readAll(ctx context.Context, a *sync.Account, views map[sync.MailboxID]*index.View) {
	for id, v := range views {
		f, _ := a.Folder(id)
		for _, r := range v.All() {
			_, err := readObject(ctx, w, f, r.UID, tokenOf(r))
			if err != nil && !errors.Is(err, sync.ErrMessageGone) {
				w.fail("no-damage", "UID %d of %s can't be read: %v", r.UID, id, err)
			}
		}
		if err := checkSummaries(ctx, w, f, v); err != nil {
			w.fail("no-damage", "summaries of %s can't be read: %v", id, err)
		}
		views[id] = f.View()
	}
}

// checkMails compares what is there with what clients were told.
func (w *world) checkMails(views map[sync.MailboxID]*index.View) {
	l := w.led
	l.mu.Lock()
	defer l.mu.Unlock()
	found := map[token][]place{}
	for id, v := range views {
		for _, r := range v.All() {
			found[tokenOf(r)] = append(found[tokenOf(r)], place{id, r.UID})
		}
	}
	for tok, m := range l.mails {
		at := found[tok]
		switch {
		case len(at) > 1:
			w.fail("acked-mail-exactly-once", "mail %d is there %d times: %v", tok, len(at), at)
		case m.expunged && len(at) > 0:
			w.fail("expunged-never-back", "mail %d, UID %d of %s, was expunged and is at %v", tok, m.uid, m.box, at)
		case !m.acked || m.expunging:
		case len(at) == 0 && !l.mayBeDeleted(m):
			w.fail("acked-mail-exactly-once", "mail %d, acknowledged by %s as UID %d of %s, is lost", tok, m.by, m.uid, m.box)
		case len(at) == 1 && at[0].box != m.box && !l.boxLocked(m.box).deleting:
			w.fail("acked-mail-exactly-once", "mail %d, acknowledged by %s as UID %d of %s, is at %v", tok, m.by, m.uid, m.box, at[0])
		}
	}
}

// mayBeDeleted tells whether a mail may have gone with its mailbox: unless it
// was stored after that was gone.
func (l *ledger) mayBeDeleted(m *mail) bool {
	b := l.boxLocked(m.box)
	if !b.deleting {
		return false
	}
	stored, ok := l.stored[sync.MailKey(l.w.prefix(), m.box, m.uid)]
	return !ok || !b.deleted || stored.Before(b.deletedAt)
}

// checkBoxes checks that mailboxes are what clients were told.
func (w *world) checkBoxes(root *sync.Root) {
	l := w.led
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, b := range l.boxes {
		m := root.ByID(id)
		switch {
		case m == nil && b.created && !b.deleting:
			w.fail("created-mailbox-is-there", "%s, acknowledged as %q, is not there", id, b.name)
		case m == nil:
		case b.deleted:
			w.fail("created-mailbox-is-there", "%s, acknowledged as deleted, is there as %q", id, m.Name)
		case b.validity != 0 && b.validity != m.UIDValidity:
			w.fail("uidvalidity-stable", "%s had UIDVALIDITY %d, has %d", id, b.validity, m.UIDValidity)
		case b.name != "" && m.Name != b.name && !b.names[m.Name]:
			w.fail("created-mailbox-is-there", "%s, acknowledged as %q, is named %q", id, b.name, m.Name)
		}
	}
}

// checkCounts checks the figures in root, which a release left.
func (w *world) checkCounts(root *sync.Root, views map[sync.MailboxID]*index.View) {
	for _, m := range root.Mailboxes {
		if v := views[m.ID]; m.Counts != v.Counts() {
			w.fail("counts-honest", "root counts %+v in %s, the index %+v", m.Counts, m.ID, v.Counts())
		}
	}
}

// checkObjects checks that nothing is in the bucket but what root and the
// indexes name.
func (w *world) checkObjects(root *sync.Root, views map[sync.MailboxID]*index.View) {
	segments := map[string]bool{}
	mails := map[sync.MailboxID]uidset.Set{}
	for i := range root.Mailboxes {
		m := &root.Mailboxes[i]
		for _, name := range m.SegmentNames() {
			segments[sync.IndexKey(w.prefix(), m.ID, name)] = true
		}
		mails[m.ID] = views[m.ID].UIDs()
	}
	for _, key := range w.store.Keys() {
		k, err := sync.ParseKey(w.prefix(), key)
		if err != nil {
			w.fail("no-orphan-objects", "strange key: %v", err)
			continue
		}
		if k.Kind != sync.KeyRoot && root.ByID(k.Mailbox) == nil && w.afterLooking(key, k.Mailbox) {
			continue // for a garbage collector to find
		}
		switch k.Kind {
		case sync.KeyMail:
			if !mails[k.Mailbox].Contains(k.UID) {
				w.fail("no-orphan-objects", "no index names %s", key)
			}
		case sync.KeySegment:
			if !segments[key] {
				w.fail("no-orphan-objects", "root does not name %s", key)
			}
		}
	}
}

// afterLooking tells whether an object of a deleted mailbox was stored so late
// that no holder looks there any more.
func (w *world) afterLooking(key string, id sync.MailboxID) bool {
	l := w.led
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.boxLocked(id)
	return b.deleting && (!b.deleted || w.jumped || l.stored[key].After(b.deletedAt.Add(w.cfg.Sync.OpenRangeAge/2)))
}
