package sync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"mailbackend.io/backend/uidset"
)

// Dirty reports whether anything is not uploaded, deliveries included.
func (a *Account) Dirty() bool {
	return slices.ContainsFunc(a.liveFolders(), func(f *Folder) bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.dirtyLocked()
	})
}

// Due reports whether a folder has so many deliveries that its index is to be
// uploaded now (Config.MaxRescanMailCount).
func (a *Account) Due() bool {
	return slices.ContainsFunc(a.liveFolders(), func(f *Folder) bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return !f.gone && f.dueLocked()
	})
}

// ChangedAt is the time of the oldest change that is not uploaded and is more
// than a delivery; false if there is none. It starts the upload interval.
func (a *Account) ChangedAt() (oldest time.Time, changed bool) {
	for _, f := range a.liveFolders() {
		f.mu.Lock()
		for _, c := range []*changes{f.up, f.pend} {
			if !f.gone && c != nil && c.other && (!changed || c.since.Before(oldest)) {
				oldest, changed = c.since, true
			}
		}
		f.mu.Unlock()
	}
	return oldest, changed
}

// Upload uploads the index of each folder that has changes, or so many
// deliveries that it is due, with one commit for all.
func (a *Account) Upload(ctx context.Context) error {
	return a.uploadEntered(ctx, func(f *Folder) bool {
		return f.replay || f.pend != nil && f.pend.other || f.dueLocked()
	})
}

// UploadAll is Upload for every dirty folder, deliveries alone included.
func (a *Account) UploadAll(ctx context.Context) error {
	return a.uploadEntered(ctx, (*Folder).dirtyLocked)
}

func (a *Account) uploadEntered(ctx context.Context, pick func(*Folder) bool) error {
	if err := a.enter(); err != nil {
		return err
	}
	defer a.leave()
	jobs := a.pick(pick)
	if len(jobs) == 0 {
		return nil
	}
	return a.upload(ctx, jobs, false, a.commit)
}

// pick lists the folders for which want, called with their mu held, is true.
func (a *Account) pick(want func(*Folder) bool) (jobs []*uploadJob) {
	for _, f := range a.liveFolders() {
		f.mu.Lock()
		if !f.gone && want(f) {
			jobs = append(jobs, &uploadJob{f: f})
		}
		f.mu.Unlock()
	}
	return jobs
}

// commitFolder commits what the folder has, and at least that it was looked at.
func (f *Folder) commitFolder(ctx context.Context) error {
	f.mu.Lock()
	dirty := f.dirtyLocked()
	f.mu.Unlock()
	if !dirty {
		return f.a.commit(ctx, noChange, nil)
	}
	return f.a.uploadFolder(ctx, f, uidset.Set{})
}

// uploadFolder uploads one folder together with the expunge of messages, which
// its index is told of only afterwards.
func (a *Account) uploadFolder(ctx context.Context, f *Folder, expunge uidset.Set) error {
	return a.upload(ctx, []*uploadJob{{f: f, expunge: expunge}}, false, a.commit)
}

// commitFunc makes all uploaded segments visible with one PUT of root. outcome
// is called exactly once, with nil if the commit is confirmed.
type commitFunc func(ctx context.Context, apply func(*Root) error, outcome func(error)) error

// upload uploads the jobs' folders and commits them. Folders that fail are
// left out of the commit, and stay dirty; if whole, nothing is committed then.
//
// The caller's ctx bounds its wait only: a commit that was started is seen to
// its end, and the next upload waits for that.
func (a *Account) upload(ctx context.Context, jobs []*uploadJob, whole bool, commit commitFunc) error {
	if err := a.prepareUpload(ctx, jobs); err != nil {
		return err
	}
	// From here on the semaphore is held.
	inParallel(len(jobs), a.e.cfg.MaxParallel, func(i int) { jobs[i].err = jobs[i].put(ctx) })
	var good []*uploadJob
	var errs []error
	for _, j := range jobs {
		if j.err != nil {
			errs = append(errs, j.err)
			j.end(j.err)
		} else {
			good = append(good, j)
		}
	}
	if err := errors.Join(errs...); err != nil && (whole || len(good) == 0) {
		for _, j := range good {
			j.end(err)
		}
		a.uploading.release()
		return err
	}
	apply := func(r *Root) error {
		for _, j := range good {
			j.apply(r)
		}
		return nil
	}
	err := commit(ctx, apply, func(err error) {
		for _, j := range good {
			j.end(err)
		}
		a.uploading.release()
	})
	if err == nil {
		a.removeGarbage(ctx, a.e.cfg.GarbageBatch)
	}
	return errors.Join(append(errs, err)...)
}

// prepareUpload takes the semaphore and a snapshot of each folder. Folders
// whose index is needed are opened before.
func (a *Account) prepareUpload(ctx context.Context, jobs []*uploadJob) error {
	for range 10 {
		for _, j := range jobs {
			if err := j.f.makeReady(ctx); err != nil {
				return err
			}
			if j.expunge.Empty() {
				continue
			}
			if err := j.f.lockWithModSeqs(ctx, 1); err != nil {
				return err
			}
			j.f.mu.Unlock()
		}
		if err := a.uploading.acquire(ctx); err != nil {
			return err
		}
		ready := true
		for _, j := range jobs {
			j.f.mu.Lock()
			ready = ready && j.f.uploadableLocked() && (j.expunge.Empty() || j.f.lastModSeq < j.f.modEnd)
			j.f.mu.Unlock()
		}
		if ready {
			for _, j := range jobs {
				j.snapshot()
			}
			return nil
		}
		a.uploading.release() // something has come in between
	}
	return fmt.Errorf("upload of %q: folders don't stay ready: %w", a.user, ErrUnavailable)
}

// uploadableLocked tells whether the index may be uploaded as it is: all that a
// LIST found is in it, or there was nothing. Without that, a commit would hide
// mails of earlier holders from the LISTs to come. f.mu is held.
func (f *Folder) uploadableLocked() bool {
	return f.resolved && !f.replay && (f.box == nil || f.ready)
}

// makeReady lists the folder if it was not since the claim, and opens it if
// more is to be done than to add deliveries.
func (f *Folder) makeReady(ctx context.Context) error {
	f.mu.Lock()
	ready, replay := f.uploadableLocked(), f.replay
	f.mu.Unlock()
	if ready {
		return nil
	}
	if !replay {
		if err := f.scanJob().wait(ctx); err != nil {
			return err
		}
		f.mu.Lock()
		ready = f.uploadableLocked()
		f.mu.Unlock()
		if ready {
			return nil
		}
	}
	_, err := f.ensureOpen(ctx)
	return err
}

// addGarbage notes segments that the confirmed root names no longer.
func (a *Account) addGarbage(keys []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.garbage = append(a.garbage, keys...)
}

// removeGarbage deletes the noted segments if there are at least as many. Each
// was known before a commit of this holder that succeeded and does not name
// it. What fails is tried again after the next upload.
func (a *Account) removeGarbage(ctx context.Context, atLeast int) {
	a.mu.Lock()
	keys := a.garbage
	if len(keys) < max(atLeast, 1) {
		a.mu.Unlock()
		return
	}
	a.garbage = nil
	a.mu.Unlock()
	if err := a.deleteKeys(ctx, keys); err != nil {
		a.log.Warn("garbage not removed", "objects", len(keys), "error", err)
		a.addGarbage(keys)
	}
}
