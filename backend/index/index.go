// Package index is one mailbox's index: a fold over a log of operations
// (append, flags, expunge) into records that are shared by all who look at the
// mailbox. It is pure: no I/O, no time, no goroutines. What is written to
// object storage or to the local cache is encoded and decoded here (segments,
// local log entries), but never read or written.
//
// A Mailbox is the writer's side and changes under its owner's lock; a View is
// an immutable snapshot that any number of sessions share. Records are kept in
// chunks; a change copies the chunks it touches, so a session's old View costs
// only what has changed since.
package index

import (
	"time"

	"mailbackend.io/backend/uidset"
)

// ID is a 128-bit identifier: a GUID (one stored object), an email id (one
// content) or a thread id.
type ID [16]byte

// Flags are the system flags of a message (RFC 9051 section 2.3.2). \Recent is
// not one of them: it belongs to sessions.
type Flags uint8

// The system flags.
const (
	Seen Flags = 1 << iota
	Answered
	Flagged
	Deleted
	Draft
)

// Keywords is a set of keywords of one mailbox, interned by its Mailbox; 0 is
// the empty set. View.Keywords gives the names.
type Keywords uint32

// Record is one message as the index knows it. It has no pointers.
type Record struct {
	UID uint32
	// ModSeq is the effective modseq: the larger of the message's own and
	// the mailbox's floor (RFC 7162).
	ModSeq       uint64
	Flags        Flags
	Keywords     Keywords
	Size         uint32 // octets, RFC822.SIZE
	InternalDate int64  // seconds since 1970, UTC
	SaveDate     int64  // seconds since 1970, UTC (RFC 8514)
}

// IDs are a message's identifiers, kept apart from its Record because few
// commands ask for them.
type IDs struct {
	GUID     ID // the stored object; a copy has another
	EmailID  ID // the content; a copy has the same (RFC 8474)
	ThreadID ID // RFC 8474; zero: not known
}

// Kind is what an Op does.
type Kind uint8

// The kinds of Op.
const (
	// OpAppend adds a message. UIDs of appends ascend within a log, except
	// for those that a rescan found below (see Op.UID).
	OpAppend Kind = 1
	// OpFlags replaces the flags and keywords of a message.
	OpFlags Kind = 2
	// OpExpunge removes messages.
	OpExpunge Kind = 3
	// OpMissing removes messages whose objects were merely found missing:
	// as OpExpunge, but the UIDs don't join the set of expunged UIDs, so
	// an object that reappears is kept.
	OpMissing Kind = 4
	// OpFloor raises the modseq floor to ModSeq.
	OpFloor Kind = 5
)

// Op is one operation on a mailbox. Applying an Op twice is the same as
// applying it once; of two Ops on one message the one with the higher ModSeq
// wins, and an expunged UID never comes back.
type Op struct {
	Kind   Kind
	ModSeq uint64 // assigned by the caller, unique and ascending within a mailbox
	// UID is the message of OpAppend and OpFlags. An OpAppend may carry any
	// UID that the mailbox neither has nor has expunged: rescans insert
	// mails below the newest.
	UID uint32
	// UIDs are the messages of OpExpunge and OpMissing. Unknown ones join
	// the expunged set all the same.
	UIDs uidset.Set
	// Flags and Keywords of OpAppend and OpFlags. Keywords are names.
	Flags    Flags
	Keywords []string
	// The rest is for OpAppend.
	Size         uint32
	InternalDate int64
	SaveDate     int64
	IDs          IDs
	// Summary is the message's encoded summary (package message), opaque
	// here; it rides in the log until a segment holds it. May be empty.
	Summary []byte
}

// Counts are a mailbox's totals.
type Counts struct {
	Messages, Unseen, Deleted uint32
	Size                      uint64 // octets of all messages
	DeletedSize               uint64 // octets of messages with \Deleted
}

// Time converts a record's date.
func Time(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
