package sync

import (
	"fmt"
	"slices"
	"sort"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/uidset"
)

// MailboxID names a mailbox for ever. It is an objectid of RFC 8474.
type MailboxID string

// Root is a user's manifest (docs/formats-root.md). A Root that Account.Root
// returned is immutable; the one that a Commit's change is given may be changed
// in Subscriptions and in each Mailbox's Name and SpecialUse (by assignment, not
// in place), and with the methods below.
type Root struct {
	User string
	// Epoch counts the claims. It and Holder are changed by claims only.
	Epoch uint64
	// Holder is who may commit; the zero Holder: the user is released.
	Holder Holder
	// CommitID is random and new with each PUT, so that root never has the
	// same bytes twice and a writer knows its own.
	CommitID index.ID
	// Mailboxes are sorted by ID.
	Mailboxes []Mailbox
	// Subscriptions are names, sorted; they need not exist.
	Subscriptions []string

	// lastUIDValidity is the highest UIDVALIDITY ever given to a mailbox.
	lastUIDValidity uint32
	// logless: the holder's local logs lack something that a client was told.
	logless bool
	deleted []deletedMailbox
	unknown []rawField
	// newID makes random ids; set while a change runs.
	newID func() index.ID
	// now is the time, in seconds since 1970; set while a change runs.
	now int64
}

// Mailbox is root's entry of one mailbox.
type Mailbox struct {
	ID          MailboxID
	Name        string
	UIDValidity uint32
	SpecialUse  []string

	// UIDNext is at least what clients were told as of the last commit.
	UIDNext uint32
	// HighestModSeq, Counts and FirstRecent are as of the last commit.
	HighestModSeq uint64
	Counts        index.Counts
	FirstRecent   uint32

	// uids and modseqs are reserved for the holder. The one before gave out
	// none at or behind their starts, the next one starts at their ends.
	uids    uidRange
	modseqs modSeqRange
	// floor is the modseq floor.
	floor uint64
	// scanFrom is the lowest UID that the segments may lack: a LIST from
	// there finds what the index does not know.
	scanFrom uint32
	// checkBelow, if not 0, tells that after a takeover nobody has looked yet
	// which of the index's messages below this UID have lost their objects.
	checkBelow uint32
	// open are the ranges where late mail may appear.
	open []openRange
	// fresh are those of the open ranges that were not listed since their
	// holder was overtaken: mail found there by the first LIST keeps its UID.
	fresh []uidset.Range
	// segments make up the index as of the last commit.
	segments []index.SegmentInfo
	unknown  []rawField
}

// uidRange is the UIDs start..end-1.
type uidRange struct{ start, end uint32 }

// modSeqRange is the modseqs start+1..end: start is the highest that an
// earlier holder may have given out.
type modSeqRange struct{ start, end uint64 }

// openRange is UIDs that a holder of the past may still store mail under.
type openRange struct {
	first, last uint32
	since       int64 // seconds since 1970: when the range was opened
}

// deletedMailbox is what has to be known to clean up after a mailbox.
type deletedMailbox struct {
	id    MailboxID
	name  string
	since int64 // seconds since 1970
	// known tells which objects the deleter's index knew: the UIDs below
	// horizon, except for those in unsure that are not in sure either. Only
	// they are removed; others are re-homed to INBOX.
	horizon      uint32
	unsure, sure uidset.Set
}

// rawField is a field that this version does not know. It is written again.
type rawField struct {
	tag  uint64
	data []byte
}

// NewMailbox is a mailbox to create.
type NewMailbox struct {
	Name       string
	SpecialUse []string
	Subscribed bool // its name joins the subscriptions
}

// Inbox is the name of the mailbox that re-homed mail of others goes to.
const Inbox = "INBOX"

// SegmentNames are the index segments that root names, oldest first: all of the
// mailbox's others are garbage.
func (m *Mailbox) SegmentNames() []string {
	names := make([]string, len(m.segments))
	for i := range m.segments {
		names[i] = m.segments[i].Name
	}
	return names
}

// ByName finds a mailbox by its exact name; nil if there is none.
func (r *Root) ByName(name string) *Mailbox {
	for i := range r.Mailboxes {
		if r.Mailboxes[i].Name == name {
			return &r.Mailboxes[i]
		}
	}
	return nil
}

// ByID finds a mailbox; nil if there is none.
func (r *Root) ByID(id MailboxID) *Mailbox {
	i, ok := r.find(id)
	if !ok {
		return nil
	}
	return &r.Mailboxes[i]
}

func (r *Root) find(id MailboxID) (int, bool) {
	i := sort.Search(len(r.Mailboxes), func(k int) bool { return r.Mailboxes[k].ID >= id })
	return i, i < len(r.Mailboxes) && r.Mailboxes[i].ID == id
}

// Create adds a mailbox with a fresh ID and UIDVALIDITY. ErrExists. Only
// within a Commit's change. Pointers into Mailboxes are invalid afterwards.
func (r *Root) Create(m NewMailbox) (MailboxID, error) {
	if r.newID == nil {
		panic("sync: Root.Create outside of a change")
	}
	if m.Name == "" || len(m.Name) > maxName {
		return "", fmt.Errorf("create mailbox: a name of %d bytes", len(m.Name))
	}
	if r.ByName(m.Name) != nil {
		return "", fmt.Errorf("create mailbox %q: %w", m.Name, ErrExists)
	}
	id := newMailboxID(r.newID())
	for r.ByID(id) != nil {
		id = newMailboxID(r.newID())
	}
	// Seconds are what RFC 3501 section 2.3.1.1 suggests; the counter keeps
	// them ascending whatever the clock does.
	validity := uint32(min(max(r.now, int64(r.lastUIDValidity)+1, 1), 1<<32-1))
	if validity <= r.lastUIDValidity {
		return "", fmt.Errorf("create mailbox %q: UIDVALIDITY: %w", m.Name, ErrExhausted)
	}
	r.lastUIDValidity = validity
	i, _ := r.find(id)
	r.Mailboxes = slices.Insert(r.Mailboxes, i, Mailbox{
		ID: id, Name: m.Name, UIDValidity: validity, SpecialUse: slices.Clone(m.SpecialUse),
		// HIGHESTMODSEQ of an empty mailbox is 1 (RFC 7162 section 3.1.2.1).
		UIDNext: 1, HighestModSeq: 1, FirstRecent: 1,
		uids: uidRange{1, 1}, modseqs: modSeqRange{1, 1}, floor: 1, scanFrom: 1,
	})
	if m.Subscribed {
		r.Subscribe(m.Name, true)
	}
	return id, nil
}

// Delete removes a mailbox; its objects go after the commit. ErrNoMailbox.
// Only within a Commit's change. Pointers into Mailboxes are invalid afterwards.
func (r *Root) Delete(id MailboxID) error {
	i, ok := r.find(id)
	if !ok {
		return fmt.Errorf("delete mailbox %s: %w", id, ErrNoMailbox)
	}
	r.Mailboxes = slices.Delete(r.Mailboxes, i, i+1)
	return nil
}

// Subscribe adds or removes a subscribed name.
func (r *Root) Subscribe(name string, on bool) {
	i, found := slices.BinarySearch(r.Subscriptions, name)
	switch {
	case on && !found:
		r.Subscriptions = slices.Insert(r.Subscriptions, i, name)
	case !on && found:
		r.Subscriptions = slices.Delete(r.Subscriptions, i, i+1)
	}
}

// clone returns a copy that a change may work on. Slices inside of mailboxes are
// shared: they are replaced, never changed in place, except for SpecialUse, which
// is the caller's.
func (r *Root) clone() *Root {
	c := *r
	c.Mailboxes = slices.Clone(r.Mailboxes)
	for i := range c.Mailboxes {
		c.Mailboxes[i].SpecialUse = slices.Clone(c.Mailboxes[i].SpecialUse)
	}
	c.Subscriptions = slices.Clone(r.Subscriptions)
	c.deleted = slices.Clone(r.deleted)
	return &c
}

// Bounds of what root may hold.
const (
	maxName       = 4096 // bytes of a mailbox name, subscription or attribute
	maxHolderName = 512
	maxUserName   = 64 << 10
)

// check tells what is wrong with root, as an untrusted object or as the result
// of a change.
//
// Invariant: a root that passes check can be encoded, decoded and claimed.
func (r *Root) check() error {
	if r.User == "" || len(r.User) > maxUserName {
		return fmt.Errorf("user name of %d bytes", len(r.User))
	}
	if r.Epoch == 0 {
		return fmt.Errorf("epoch 0")
	}
	if len(r.Holder.Pod) > maxHolderName || len(r.Holder.Incarnation) > maxHolderName {
		return fmt.Errorf("name of the holder of %d+%d bytes", len(r.Holder.Pod), len(r.Holder.Incarnation))
	}
	names := make(map[string]struct{}, len(r.Mailboxes))
	for i := range r.Mailboxes {
		m := &r.Mailboxes[i]
		if i > 0 && r.Mailboxes[i-1].ID >= m.ID {
			return fmt.Errorf("mailbox %q: ids do not ascend", m.ID)
		}
		if _, ok := names[m.Name]; ok {
			return fmt.Errorf("mailbox %s: name %q is there twice", m.ID, m.Name)
		}
		names[m.Name] = struct{}{}
		if err := m.check(); err != nil {
			return fmt.Errorf("mailbox %q: %w", m.ID, err)
		}
		if m.UIDValidity > r.lastUIDValidity {
			return fmt.Errorf("mailbox %s: UIDVALIDITY %d is above the last given, %d", m.ID, m.UIDValidity, r.lastUIDValidity)
		}
	}
	for i, name := range r.Subscriptions {
		if name == "" || len(name) > maxName || i > 0 && r.Subscriptions[i-1] >= name {
			return fmt.Errorf("subscription %d: empty, too long or not ascending", i)
		}
	}
	for i := range r.deleted {
		d := &r.deleted[i]
		if !d.id.Valid() || r.ByID(d.id) != nil || len(d.name) > maxName {
			return fmt.Errorf("deleted mailbox %q: bad id or name", d.id)
		}
	}
	return nil
}

func (m *Mailbox) check() error {
	switch {
	case !m.ID.Valid():
		return fmt.Errorf("malformed id")
	case m.Name == "" || len(m.Name) > maxName:
		return fmt.Errorf("name of %d bytes", len(m.Name))
	case m.UIDValidity == 0:
		return fmt.Errorf("UIDVALIDITY 0")
	case m.uids.start == 0 || m.uids.start > m.uids.end:
		return fmt.Errorf("UIDs %d to %d reserved", m.uids.start, m.uids.end)
	case m.UIDNext == 0 || m.scanFrom == 0 || m.UIDNext > m.uids.end || m.scanFrom > m.uids.end:
		return fmt.Errorf("UIDNEXT %d, listed from %d, with UIDs reserved up to %d", m.UIDNext, m.scanFrom, m.uids.end)
	case m.modseqs.start > m.modseqs.end || m.modseqs.end > maxModSeq:
		return fmt.Errorf("modseqs %d to %d reserved", m.modseqs.start, m.modseqs.end)
	case m.HighestModSeq == 0 || m.HighestModSeq > m.modseqs.end || m.floor > m.HighestModSeq:
		return fmt.Errorf("HIGHESTMODSEQ %d, floor %d, with modseqs reserved up to %d", m.HighestModSeq, m.floor, m.modseqs.end)
	}
	for _, s := range m.SpecialUse {
		if s == "" || len(s) > maxName {
			return fmt.Errorf("attribute of %d bytes", len(s))
		}
	}
	for _, o := range m.open {
		if o.first == 0 || o.first > o.last || o.last >= m.uids.end {
			return fmt.Errorf("open range %d to %d", o.first, o.last)
		}
	}
	for _, f := range m.fresh {
		if f.First == 0 || f.First > f.Last || f.Last >= m.uids.start {
			return fmt.Errorf("unlisted range %d to %d", f.First, f.Last)
		}
	}
	for i := range m.segments {
		if _, _, err := ParseSegmentName(m.segments[i].Name); err != nil {
			return err
		}
	}
	return nil
}

// maxModSeq is the largest modseq (RFC 7162 section 7: 63 bits).
const maxModSeq = 1<<63 - 1
