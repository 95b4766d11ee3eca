package mailstore

import (
	"context"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/uidset"
)

// Expunge removes those of uids that have \Deleted, and returns which these
// were. Their objects are gone when it returns. With an error, those returned
// are removed all the same.
func (m *Mailbox) Expunge(ctx context.Context, uids uidset.Set) (uidset.Set, error) {
	return m.remove(ctx, uids, func(r index.Record) bool { return r.Flags&index.Deleted != 0 })
}

// Remove is Expunge whatever the flags (POP3, REPLACE).
func (m *Mailbox) Remove(ctx context.Context, uids uidset.Set) (uidset.Set, error) {
	return m.remove(ctx, uids, func(index.Record) bool { return true })
}

func (m *Mailbox) remove(ctx context.Context, uids uidset.Set, which func(index.Record) bool) (uidset.Set, error) {
	if err := m.check("expunge", true); err != nil {
		return uidset.Set{}, err
	}
	v := m.View()
	var chosen uidset.Set
	for _, r := range uids.Ranges() {
		for _, rec := range v.Range(v.Search(r.First), v.Len()) {
			if rec.UID > r.Last {
				break
			}
			if which(rec) {
				chosen.Add(rec.UID, rec.UID)
			}
		}
	}
	if chosen.Empty() {
		return chosen, nil
	}
	removed, err := m.folder().Expunge(ctx, chosen)
	m.u.e.s.noteChange(m.u.e)
	return removed, failed("expunge in mailbox", m.Name(), err)
}
