package sync

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"mailbackend.io/backend/index"
)

// Open brings the index into memory: segments from the cache or object
// storage beside a LIST for mails that the index lacks. A folder that is open
// already costs nothing.
//
// Errors: ErrUnavailable, ErrIndexCorrupt, ErrNoMailbox.
func (f *Folder) Open(ctx context.Context) (*index.View, error) {
	if v := f.View(); v != nil {
		return v, f.a.Err()
	}
	if err := f.a.enter(); err != nil {
		return nil, err
	}
	defer f.a.leave()
	return f.ensureOpen(ctx)
}

// ensureOpen is Open for operations that were let in.
func (f *Folder) ensureOpen(ctx context.Context) (*index.View, error) {
	for {
		if v := f.View(); v != nil {
			return v, nil
		}
		f.mu.Lock()
		j := f.open
		if j == nil {
			j = f.startOpen()
		}
		f.mu.Unlock()
		if err := j.wait(ctx); err != nil {
			return nil, err
		}
	}
}

// startOpen starts the job that opens the folder. It counts as in flight, as
// it publishes what it finds. f.mu is held.
func (f *Folder) startOpen() *job {
	a := f.a
	a.mu.Lock()
	a.inflight++
	a.mu.Unlock()
	f.open = a.start(func(ctx context.Context) error {
		defer a.leave()
		err := f.doOpen(ctx)
		f.mu.Lock()
		f.open = nil
		f.mu.Unlock()
		return err
	})
	if f.open.failed() { // the account has ended
		defer a.leave()
		j := f.open
		f.open = nil
		return j
	}
	return f.open
}

// fetchJob reads the segments, ahead of the claim's confirmation if need be.
func (f *Folder) fetchJob() *job {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fetch == nil || f.fetch.failed() {
		f.fetch = f.a.start(func(ctx context.Context) error {
			m := f.a.mailbox(f.id)
			if m == nil {
				return fmt.Errorf("%s: %w", f, ErrNoMailbox)
			}
			hot, err := f.readAllHot(ctx, m.segments, nil)
			if err != nil {
				return err
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			f.hot = hot
			return nil
		})
	}
	return f.fetch
}

func (f *Folder) doOpen(ctx context.Context) error {
	fetch, scan := f.fetchJob(), f.scanJob()
	// A segment that is gone by now is read again below.
	if err := fetch.wait(ctx); err != nil && !errors.Is(err, errSegmentGone) {
		return err
	}
	if err := scan.wait(ctx); err != nil {
		return err
	}
	if err := f.a.awaitClaim(ctx); err != nil {
		return err
	}
	// No upload may change the segments from here on.
	if err := f.a.uploading.acquire(ctx); err != nil {
		return err
	}
	defer f.a.uploading.release()
	m := f.a.mailbox(f.id)
	if m == nil {
		return fmt.Errorf("%s: %w", f, ErrNoMailbox)
	}
	box, dirs, err := f.load(ctx, m)
	if err != nil {
		return err
	}
	f.mu.Lock()
	replay := f.replay
	f.mu.Unlock()
	replayed := f.install(m, box, dirs)
	news, c, err := f.resolve(ctx, m)
	if err != nil {
		f.mu.Lock()
		f.replay = replay // only the index had what the log told of flags
		unpin := f.dropBox()
		f.mu.Unlock()
		unpin()
		return err
	}
	f.tell(news)
	f.afterOpen(m, c.left, replayed || len(c.adopt) > 0 || !c.origins.Empty())
	return nil
}

// load builds the index of the segments that root names. Damaged ones are
// fetched again, once.
func (f *Folder) load(ctx context.Context, m *Mailbox) (*index.Mailbox, map[string]index.Directory, error) {
	f.mu.Lock()
	have := f.hot
	f.hot, f.fetch = nil, nil
	f.mu.Unlock()
	for attempt := 1; ; attempt++ {
		hot, err := f.readAllHot(ctx, m.segments, have)
		if errors.Is(err, errSegmentGone) {
			// Root is older than the upload that removed it, or it is lost.
			if held := f.a.claimStillHolds(ctx); held != nil {
				return nil, nil, held
			}
			return nil, nil, fmt.Errorf("%s: %w: %w", f, ErrIndexCorrupt, err)
		}
		if err != nil {
			return nil, nil, err
		}
		box, dirs, err := buildIndex(m.segments, hot, m.floor, m.UIDNext)
		if err == nil {
			return box, dirs, nil
		}
		if attempt == 2 {
			return nil, nil, fmt.Errorf("%s: %w: %w", f, ErrIndexCorrupt, err)
		}
		f.a.log.Warn("index is damaged; it is fetched again", "mailbox", f.id, "error", err)
		for i := range m.segments {
			f.forget(m.segments[i].Name)
		}
		have = nil
	}
}

// install puts the index in place, not yet shown, with the local log of a
// former process and what was stored since the claim applied. It reports whether
// anything was replayed.
func (f *Folder) install(m *Mailbox, box *index.Mailbox, dirs map[string]index.Directory) (replayed bool) {
	var ops []index.Op
	damaged := false
	if f.replay {
		ops, damaged = f.replayLog()
		if err := box.Apply(ops...); err != nil {
			f.a.log.Error("local log can't be applied", "mailbox", f.id, "error", err)
			ops, damaged = nil, true
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.uploaded = max(m.HighestModSeq, m.floor)
	f.segments, f.dirs = slices.Clone(m.segments), dirs
	if damaged {
		// Something that was told is lost, as in a crash of the machine.
		f.raiseFloor = m.modseqs.start
		mustApply(box, index.Op{Kind: index.OpFloor, ModSeq: f.raiseFloor})
	}
	if f.pend != nil {
		mustApply(box, f.pend.appends...)
		mustApply(box, f.pend.removals...)
	}
	f.box = box
	if f.replay {
		f.replay = false
		news := slices.DeleteFunc(ops, func(op index.Op) bool { return op.ModSeq <= f.uploaded })
		if len(news) > 0 || damaged {
			if f.pend == nil {
				f.pend = &changes{}
			}
			f.pend.add(news, f.a.e.clk.Now())
			f.pend.other, f.pend.since = true, f.a.e.clk.Now()
		}
		for i := range ops {
			if ops[i].Kind == index.OpAppend {
				f.told = max(f.told, ops[i].UID+1)
			}
		}
	}
	return len(ops) > 0 || damaged
}

// mustApply applies ops that were valid before.
func mustApply(box *index.Mailbox, ops ...index.Op) {
	if err := box.Apply(ops...); err != nil {
		panic("sync: " + err.Error())
	}
}

// resolve judges what the LIST found, takes what keeps its UID into the index
// and shows it: "only then is SELECT answered". What else is to be done is
// returned.
func (f *Folder) resolve(ctx context.Context, m *Mailbox) (news, considered, error) {
	f.mu.Lock()
	found := f.found
	fresh := m.fresh
	if f.resolved {
		fresh = nil
	}
	f.mu.Unlock()
	c, err := f.consider(ctx, found, fresh)
	if err != nil {
		return news{}, c, err
	}
	if err := f.lockWithModSeqs(ctx, 2); err != nil {
		return news{}, c, err
	}
	defer f.mu.Unlock()
	var ops []index.Op
	if !c.origins.Empty() {
		f.lastModSeq++
		ops = append(ops, index.Op{Kind: index.OpExpunge, ModSeq: f.lastModSeq, UIDs: c.origins})
	}
	if len(c.adopt) > 0 {
		f.lastModSeq++
		for _, op := range c.adopt {
			op.ModSeq = f.lastModSeq
			ops = append(ops, op)
		}
	}
	f.ready = true
	if f.a.files != nil {
		f.a.files.Pin()
	}
	if len(ops) > 0 {
		f.apply(ops)
		// More than deliveries.
		if !f.pend.other {
			f.pend.other, f.pend.since = true, f.a.e.clk.Now()
		}
	}
	f.handledIn(c.handled)
	f.found, f.resolved = nil, true
	f.shown.Store(f.box.View())
	return f.tidings(), c, nil
}

// afterOpen starts what the first access leaves for the background.
func (f *Folder) afterOpen(m *Mailbox, left []listed, commit bool) {
	f.mu.Lock()
	f.late = append(f.late, left...)
	late := len(f.late) > 0
	check := m.checkBelow > 0 && !f.checked
	first := f.relist == 0 && len(m.open) > 0
	if first {
		f.relist = f.a.e.cfg.RelistFirst
	}
	f.mu.Unlock()
	if commit {
		// "What the takeover's LISTs found is committed at once."
		f.a.attempt("commit after a takeover", f.commitFolder)
	}
	if late {
		f.a.attempt("late mail", f.tidy)
	}
	if check {
		f.a.attempt("LIST of the whole folder", f.fullCheck)
	}
	switch {
	case first:
		f.a.after(f.a.e.cfg.RelistFirst, f.relistOpen)
	case len(m.open) > 0:
		// "Open ranges are listed again at later accesses".
		f.a.attempt("looking for late mail", func(ctx context.Context) error { return f.lookForLate(ctx, m) })
	}
}

// attempt does something in the background that can be done later as well: it
// is repeated with pauses while the account is active, and left undone when it is
// released.
func (a *Account) attempt(what string, f func(context.Context) error) { a.attemptAgain(what, f, 1) }

func (a *Account) attemptAgain(what string, f func(context.Context) error, n int) {
	a.spawn(func() {
		if a.enter() != nil {
			return
		}
		err := f(a.idle())
		a.leave()
		if err == nil || a.Err() != nil || errors.Is(err, ErrNoMailbox) {
			return
		}
		a.log.Warn(what+" failed; it is repeated", "attempt", n, "error", err)
		a.after(a.e.backoff(n), func() { a.attemptAgain(what, f, n+1) })
	})
}
