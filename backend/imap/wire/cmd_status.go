package wire

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

// statusItems are the items' names.
var statusItems = [...]string{
	StatusMessages:      "MESSAGES",
	StatusRecent:        "RECENT",
	StatusUIDNext:       "UIDNEXT",
	StatusUIDValidity:   "UIDVALIDITY",
	StatusUnseen:        "UNSEEN",
	StatusDeleted:       "DELETED",
	StatusSize:          "SIZE",
	StatusHighestModSeq: "HIGHESTMODSEQ",
	StatusMailboxID:     "MAILBOXID",
	StatusAppendLimit:   "APPENDLIMIT",
}

// String is the item's name.
func (s StatusItem) String() string { return statusItems[s] }

// Status is STATUS (RFC 9051 section 6.3.11).
type Status struct {
	Mailbox string
	Items   []StatusItem // in the order asked, without repetitions; at least one
}

// ParseStatus parses STATUS's arguments.
func ParseStatus(d *Decoder) (s Status, err error) {
	if s.Mailbox, err = d.spMailbox(); err != nil {
		return s, err
	}
	if err = d.SP(); err != nil {
		return s, err
	}
	if s.Items, err = d.statusItems(); err != nil {
		return s, err
	}
	return s, d.End()
}

// statusItems consumes "(" items ")".
func (d *Decoder) statusItems() (items []StatusItem, err error) {
	var seen [len(statusItems)]bool
	err = d.List(func() error {
		start := d.pos
		name, err := d.Keyword("a STATUS item")
		if err != nil {
			return err
		}
		for i := StatusMessages; int(i) < len(statusItems); i++ {
			if name == statusItems[i] {
				if !seen[i] {
					items = append(items, i)
				}
				seen[i] = true
				return nil
			}
		}
		d.pos = start
		return d.want("a STATUS item")
	})
	if err == nil && len(items) == 0 {
		err = d.want("a STATUS item")
	}
	return items, err
}
