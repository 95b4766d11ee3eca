// Package search evaluates SEARCH programs (RFC 9051 section 6.4.4) over a view
// of a mailbox, in phases: what the index alone can tell first, over the whole
// view; then summaries of the messages that are still undecided; then the text
// of what is left. It answers with sets of sequence numbers; ESEARCH's forms
// and SORT are others' affair.
//
// Strings match as substrings of decoded text (encoded words, transfer
// encodings and charsets undone), after simple case folding and compatibility
// decomposition (NFKD) of both sides: close to i;unicode-casemap (RFC 5051).
package search

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/mailstore"
	"mailbackend.io/backend/uidset"
)

// ErrBadCharset: the program's charset is not known. The command is answered
// with NO [BADCHARSET].
var ErrBadCharset = errors.New("unknown charset")

// Body is a mail's bytes.
type Body interface {
	// ReadRange writes n octets of the mail from off to w, in order. A
	// range that reaches past the end is cut.
	ReadRange(ctx context.Context, w io.Writer, off, n int64) error
}

// Mailbox is what the index doesn't hold. mailstore.Mailbox is one. All
// calls of one Run come from its goroutine.
type Mailbox[B Body] interface {
	// Summaries streams the summaries of uids, ascending; messages that
	// are gone are left out.
	Summaries(ctx context.Context, uids []uint32) iter.Seq2[mailstore.Item, error]
	// IDs and Message fail with mailstore.ErrMessageGone for a message
	// that is gone; it doesn't match.
	IDs(ctx context.Context, uid uint32) (index.IDs, error)
	Message(ctx context.Context, uid uint32) (B, error)
	// Prefetch tells which messages will be read, in this order.
	Prefetch(uids []uint32)
}

// Source is a Mailbox as Run uses it.
type Source struct {
	summaries func(context.Context, []uint32) iter.Seq2[mailstore.Item, error]
	ids       func(context.Context, uint32) (index.IDs, error)
	open      func(context.Context, uint32) (Body, error)
	prefetch  func([]uint32)
}

// From makes a Source of a Mailbox.
func From[B Body](m Mailbox[B]) Source {
	return Source{m.Summaries, m.IDs, func(ctx context.Context, uid uint32) (Body, error) { return m.Message(ctx, uid) }, m.Prefetch}
}

// Session is what a program means beyond its text.
type Session struct {
	Now time.Time // OLDER, YOUNGER
	// Saved are the UIDs of "$".
	Saved uidset.Set
	// Recent are the UIDs that are \Recent in this session.
	Recent uidset.Set
}

// Program is a compiled search. It is immutable.
type Program struct{}

// Compile checks and prepares a program. ErrBadCharset if s.Charset is unknown
// or a string is not valid in it.
func Compile(s *wire.SearchProgram) (*Program, error) { panic("search") }

// Result is what a Run found.
type Result struct {
	Seqs uidset.Set // sequence numbers
	// ModSeq is the highest modseq of the messages found; for a search that
	// returns MIN or MAX only, of those (RFC 7162 section 3.1.10).
	ModSeq uint64
}

// Run evaluates the program over v. want tells which results are needed: a
// search for MIN alone stops at the first match.
func (p *Program) Run(ctx context.Context, v *index.View, src Source, s Session, want wire.SearchReturn) (Result, error) {
	panic("search")
}
