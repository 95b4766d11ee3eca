package sync

import (
	"mailbackend.io/backend/index"
)

// MailboxID names a mailbox for ever. It is an objectid of RFC 8474.
type MailboxID string

// Root is a user's manifest. A Root that Account.Root returned is immutable; the
// one that a Commit's change is given may be changed in Subscriptions and in
// each Mailbox's Name and SpecialUse, and with the methods below.
type Root struct {
	User      string
	Epoch     uint64
	Holder    Holder
	Mailboxes []Mailbox // by ID
	// Subscriptions are names, sorted; they need not exist.
	Subscriptions []string
}

// Mailbox is root's entry of one mailbox.
type Mailbox struct {
	ID          MailboxID
	Name        string
	UIDValidity uint32
	SpecialUse  []string

	// As of the last commit:
	UIDNext       uint32
	HighestModSeq uint64
	Counts        index.Counts
	FirstRecent   uint32
}

// NewMailbox is a mailbox to create.
type NewMailbox struct {
	Name       string
	SpecialUse []string
}

// ByName finds a mailbox by its exact name; nil if there is none.
func (r *Root) ByName(name string) *Mailbox { panic("sync: ByName") }

// ByID finds a mailbox; nil if there is none.
func (r *Root) ByID(id MailboxID) *Mailbox { panic("sync: ByID") }

// Create adds a mailbox with a fresh ID and UIDVALIDITY. ErrExists. Only
// within a Commit's change. Pointers into Mailboxes are invalid afterwards.
func (r *Root) Create(m NewMailbox) (MailboxID, error) { panic("sync: Create") }

// Delete removes a mailbox; its objects go after the commit. ErrNoMailbox.
// Only within a Commit's change. Pointers into Mailboxes are invalid afterwards.
func (r *Root) Delete(id MailboxID) error { panic("sync: Delete") }

// Subscribe adds or removes a subscribed name.
func (r *Root) Subscribe(name string, on bool) { panic("sync: Subscribe") }
