package mailstore

import (
	"context"
	"fmt"
	"iter"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/message"
	"mailbackend.io/backend/uidset"
)

// Item is one message's summary.
type Item struct {
	UID     uint32
	Summary message.Summary
}

// Summaries streams the summaries of uids in ascending order, reading ahead a
// bounded number. Messages that are gone are left out. An error ends the
// stream.
func (m *Mailbox) Summaries(ctx context.Context, uids []uint32) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		if err := m.check("read summaries", false); err != nil {
			yield(Item{}, err)
			return
		}
		for s, err := range m.folder().Summaries(ctx, uids) {
			if err != nil {
				yield(Item{}, failed("read summaries of mailbox", m.Name(), err))
				return
			}
			if !yield(Item(s), nil) {
				return
			}
		}
	}
}

// idsAhead is how many messages' identifiers are looked up at a time: who asks
// for one asks for the next ones too.
const idsAhead = 512

// IDs are a message's identifiers. ErrMessageGone.
func (m *Mailbox) IDs(ctx context.Context, uid uint32) (index.IDs, error) {
	if err := m.check("read ids", false); err != nil {
		return index.IDs{}, err
	}
	m.mu.Lock()
	ids, ok := m.ids[uid]
	m.mu.Unlock()
	if ok {
		return ids, nil
	}
	v := m.View()
	var want uidset.Set
	first := v.Search(uid)
	for _, rec := range v.Range(first, first+idsAhead) {
		want.Add(rec.UID, rec.UID)
	}
	if !want.Contains(uid) {
		return index.IDs{}, fmt.Errorf("message %d of mailbox %q: %w", uid, m.Name(), ErrMessageGone)
	}
	known, err := m.folder().IDs(ctx, want)
	if err != nil {
		return index.IDs{}, failed("read ids of mailbox", m.Name(), err)
	}
	m.mu.Lock()
	if !m.closed {
		m.ids = known
	}
	m.mu.Unlock()
	if ids, ok = known[uid]; !ok {
		return index.IDs{}, fmt.Errorf("message %d of mailbox %q: %w", uid, m.Name(), ErrMessageGone)
	}
	return ids, nil
}
