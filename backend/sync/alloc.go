package sync

import (
	"context"
	"fmt"

	"mailbackend.io/backend/index"
)

// reserve hands out UIDs for mails, in their order and without a gap, and makes
// their slots. If the range is too short a commit extends it first. Slots of more
// than one mail are a group.
func (f *Folder) reserve(ctx context.Context, mails []*sealedMail) ([]*slot, error) {
	n := uint32(len(mails))
	for {
		f.mu.Lock()
		switch {
		case f.gone:
			f.mu.Unlock()
			return nil, fmt.Errorf("%s: %w", f, ErrNoMailbox)
		case f.sealed:
			f.mu.Unlock()
			return nil, f.a.Err()
		case uint64(f.next)+uint64(n) > index.MaxUID+1:
			f.mu.Unlock()
			return nil, fmt.Errorf("%s: %w", f, ErrExhausted)
		case uint64(f.next)+uint64(n) <= uint64(f.own.end):
			slots := f.take(mails)
			low := f.own.end-f.next < f.a.e.cfg.UIDRange/4
			f.mu.Unlock()
			if low {
				f.extendInBackground()
			}
			return slots, nil
		}
		f.wantUIDs += n
		f.mu.Unlock()
		err := f.a.commit(ctx, noChange, nil)
		f.mu.Lock()
		f.wantUIDs -= n
		f.mu.Unlock()
		if err != nil {
			return nil, fmt.Errorf("%s: extending the range of UIDs: %w", f, err)
		}
	}
}

// take makes slots. f.mu is held and the range is long enough.
func (f *Folder) take(mails []*sealedMail) []*slot {
	var g *group
	if len(mails) > 1 {
		g = &group{pending: len(mails)}
	}
	slots := make([]*slot, len(mails))
	for i, m := range mails {
		slots[i] = &slot{uid: f.next, mail: m, group: g}
		f.next++
	}
	f.slots = append(f.slots, slots...)
	return slots
}

// extendInBackground extends the ranges by a commit ahead of need.
func (f *Folder) extendInBackground() {
	f.mu.Lock()
	busy := f.extending || f.sealed
	f.extending = true
	f.mu.Unlock()
	if busy {
		return
	}
	started := f.a.spawn(func() {
		err := f.a.commit(f.a.ctx, noChange, nil)
		f.mu.Lock()
		f.extending = false
		stuck := err == nil && len(f.slots) > 0 && f.lastModSeq >= f.modEnd
		f.mu.Unlock()
		if err != nil && f.a.Err() == nil {
			f.a.log.Warn("extending ranges failed", "mailbox", f.id, "error", err)
			// Publishing may wait for it, and nobody else.
			f.a.after(f.a.e.backoff(1), f.extendInBackground)
		}
		if stuck {
			f.extendInBackground()
		}
	})
	if !started {
		f.mu.Lock()
		f.extending = false
		f.mu.Unlock()
	}
}

// lockWithModSeqs locks the folder when at least n modseqs may be handed out;
// if the range is too short a commit extends it first. The caller unlocks.
func (f *Folder) lockWithModSeqs(ctx context.Context, n uint64) error {
	for {
		f.mu.Lock()
		switch {
		case f.gone:
			f.mu.Unlock()
			return fmt.Errorf("%s: %w", f, ErrNoMailbox)
		case f.sealed:
			f.mu.Unlock()
			return f.a.Err()
		case f.gate != nil:
			gate := f.gate
			f.mu.Unlock()
			select {
			case <-gate:
			case <-f.a.ctx.Done():
				return f.a.Err()
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			continue
		case n <= f.modEnd-f.lastModSeq:
			return nil
		case n > maxModSeq-f.lastModSeq:
			f.mu.Unlock()
			return fmt.Errorf("%s: modseqs: %w", f, ErrExhausted)
		}
		f.wantModSeqs += n
		f.mu.Unlock()
		err := f.a.commit(ctx, noChange, nil)
		f.mu.Lock()
		f.wantModSeqs -= n
		f.mu.Unlock()
		if err != nil {
			return fmt.Errorf("%s: extending the range of modseqs: %w", f, err)
		}
	}
}
