package imap

import (
	"context"
	"io"
	"iter"
	"slices"
	"strings"

	"mailbackend.io/backend/imap/fetch"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/mailstore"
	"mailbackend.io/backend/message"
	"mailbackend.io/backend/uidset"
)

// fakeMailbox is a session's handle on a fakeBox.
type fakeMailbox struct {
	*fakeAccount
	b        *fakeBox
	readOnly bool
	view     *index.View
	recent   uidset.Set
	notify   func()
}

func (m *fakeMailbox) Name() string        { return m.b.name }
func (m *fakeMailbox) ID() string          { return m.b.id }
func (m *fakeMailbox) UIDValidity() uint32 { return m.b.validity }
func (m *fakeMailbox) UIDNext() uint32     { return m.View().UIDNext() }

func (m *fakeMailbox) View() *index.View {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.view
}

func (m *fakeMailbox) Recent() uidset.Set {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.readOnly && m.b.recent < m.b.next {
		m.recent.Add(m.b.recent, m.b.next-1)
		m.b.recent = m.b.next
	}
	r := m.recent.Clone()
	if m.readOnly && m.b.recent < m.b.next {
		r.Add(m.b.recent, m.b.next-1)
	}
	return r
}

func (m *fakeMailbox) Deleted() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.b.deleted
}

func (m *fakeMailbox) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.b.open, m)
}

func (m *fakeMailbox) Notify(fn func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.notify = fn
}

func (m *fakeMailbox) SetFlags(_ context.Context, c mailstore.FlagChange) (mailstore.FlagResult, error) {
	m.mu.Lock()
	if err := m.failing("flags"); err != nil {
		m.mu.Unlock()
		return mailstore.FlagResult{}, err
	}
	var res mailstore.FlagResult
	var ops []index.Op
	sys, kws := splitFlags(c.Flags)
	v := m.b.mail.View()
	for uid := range c.UIDs.All() {
		i, ok := v.Find(uid)
		if !ok {
			res.Missing.Add(uid, uid)
			continue
		}
		rec := v.At(i)
		if c.HasUnchangedSince && rec.ModSeq > c.UnchangedSince {
			res.Modified.Add(uid, uid)
			continue
		}
		flags, names := changeFlags(rec.Flags, v.Keywords(rec.Keywords), c.Mode, sys, kws)
		if flags == rec.Flags && slices.Equal(names, v.Keywords(rec.Keywords)) {
			continue
		}
		res.Changed.Add(uid, uid)
		ops = append(ops, index.Op{Kind: index.OpFlags, UID: uid, Flags: flags, Keywords: names})
	}
	tell := m.apply(m.b, ops...)
	m.mu.Unlock()
	tell()
	return res, nil
}

func changeFlags(f index.Flags, names []string, mode mailstore.FlagMode, sys index.Flags, kws []string) (index.Flags, []string) {
	named := func(n string) bool {
		return slices.ContainsFunc(kws, func(k string) bool { return strings.EqualFold(k, n) })
	}
	keep := slices.DeleteFunc(slices.Clone(names), named)
	switch mode {
	case mailstore.AddFlags:
		names = append(keep, kws...)
		f |= sys
	case mailstore.RemoveFlags:
		names = keep
		f &^= sys
	default:
		f, names = sys, slices.Clone(kws)
	}
	slices.Sort(names)
	return f, slices.Compact(names)
}

func (m *fakeMailbox) Expunge(_ context.Context, uids uidset.Set) (uidset.Set, error) {
	m.mu.Lock()
	if err := m.failing("expunge"); err != nil {
		m.mu.Unlock()
		return uidset.Set{}, err
	}
	removed := deleted(m.b.mail.View(), &uids)
	tell := m.remove(removed)
	m.mu.Unlock()
	tell()
	return removed, nil
}

// remove takes messages out; under mu.
func (m *fakeMailbox) remove(uids uidset.Set) (tell func()) {
	if uids.Empty() {
		return func() {}
	}
	for uid := range uids.All() {
		delete(m.b.bodies, uid)
	}
	return m.apply(m.b, index.Op{Kind: index.OpExpunge, UIDs: uids})
}

func (m *fakeMailbox) copyTo(uids uidset.Set, dst string, move bool) (mailstore.CopyResult, error) {
	m.mu.Lock()
	to, err := m.box(dst)
	if err == nil {
		err = m.failing("copy")
	}
	if err != nil {
		m.mu.Unlock()
		return mailstore.CopyResult{}, err
	}
	res := mailstore.CopyResult{UIDValidity: to.validity}
	var ops []index.Op
	v := m.b.mail.View()
	for uid := range uids.All() {
		i, ok := v.Find(uid)
		if !ok {
			continue
		}
		op := to.newOp(m.clock, m.b.bodies[uid].body)
		rec := v.At(i)
		op.Flags, op.Keywords, op.InternalDate = rec.Flags, v.Keywords(rec.Keywords), rec.InternalDate
		ops = append(ops, op)
		res.Src, res.Dst = append(res.Src, uid), append(res.Dst, op.UID)
	}
	tell := m.apply(to, ops...)
	tell2 := func() {}
	if move {
		tell2 = m.remove(uidset.Of(res.Src...))
	}
	m.mu.Unlock()
	tell()
	tell2()
	return res, nil
}

func (m *fakeMailbox) Copy(_ context.Context, uids uidset.Set, dst string) (mailstore.CopyResult, error) {
	return m.copyTo(uids, dst, false)
}

func (m *fakeMailbox) Move(_ context.Context, uids uidset.Set, dst string) (mailstore.CopyResult, error) {
	return m.copyTo(uids, dst, true)
}

func (m *fakeMailbox) find(uid uint32) (*fakeMail, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	mail := m.b.bodies[uid]
	if mail == nil || mail.gone {
		return nil, mailstore.ErrMessageGone
	}
	return mail, nil
}

func (m *fakeMailbox) Summaries(_ context.Context, uids []uint32) iter.Seq2[mailstore.Item, error] {
	return func(yield func(mailstore.Item, error) bool) {
		for _, uid := range uids {
			if mail, err := m.find(uid); err == nil && !yield(mailstore.Item{UID: uid, Summary: mail.body.Summary()}, nil) {
				return
			}
		}
	}
}

func (m *fakeMailbox) IDs(_ context.Context, uid uint32) (index.IDs, error) {
	mail, err := m.find(uid)
	if err != nil {
		return index.IDs{}, err
	}
	return mail.ids, nil
}

func (m *fakeMailbox) Prefetch([]uint32) {}

func (m *fakeMailbox) Message(_ context.Context, uid uint32) (fetch.Body, error) {
	mail, err := m.find(uid)
	if err != nil {
		return nil, err
	}
	return fakeBody{mail.body}, nil
}

type fakeBody struct{ b *message.Body }

// ReadRange implements fetch.Body.
func (b fakeBody) ReadRange(_ context.Context, w io.Writer, off, n int64) error {
	raw := b.b.Raw()
	off = min(off, int64(len(raw)))
	end := int64(len(raw))
	if n >= 0 {
		end = min(end, off+n)
	}
	_, err := w.Write(raw[off:end])
	return err
}
