package mailstore

import (
	"errors"
	"fmt"

	"mailbackend.io/backend/sync"
)

// Sentinels, for errors.Is. The comment names the response code of RFC 5530
// (or another) that IMAP answers with.
var (
	// ErrNoMailbox: no mailbox has the name. NONEXISTENT; TRYCREATE for
	// APPEND, COPY and MOVE.
	ErrNoMailbox = errors.New("no such mailbox")
	// ErrExists: the name is taken. ALREADYEXISTS.
	ErrExists = errors.New("mailbox exists already")
	// ErrCannot: the operation can't be done whatever the state: a bad
	// name, deleting INBOX. CANNOT.
	ErrCannot = errors.New("not possible")
	// ErrUseAttr: a special use that is not known or can't be assigned
	// (RFC 6154). USEATTR.
	ErrUseAttr = errors.New("special-use attribute not supported")
	// ErrTooLarge: the mail is larger than Config.MaxMessageSize. TOOBIG
	// (RFC 7889 and 4469).
	ErrTooLarge = errors.New("message too large")
	// ErrLimit: too many of something: mailboxes, keywords, sessions. LIMIT.
	ErrLimit = errors.New("limit reached")
	// ErrQuota: the user's quota is used up. OVERQUOTA. Permanent for LMTP.
	ErrQuota = errors.New("over quota")
	// ErrUnavailable: not now: the object store fails, memory is short,
	// the server goes down. UNAVAILABLE; LMTP answers 4xx.
	ErrUnavailable = errors.New("temporarily unavailable")
	// ErrMessageGone: the message was expunged. EXPUNGEISSUED.
	ErrMessageGone = errors.New("message expunged")
	// ErrReadOnly: the mailbox was opened read-only. READ-ONLY.
	ErrReadOnly = errors.New("mailbox opened read-only")
	// ErrInUse: another session has the mailbox for itself. INUSE.
	ErrInUse = errors.New("mailbox in use")
	// ErrOvertaken: another backend serves the user now, or this one let
	// go of the user. The session ends with BYE. UNAVAILABLE.
	ErrOvertaken = errors.New("user is served elsewhere")
	// ErrClosed: the handle was closed.
	ErrClosed = errors.New("handle is closed")
)

// sentinels pairs what package sync says with what protocols understand.
var sentinels = [...]struct{ from, to error }{
	{sync.ErrOvertaken, ErrOvertaken},
	{sync.ErrReleased, ErrUnavailable},
	{sync.ErrFrozen, ErrUnavailable},
	{sync.ErrBusy, ErrUnavailable},
	{sync.ErrNoMailbox, ErrNoMailbox},
	{sync.ErrExists, ErrExists},
	{sync.ErrMessageGone, ErrMessageGone},
	{sync.ErrExhausted, ErrLimit},
	{sync.ErrUnavailable, ErrUnavailable},
	{sync.ErrRootCorrupt, ErrUnavailable},
	{sync.ErrRootLost, ErrUnavailable},
	{sync.ErrIndexCorrupt, ErrUnavailable},
}

// failed names the operation and the object of an error of package sync, and
// adds the sentinel that protocols know. nil stays nil.
func failed(op, object string, err error) error {
	if err == nil {
		return nil
	}
	for _, s := range sentinels {
		if errors.Is(err, s.from) {
			return fmt.Errorf("%s %q: %w: %w", op, object, s.to, err)
		}
	}
	return fmt.Errorf("%s %q: %w", op, object, err)
}
