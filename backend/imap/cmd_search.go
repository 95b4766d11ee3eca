package imap

import (
	"context"
	"errors"

	"mailbackend.io/backend/imap/fetch"
	"mailbackend.io/backend/imap/msgset"
	"mailbackend.io/backend/imap/search"
	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/uidset"
)

var searchCommands = []command{
	define("SEARCH", selectedState, keepExpunged, wire.ParseSearch, runSearch),
	define("UID SEARCH", selectedState, 0, wire.ParseSearch, runSearch),
}

// charsets are told to clients that used another one (RFC 9051 section 6.4.4).
var charsets = []string{"UTF-8", "US-ASCII"}

// runSearch is SEARCH and UID SEARCH (RFC 9051 section 6.4.4), with the results
// of RFC 4731 and RFC 5182 and the modseq of RFC 7162 section 3.1.5.
func runSearch(ctx context.Context, s *session, req *request, a wire.Search) (reply, error) {
	sel := s.sel
	if a.ModSeq {
		s.enableCondStore()
	}
	save := a.Return&wire.SearchSave != 0
	program, err := search.Compile(&a.SearchProgram)
	if err == nil {
		var found search.Result
		found, err = program.Run(ctx, sel.shown, search.From[fetch.Body](sel.mb), search.Session{
			Now: s.srv.clock.Now(), Saved: sel.saved, Recent: sel.recent,
		}, a.Return)
		if err == nil {
			if save {
				sel.saved = savedResult(sel.shown, found.Seqs, a.Return)
			}
			s.tellFound(req, &a, found)
			return ok("SEARCH completed"), nil
		}
	}
	if save {
		sel.saved = uidset.Set{} // RFC 5182 section 2.1
	}
	switch {
	case errors.Is(err, search.ErrBadCharset):
		return reply{kind: respNo, code: wire.CodeBadCharset(charsets), text: "Unknown charset"}, nil
	case errors.Is(err, msgset.ErrNoSuchMessage):
		return reply{}, bad("No such message")
	}
	return reply{}, err
}

// savedResult is what "$" means after a search that found seqs (RFC 5182 section
// 2.4): with MIN or MAX and neither ALL nor COUNT, only those.
func savedResult(v *index.View, seqs uidset.Set, ret wire.SearchReturn) uidset.Set {
	if ret&(wire.SearchAll|wire.SearchCount|wire.SearchPartial) == 0 && ret&(wire.SearchMin|wire.SearchMax) != 0 {
		var few uidset.Set
		if ret&wire.SearchMin != 0 && !seqs.Empty() {
			few.Add(seqs.Min(), seqs.Min())
		}
		if ret&wire.SearchMax != 0 && !seqs.Empty() {
			few.Add(seqs.Max(), seqs.Max())
		}
		seqs = few
	}
	return msgset.UIDs(v, seqs)
}

// tellFound sends a search's result: ESEARCH if RETURN was given or IMAP4rev2 is
// enabled, nothing if it is only to be saved, SEARCH otherwise.
func (s *session) tellFound(req *request, a *wire.Search, found search.Result) {
	nums := found.Seqs
	if req.uid {
		nums = msgset.UIDs(s.sel.shown, nums)
	}
	modseq := uint64(0)
	if a.ModSeq {
		modseq = found.ModSeq
	}
	ret := a.Return
	if !a.HasReturn {
		if s.enabled&rev2 == 0 {
			s.enc.Search(nums, modseq)
			return
		}
		ret = wire.SearchAll
	}
	if ret&^wire.SearchSave == 0 {
		return
	}
	s.enc.ESearch(wire.ESearch{
		Tag: req.tag, UID: req.uid, Return: ret, Found: nums, Partial: a.Partial, ModSeq: modseq,
	})
}
