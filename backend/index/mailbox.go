package index

// Mailbox is the writer's side of one mailbox's index. It is not safe for
// concurrent use: its owner serialises changes. The Views it hands out are
// immutable and shared freely.
type Mailbox struct{}

// NewMailbox returns an empty mailbox: no message, UIDNext 1, modseq 0.
func NewMailbox() *Mailbox { panic("index: not yet") }

// SetHistory bounds how many ranges of expunged UIDs are remembered with their
// modseq (VanishedSince); DefaultHistory without it. Beyond, the oldest are
// forgotten, and VanishedSince answers older questions with a superset.
func (m *Mailbox) SetHistory(ranges int) { panic("index: not yet") }

// Apply applies ops in order. If one of them is invalid (see Op.Validate),
// nothing is changed and the error names it.
//
//   - OpAppend inserts. A UID that is there already is left alone, or replaced
//     as a whole if the op's ModSeq is higher; one that was expunged stays
//     expunged; one that was found missing at a higher ModSeq stays missing.
//   - OpFlags replaces if its ModSeq is higher; an unknown UID is ignored.
//   - OpExpunge removes whatever its ModSeq is; UIDs that were never seen
//     join the expunged ones, and UIDNext rises above all of them.
//   - OpMissing removes messages whose own ModSeq is not higher.
//   - Every op raises HighestModSeq to its ModSeq. An OpExpunge or OpMissing
//     without UIDs does just that.
func (m *Mailbox) Apply(ops ...Op) error { panic("index: not yet") }

// View returns an immutable snapshot. Without a change since, it is the same
// one as before.
func (m *Mailbox) View() *View { panic("index: not yet") }

// Validate checks an op's form: a known kind, UIDs within 1..MaxUID, keywords
// that are not empty and within their limits, a summary within MaxSummary.
func (o *Op) Validate() error { panic("index: not yet") }

// Compact returns ops that have the same effect as ops on every mailbox that
// ops may be applied to, with at most one op per message: flag changes join
// the append they follow, appends of expunged messages vanish. Summaries and
// IDs of appends that remain are kept.
func Compact(ops []Op) []Op { panic("index: not yet") }

// Bounds of what an Op may carry.
const (
	MaxUID            = 1<<32 - 2 // so that UIDNext fits 32 bits
	MaxKeywords       = 512       // keywords of one message
	MaxKeywordLen     = 255       // octets of one keyword
	MaxSummary        = 1 << 20   // octets of one message's summary
	DefaultHistory    = 8192
	MaxRecordsSection = 1 << 30 // octets of a decoded records section
)
