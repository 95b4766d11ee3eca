package sync

import (
	"context"
	"time"
)

// relistOpen lists the open ranges again, "at growing intervals until they are
// a day old".
func (f *Folder) relistOpen() {
	if f.a.enter() != nil {
		// Being released: nobody needs it, and if that fails it goes on.
		f.a.after(f.a.e.cfg.RelistFirst, f.relistOpen)
		return
	}
	defer f.a.leave()
	ctx := f.a.idle()
	m := f.a.mailbox(f.id)
	if m == nil {
		return
	}
	if f.View() != nil { // else the next access looks
		if err := f.lookForLate(ctx, m); err != nil && f.a.Err() == nil {
			f.a.log.Warn("looking for late mail failed", "mailbox", f.id, "error", err)
		}
	}
	open := pruneOpen(m.open, f.a.e.unixNow(), int64(f.a.e.cfg.OpenRangeAge/time.Second))
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(open) == 0 {
		f.relist = 0
		return
	}
	f.relist = min(2*f.relist, f.a.e.cfg.OpenRangeAge)
	f.a.after(f.relist, f.relistOpen)
}

// lookForLate lists the open ranges and handles what is found.
func (f *Folder) lookForLate(ctx context.Context, m *Mailbox) error {
	var found []listed
	for _, o := range m.open {
		l, err := f.list(ctx, span{o.first, o.last})
		if err != nil {
			return err
		}
		found = append(found, l...)
	}
	return f.handleFound(ctx, found)
}

// handleFound judges objects that a LIST found and does what is to be done.
func (f *Folder) handleFound(ctx context.Context, found []listed) error {
	found, err := f.belowOwn(ctx, found)
	if err != nil || len(found) == 0 {
		return err
	}
	// One at a time, so that no mail is re-homed twice.
	if err := f.tidying.acquire(ctx); err != nil {
		return err
	}
	defer f.tidying.release()
	c, err := f.consider(ctx, found, nil)
	if err != nil || c.empty() {
		return err
	}
	return f.doTidy(ctx, c.findings)
}
