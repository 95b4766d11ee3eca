package sync

import (
	"context"
	"iter"
	"time"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/message"
	"mailbackend.io/backend/uidset"
)

// Folder is one mailbox of an Account. Safe for concurrent use. Its operations
// fail with the account's Err once that has ended.
type Folder struct{}

// ID is the mailbox's.
func (f *Folder) ID() MailboxID { panic("sync: ID") }

// UIDValidity never changes.
func (f *Folder) UIDValidity() uint32 { panic("sync: UIDValidity") }

// Open brings the index into memory: segments from the cache or object
// storage beside a LIST for mails that the index lacks. A folder that is open
// already costs nothing.
//
// Errors: ErrUnavailable, ErrIndexCorrupt, ErrNoMailbox.
func (f *Folder) Open(ctx context.Context) (*index.View, error) { panic("sync: Open") }

// View is the present state; nil unless the folder is open.
func (f *Folder) View() *index.View { panic("sync: View") }

// Status are a mailbox's figures.
type Status struct {
	Counts        index.Counts
	UIDNext       uint32
	HighestModSeq uint64
	// Exact is false if the folder was not looked at since it was taken
	// over from a holder that did not release it: Open it for exact figures.
	Exact bool
}

// Status costs no request.
func (f *Folder) Status() Status { panic("sync: Status") }

// FirstRecent is the lowest UID that no session was told as \Recent yet.
func (f *Folder) FirstRecent() uint32 { panic("sync: FirstRecent") }

// SetFirstRecent raises FirstRecent. It is stored with the next commit and
// makes nothing dirty.
func (f *Folder) SetFirstRecent(uid uint32) { panic("sync: SetFirstRecent") }

// NewMail is a mail to store.
type NewMail struct {
	// Body and Prefix (whole header lines or nothing) are the mail...
	Body   *message.Body
	Prefix []byte
	// ...or Object is the whole stored object of another mail: its content
	// and identifiers of the content are taken over (COPY).
	Object []byte

	Flags    index.Flags
	Keywords []string
	// InternalDate and SaveDate; zero means now.
	InternalDate, SaveDate time.Time
	// ThreadID; zero: not known.
	ThreadID index.ID
}

// Append stores one mail and returns once object storage has confirmed it. The
// folder need not be open. With an error the mail may still be stored, now or
// later, but was not acknowledged.
//
// Errors: ErrUnavailable, ErrBusy, ErrNoMailbox, ErrExhausted, ErrFrozen.
func (f *Folder) Append(ctx context.Context, m NewMail) (uid uint32, err error) {
	panic("sync: Append")
}

// AppendMany stores all mails or none (RFC 3502), under ascending UIDs. They
// become visible together. On an error those already stored are removed again.
func (f *Folder) AppendMany(ctx context.Context, ms []NewMail) ([]uint32, error) {
	panic("sync: AppendMany")
}

// Update changes the index: fn is given the present view and a source of
// modseqs, and returns OpFlags ops. It is called under the folder's lock: it must not
// block, and may be called again when the reserved modseqs ran out. The local
// log has the ops before Update returns the new view. The folder must be open.
func (f *Folder) Update(ctx context.Context, fn func(v *index.View, next func() uint64) []index.Op) (*index.View, error) {
	panic("sync: Update")
}

// Expunge removes the messages of uids that exist: first their objects, then
// the index entries. It returns which are removed, with an error those that
// were nevertheless. The folder must be open.
func (f *Folder) Expunge(ctx context.Context, uids uidset.Set) (uidset.Set, error) {
	panic("sync: Expunge")
}

// Subscribe calls fn without locks after each change of View, and with nil
// when the mailbox was deleted. Calls may come from several goroutines at once
// and out of order: View is the newest. fn must not block.
func (f *Folder) Subscribe(fn func(*index.View)) (cancel func()) { panic("sync: Subscribe") }

// Summaries yields the summaries of those of uids (ascending) that exist, in
// order. A message whose summary can't be had ends the stream with an error,
// except one that is gone, which is left out. The folder must be open.
func (f *Folder) Summaries(ctx context.Context, uids []uint32) iter.Seq2[UIDSummary, error] {
	panic("sync: Summaries")
}

// UIDSummary is one message's summary.
type UIDSummary struct {
	UID     uint32
	Summary message.Summary
}

// IDs returns the identifiers of the messages of uids that exist. The folder
// must be open.
func (f *Folder) IDs(ctx context.Context, uids uidset.Set) (map[uint32]index.IDs, error) {
	panic("sync: IDs")
}

// Object returns the bytes off..off+n-1 of the message's stored object (n ≤ 0:
// to its end), cut at its end, from the cache or with one GET. ErrMessageGone: the
// object does not exist, and the message was removed from the index. The folder
// must be open. The result must not be changed.
func (f *Folder) Object(ctx context.Context, uid uint32, off, n int64) ([]byte, error) {
	panic("sync: Object")
}
