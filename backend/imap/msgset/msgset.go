// Package msgset resolves the message sets of commands against a view of a
// mailbox. Sets stay ranges: the cost is that of the ranges sent, never of the
// numbers they name.
package msgset

import (
	"errors"

	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/uidset"
)

// ErrNoSuchMessage: a sequence number is beyond the mailbox. The command is
// answered with BAD.
var ErrNoSuchMessage = errors.New("message sequence number out of range")

// Seqs resolves a command's set to sequence numbers of v. uid: the set holds
// UIDs; those that don't exist are ignored (RFC 9051 section 6.4.9). saved are
// the UIDs that "$" means (RFC 5182).
func Seqs(v *index.View, set wire.NumSet, uid bool, saved uidset.Set) (uidset.Set, error) {
	panic("msgset")
}

// UIDs are the UIDs of the messages with the given sequence numbers.
func UIDs(v *index.View, seqs uidset.Set) uidset.Set { panic("msgset") }

// SeqsOf are the sequence numbers of those of uids that exist in v.
func SeqsOf(v *index.View, uids uidset.Set) uidset.Set { panic("msgset") }
