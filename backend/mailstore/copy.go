package mailstore

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/sync"
	"mailbackend.io/backend/uidset"
)

// CopyResult is COPYUID (RFC 4315): Src[i] became Dst[i]. Src ascends.
type CopyResult struct {
	UIDValidity uint32 // of the destination
	Src, Dst    []uint32
}

// Copy copies messages to the mailbox named dst, all or none (RFC 9051
// 6.4.7). UIDs that don't exist are ignored. Flags, internal date and the
// content's identifiers are kept. ErrNoMailbox, ErrLimit, ErrQuota.
func (m *Mailbox) Copy(ctx context.Context, uids uidset.Set, dst string) (CopyResult, error) {
	c, err := m.newCopy(ctx, uids, dst, false)
	if err != nil {
		return CopyResult{}, err
	}
	err = c.run(ctx)
	m.u.e.s.noteChange(m.u.e)
	if err != nil {
		err = failed("copy to mailbox", dst, err)
		return CopyResult{}, errors.Join(err, c.undo(ctx))
	}
	return c.result, nil
}

// Move is Copy, then expunge (RFC 6851), window by window: a message is stored
// in its new place before it leaves the old one. With an error the result tells
// what was moved before it; of what was under way a copy may be in the new
// place beside the old.
func (m *Mailbox) Move(ctx context.Context, uids uidset.Set, dst string) (CopyResult, error) {
	c, err := m.newCopy(ctx, uids, dst, true)
	if err != nil {
		return CopyResult{}, err
	}
	err = c.run(ctx)
	m.u.e.s.noteChange(m.u.e)
	return c.result, failed("move to mailbox", dst, err)
}

// copying is one COPY or MOVE.
type copying struct {
	m      *Mailbox
	view   *index.View // of the source at the start
	uids   uidset.Set
	dst    *sync.Folder
	name   string // of dst
	move   bool
	result CopyResult
}

func (m *Mailbox) newCopy(ctx context.Context, uids uidset.Set, name string, move bool) (*copying, error) {
	if err := m.check("copy", move); err != nil {
		return nil, err
	}
	dst, err := m.u.e.find(ctx, name)
	if err != nil {
		return nil, err
	}
	c := &copying{m: m, view: m.View(), uids: uids, dst: dst, name: name, move: move}
	c.result.UIDValidity = dst.UIDValidity()
	if move {
		return c, nil
	}
	var size int64
	for _, r := range c.all() {
		size += int64(r.Size)
	}
	if err := m.u.e.checkQuota(size); err != nil {
		return nil, fmt.Errorf("copy to mailbox %q: %w", name, err)
	}
	return c, nil
}

// all yields the messages to be copied.
func (c *copying) all() func(yield func(int, index.Record) bool) {
	return func(yield func(int, index.Record) bool) {
		for _, r := range c.uids.Ranges() {
			for i, rec := range c.view.Range(c.view.Search(r.First), c.view.Len()) {
				if rec.UID > r.Last {
					break
				}
				if !yield(i, rec) {
					return
				}
			}
		}
	}
}

// run copies window by window.
func (c *copying) run(ctx context.Context) error {
	cfg := &c.m.u.e.s.cfg
	var window []index.Record
	var size int64
	for _, rec := range c.all() {
		if len(window) > 0 && (len(window) >= cfg.CopyMessages || size+int64(rec.Size) > cfg.CopyBytes) {
			if err := c.window(ctx, window); err != nil {
				return err
			}
			window, size = window[:0], 0
		}
		window = append(window, rec)
		size += int64(rec.Size)
	}
	if len(window) == 0 {
		return nil
	}
	return c.window(ctx, window)
}

// window copies some messages: all are read, all are stored, then, for a MOVE,
// all are removed.
func (c *copying) window(ctx context.Context, recs []index.Record) error {
	objects, err := c.read(ctx, recs)
	if err != nil {
		return err
	}
	now := c.m.View() // others may have changed flags since the start
	var mails []sync.NewMail
	var src []uint32
	names := keywordNames{}
	for i, rec := range recs {
		at, there := now.Find(rec.UID)
		if !there || objects[i] == nil {
			continue // expunged meanwhile
		}
		rec = now.At(at)
		mail := sync.NewMail{
			Object:       objects[i],
			Flags:        rec.Flags,
			Keywords:     now.Keywords(rec.Keywords),
			InternalDate: index.Time(rec.InternalDate),
		}
		names.add(mail.Keywords)
		mails = append(mails, mail)
		src = append(src, rec.UID)
	}
	if len(mails) == 0 {
		return nil
	}
	if err := names.fit(c.dst.View(), c.m.u.e.s.cfg.MaxMailboxKeywords); err != nil {
		return err
	}
	dst, err := c.dst.AppendMany(ctx, mails)
	if err != nil {
		return err
	}
	if c.move {
		removed, err := c.m.folder().Expunge(ctx, uidset.Of(src...))
		if err != nil {
			c.keep(src, dst, removed)
			return err
		}
	}
	c.result.Src = append(c.result.Src, src...)
	c.result.Dst = append(c.result.Dst, dst...)
	return nil
}

// keep puts into the result what of a failed window was moved.
func (c *copying) keep(src, dst []uint32, removed uidset.Set) {
	for i, uid := range src {
		if removed.Contains(uid) {
			c.result.Src = append(c.result.Src, uid)
			c.result.Dst = append(c.result.Dst, dst[i])
		}
	}
}

// read reads the stored objects of recs in parallel; nil for what is gone.
func (c *copying) read(ctx context.Context, recs []index.Record) ([][]byte, error) {
	s := c.m.u.e.s
	objects := make([][]byte, len(recs))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(s.cfg.ReadParallel)
	for i, rec := range recs {
		if data := s.bodies.hit(c.m.key(rec.UID)); data != nil {
			objects[i] = data
			continue
		}
		g.Go(func() error {
			data, err := c.m.folder().Object(ctx, rec.UID, 0, 0)
			if errors.Is(err, sync.ErrMessageGone) {
				return nil
			}
			objects[i] = data
			return err
		})
	}
	return objects, g.Wait()
}

// undo removes what a failed COPY had stored (RFC 9051 6.4.7: the destination
// is as it was before).
func (c *copying) undo(ctx context.Context) error {
	if len(c.result.Dst) == 0 {
		return nil
	}
	ctx, cancel := withTimeout(context.WithoutCancel(ctx), c.m.u.e.s.clk, c.m.u.e.s.cfg.UploadTimeout)
	defer cancel()
	b, err := c.m.u.e.openBox(ctx, c.dst)
	if err == nil {
		defer c.m.u.e.closeBox(b)
		_, err = c.dst.Expunge(ctx, uidset.Of(c.result.Dst...))
		c.m.u.e.s.noteChange(c.m.u.e)
	}
	return failed("undo copy to mailbox", c.name, err)
}
