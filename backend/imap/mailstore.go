package imap

import "mailbackend.io/backend/mailstore"

// FromMailstore makes s a Store.
func FromMailstore(s *mailstore.Store) Store { panic("imap: FromMailstore") }
