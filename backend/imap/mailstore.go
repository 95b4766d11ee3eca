package imap

import (
	"context"

	"mailbackend.io/backend/imap/fetch"
	"mailbackend.io/backend/mailstore"
)

// FromMailstore makes s a Store.
func FromMailstore(s *mailstore.Store) Store { return realStore{s} }

// realStore, realUser and realMailbox differ from mailstore's types in what
// they return only.
type realStore struct{ s *mailstore.Store }

// Open implements Store.
func (r realStore) Open(ctx context.Context, user string) (User, error) {
	u, err := r.s.Open(ctx, user)
	if err != nil {
		return nil, err
	}
	return realUser{u}, nil
}

type realUser struct{ *mailstore.User }

// Select implements User.
func (r realUser) Select(ctx context.Context, name string, readOnly bool) (Mailbox, error) {
	m, err := r.User.Select(ctx, name, readOnly)
	if err != nil {
		return nil, err
	}
	return realMailbox{m}, nil
}

type realMailbox struct{ *mailstore.Mailbox }

// Message implements Mailbox.
func (r realMailbox) Message(ctx context.Context, uid uint32) (fetch.Body, error) {
	m, err := r.Mailbox.Message(ctx, uid)
	if err != nil {
		return nil, err
	}
	return m, nil
}
