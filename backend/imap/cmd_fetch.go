package imap

import (
	"context"
	"errors"
	"iter"
	"slices"

	"mailbackend.io/backend/imap/msgset"
	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/mailstore"
	"mailbackend.io/backend/uidset"
)

var fetchCommands = []command{
	define("FETCH", selectedState, keepExpunged, wire.ParseFetch, runFetch),
	define("UID FETCH", selectedState, 0, wire.ParseFetch, runFetch),
}

// runFetch is FETCH and UID FETCH (RFC 9051 sections 6.4.5 and 6.4.9) with
// CHANGEDSINCE (RFC 7162 section 3.1.4) and VANISHED (section 3.2.6).
func runFetch(ctx context.Context, s *session, req *request, a wire.Fetch) (reply, error) {
	sel := s.sel
	if a.Vanished && (!req.uid || s.enabled&qResync == 0) {
		return reply{}, bad("VANISHED needs UID FETCH and QRESYNC enabled")
	}
	seqs, err := s.seqs(a.Set, req.uid)
	if err != nil {
		return reply{}, err
	}
	asksModSeq := slices.ContainsFunc(a.Items, func(i wire.FetchItem) bool { return i.Kind == wire.FetchModSeq })
	if a.ChangedSince > 0 && !asksModSeq {
		a.Items = append(a.Items, wire.FetchItem{Kind: wire.FetchModSeq, Peek: true})
		asksModSeq = true
	}
	if asksModSeq {
		s.enableCondStore()
	}
	if a.Vanished {
		uids := sel.saved
		if !a.Set.Saved {
			uids = uidRanges(a.Set, sel.shown.UIDNext()-1)
		}
		s.tellVanished(a.ChangedSince, uids)
	}
	f := newFetcher(s, req, &a)
	if err := f.run(ctx, f.candidates(seqs, a.ChangedSince)); err != nil {
		return reply{}, err
	}
	switch {
	case f.gone && req.uid: // UIDs that don't exist are no error
		return okCode(wire.Code{Name: wire.CodeExpungeIssued}, "Some of the messages no longer exist"), nil
	case f.gone: // RFC 2180 section 4.1.2; what is left was sent
		return reply{}, mailstore.ErrMessageGone
	}
	return ok("FETCH completed"), nil
}

// seqs resolves a command's set against what the client knows.
func (s *session) seqs(set wire.NumSet, uid bool) (uidset.Set, error) {
	seqs, err := msgset.Seqs(s.sel.shown, set, uid, s.sel.saved)
	if errors.Is(err, msgset.ErrNoSuchMessage) {
		err = bad("No such message")
	}
	return seqs, err
}

// anyGone reports whether any of the messages is gone although the client was
// not told yet.
func (s *session) anyGone(seqs uidset.Set) bool {
	if !s.sel.shown.HasGone() {
		return false
	}
	for seq := range seqs.All() {
		if s.sel.shown.Gone(int(seq - 1)) {
			return true
		}
	}
	return false
}

// candidates are the indexes of the messages to fetch, ascending.
func (f *fetcher) candidates(seqs uidset.Set, changedSince uint64) iter.Seq[int] {
	return func(yield func(int) bool) {
		if changedSince > 0 {
			for i := range f.s.sel.shown.ChangedSince(changedSince) {
				if seqs.Contains(uint32(i+1)) && !yield(i) {
					return
				}
			}
			return
		}
		for seq := range seqs.All() {
			if !yield(int(seq - 1)) {
				return
			}
		}
	}
}
