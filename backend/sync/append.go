package sync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	gosync "sync"

	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/uidset"
)

// maxForeign is how many UIDs in a row may be found taken by unknown objects
// before a mail is refused.
const maxForeign = 100

// Append stores one mail and returns once object storage has confirmed it. The
// folder need not be open. With an error the mail may still be stored, now or
// later, but was not acknowledged.
//
// Errors: ErrUnavailable, ErrBusy, ErrNoMailbox, ErrExhausted, ErrFrozen.
func (f *Folder) Append(ctx context.Context, m NewMail) (uid uint32, err error) {
	if err := f.a.enter(); err != nil {
		return 0, err
	}
	defer f.a.leave()
	if err := f.a.roomForUnresolved(); err != nil {
		return 0, err
	}
	mail, err := f.sealMail(&m)
	if err != nil {
		return 0, err
	}
	return f.store(ctx, mail)
}

// store is Append for a mail that is encoded and an operation that was let in.
func (f *Folder) store(ctx context.Context, mail *sealedMail) (uint32, error) {
	held := f.a.confirmBeside(ctx)
	for range maxForeign {
		slots, err := f.reserve(ctx, []*sealedMail{mail})
		if err != nil {
			return 0, err
		}
		s := slots[0]
		switch outcome, err := f.send(ctx, s); outcome {
		case confirmedStored:
			f.settle(s, isStored)
			f.cacheAppended(s)
			if err := held(); err != nil {
				return 0, err
			}
			// Whoever knows that it was overtaken acknowledges nothing.
			return s.uid, f.a.Err()
		case foundForeign:
			// "Another's is left alone as an unknown object, and the next
			// UID is taken." The mail keeps its GUID: should an attempt
			// that was never answered land after all, the two count as one.
			f.a.log.Warn("UID is taken by an unknown object", "mailbox", f.id, "uid", s.uid)
			f.settle(s, aborted)
		case notStored:
			f.settle(s, aborted)
			return 0, err
		default:
			f.settleLater(s)
			return 0, err
		}
	}
	return 0, fmt.Errorf("%s: %d UIDs in a row are taken by unknown objects: %w", f, maxForeign, ErrUnavailable)
}

// confirmBeside reads root beside what the caller does, if the last proof of
// the claim is old, "so that a stale holder is found out". The result waits for
// it and tells whether the claim still holds.
func (a *Account) confirmBeside(ctx context.Context) func() error {
	if !a.stale() {
		return func() error { return nil }
	}
	done := make(chan error, 1)
	if !a.spawn(func() { done <- a.claimStillHolds(ctx) }) {
		return a.Err
	}
	return func() error { return <-done }
}

func (a *Account) roomForUnresolved() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.unresolved >= a.e.cfg.MaxUnresolved {
		return fmt.Errorf("account of %q: %d mails: %w", a.user, a.unresolved, ErrBusy)
	}
	return nil
}

// outcome is what is known after an attempt to store a mail.
type outcome uint8

const (
	unknownOutcome outcome = iota
	confirmedStored
	foundForeign
	notStored
)

// send tries once to store a slot's mail. It returns an error unless the
// outcome is confirmedStored or foundForeign.
func (f *Folder) send(ctx context.Context, s *slot) (outcome, error) {
	var told objstore.Outcome
	key := MailKey(f.a.prefix, f.id, s.uid)
	_, err := f.a.e.store.PutIfAbsent(objstore.WithOutcome(ctx, &told), key, s.mail.blob)
	if told.Tainted() {
		s.unanswered = true
	}
	switch {
	case err == nil:
		return confirmedStored, nil
	case errors.Is(err, objstore.ErrPrecondition):
		return f.identify(ctx, s)
	case !s.unanswered && refused(err):
		return notStored, fmt.Errorf("%s: storing a mail: %w: %w", f, ErrUnavailable, err)
	}
	if !refused(err) {
		s.unanswered = true
	}
	return unknownOutcome, fmt.Errorf("%s: storing UID %d: %w: %w", f, s.uid, ErrUnavailable, err)
}

// identify finds out whose object is under the UID: "On 412 the GUID tells".
func (f *Folder) identify(ctx context.Context, s *slot) (outcome, error) {
	key := MailKey(f.a.prefix, f.id, s.uid)
	obj, err := f.a.e.store.Get(ctx, key, objstore.Range{Length: objstore.IdentityBytes})
	switch {
	case err == nil && isHead(s.mail.blob, obj.Data):
		return confirmedStored, nil
	case err == nil:
		return foundForeign, nil
	case errors.Is(err, objstore.ErrNotFound):
		// It was there and is gone: a new holder may have re-homed it. To
		// store it again would be a second copy.
		if err := f.a.claimStillHolds(ctx); err != nil {
			return unknownOutcome, err
		}
	}
	return unknownOutcome, fmt.Errorf("%s: identifying UID %d: %w: %w", f, s.uid, ErrUnavailable, err)
}

// isHead tells whether head is how blob begins.
func isHead(blob objstore.Blob, head []byte) bool {
	if int64(len(head)) != min(blob.Len(), objstore.IdentityBytes) {
		return false
	}
	for _, p := range blob {
		n := min(len(p), len(head))
		if !bytes.Equal(p[:n], head[:n]) {
			return false
		}
		head = head[n:]
	}
	return true
}

// settleLater repeats the same PUT, "same UID, same GUID", in the background
// until an answer settles it.
func (f *Folder) settleLater(s *slot) {
	a := f.a
	a.mu.Lock()
	a.unresolved++
	a.inflight++ // a release waits for it
	a.mu.Unlock()
	done := func() {
		a.mu.Lock()
		a.unresolved--
		a.mu.Unlock()
		a.leave()
	}
	started := a.spawn(func() {
		defer done()
		for n := 1; ; n++ {
			if a.sleep(a.e.backoff(n)) != nil {
				return
			}
			outcome, err := f.send(a.ctx, s)
			switch outcome {
			case confirmedStored:
				f.settle(s, isStored)
				return
			case foundForeign, notStored:
				f.settle(s, aborted)
				return
			}
			a.log.Warn("mail is still unresolved", "mailbox", f.id, "uid", s.uid, "attempt", n, "error", err)
		}
	})
	if !started {
		done()
	}
}

// AppendMany stores all mails or none (RFC 3502), under ascending UIDs. They
// become visible together. On an error those already stored are removed again.
func (f *Folder) AppendMany(ctx context.Context, ms []NewMail) ([]uint32, error) {
	switch len(ms) {
	case 0:
		return nil, nil
	case 1:
		uid, err := f.Append(ctx, ms[0])
		return []uint32{uid}, err
	}
	if err := f.a.enter(); err != nil {
		return nil, err
	}
	defer f.a.leave()
	if err := f.a.roomForUnresolved(); err != nil {
		return nil, err
	}
	mails := make([]*sealedMail, len(ms))
	for i := range ms {
		var err error
		if mails[i], err = f.sealMail(&ms[i]); err != nil {
			return nil, err
		}
	}
	held := f.a.confirmBeside(ctx)
	for range maxForeign {
		uids, foreign, err := f.storeGroup(ctx, mails)
		if foreign {
			continue
		}
		if err == nil {
			err = held()
		}
		if err == nil {
			err = f.a.Err()
		}
		return uids, err
	}
	return nil, fmt.Errorf("%s: %d times UIDs are taken by unknown objects: %w", f, maxForeign, ErrUnavailable)
}

// storeGroup stores mails under adjacent UIDs, all or none. foreign tells that
// a UID was taken: another try gets others.
func (f *Folder) storeGroup(ctx context.Context, mails []*sealedMail) (uids []uint32, foreign bool, err error) {
	slots, err := f.reserve(ctx, mails)
	if err != nil {
		return nil, false, err
	}
	errs := make([]error, len(slots))
	outcomes := make([]outcome, len(slots))
	inParallel(len(slots), f.a.e.cfg.MaxParallel, func(i int) {
		outcomes[i], errs[i] = f.send(ctx, slots[i])
	})
	failed := false
	for i, o := range outcomes {
		failed = failed || o != confirmedStored
		foreign = foreign || o == foundForeign
		uids = append(uids, slots[i].uid)
	}
	if failed {
		f.withdraw(ctx, slots, outcomes)
		err := errors.Join(errs...)
		return nil, foreign && err == nil, err
	}
	for _, s := range slots {
		f.settle(s, isStored)
	}
	return uids, false, nil
}

// withdraw gives up the slots of a group that failed, and removes what was
// stored of it. Until it is certain that nothing of it can appear any more, no
// later UID becomes visible: clients would be told a UIDNEXT above it.
func (f *Folder) withdraw(ctx context.Context, slots []*slot, outcomes []outcome) {
	var stored, unsure []string
	var uids uidset.Set
	for i, s := range slots {
		key := MailKey(f.a.prefix, f.id, s.uid)
		switch {
		case outcomes[i] == foundForeign:
			continue // another's, and not ours to remove
		case s.unanswered:
			unsure = append(unsure, key)
			uids.Add(s.uid, s.uid)
		case outcomes[i] == confirmedStored:
			stored = append(stored, key)
		}
	}
	giveUp := func() {
		for _, s := range slots {
			f.settle(s, aborted)
		}
	}
	if err := f.a.deleteKeys(ctx, stored); err == nil && len(unsure) == 0 {
		giveUp()
		return
	}
	f.a.inBackground("removing what was stored of a failed append", func() error {
		// "A UID that has an attempt which was never answered is tainted:
		// that attempt may land after the DELETE, so its expunge is
		// committed first."
		if !uids.Empty() {
			err := f.a.uploadFolder(f.a.ctx, f, uids)
			if err != nil && !errors.Is(err, ErrNoMailbox) {
				return err
			}
		}
		if err := f.a.deleteKeys(f.a.ctx, append(stored, unsure...)); err != nil {
			return err
		}
		giveUp()
		return nil
	})
}

// cacheAppended puts a mail that was just stored into the cache, if somebody
// looks at the mailbox and will soon ask for it.
func (f *Folder) cacheAppended(s *slot) {
	size := s.mail.blob.Len()
	if f.a.files == nil || f.shown.Load() == nil || size > f.a.e.cfg.CacheAppended {
		return
	}
	f.keepBody(s.uid, bytes.Join(s.mail.blob, nil))
}

// inParallel calls f for 0..n-1, at most limit at a time, and returns when all
// have returned.
func inParallel(n, limit int, f func(i int)) {
	if n == 1 {
		f(0)
		return
	}
	var wg gosync.WaitGroup
	places := make(chan struct{}, max(limit, 1))
	for i := range n {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			f(i)
		})
	}
	wg.Wait()
}

// inBackground does something that a release waits for, again and again until
// it succeeds or the account ends.
func (a *Account) inBackground(what string, f func() error) {
	a.mu.Lock()
	a.inflight++
	a.mu.Unlock()
	started := a.spawn(func() {
		defer a.leave()
		for n := 1; ; n++ {
			err := f()
			if err == nil || a.Err() != nil {
				return
			}
			a.log.Warn(what+" failed; it is repeated", "attempt", n, "error", err)
			if a.sleep(a.e.backoff(n)) != nil {
				return
			}
		}
	})
	if !started {
		a.leave()
	}
}

// deleteKeys deletes objects, as many requests as it takes in parallel.
func (a *Account) deleteKeys(ctx context.Context, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	chunks := (len(keys) + objstore.MaxDelete - 1) / objstore.MaxDelete
	errs := make([]error, chunks)
	inParallel(chunks, a.e.cfg.MaxParallel, func(i int) {
		first := i * objstore.MaxDelete
		errs[i] = a.e.store.Delete(ctx, keys[first:min(first+objstore.MaxDelete, len(keys))])
	})
	return errors.Join(errs...)
}
