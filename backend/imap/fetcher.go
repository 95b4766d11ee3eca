package imap

import (
	"context"
	"errors"
	"iter"
	"time"

	"mailbackend.io/backend/imap/fetch"
	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/mailstore"
	"mailbackend.io/backend/uidset"
)

// fetchWindow is how many messages are fetched at a time: their summaries are
// read as one stream and their bodies ahead of the client. A FETCH that sets
// \Seen works in smaller steps, so that a client that goes away has not seen
// much that it never got.
const (
	fetchWindow = 1024
	seenWindow  = 64
)

// fetchPush is how long what a FETCH has rendered may wait to be sent.
const fetchPush = 5 * time.Millisecond

// fetcher runs one FETCH, window by window.
type fetcher struct {
	s     *session
	req   *request
	plan  *fetch.Plan
	needs fetch.Needs
	open  fetch.Opener

	window []int    // indexes of the shown view
	uids   []uint32 // of the window
	// now is the mailbox after marking the window's messages seen, and
	// marked those whose flags that changed.
	now    *index.View
	marked uidset.Set
	m      fetch.Message
	pushed time.Time
	// gone: a message was expunged before it could be sent.
	gone bool
}

func newFetcher(s *session, req *request, a *wire.Fetch) *fetcher {
	f := &fetcher{s: s, req: req, pushed: s.srv.clock.Now()}
	o := fetch.Options{UID: req.uid, UTF8: s.enc.UTF8()}
	f.plan = fetch.Compile(a.Items, o)
	if f.plan.SetsSeen() && s.enabled&condStore != 0 {
		// Flags that change come with their modseq, and with QRESYNC
		// with the UID (RFC 7162 section 3.2).
		o.ModSeq = true
		o.UID = o.UID || s.enabled&qResync != 0
		f.plan = fetch.Compile(a.Items, o)
	}
	f.needs = f.plan.Needs()
	f.open = fetch.Open(s.sel.mb.Message)
	return f
}

// run fetches the messages of the shown view with the given indexes.
func (f *fetcher) run(ctx context.Context, indexes iter.Seq[int]) error {
	size := fetchWindow
	if f.marksSeen() {
		size = seenWindow
	}
	if f.needs.Body {
		defer f.s.sel.mb.Prefetch(nil)
	}
	f.window, f.uids = make([]int, 0, size), make([]uint32, 0, size)
	for i := range indexes {
		f.window = append(f.window, i)
		f.uids = append(f.uids, f.s.sel.shown.UID(i))
		if len(f.window) < size {
			continue
		}
		if err := f.fetchWindow(ctx); err != nil {
			return err
		}
		f.window, f.uids = f.window[:0], f.uids[:0]
	}
	return f.fetchWindow(ctx)
}

func (f *fetcher) marksSeen() bool { return f.plan.SetsSeen() && !f.s.sel.readOnly }

// fetchWindow sends the messages of the window.
func (f *fetcher) fetchWindow(ctx context.Context) error {
	if len(f.window) == 0 {
		return nil
	}
	if err := f.markSeen(ctx); err != nil {
		return err
	}
	if f.needs.Body {
		f.s.sel.mb.Prefetch(f.uids)
	}
	k := 0
	if f.needs.Summary {
		for item, err := range f.s.sel.mb.Summaries(ctx, f.uids) {
			if err != nil {
				return err
			}
			for ; k < len(f.uids) && f.uids[k] < item.UID; k++ {
				f.gone = true // left out of the stream
			}
			if k == len(f.uids) || f.uids[k] != item.UID {
				continue
			}
			f.m.Summary = item.Summary
			if err := f.write(ctx, k); err != nil {
				return err
			}
			k++
		}
		f.gone = f.gone || k < len(f.uids)
		return nil
	}
	for ; k < len(f.uids); k++ {
		if err := f.write(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

// markSeen sets \Seen on the messages of the window that don't have it (RFC 9051
// section 6.4.5, BODY[]).
func (f *fetcher) markSeen(ctx context.Context) error {
	f.marked = uidset.Set{}
	if !f.marksSeen() {
		return nil
	}
	sel := f.s.sel
	var unseen uidset.Set
	for _, i := range f.window {
		if rec := sel.shown.At(i); rec.Flags&index.Seen == 0 && !sel.shown.Gone(i) {
			unseen.Add(rec.UID, rec.UID)
		}
	}
	if unseen.Empty() {
		return nil
	}
	res, err := sel.mb.SetFlags(ctx, mailstore.FlagChange{UIDs: unseen, Mode: mailstore.AddFlags, Flags: []string{`\Seen`}})
	f.marked, f.now = res.Changed, sel.mb.View()
	return err
}

// write sends message k of the window.
func (f *fetcher) write(ctx context.Context, k int) error {
	s := f.s
	if err := f.pushDue(k); err != nil {
		return err
	}
	i := f.window[k]
	view, rec := s.sel.shown, s.sel.shown.At(i)
	withFlags := false
	if f.marked.Contains(rec.UID) {
		if j, ok := f.now.Find(rec.UID); ok {
			view, rec = f.now, f.now.At(j)
			withFlags = true
			f.req.tell(rec.UID, rec.ModSeq)
		}
	}
	s.fill(&f.m, i, view, rec)
	if f.needs.IDs {
		ids, err := s.sel.mb.IDs(ctx, rec.UID)
		if err != nil {
			return f.failed(err)
		}
		f.m.IDs = ids
	}
	return f.failed(f.plan.Write(ctx, s.enc, &f.m, f.open, withFlags))
}

// failed sorts the errors of one message: one that is gone doesn't keep the
// others from being sent.
func (f *fetcher) failed(err error) error {
	switch {
	case f.s.enc.Err() != nil:
		return broken(f.s.enc.Err())
	case err == nil:
		return nil
	case errors.Is(err, fetch.ErrCut):
		return broken(err)
	case errors.Is(err, mailstore.ErrMessageGone):
		f.gone = true
		return nil
	}
	return err
}

// pushDue sends what was rendered if it has waited for long: before each body
// that may have to be waited for, and now and then otherwise.
func (f *fetcher) pushDue(k int) error {
	if k%32 != 0 && !f.needs.Body && !f.needs.MayBody {
		return nil
	}
	now := f.s.srv.clock.Now()
	if now.Sub(f.pushed) < fetchPush {
		return nil
	}
	f.pushed = now
	return f.s.push()
}
