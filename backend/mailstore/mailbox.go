package mailstore

import (
	"context"
	"io"
	"iter"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/message"
	"mailbackend.io/backend/uidset"
)

// Mailbox is a session's handle on a selected mailbox.
type Mailbox struct{}

// Name is the mailbox's present name: another session may have renamed it.
func (m *Mailbox) Name() string { panic("skeleton") }

// ID is the MAILBOXID (RFC 8474).
func (m *Mailbox) ID() string { panic("skeleton") }

// UIDValidity never changes for a handle.
func (m *Mailbox) UIDValidity() uint32 { panic("skeleton") }

// ReadOnly is how it was selected.
func (m *Mailbox) ReadOnly() bool { panic("skeleton") }

// View is the present state. It never goes back.
func (m *Mailbox) View() *index.View { panic("skeleton") }

// Notify calls fn after each change of View and when the mailbox was deleted,
// from any goroutine, with no lock held; fn must not block. A further call
// replaces fn; nil ends it. Changes before the call are not told: look at View
// after it. (A callback and not a channel: an idle session then needs no
// goroutine of its own to listen.)
func (m *Mailbox) Notify(fn func()) { panic("skeleton") }

// Deleted reports whether the mailbox was deleted by another session; further
// commands fail with ErrNoMailbox.
func (m *Mailbox) Deleted() bool { panic("skeleton") }

// Recent are the UIDs that are \Recent in this session (RFC 3501 section
// 2.3.2): the session was the first to be told. Expunged ones may be among
// them. The set is a snapshot as of the last View call or later.
func (m *Mailbox) Recent() uidset.Set { panic("skeleton") }

// Close gives the handle back. It may be called twice.
func (m *Mailbox) Close() { panic("skeleton") }

// FlagMode is what SetFlags does with the flags it is given.
type FlagMode uint8

// The modes: STORE +FLAGS, -FLAGS and FLAGS.
const (
	AddFlags FlagMode = iota
	RemoveFlags
	ReplaceFlags
)

// FlagChange is one STORE (RFC 9051 6.4.6, RFC 7162 3.1.3).
type FlagChange struct {
	// UIDs that don't exist are ignored.
	UIDs uidset.Set
	Mode FlagMode
	// Flags as in NewMessage.
	Flags []string
	// HasUnchangedSince makes the change of each message conditional on
	// its modseq being at most UnchangedSince.
	HasUnchangedSince bool
	UnchangedSince    uint64
}

// FlagResult is what came of a FlagChange.
type FlagResult struct {
	// Modified are the messages that failed UNCHANGEDSINCE.
	Modified uidset.Set
	// Changed are the messages whose flags differ now. Others that were
	// asked for had the wanted flags already and kept their modseq.
	Changed uidset.Set
	// Missing are the UIDs asked for that don't exist (any more), as far
	// as they lie between the first and last message.
	Missing uidset.Set
}

// SetFlags changes flags. ErrReadOnly, ErrLimit for too many or too long
// keywords (then nothing has changed).
func (m *Mailbox) SetFlags(ctx context.Context, c FlagChange) (FlagResult, error) { panic("skeleton") }

// Expunge removes those of uids that have \Deleted, and returns which these
// were. Their objects are gone when it returns. On an error, those returned
// are removed all the same.
func (m *Mailbox) Expunge(ctx context.Context, uids uidset.Set) (uidset.Set, error) {
	panic("skeleton")
}

// Remove is Expunge whatever the flags (POP3, REPLACE).
func (m *Mailbox) Remove(ctx context.Context, uids uidset.Set) (uidset.Set, error) {
	panic("skeleton")
}

// CopyResult is COPYUID (RFC 4315): Src[i] became Dst[i]. Src ascends.
type CopyResult struct {
	UIDValidity uint32 // of the destination
	Src, Dst    []uint32
}

// Copy copies messages to the mailbox named dst, all or none (RFC 9051
// 6.4.7). UIDs that don't exist are ignored. ErrNoMailbox, ErrLimit, ErrQuota.
func (m *Mailbox) Copy(ctx context.Context, uids uidset.Set, dst string) (CopyResult, error) {
	panic("skeleton")
}

// Move is Copy, then expunge (RFC 6851). Each message is moved wholly or not
// at all, in windows: with an error the result tells what was moved before it.
func (m *Mailbox) Move(ctx context.Context, uids uidset.Set, dst string) (CopyResult, error) {
	panic("skeleton")
}

// Item is one message's summary.
type Item struct {
	UID     uint32
	Summary message.Summary
}

// Summaries streams the summaries of uids in ascending order, reading ahead a
// bounded number. Messages that are gone are left out. An Item with an error
// ends the stream.
func (m *Mailbox) Summaries(ctx context.Context, uids []uint32) iter.Seq2[Item, error] {
	panic("skeleton")
}

// IDs are a message's identifiers. ErrMessageGone.
func (m *Mailbox) IDs(ctx context.Context, uid uint32) (index.IDs, error) { panic("skeleton") }

// Prefetch tells that the messages uids will be read in this order, so that
// they are read ahead in parallel, a bounded number of bytes at a time. A
// further call replaces the one before; nil ends it.
func (m *Mailbox) Prefetch(uids []uint32) { panic("skeleton") }

// Message opens a message for reading. ErrMessageGone.
func (m *Mailbox) Message(ctx context.Context, uid uint32) (*Message, error) { panic("skeleton") }

// Message is one mail's bytes. It holds no resource that needs closing.
type Message struct{}

// UID is the message's.
func (m *Message) UID() uint32 { panic("skeleton") }

// Size is the mail's octets.
func (m *Message) Size() int64 { panic("skeleton") }

// Summary is the mail's, without a request of its own.
func (m *Message) Summary() message.Summary { panic("skeleton") }

// ReadRange writes the n bytes from off to w, frame by frame. A range that
// reaches past the end is cut; n < 0 means to the end. An error of w is
// returned as it is.
func (m *Message) ReadRange(ctx context.Context, w io.Writer, off, n int64) error {
	panic("skeleton")
}
