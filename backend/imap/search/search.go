// Package search evaluates SEARCH programs (RFC 9051 section 6.4.4) over a view
// of a mailbox, in phases: what the index alone can tell first, over the whole
// view; then ids and summaries of the messages that are still undecided; then
// the text of what is left. It answers with sets of sequence numbers; ESEARCH's
// forms and SORT are others' affair. It does not parse; package wire does.
//
// # How strings match
//
// A string matches as a substring. Both sides are decoded (encoded words,
// transfer encodings and charsets undone), decomposed (NFKD) and case-folded
// (simple folding): close to i;unicode-casemap (RFC 5051). So "cafe" and "CAFÉ"
// are found in "café", but "café" not in "cafe". HTML is searched as it was
// written, with its tags. BODY covers text parts and the headers of embedded
// messages; TEXT the message's header as well; attachments that aren't text are
// not searched. A header field is matched as a whole: FROM "x" finds a name or an
// address.
//
// A header key with an empty string asks whether the field is there; BODY "" and
// TEXT "" match everything. SENT… keys take the date that the Date field names,
// without its time and zone; a mail without a usable Date matches none of them.
// Internal and save dates are those of UTC.
package search

import (
	"context"
	"iter"
	"time"

	"mailbackend.io/backend/imap/bodyio"
	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/mailstore"
	"mailbackend.io/backend/uidset"
)

// Mailbox is what the index doesn't hold. mailstore.Mailbox is one. All calls
// of one Run come from its goroutine.
type Mailbox[B bodyio.Body] interface {
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
	open      func(context.Context, uint32) (bodyio.Body, error)
	prefetch  func([]uint32)
}

// From makes a Source of a Mailbox.
func From[B bodyio.Body](m Mailbox[B]) Source {
	open := func(ctx context.Context, uid uint32) (bodyio.Body, error) { return m.Message(ctx, uid) }
	return Source{m.Summaries, m.IDs, open, m.Prefetch}
}

// Session is what a program means beyond its text.
type Session struct {
	Now time.Time // OLDER, YOUNGER
	// Saved are the UIDs of "$" (RFC 5182).
	Saved uidset.Set
	// Recent are the UIDs that are \Recent in this session.
	Recent uidset.Set
}

// Result is what a Run found.
type Result struct {
	Seqs uidset.Set // sequence numbers
	// ModSeq is the highest modseq of the messages in Seqs, 0 if it is
	// empty.
	ModSeq uint64
}

// Run evaluates the program over v, without the messages that are Gone. want
// tells which results are needed: where it is MIN, MAX or both and nothing else
// but SAVE, Seqs holds only these messages, as RFC 5182 section 2.1 wants them
// saved and RFC 7162 section 3.1.10 their modseq told, and the search stops when
// they are found. Errors: msgset.ErrNoSuchMessage for a sequence number that v
// doesn't have, those of src, and the context's.
func (p *Program) Run(ctx context.Context, v *index.View, src Source, s Session, want wire.SearchReturn) (Result, error) {
	r, err := newRun(p, v, src, s)
	if err != nil {
		return Result{}, err
	}
	ends := want & (wire.SearchMin | wire.SearchMax)
	if ends == 0 || want&(wire.SearchAll|wire.SearchCount|wire.SearchPartial) != 0 {
		err = r.all(ctx, r.scope)
		return r.result(), err
	}
	var out Result
	if ends&wire.SearchMin != 0 {
		if err := r.first(ctx, false); err != nil {
			return Result{}, err
		}
		out = r.end(r.result().Seqs.Min())
	}
	if ends&wire.SearchMax != 0 && (ends&wire.SearchMin == 0 || !out.Seqs.Empty()) {
		r.reset()
		if err := r.first(ctx, true); err != nil {
			return Result{}, err
		}
		last := r.end(r.result().Seqs.Max())
		out.Seqs.AddSet(last.Seqs)
		out.ModSeq = max(out.ModSeq, last.ModSeq)
	}
	return out, nil
}
