package imap

import (
	"context"

	"mailbackend.io/backend/imap/msgset"
	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/uidset"
)

var expungeCommands = []command{
	define("EXPUNGE", selectedState, needsWrite, parseNone, runExpunge),
	define("UID EXPUNGE", selectedState, needsWrite, wire.ParseSet, runUIDExpunge),
}

// runExpunge is EXPUNGE (RFC 9051 section 6.4.3).
func runExpunge(ctx context.Context, s *session, req *request, _ none) (reply, error) {
	return s.expunge(ctx, req, deleted(s.sel.mb.View(), nil))
}

// runUIDExpunge is UID EXPUNGE (RFC 9051 section 6.4.9).
func runUIDExpunge(ctx context.Context, s *session, req *request, a wire.Set) (reply, error) {
	seqs, err := s.seqs(a.Set, true)
	if err != nil {
		return reply{}, err
	}
	uids := msgset.UIDs(s.sel.shown, seqs)
	return s.expunge(ctx, req, deleted(s.sel.mb.View(), &uids))
}

// expunge removes messages and tells so. The tagged response tells the modseq
// that the client has reached then (RFC 7162 section 3.2.7).
func (s *session) expunge(ctx context.Context, req *request, uids uidset.Set) (reply, error) {
	var removed uidset.Set
	if !uids.Empty() {
		var err error
		if removed, err = s.sel.mb.Expunge(ctx, uids); err != nil {
			return reply{}, err // the update tells those that are gone
		}
	}
	r := ok("EXPUNGE completed")
	if s.enabled&condStore != 0 && !removed.Empty() {
		if err := s.update(req, false); err != nil {
			return reply{}, err
		}
		r.code = wire.CodeHighestModSeq(s.sel.highestModSeq())
	}
	return r, nil
}

// deleted are the UIDs of the messages of v that have \Deleted: all, or those
// among uids.
func deleted(v *index.View, uids *uidset.Set) uidset.Set {
	var found uidset.Set
	if v.Counts().Deleted == 0 {
		return found
	}
	take := func(from, to int) {
		for _, rec := range v.Range(from, to) {
			if rec.Flags&index.Deleted != 0 {
				found.Add(rec.UID, rec.UID)
			}
		}
	}
	if uids == nil {
		take(0, v.Len())
		return found
	}
	for _, r := range uids.Ranges() {
		end := v.Len()
		if r.Last < ^uint32(0) {
			end = v.Search(r.Last + 1)
		}
		take(v.Search(r.First), end)
	}
	return found
}
