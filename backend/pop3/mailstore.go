package pop3

import (
	"context"

	"mailbackend.io/backend/mailstore"
	"mailbackend.io/backend/uidset"
)

// FromMailstore makes a Store of a mailstore.
func FromMailstore(s *mailstore.Store) Store { return realStore{s} }

type realStore struct{ s *mailstore.Store }

// Open implements Store: the user's POP3 lock, then INBOX.
func (r realStore) Open(ctx context.Context, user string) (Maildrop, error) {
	u, err := r.s.Open(ctx, user)
	if err != nil {
		return nil, err
	}
	unlock, err := u.LockMaildrop()
	if err != nil {
		u.Close()
		return nil, err
	}
	m, err := u.Select(ctx, "INBOX", false)
	if err != nil {
		unlock()
		u.Close()
		return nil, err
	}
	return &realMaildrop{Mailbox: m, u: u, unlock: unlock}, nil
}

type realMaildrop struct {
	*mailstore.Mailbox
	u      *mailstore.User
	unlock func()
}

// Message implements Maildrop.
func (d *realMaildrop) Message(ctx context.Context, uid uint32) (Body, error) {
	return d.Mailbox.Message(ctx, uid)
}

// Expunge implements Maildrop.
func (d *realMaildrop) Expunge(ctx context.Context, uids uidset.Set) error {
	_, err := d.Remove(ctx, uids)
	return err
}

// OnDone implements Maildrop.
func (d *realMaildrop) OnDone(fn func()) func() { return d.u.OnDone(fn) }

// Close implements Maildrop.
func (d *realMaildrop) Close() {
	d.Mailbox.Close()
	d.unlock()
	d.u.Close()
}
