package wire

// QResync is SELECT's QRESYNC parameter (RFC 7162 section 3.2.5).
type QResync struct {
	UIDValidity uint32
	ModSeq      uint64
	// Known is the set of UIDs the client knows; HasKnown tells an absent one.
	Known    NumSet
	HasKnown bool
	// SeqMatch are corresponding sequence numbers and UIDs.
	MatchSeqs, MatchUIDs NumSet
	HasMatch             bool
}

// Select is SELECT or EXAMINE (RFC 9051 section 6.3.2, RFC 7162).
type Select struct {
	Mailbox   string
	CondStore bool
	QResync   *QResync // nil: not given
}

// Create is CREATE with its USE parameter (RFC 6154 section 3).
type Create struct {
	Mailbox    string
	SpecialUse []string // as written: "\Sent"
}

// Mailbox is a command whose only argument is a mailbox: DELETE, SUBSCRIBE,
// UNSUBSCRIBE.
type Mailbox struct{ Mailbox string }

// Rename is RENAME (RFC 9051 section 6.3.6).
type Rename struct{ From, To string }

// StatusItem is an item of STATUS.
type StatusItem uint8

// The STATUS items, and where they come from.
const (
	StatusMessages      StatusItem = iota + 1 // RFC 9051
	StatusRecent                              // RFC 3501
	StatusUIDNext                             // RFC 9051
	StatusUIDValidity                         // RFC 9051
	StatusUnseen                              // RFC 9051
	StatusDeleted                             // RFC 9051
	StatusSize                                // RFC 9051, RFC 8438
	StatusHighestModSeq                       // RFC 7162
	StatusMailboxID                           // RFC 8474
	StatusAppendLimit                         // RFC 7889
)

// Status is STATUS (RFC 9051 section 6.3.11).
type Status struct {
	Mailbox string
	Items   []StatusItem // in the order asked, without repetitions
}
