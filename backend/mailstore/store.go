package mailstore

import (
	"context"
	"time"

	"mailbackend.io/backend/message"
)

// Store serves the users of one pod.
type Store struct {
	cfg Config
}

// Open gives a session its handle on user, loading the user if need be (one
// load however many ask). The caller closes the handle. ErrUnavailable when
// the store fails, memory or sessions are short or Shutdown has begun;
// ErrLimit for too many sessions of this user.
func (s *Store) Open(ctx context.Context, user string) (*User, error) { panic("skeleton") }

// Delivery is one mail for one recipient.
type Delivery struct {
	User string
	// Mailbox is the name; "" means INBOX. A mailbox that does not exist
	// means INBOX too: a detail in an address loses no mail.
	Mailbox string
	// Body is shared by all recipients of the mail.
	Body *message.Body
	// Prefix are the trace header lines of this recipient that go in
	// front, each with its CRLF.
	Prefix []byte
	// Flags as in NewMessage.
	Flags []string
}

// Deliver stores one mail and returns once the object store has it. It loads
// the user if need be, but downloads no index. ErrTooLarge and ErrQuota are
// permanent, all other errors temporary.
func (s *Store) Deliver(ctx context.Context, d Delivery) error { panic("skeleton") }

// Evict ends the user's sessions, uploads what is dirty and releases the
// claim. Unknown users are fine.
func (s *Store) Evict(ctx context.Context, user string) error { panic("skeleton") }

// Shutdown refuses new users, ends the sessions (their Done closes with
// ErrUnavailable), uploads everything and releases every claim, bounded in
// parallel. It returns the joined errors of users that could not be uploaded
// before ctx ended.
func (s *Store) Shutdown(ctx context.Context) error { panic("skeleton") }

// Stats are a Store's figures at one moment.
type Stats struct {
	// Active users received mail or had a session within ActiveWindow.
	Active int
	// Loaded users have indexes in memory; Stubs have a claim only.
	Loaded, Stubs int
	// Dirty users have changes that are not uploaded yet.
	Dirty int
	// Sessions are the open handles.
	Sessions int
	// OldestDirty is the time of the oldest change not yet uploaded; zero
	// if nothing is dirty.
	OldestDirty time.Time
	// BodyCacheBytes is the memory held by recently read mails.
	BodyCacheBytes int64
}

// Stats counts.
func (s *Store) Stats() Stats { panic("skeleton") }

// Config is the effective configuration: defaults filled in.
func (s *Store) Config() Config { return s.cfg }
