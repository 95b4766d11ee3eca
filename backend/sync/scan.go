package sync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"mailbackend.io/backend/objstore"
)

// listed is a mail object that a LIST found.
type listed struct {
	uid      uint32
	size     int64
	modified time.Time
}

// list returns the mails of a span of UIDs, page by page.
func (f *Folder) list(ctx context.Context, s span) (all []listed, err error) {
	err = f.eachPage(ctx, s, func(page []listed) error {
		all = append(all, page...)
		return nil
	})
	return all, err
}

// eachPage lists the mails of a span of UIDs in ascending order.
func (f *Folder) eachPage(ctx context.Context, s span, yield func([]listed) error) error {
	prefix := MailPrefix(f.a.prefix, f.id)
	after := ""
	if s.first > 1 {
		after = prefix + formatUID(s.first-1)
	}
	limit := 0
	if n := uint64(s.last) - uint64(s.first) + 1; s.last > 0 && n < objstore.MaxList {
		limit = int(n)
	}
	for {
		page, err := f.a.e.store.List(ctx, prefix, after, limit)
		if err != nil {
			return fmt.Errorf("%s: listing from UID %d: %w: %w", f, s.first, ErrUnavailable, err)
		}
		out := make([]listed, 0, len(page.Objects))
		more := page.More && len(page.Objects) > 0
		for i := range page.Objects {
			o := &page.Objects[i]
			after = o.Key
			key, err := ParseKey(f.a.prefix, o.Key)
			switch {
			case err != nil || key.Kind != KeyMail || key.Mailbox != f.id:
				f.a.log.Warn("unknown object in a mailbox is left alone", "key", o.Key)
			case s.last > 0 && key.UID > s.last:
				more = false
			default:
				out = append(out, listed{key.UID, o.Size, o.Modified})
			}
		}
		if err := yield(out); err != nil || !more {
			return err
		}
	}
}

// scanJob makes sure that the folder is listed once per claim, from where the
// index ends: the mails that it does not know.
func (f *Folder) scanJob() *job {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.scan == nil || f.scan.failed() {
		if f.scanned {
			f.scan = &job{done: closed}
		} else {
			f.scan = f.a.start(f.doScan)
		}
	}
	return f.scan
}

var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// doScan is the LIST at the first access: "from the committed UIDNEXT, after
// the claim (after a release the LIST may run beside the claim; a claim that
// failed voids it)", and of the open ranges.
func (f *Folder) doScan(ctx context.Context) error {
	if !f.a.beside {
		if err := f.a.awaitClaim(ctx); err != nil {
			return err
		}
	}
	m := f.a.mailbox(f.id)
	if m == nil {
		return fmt.Errorf("%s: %w", f, ErrNoMailbox)
	}
	lists := planLists(m.scanFrom, m.open)
	results := make([][]listed, len(lists))
	errs := make([]error, len(lists))
	inParallel(len(lists), f.a.e.cfg.MaxParallel, func(i int) {
		results[i], errs[i] = f.list(ctx, lists[i])
	})
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := f.a.awaitClaim(ctx); err != nil {
		return err // the claim failed, and what was found means nothing
	}
	found, err := f.belowOwn(ctx, slices.Concat(results...))
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.found = found
	f.scanned = true
	if len(found) == 0 && !f.replay {
		f.resolved = true
	}
	return nil
}

// belowOwn returns the objects below the holder's own range. Those in it are
// left alone. One behind its end proves that the holder was overtaken, unless
// root, read after it was seen, still names it: then it is a stray that nobody's
// claim explains, and is left alone, too.
func (f *Folder) belowOwn(ctx context.Context, all []listed) ([]listed, error) {
	f.mu.Lock()
	own := f.own
	f.mu.Unlock()
	var below []listed
	beyond := uint32(0)
	for _, l := range all {
		switch {
		case l.uid >= own.end:
			beyond = l.uid
		case l.uid < own.start:
			below = append(below, l)
		}
	}
	if beyond == 0 {
		return below, nil
	}
	if err := f.a.claimStillHolds(ctx); err != nil {
		return nil, err
	}
	f.a.log.Error("object behind the reserved range, though the claim holds, is left alone", "mailbox", f.id, "uid", beyond)
	return below, nil
}

// awaitClaim waits until the claim is confirmed.
func (a *Account) awaitClaim(ctx context.Context) error {
	select {
	case <-a.claimed:
		return nil
	case <-a.ctx.Done():
		return a.Err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
