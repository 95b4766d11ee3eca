package imap

import (
	"context"
	"iter"

	"mailbackend.io/backend/auth"
	"mailbackend.io/backend/imap/fetch"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/mailstore"
	"mailbackend.io/backend/uidset"
)

// Authenticator is what the server needs of an auth.Source.
type Authenticator interface {
	// Authenticate checks a password. auth.ErrBadCredentials,
	// auth.ErrUnavailable.
	Authenticate(ctx context.Context, user, password string) (auth.Identity, error)
}

// Store is what the server needs of a mailstore.Store; FromMailstore makes one.
// Implementations are safe for concurrent use, and so are Users and Mailboxes.
// Errors wrap the sentinels of package mailstore; others count as temporary.
type Store interface {
	Open(ctx context.Context, user string) (User, error)
}

// User is a session's handle on a user. The methods are those of
// mailstore.User, where they are described, except for OnDone.
type User interface {
	Name() string
	// OnDone calls fn once, in a goroutine of its own, when the session
	// must end; Err then tells why. stop ends the interest.
	OnDone(fn func()) (stop func())
	Err() error
	Close()

	Mailboxes() []mailstore.MailboxInfo
	Lookup(name string) (mailstore.MailboxInfo, bool)
	Create(ctx context.Context, name string, specialUse []string) (id string, err error)
	Delete(ctx context.Context, name string) error
	Rename(ctx context.Context, from, to string) error
	Subscribe(ctx context.Context, name string, on bool) error
	Status(ctx context.Context, name string) (mailstore.Status, error)
	Append(ctx context.Context, name string, msgs []mailstore.NewMessage) (mailstore.AppendResult, error)
	Select(ctx context.Context, name string, readOnly bool) (Mailbox, error)
}

// Mailbox is a session's handle on a selected mailbox. The methods are those of
// mailstore.Mailbox, where they are described, except for Notify and Message.
type Mailbox interface {
	Name() string
	ID() string
	UIDValidity() uint32
	UIDNext() uint32
	View() *index.View
	Recent() uidset.Set
	Deleted() bool
	Close()
	// Notify calls fn after each change of View and when the mailbox was
	// deleted, from any goroutine; fn must not block. A further call
	// replaces fn; nil ends it. A change before the call is not told.
	Notify(fn func())

	SetFlags(ctx context.Context, c mailstore.FlagChange) (mailstore.FlagResult, error)
	Expunge(ctx context.Context, uids uidset.Set) (uidset.Set, error)
	Copy(ctx context.Context, uids uidset.Set, dst string) (mailstore.CopyResult, error)
	Move(ctx context.Context, uids uidset.Set, dst string) (mailstore.CopyResult, error)

	Summaries(ctx context.Context, uids []uint32) iter.Seq2[mailstore.Item, error]
	IDs(ctx context.Context, uid uint32) (index.IDs, error)
	Prefetch(uids []uint32)
	// Message opens a message's bytes. mailstore.ErrMessageGone.
	Message(ctx context.Context, uid uint32) (fetch.Body, error)
}
