package sync

import "errors"

// Sentinels, for errors.Is.
var (
	// ErrOvertaken: another holder claimed the user. The account has ended.
	ErrOvertaken = errors.New("user was claimed by another holder")
	// ErrReleased: the account was released or abandoned here.
	ErrReleased = errors.New("user was released")
	// ErrFrozen: the account is being released; nothing new is accepted.
	// Load the user again later.
	ErrFrozen = errors.New("user is being released")
	// ErrUnavailable: the object store fails or nothing settles the
	// outcome; the operation may or may not take effect. Try later.
	ErrUnavailable = errors.New("temporarily unavailable")
	// ErrBusy: too much is unsettled already; nothing was tried.
	ErrBusy = errors.New("too many unsettled operations")
	// ErrNoMailbox: the mailbox does not exist (any more).
	ErrNoMailbox = errors.New("no such mailbox")
	// ErrExists: a mailbox of that name exists.
	ErrExists = errors.New("mailbox exists")
	// ErrMessageGone: the message is not in the mailbox (any more).
	ErrMessageGone = errors.New("message is gone")
	// ErrNotOpen: the folder's index is not in memory; Open it first.
	ErrNotOpen = errors.New("folder is not open")
	// ErrExhausted: the mailbox has no UID left.
	ErrExhausted = errors.New("no UIDs left in the mailbox")
	// ErrRootCorrupt: root can't be read; the user needs a rebuild.
	ErrRootCorrupt = errors.New("root is damaged")
	// ErrRootLost: the user has objects but no root; the user needs a rebuild.
	ErrRootLost = errors.New("root is missing")
	// ErrIndexCorrupt: a segment that root names is missing or damaged in
	// object storage; the mailbox needs a rebuild.
	ErrIndexCorrupt = errors.New("index is damaged")
)
