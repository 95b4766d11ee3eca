package sync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/objstore"
)

// LoadOptions say what a Load is for.
type LoadOptions struct {
	// Initial are the mailboxes that a user has from the first contact on.
	Initial []NewMailbox
	// Open names mailboxes whose index will be read: their segments are
	// fetched beside the claim, so that a following Folder.Open costs no
	// further round. Unknown names are ignored.
	Open []string
	// Scan names mailboxes that mail will be delivered to: they are listed
	// beside the claim (after it, if the last holder did not release).
	Scan []string
	// OnDue, if set, is called without locks when deliveries alone made an
	// upload due (Account.Due). It must not block.
	OnDue func(*Account)
}

// Load claims the user and returns the account, which this engine alone may
// change until it ends. It takes the user over from whoever has it: routing
// decides before. The caller makes sure that an engine has one account per
// user: a second Load overtakes the first. user must not be empty.
//
// Errors: ErrUnavailable, ErrRootCorrupt, ErrRootLost, or of ctx.
func (e *Engine) Load(ctx context.Context, user string, o LoadOptions) (*Account, error) {
	if user == "" || len(user) > maxUserName {
		return nil, fmt.Errorf("load: a user name of %d bytes", len(user))
	}
	l := &loader{e: e, ctx: ctx, user: user, prefix: UserPrefix(e.cfg.Prefix, user), o: o}
	for {
		a, err := l.try()
		if a != nil || err != nil {
			return a, err
		}
		// Somebody else wrote root in between. That is rare, and each time
		// one of those who race gets through.
	}
}

// loader is one Load.
type loader struct {
	e      *Engine
	ctx    context.Context
	user   string
	prefix string
	o      LoadOptions
}

// try makes one claim. Neither an account nor an error: root has changed since
// it was read, and is to be read again.
func (l *loader) try() (*Account, error) {
	old, etag, err := l.e.readRoot(l.ctx, l.prefix)
	switch {
	case errors.Is(err, objstore.ErrNotFound):
		return l.create()
	case errors.Is(err, ErrRootCorrupt):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("load %q: %w: %w", l.user, ErrUnavailable, err)
	case old.User != l.user:
		return nil, fmt.Errorf("load %q: %w: it is that of %q", l.user, ErrRootCorrupt, old.User)
	}
	p := claimParams{
		self: l.e.self, commitID: l.e.newID(), now: l.e.unixNow(),
		uidRange: l.e.cfg.UIDRange, modSeqRange: l.e.cfg.ModSeqRange,
	}
	p.replay = l.replayable(old, p.commitID)
	next := claimRoot(old, p)
	if err := next.check(); err != nil {
		return nil, fmt.Errorf("load %q: %w: %w", l.user, ErrRootCorrupt, err)
	}
	a := l.e.newAccount(l.user, next, l.o.OnDue)
	a.beside = old.released()
	a.replay = p.replay
	l.prefetch(a)
	claimed, err := l.claim(a, old, next, func(data objstore.Blob) (objstore.ETag, error) {
		return l.e.store.PutIfMatch(l.ctx, RootKey(l.prefix), data, etag)
	})
	if !claimed {
		return nil, err
	}
	return a, nil
}

// prefetch starts what may run beside the claim.
func (l *loader) prefetch(a *Account) {
	for _, name := range slices.Concat(l.o.Open, l.o.Scan) {
		m := a.root.ByName(name)
		if m == nil {
			continue
		}
		f, _ := a.Folder(m.ID)
		f.scanJob() // which waits for the claim where it must
		if slices.Contains(l.o.Open, name) {
			f.fetchJob()
		}
	}
}

// claim sends the PUT that makes next root, until its outcome is settled. Not
// claimed and no error: root has changed. An account that was not claimed has
// ended.
func (l *loader) claim(a *Account, old, next *Root, put func(objstore.Blob) (objstore.ETag, error)) (claimed bool, err error) {
	defer func() {
		if !claimed {
			a.end(fmt.Errorf("claim of %q failed: %w", l.user, ErrOvertaken))
			a.Wait()
		}
	}()
	data := appendRoot(nil, next)
	oldID := index.ID{}
	if old != nil {
		oldID = old.CommitID
	}
	for n := 1; ; n++ {
		started := l.e.clk.Now()
		etag, err := put(objstore.Blob{data})
		if err == nil {
			l.claimed(a, next, data, etag, started)
			return true, nil
		}
		if !errors.Is(err, objstore.ErrPrecondition) && refused(err) {
			return false, fmt.Errorf("claim %q: %w: %w", l.user, ErrUnavailable, err)
		}
		// "A 412 on a commit means overtaken, or the echo of one's own PUT";
		// and whatever else it was, root tells.
		now, etag, gerr := l.e.readRoot(l.ctx, l.prefix)
		switch {
		case errors.Is(gerr, objstore.ErrNotFound) && old == nil:
			// Not created yet: the same PUT again.
		case errors.Is(gerr, ErrRootCorrupt):
			return false, gerr
		case gerr != nil:
			return false, fmt.Errorf("claim %q: outcome unknown: %w: %w", l.user, ErrUnavailable, errors.Join(err, gerr))
		default:
			switch judgeRoot(next.CommitID, oldID, now.CommitID) {
			case landed:
				l.claimed(a, next, data, etag, started)
				return true, nil
			case overtaken:
				return false, nil
			}
		}
		if err := a.pause(l.ctx, n); err != nil {
			return false, fmt.Errorf("claim %q: outcome unknown: %w: %w", l.user, ErrUnavailable, err)
		}
	}
}

// claimed completes an account whose claim is confirmed.
func (l *loader) claimed(a *Account, root *Root, data []byte, etag objstore.ETag, started time.Time) {
	a.mu.Lock()
	a.encoded, a.etag, a.confirmed = data, etag, started
	a.mu.Unlock()
	a.adoptLogs()
	close(a.claimed)
	for i := range root.deleted {
		id := root.deleted[i].id
		a.after(a.e.cfg.RelistFirst, func() { a.cleanUpMailbox(id, a.e.cfg.RelistFirst) })
	}
}

// create makes the first root of a user, with the initial mailboxes and the
// claim in one PUT.
func (l *loader) create() (*Account, error) {
	// A user who has objects had a root: it is not for this to start anew.
	page, err := l.e.store.List(l.ctx, l.prefix, "", 1)
	if err != nil {
		return nil, fmt.Errorf("load %q: %w: %w", l.user, ErrUnavailable, err)
	}
	if len(page.Objects) > 0 {
		if page.Objects[0].Key == RootKey(l.prefix) {
			return nil, nil // created just now
		}
		// Unless root came in between; it lists behind the mailboxes.
		_, err := l.e.store.Head(l.ctx, RootKey(l.prefix))
		switch {
		case err == nil:
			return nil, nil
		case errors.Is(err, objstore.ErrNotFound):
			return nil, fmt.Errorf("load %q: %w", l.user, ErrRootLost)
		}
		return nil, fmt.Errorf("load %q: %w: %w", l.user, ErrUnavailable, err)
	}
	root := &Root{User: l.user, Epoch: 1, Holder: l.e.self, CommitID: l.e.newID(), newID: l.e.newID, now: l.e.unixNow()}
	for _, m := range l.o.Initial {
		if _, err := root.Create(m); err != nil {
			return nil, fmt.Errorf("load %q: %w", l.user, err)
		}
	}
	root.newID = nil
	for i := range root.Mailboxes {
		m := &root.Mailboxes[i]
		m.topUp(m.uids.start, m.modseqs.start, l.e.cfg.UIDRange, l.e.cfg.ModSeqRange)
	}
	if err := root.check(); err != nil {
		return nil, fmt.Errorf("load %q: %w", l.user, err)
	}
	a := l.e.newAccount(l.user, root, l.o.OnDue)
	claimed, err := l.claim(a, nil, root, func(data objstore.Blob) (objstore.ETag, error) {
		return l.e.store.PutIfAbsent(l.ctx, RootKey(l.prefix), data)
	})
	if !claimed {
		return nil, err
	}
	return a, nil
}

// replayable tells whether the local logs are those of the holder that root
// names, and notes in their meta that the claim named by id is about to go on
// with them.
func (l *loader) replayable(old *Root, id index.ID) bool {
	if l.e.cache == nil {
		return false
	}
	files := l.e.cache.User(l.user)
	b, err := files.Meta()
	if err != nil {
		return false
	}
	meta, err := decodeLocalMeta(b)
	if err != nil {
		l.e.log.Warn("local meta is damaged", "user", l.user, "error", err)
		return false
	}
	if !meta.covers(old, l.e.self.Pod) {
		return false
	}
	meta = localMeta{epoch: old.Epoch, holder: old.Holder, claim: id}
	if err := files.SetMeta(meta.encode()); err != nil {
		l.e.log.Warn("local meta can't be written; the local logs are not replayed", "user", l.user, "error", err)
		return false
	}
	return true
}

// adoptLogs makes the local logs those of this claim: to be replayed, or emptied.
func (a *Account) adoptLogs() {
	if a.files == nil {
		return
	}
	var err error
	if a.replay {
		var boxes []string
		boxes, err = a.files.LogMailboxes()
		for _, box := range boxes {
			if f, ok := a.Folder(MailboxID(box)); ok {
				f.mu.Lock()
				f.replay, f.resolved = true, false
				f.dirtied++
				a.setDirty(f.id, f.dirtied)
				f.mu.Unlock()
			}
		}
	} else {
		err = dropLogs(a.files)
	}
	if err == nil {
		err = a.files.SetMeta((&localMeta{epoch: a.epoch, holder: a.e.self}).encode())
	}
	if err != nil {
		a.loseLog(err)
	}
}
