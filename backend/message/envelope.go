package message

// AppendEnvelope appends the IMAP ENVELOPE (RFC 9051 section 7.5.2) to dst.
// Strings are passed on as written: quoted where they are safe ASCII, else as
// a literal. With utf8 (IMAP4rev2 or UTF8=ACCEPT in force) valid UTF-8 is
// quoted, too. NUL, which IMAP can't carry, becomes a question mark.
func (s Summary) AppendEnvelope(dst []byte, utf8 bool) []byte { panic("message: AppendEnvelope") }

// AddressKind tells mailboxes from the ends of groups.
type AddressKind uint8

// The kinds of Address.
const (
	AddrMailbox    AddressKind = iota
	AddrGroupStart             // Mailbox is the group's name
	AddrGroupEnd
)

// Address is one address of a header field, its parts as written (encoded
// words not decoded; quoted strings without their quotes).
type Address struct {
	Kind                       AddressKind
	Name, Route, Mailbox, Host string
}

// Envelope is the decoded envelope, for SORT, THREAD and SEARCH. Values are
// unfolded and otherwise as written; DecodeHeader decodes them. Sender and ReplyTo are
// From where the mail doesn't have them.
type Envelope struct {
	Date, Subject          string
	From, Sender, ReplyTo  []Address
	To, Cc, Bcc            []Address
	InReplyTo, MessageID   string
	References             []string // the message ids of References, with <>
	HasDate, HasSubject    bool     // the field is there, though perhaps empty
	HasInReplyTo, HasMsgID bool
}

// Envelope decodes the envelope. References holds at most what the summary's
// limits allowed to keep.
func (s Summary) Envelope() Envelope { panic("message: Envelope") }

// ParseAddresses reads an address list (RFC 5322 section 3.4, obsolete syntax
// and garbage included) and never fails: what can't be understood becomes an
// address as close to the text as possible.
func ParseAddresses(value []byte) []Address { panic("message: ParseAddresses") }
