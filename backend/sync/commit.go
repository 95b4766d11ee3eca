package sync

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/objstore"
)

// change is one caller's part of a commit.
type change struct {
	apply func(*Root) error
	// outcome, if set, is called exactly once, before done: with nil once the
	// commit is confirmed and the account shows it.
	outcome func(error)
	done    chan error // buffered
}

func (c *change) answer(err error) {
	if c.outcome != nil {
		c.outcome(err)
	}
	c.done <- err
}

// Commit changes root: change is given a copy of the newest root, and Commit
// returns once the changed one is stored. change may be called again on a newer
// root and must not block; if it returns an error nothing is changed and Commit
// returns that error. Several Commits may share one PUT.
//
// Errors: ErrOvertaken, ErrReleased, ErrFrozen; ErrUnavailable or of ctx if the
// outcome is unknown (it may still take effect).
func (a *Account) Commit(ctx context.Context, apply func(*Root) error) error {
	if err := a.enter(); err != nil {
		return err
	}
	defer a.leave()
	if err := a.prepareDeletes(ctx, apply); err != nil {
		return err
	}
	return a.commit(ctx, apply, nil)
}

// commit is Commit for operations that were let in already. outcome, if not
// nil, is called exactly once, though perhaps only after commit returned because
// ctx ended.
func (a *Account) commit(ctx context.Context, apply func(*Root) error, outcome func(error)) error {
	c := &change{apply: apply, outcome: outcome, done: make(chan error, 1)}
	if err := a.enqueue(c); err != nil {
		c.answer(err)
		return err
	}
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("commit of %q not confirmed: %w: %w", a.user, ErrUnavailable, context.Cause(ctx))
	case <-a.ctx.Done():
		select {
		case err := <-c.done: // answered before the account ended
			return err
		default:
			return a.Err()
		}
	}
}

// noChange is for commits that only extend ranges.
func noChange(*Root) error { return nil }

func (a *Account) enqueue(c *change) error {
	a.mu.Lock()
	if a.state == ended {
		a.mu.Unlock()
		return a.Err()
	}
	a.queue = append(a.queue, c)
	start := !a.committing
	a.committing = true
	a.mu.Unlock()
	if start && !a.spawn(a.committer) {
		// It ended right now: the change is never looked at.
		return a.Err()
	}
	return nil
}

// committer commits what is queued, one PUT at a time, until the queue is empty.
//
// Invariant: at most one runs per account, so that root has one writer.
func (a *Account) committer() {
	for {
		a.mu.Lock()
		batch := a.queue
		a.queue = nil
		over := a.state == ended
		if len(batch) == 0 || over {
			a.committing = false
			a.noteQuiet()
			a.mu.Unlock()
			for _, c := range batch {
				c.answer(a.Err())
			}
			return
		}
		base, etag := a.currentRoot(), a.etag
		a.mu.Unlock()
		a.commitBatch(batch, base, etag)
	}
}

func (a *Account) commitBatch(batch []*change, base *Root, etag objstore.ETag) {
	next, batch, err := a.buildRoot(base, batch)
	if err == nil && len(batch) > 0 {
		err = a.putRoot(a.ctx, base, next, etag)
	}
	if err != nil {
		a.undelete()
	}
	for _, c := range batch {
		c.answer(err)
	}
}

// buildRoot applies the changes to base. Those that fail are answered and left
// out of the returned batch.
func (a *Account) buildRoot(base *Root, batch []*change) (*Root, []*change, error) {
	next := base.clone()
	var kept []*change
	for _, c := range batch {
		try := next.clone()
		try.newID, try.now = a.e.newID, a.e.unixNow()
		if err := c.apply(try); err != nil {
			c.answer(err)
			continue
		}
		next, kept = try, append(kept, c)
	}
	next.newID = nil
	if len(kept) == 0 {
		return next, nil, nil
	}
	next.CommitID = a.e.newID()
	a.finishDeletes(base, next)
	now, maxAge := a.e.unixNow(), int64(a.e.cfg.OpenRangeAge/time.Second)
	for _, f := range a.liveFolders() {
		if m := next.ByID(f.id); m != nil {
			f.contribute(m, now, maxAge)
		}
	}
	for i := range next.Mailboxes {
		// Mailboxes that this commit creates get their first ranges.
		if m := &next.Mailboxes[i]; m.uids.start == m.uids.end {
			m.topUp(m.uids.start, m.modseqs.start, a.e.cfg.UIDRange, a.e.cfg.ModSeqRange)
		}
	}
	a.mu.Lock()
	next.logless = next.logless || a.logless
	a.mu.Unlock()
	if err := next.check(); err != nil {
		return next, kept, fmt.Errorf("commit of %q: the change makes a root that can't be: %w", a.user, err)
	}
	return next, kept, nil
}

// putRoot replaces base by next. It goes on until the outcome is settled: an
// error other than the account's end or that of ctx means that nothing was
// written. If another holder is found the account has ended.
func (a *Account) putRoot(ctx context.Context, base, next *Root, etag objstore.ETag) error {
	data := appendRoot(nil, next)
	key := RootKey(a.prefix)
	unsettled := false
	for n := 1; ; n++ {
		started := a.e.clk.Now()
		tag, err := a.e.store.PutIfMatch(ctx, key, objstore.Blob{data}, etag)
		switch {
		case err == nil:
			a.confirm(next, data, tag, started)
			return nil
		case errors.Is(err, objstore.ErrPrecondition):
			started = a.e.clk.Now()
			verdict, tag, err := a.whatBecame(ctx, base, next)
			switch {
			case err != nil:
				return err
			case verdict == landed:
				a.confirm(next, data, tag, started)
				return nil
			case verdict == overtaken:
				err := fmt.Errorf("commit of %q: %w", a.user, ErrOvertaken)
				a.end(err)
				return err
			}
		case !unsettled && refused(err):
			return fmt.Errorf("commit of %q: %w: %w", a.user, ErrUnavailable, err)
		default:
			unsettled = true
			a.log.Warn("commit not answered; it is repeated", "attempt", n, "error", err)
		}
		if err := a.pause(ctx, n); err != nil {
			return err
		}
	}
}

// refused tells whether a failed write certainly did nothing.
func refused(err error) bool {
	switch {
	case errors.Is(err, objstore.ErrUnknownOutcome):
		return false
	case errors.Is(err, objstore.ErrUnavailable), errors.Is(err, objstore.ErrDenied), errors.Is(err, objstore.ErrBadKey):
		return true
	}
	return false // a context's end, or an adapter's own: who knows
}

// pause waits before attempt n+1. The error is that of ctx or the account's.
func (a *Account) pause(ctx context.Context, n int) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	return clock.Sleep(ctx, a.e.clk, a.e.backoff(n))
}

// whatBecame reads root after a 412, however often it takes.
func (a *Account) whatBecame(ctx context.Context, base, next *Root) (commitVerdict, objstore.ETag, error) {
	for n := 1; ; n++ {
		now, tag, err := a.e.readRoot(ctx, a.prefix)
		switch {
		case err == nil:
			return judgeRoot(next.CommitID, base.CommitID, now.CommitID), tag, nil
		case errors.Is(err, objstore.ErrNotFound):
			err := fmt.Errorf("root of %q vanished: %w", a.user, ErrRootLost)
			a.end(err)
			return 0, "", err
		case errors.Is(err, ErrRootCorrupt):
			// Not what this process wrote.
			a.end(err)
			return 0, "", err
		}
		if err := a.pause(ctx, n); err != nil {
			return 0, "", err
		}
	}
}

// readRoot gets and decodes a root.
func (e *Engine) readRoot(ctx context.Context, prefix string) (*Root, objstore.ETag, error) {
	obj, err := e.store.Get(ctx, RootKey(prefix), objstore.Range{})
	if err != nil {
		return nil, "", err
	}
	r, err := decodeRoot(obj.Data, e.cfg.MaxRoot)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w: %w", RootKey(prefix), ErrRootCorrupt, err)
	}
	return r, obj.ETag, nil
}

// confirm makes a root that was stored the account's, and its ranges usable.
func (a *Account) confirm(next *Root, data []byte, tag objstore.ETag, started time.Time) {
	a.mu.Lock()
	if a.state == ended {
		a.mu.Unlock()
		return
	}
	a.root, a.encoded, a.etag = next, data, tag
	a.confirmed = started
	folders := a.allFolders()
	a.mu.Unlock()
	for _, f := range folders {
		if m := next.ByID(f.id); m != nil {
			f.topped(m)
		}
	}
	a.cleanUpDeleted(folders, next)
}

// contribute adds to a commit what is the folder's, whatever the commit is for:
// longer ranges, tainted UIDs, what is known by now of earlier ranges.
func (f *Folder) contribute(m *Mailbox, now, maxAge int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	cfg := &f.a.e.cfg
	m.topUp(f.next, f.lastModSeq, cfg.UIDRange+f.wantUIDs, cfg.ModSeqRange+f.wantModSeqs)
	m.FirstRecent = max(m.FirstRecent, f.firstRecent)
	m.UIDNext = max(m.UIDNext, f.told)
	if f.resolved {
		m.fresh = nil
	}
	// A tainted UID may yet see an attempt that was never answered: the
	// holders to come look for it as for any late mail.
	for _, r := range f.tainted.Ranges() {
		if !f.noted.Contains(r.First) || !f.noted.Contains(r.Last) {
			m.open = addOpen(m.open, openRange{r.First, r.Last, now})
		}
	}
	if !f.dirtyLocked() {
		// Not before what was found is committed.
		m.open = pruneOpen(m.open, now, maxAge)
		if f.checked {
			m.checkBelow = 0
		}
	}
}

// topped takes over the ranges of a confirmed root: "UIDs of an extended range
// are used only when the commit that extends it is confirmed".
func (f *Folder) topped(m *Mailbox) {
	f.mu.Lock()
	f.nameHint = m.Name
	f.own.end = max(f.own.end, m.uids.end)
	f.modEnd = max(f.modEnd, m.modseqs.end)
	for _, r := range f.tainted.Ranges() {
		if openContains(m.open, r.First) && openContains(m.open, r.Last) {
			f.noted.Add(r.First, r.Last)
		}
	}
	news := f.advance()
	f.mu.Unlock()
	f.tell(news)
}

// claimStillHolds reads root and tells whether it still names this claim. If
// not, the account has ended.
func (a *Account) claimStillHolds(ctx context.Context) error {
	started := a.e.clk.Now()
	r, _, err := a.e.readRoot(ctx, a.prefix)
	switch {
	case errors.Is(err, objstore.ErrNotFound):
		err = fmt.Errorf("root of %q vanished: %w", a.user, ErrRootLost)
		a.end(err)
		return err
	case errors.Is(err, ErrRootCorrupt):
		a.end(err)
		return err
	case err != nil:
		return fmt.Errorf("reading root of %q: %w: %w", a.user, ErrUnavailable, err)
	case r.Epoch != a.epoch || r.Holder != a.e.self:
		err = fmt.Errorf("root of %q names epoch %d: %w", a.user, r.Epoch, ErrOvertaken)
		a.end(err)
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if started.After(a.confirmed) {
		a.confirmed = started
	}
	return nil
}

// stale tells whether the last proof of the claim is older than ConfirmAge.
func (a *Account) stale() bool {
	now := a.e.clk.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	age := now.Sub(a.confirmed)
	return age > a.e.cfg.ConfirmAge || age < 0 // a clock that was set back proves nothing
}
