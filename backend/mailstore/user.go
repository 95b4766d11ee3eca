package mailstore

import (
	"context"
	"time"

	"mailbackend.io/backend/message"
	"mailbackend.io/backend/uidset"
)

// User is a session's handle on one user. Close it when the session ends.
type User struct{}

// Name is the user's name.
func (u *User) Name() string { panic("skeleton") }

// Done closes when the session must end: another backend took the user over,
// the store shuts down, or the user is moved away. Err tells why. It does not
// close by Close.
func (u *User) Done() <-chan struct{} { panic("skeleton") }

// Err is nil until Done is closed, then ErrOvertaken or ErrUnavailable.
func (u *User) Err() error { panic("skeleton") }

// Close gives the handle back, and closes its mailboxes. It may be called twice.
func (u *User) Close() { panic("skeleton") }

// MailboxInfo is one line of LIST.
type MailboxInfo struct {
	Name string
	// ID is the MAILBOXID (RFC 8474); "" if NonExistent.
	ID          string
	UIDValidity uint32
	// SpecialUse are the attributes of RFC 6154, with backslash.
	SpecialUse []string
	Subscribed bool
	// NonExistent: no mailbox has this name. It is listed because it has
	// children (then HasChildren is set; \NonExistent with \NoSelect) or
	// because it is subscribed.
	NonExistent bool
	// HasChildren: a mailbox exists below this name.
	HasChildren bool
}

// Mailboxes lists all names: mailboxes, missing parents of mailboxes, and
// subscribed names, INBOX first, then in byte order of their levels (a parent
// comes right before its children). The slice is shared and must not be changed.
func (u *User) Mailboxes() []MailboxInfo { panic("skeleton") }

// Subscriptions are the subscribed names, whether they exist or not, in the
// order of Mailboxes.
func (u *User) Subscriptions() []string { panic("skeleton") }

// Lookup finds one name of Mailboxes (INBOX in any case). It costs no walk.
func (u *User) Lookup(name string) (MailboxInfo, bool) { panic("skeleton") }

// Create makes a mailbox and returns its MAILBOXID. A trailing separator is
// ignored (RFC 9051 6.3.4). Missing parents become \NonExistent names, not
// mailboxes. ErrExists, ErrCannot, ErrUseAttr, ErrLimit.
func (u *User) Create(ctx context.Context, name string, specialUse []string) (id string, err error) {
	panic("skeleton")
}

// Delete removes a mailbox and its mails. If it has children its name stays
// as \NonExistent (RFC 9051 6.3.5). ErrNoMailbox (also for a \NonExistent
// name), ErrCannot for INBOX.
func (u *User) Delete(ctx context.Context, name string) error { panic("skeleton") }

// Rename renames a mailbox or a \NonExistent parent, and all below it (RFC
// 9051 6.3.6). Renaming INBOX moves its mails to a new mailbox and leaves its
// children alone. ErrNoMailbox, ErrExists, ErrCannot. Subscriptions stay as
// they are: they are to names.
func (u *User) Rename(ctx context.Context, from, to string) error { panic("skeleton") }

// Subscribe subscribes (on) or unsubscribes a name, existing or not.
// Unsubscribing a name that is not subscribed is fine.
func (u *User) Subscribe(ctx context.Context, name string, on bool) error { panic("skeleton") }

// Status are the items of STATUS (RFC 9051 6.3.11).
type Status struct {
	MailboxID                 string
	UIDValidity, UIDNext      uint32
	Messages, Unseen, Deleted uint32
	// Recent is the messages that no session has been told of as \Recent
	// (RFC 3501).
	Recent            uint32
	Size, DeletedSize uint64 // octets
	HighestModSeq     uint64
}

// Status tells a mailbox's figures, exactly. It costs no request once the
// mailbox was accessed, or when the manifest knows them.
func (u *User) Status(ctx context.Context, name string) (Status, error) { panic("skeleton") }

// NewMessage is a message to append.
type NewMessage struct {
	Body *message.Body
	// Flags are system flags (`\Seen`) and keywords, in any case. \Recent
	// and unknown system flags are ignored.
	Flags []string
	// InternalDate; zero means now.
	InternalDate time.Time
}

// AppendResult is APPENDUID (RFC 4315).
type AppendResult struct {
	UIDValidity uint32
	// UIDs are those of the messages, in their order.
	UIDs []uint32
}

// Append stores messages, all or none (RFC 3502). ErrNoMailbox, ErrTooLarge,
// ErrLimit, ErrQuota.
func (u *User) Append(ctx context.Context, name string, msgs []NewMessage) (AppendResult, error) {
	panic("skeleton")
}

// Select opens a mailbox. With readOnly (EXAMINE) it can't be changed through
// the handle and \Recent is not taken. The caller closes it.
func (u *User) Select(ctx context.Context, name string, readOnly bool) (*Mailbox, error) {
	panic("skeleton")
}

// LockMaildrop takes the user's one POP3 lock (RFC 1939 section 4: exclusive
// access) until release is called or the user handle is closed. ErrInUse.
func (u *User) LockMaildrop() (release func(), err error) { panic("skeleton") }

// UIDs makes a set of the messages that were appended.
func (r AppendResult) Set() uidset.Set { return uidset.Of(r.UIDs...) }
