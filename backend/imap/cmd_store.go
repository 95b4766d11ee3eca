package imap

import (
	"context"
	"slices"
	"strings"

	"mailbackend.io/backend/imap/fetch"
	"mailbackend.io/backend/imap/msgset"
	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/mailstore"
	"mailbackend.io/backend/uidset"
)

var storeCommands = []command{
	define("STORE", selectedState, needsWrite|keepExpunged, wire.ParseStore, runStore),
	define("UID STORE", selectedState, needsWrite, wire.ParseStore, runStore),
}

// storeModes are mailstore's names of the modes.
var storeModes = map[wire.StoreMode]mailstore.FlagMode{
	wire.StoreReplace: mailstore.ReplaceFlags,
	wire.StoreAdd:     mailstore.AddFlags,
	wire.StoreRemove:  mailstore.RemoveFlags,
}

// runStore is STORE and UID STORE (RFC 9051 sections 6.4.6 and 6.4.9) with
// UNCHANGEDSINCE (RFC 7162 section 3.1.3).
func runStore(ctx context.Context, s *session, req *request, a wire.Store) (reply, error) {
	seqs, err := s.seqs(a.Set, req.uid)
	if err != nil {
		return reply{}, err
	}
	if a.HasUnchangedSince {
		s.enableCondStore()
	}
	gone := s.anyGone(seqs)
	uids := msgset.UIDs(s.sel.shown, seqs)
	res, err := s.sel.mb.SetFlags(ctx, mailstore.FlagChange{
		UIDs: uids, Mode: storeModes[a.Mode], Flags: a.Flags,
		HasUnchangedSince: a.HasUnchangedSince, UnchangedSince: a.UnchangedSince,
	})
	if err != nil {
		return reply{}, err
	}
	if err := s.tellStored(req, &a, uids, res); err != nil {
		return reply{}, err
	}
	r := ok("STORE completed")
	if !res.Modified.Empty() {
		failed := res.Modified
		if !req.uid {
			failed = msgset.SeqsOf(s.sel.shown, failed)
		}
		r = okCode(wire.CodeModified(failed), "Conditional STORE failed for some")
	}
	if !req.uid && (gone || !res.Missing.Empty()) {
		// RFC 2180 section 4.2: what could be done was done. UIDs that
		// don't exist are no error (RFC 9051 section 6.4.9).
		r.kind = respNo
		r.text = "Some of the messages no longer exist"
		if r.code.Name == codeNone {
			r.code.Name = wire.CodeExpungeIssued
		}
	}
	return r, nil
}

// tellStored sends the FETCH responses of a STORE: for every message of the set,
// or with .SILENT for those whose flags are not what the client can tell by
// itself, as somebody else changed them too (RFC 9051 section 6.4.6). A client
// that knows modseqs is told the new ones in any case (RFC 7162 section 3.1.3).
func (s *session) tellStored(req *request, a *wire.Store, uids uidset.Set, res mailstore.FlagResult) error {
	old, ch := s.sel.advance(!req.uid)
	if ch.Broken {
		return errOutOfStep
	}
	s.tellSizes(ch)
	var set uidset.Set // sequence numbers to tell about
	for _, i := range ch.Changed {
		set.Add(uint32(i+1), uint32(i+1))
	}
	if !a.Silent {
		set.AddSet(msgset.SeqsOf(s.sel.shown, uids))
	}
	o := s.flagOptions(req)
	modSeqOnly := fetch.Compile([]wire.FetchItem{{Kind: wire.FetchModSeq, Peek: true}}, o)
	want := newOutcome(a)
	var m fetch.Message
	for seq := range set.All() {
		if s.sel.shown.Gone(int(seq - 1)) {
			continue // not what its flags are any more
		}
		rec := s.sel.shown.At(int(seq - 1))
		s.fill(&m, int(seq-1), s.sel.shown, rec)
		ours := a.Silent && uids.Contains(rec.UID) && !res.Modified.Contains(rec.UID)
		switch {
		case !ours || !want.expected(old, rec, m.Keywords):
			fetch.Flags(s.enc, &m, o)
		case o.ModSeq:
			if err := modSeqOnly.Write(context.Background(), s.enc, &m, nil, false); err != nil {
				return broken(err)
			}
		}
		if err := s.enc.Err(); err != nil {
			return broken(err)
		}
	}
	return nil
}

// outcome tells what a STORE makes of a message's flags.
type outcome struct {
	mode     wire.StoreMode
	system   index.Flags
	keywords []string // in lower case
}

func newOutcome(a *wire.Store) *outcome {
	o := &outcome{mode: a.Mode}
	for _, f := range a.Flags {
		if bit := systemFlag(f); bit != 0 {
			o.system |= bit
		} else {
			o.keywords = append(o.keywords, strings.ToLower(f))
		}
	}
	return o
}

// systemFlag is the bit of a system flag's name, 0 for a keyword.
func systemFlag(name string) index.Flags {
	switch strings.ToLower(name) {
	case `\seen`:
		return index.Seen
	case `\answered`:
		return index.Answered
	case `\flagged`:
		return index.Flagged
	case `\deleted`:
		return index.Deleted
	case `\draft`:
		return index.Draft
	}
	return 0
}

// expected reports whether a message's flags are now what the STORE makes of
// those that the client knew, in the view old.
func (o *outcome) expected(old *index.View, now index.Record, keywords []string) bool {
	i, ok := old.Find(now.UID)
	if !ok {
		return false
	}
	before := old.At(i)
	system, names := o.system, o.keywords
	switch o.mode {
	case wire.StoreAdd:
		system |= before.Flags
		names = lower(old.Keywords(before.Keywords), names)
	case wire.StoreRemove:
		system = before.Flags &^ system
		names = slices.DeleteFunc(lower(old.Keywords(before.Keywords), nil), func(n string) bool {
			return slices.Contains(o.keywords, n)
		})
	}
	if system != now.Flags {
		return false
	}
	if len(names) == 0 && len(keywords) == 0 {
		return true
	}
	return slices.Equal(sorted(names), sorted(lower(keywords, nil)))
}

// lower returns names in lower case, with more behind them.
func lower(names, more []string) []string {
	out := make([]string, 0, len(names)+len(more))
	for _, n := range names {
		out = append(out, strings.ToLower(n))
	}
	return append(out, more...)
}

// sorted returns the names in order, each once.
func sorted(names []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(names)))
}
