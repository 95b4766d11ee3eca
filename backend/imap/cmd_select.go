package imap

import (
	"cmp"
	"context"
	"slices"

	"mailbackend.io/backend/imap/fetch"
	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/mailstore"
	"mailbackend.io/backend/uidset"
)

var selectCommands = []command{
	define("SELECT", loggedIn, noUpdates, wire.ParseSelect, runSelect),
	define("EXAMINE", loggedIn, noUpdates, wire.ParseSelect, runExamine),
	define("CLOSE", selectedState, noUpdates, parseNone, runClose),
	define("UNSELECT", selectedState, noUpdates, parseNone, runUnselect),
	define("CHECK", selectedState, 0, parseNone, runCheck),
}

// runSelect is SELECT (RFC 9051 section 6.3.2).
func runSelect(ctx context.Context, s *session, _ *request, a wire.Select) (reply, error) {
	return s.selectMailbox(ctx, a, false)
}

// runExamine is EXAMINE (RFC 9051 section 6.3.3).
func runExamine(ctx context.Context, s *session, _ *request, a wire.Select) (reply, error) {
	return s.selectMailbox(ctx, a, true)
}

// selectMailbox selects a mailbox and tells about it. If that fails, none is
// selected.
func (s *session) selectMailbox(ctx context.Context, a wire.Select, readOnly bool) (reply, error) {
	if a.QResync != nil && s.enabled&qResync == 0 {
		return reply{}, bad("QRESYNC must be enabled first")
	}
	if s.sel != nil {
		s.unselect()
		s.untagged(wire.Code{Name: wire.CodeClosed}, "Previous mailbox closed")
	}
	if a.CondStore {
		s.enabled |= condStore
	}
	mb, err := s.user.Select(ctx, a.Mailbox, readOnly)
	if err != nil {
		return reply{}, err
	}
	s.sel = newSelected(mb, readOnly)
	s.tellSelected(a.Mailbox)
	if q := a.QResync; q != nil && q.UIDValidity == mb.UIDValidity() {
		if err := s.resync(q); err != nil {
			return reply{}, err
		}
	}
	if readOnly {
		return okCode(wire.Code{Name: wire.CodeReadOnly}, "EXAMINE completed"), nil
	}
	return okCode(wire.Code{Name: wire.CodeReadWrite}, "SELECT completed"), nil
}

// tellSelected sends the responses of SELECT: RFC 9051 section 6.3.2, those of
// RFC 3501 to clients that have not enabled IMAP4rev2, HIGHESTMODSEQ (RFC 7162
// section 3.1.2.1) and MAILBOXID (RFC 8474 section 4.2). name is how the client
// wrote the mailbox's name.
func (s *session) tellSelected(name string) {
	sel := s.sel
	v := sel.shown
	s.tellNumber(uint64(v.Len()), " EXISTS")
	if s.enabled&rev2 == 0 {
		s.tellNumber(uint64(sel.recentTold), " RECENT")
	}
	s.tellKeywords()
	if i := v.FirstUnseen(); i >= 0 && s.enabled&rev2 == 0 {
		s.untagged(wire.CodeUnseen(uint32(i+1)), "First unseen")
	}
	s.untagged(wire.CodeUIDValidity(sel.mb.UIDValidity()), "UIDs valid")
	s.untagged(wire.CodeUIDNext(sel.uidNext), "Predicted next UID")
	s.untagged(wire.CodeHighestModSeq(sel.highestModSeq()), "Highest")
	s.untagged(wire.CodeMailboxID(sel.mb.ID()), "Mailbox id")
	if s.enabled&rev2 != 0 {
		l := wire.ListEntry{Separator: mailstore.Separator, Name: sel.mb.Name()}
		if l.Name != name {
			l.OldName = name
		}
		s.enc.List("LIST", l)
	}
}

// tellPermanentFlags sends PERMANENTFLAGS (RFC 9051 section 7.1): all of flags,
// and new keywords, unless the mailbox is selected read-only.
func (s *session) tellPermanentFlags(flags []string) {
	if s.sel.readOnly {
		s.untagged(wire.CodePermanentFlags(nil), "No flags can be changed")
		return
	}
	s.untagged(wire.CodePermanentFlags(append(flags, `\*`)), "Flags that can be changed")
}

// highestModSeq is HIGHESTMODSEQ, which is never 0 (RFC 7162 section 7,
// mod-sequence-value).
func (sel *selected) highestModSeq() uint64 { return max(sel.shown.HighestModSeq(), 1) }

// resync brings a client that knows the mailbox as of a modseq up to date (RFC
// 7162 section 3.2.5): VANISHED (EARLIER), then FETCH with UID, FLAGS and
// MODSEQ. The client's hint of matching sequence numbers and UIDs is not
// needed: the index knows what vanished.
func (s *session) resync(q *wire.QResync) error {
	v := s.sel.shown
	known := uidset.OfRanges(uidset.Range{First: 1, Last: ^uint32(0)})
	if q.HasKnown {
		known = uidRanges(q.Known, v.UIDNext()-1)
	}
	s.tellVanished(q.ModSeq, known)
	o := fetch.Options{UID: true, UTF8: s.enc.UTF8(), ModSeq: true}
	var m fetch.Message
	for i, rec := range v.ChangedSince(q.ModSeq) {
		if !known.Contains(rec.UID) {
			continue
		}
		s.fill(&m, i, v, rec)
		fetch.Flags(s.enc, &m, o)
		if err := s.enc.Err(); err != nil {
			return broken(err)
		}
	}
	return nil
}

// uidRanges is a set of UIDs as it was written, whether they exist or not; max
// is what "*" stands for.
func uidRanges(set wire.NumSet, max uint32) uidset.Set {
	ranges := make([]uidset.Range, 0, len(set.Ranges))
	for _, r := range set.Ranges {
		if first, last := r.Bounds(max); first > 0 && first <= last {
			ranges = append(ranges, uidset.Range{First: first, Last: last})
		}
	}
	// In order, each range is added at the end, which costs nothing.
	slices.SortFunc(ranges, func(a, b uidset.Range) int { return cmp.Compare(a.First, b.First) })
	return uidset.OfRanges(ranges...)
}

// tellVanished sends VANISHED (EARLIER) (RFC 7162 section 3.2.10) for those of
// uids that were expunged after a modseq.
func (s *session) tellVanished(modseq uint64, uids uidset.Set) {
	if gone := s.sel.shown.VanishedSince(modseq).Intersect(uids); !gone.Empty() {
		s.enc.Raw("* VANISHED (EARLIER) ").Set(gone).CRLF()
	}
}

// runClose is CLOSE (RFC 9051 section 6.4.1): messages with \Deleted are
// removed, and nothing is told about it.
func runClose(ctx context.Context, s *session, _ *request, _ none) (reply, error) {
	sel, r := s.sel, ok("CLOSE completed")
	if !sel.readOnly && !sel.mb.Deleted() {
		removed, err := sel.mb.Expunge(ctx, deleted(sel.mb.View(), nil))
		if err != nil {
			return reply{}, err
		}
		// A client that resynchronizes need not ask for what it removed
		// itself (RFC 7162 section 3.2.8).
		if s.enabled&qResync != 0 && !removed.Empty() {
			r.code = wire.CodeHighestModSeq(sel.mb.View().HighestModSeq())
		}
	}
	s.unselect()
	return r, nil
}

// runUnselect is UNSELECT (RFC 9051 section 6.4.2).
func runUnselect(_ context.Context, s *session, _ *request, _ none) (reply, error) {
	s.unselect()
	return ok("UNSELECT completed"), nil
}

// runCheck is CHECK (RFC 3501 section 6.4.1): a checkpoint that this server
// doesn't need, so a NOOP.
func runCheck(context.Context, *session, *request, none) (reply, error) {
	return ok("CHECK completed"), nil
}
