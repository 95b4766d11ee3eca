package mailstore

import (
	"context"
	"slices"
	gosync "sync"
	"sync/atomic"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/sync"
)

// box is one mailbox that at least one session has selected: it keeps the
// folder in memory and passes the news on.
type box struct {
	e      *entry
	f      *sync.Folder
	cancel func() // of the subscription
	refs   int    // under entry.mu

	last    atomic.Pointer[index.View]
	deleted atomic.Bool
	// told is the UIDNEXT up to which messages were given to a session as
	// \Recent; View compares with it before it takes the lock.
	told atomic.Uint32

	mu gosync.Mutex
	// The following are under mu.
	handles []*Mailbox // in the order of their Select
}

// openBox brings a folder into memory and keeps it there until closeBox.
func (e *entry) openBox(ctx context.Context, f *sync.Folder) (*box, error) {
	e.mu.Lock()
	b := e.boxes[f.ID()]
	if b == nil {
		b = &box{e: e, f: f}
		if e.boxes == nil {
			e.boxes = map[sync.MailboxID]*box{}
		}
		e.boxes[f.ID()] = b
		b.cancel = f.Subscribe(b.changed)
	}
	b.refs++
	e.mu.Unlock()
	v, err := f.Open(ctx)
	if err != nil {
		e.closeBox(b)
		return nil, err
	}
	b.keepLast(v)
	return b, nil
}

// closeBox lets go of what openBox returned.
func (e *entry) closeBox(b *box) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if b.refs--; b.refs == 0 {
		delete(e.boxes, b.f.ID())
		b.cancel()
	}
}

// keepLast remembers the newest view, for when the folder has none any more.
func (b *box) keepLast(v *index.View) {
	for {
		last := b.last.Load()
		if last == v || last != nil && last.HighestModSeq() > v.HighestModSeq() {
			return
		}
		if b.last.CompareAndSwap(last, v) {
			return
		}
	}
}

// view is the folder's present view, or the last one there was.
func (b *box) view() *index.View {
	v := b.f.View()
	if v == nil {
		return b.last.Load()
	}
	b.keepLast(v)
	if v.UIDNext() > b.told.Load() {
		b.mu.Lock()
		b.giveRecent(v)
		b.mu.Unlock()
	}
	return v
}

// changed is the folder's news: v is a newer view, nil if it was deleted.
func (b *box) changed(v *index.View) {
	if v == nil {
		b.deleted.Store(true)
	} else {
		b.keepLast(v)
	}
	b.mu.Lock()
	if v != nil {
		b.giveRecent(v)
	}
	handles := slices.Clone(b.handles)
	b.mu.Unlock()
	for _, h := range handles {
		h.signal()
	}
}

// attach adds a session's handle, which gets what nobody was told of.
func (b *box) attach(h *Mailbox) {
	v := b.view()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.handles = append(b.handles, h)
	if first := b.firstRecent(); first < v.UIDNext() {
		h.recent.Add(first, v.UIDNext()-1)
		if !h.readOnly {
			b.f.SetFirstRecent(v.UIDNext())
		}
	}
}

// detach removes a session's handle.
func (b *box) detach(h *Mailbox) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.handles, h); i >= 0 {
		b.handles = slices.Delete(b.handles, i, i+1)
	}
}

// giveRecent makes the new messages of v \Recent in the first session that may
// change the mailbox (RFC 3501 section 2.3.2: of several sessions, one is told
// so). Without one they are so in all sessions, and in the next one too. Called
// with b.mu held.
func (b *box) giveRecent(v *index.View) {
	next := v.UIDNext()
	if next > b.told.Load() {
		b.told.Store(next)
	}
	first := b.firstRecent()
	if first >= next {
		return
	}
	for _, h := range b.handles {
		if !h.readOnly {
			h.recent.Add(first, next-1)
			b.f.SetFirstRecent(next)
			return
		}
	}
	for _, h := range b.handles {
		h.recent.Add(first, next-1)
	}
}

func (b *box) firstRecent() uint32 { return max(b.f.FirstRecent(), 1) }
