package imap

import (
	"context"

	"mailbackend.io/backend/imap/msgset"
	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/mailstore"
)

var copyCommands = []command{
	define("COPY", selectedState, tryCreate, wire.ParseCopy, runCopy),
	define("UID COPY", selectedState, tryCreate, wire.ParseCopy, runCopy),
	define("MOVE", selectedState, tryCreate|needsWrite, wire.ParseCopy, runMove),
	define("UID MOVE", selectedState, tryCreate|needsWrite, wire.ParseCopy, runMove),
}

// runCopy is COPY and UID COPY (RFC 9051 section 6.4.7): all messages or none,
// answered with COPYUID (RFC 4315).
func runCopy(ctx context.Context, s *session, req *request, a wire.Copy) (reply, error) {
	seqs, err := s.seqs(a.Set, req.uid)
	if err != nil {
		return reply{}, err
	}
	if !req.uid && s.anyGone(seqs) {
		return reply{}, mailstore.ErrMessageGone // RFC 2180 section 4.4.1
	}
	res, err := s.sel.mb.Copy(ctx, msgset.UIDs(s.sel.shown, seqs), a.Mailbox)
	if err != nil {
		return reply{}, err
	}
	r := ok("COPY completed")
	if len(res.Src) > 0 {
		r.code = wire.CodeCopyUID(res.UIDValidity, res.Src, res.Dst)
	}
	return r, nil
}

// runMove is MOVE and UID MOVE (RFC 9051 section 6.4.8): COPYUID comes before the
// messages are told to be gone, and what was moved before a failure stays moved.
func runMove(ctx context.Context, s *session, req *request, a wire.Copy) (reply, error) {
	seqs, err := s.seqs(a.Set, req.uid)
	if err != nil {
		return reply{}, err
	}
	gone := s.anyGone(seqs)
	res, err := s.sel.mb.Move(ctx, msgset.UIDs(s.sel.shown, seqs), a.Mailbox)
	if len(res.Src) > 0 {
		s.untagged(wire.CodeCopyUID(res.UIDValidity, res.Src, res.Dst), "Moved")
	}
	if err != nil {
		return reply{}, err
	}
	if !req.uid && gone {
		return reply{}, mailstore.ErrMessageGone
	}
	r := ok("MOVE completed")
	if s.enabled&condStore != 0 && len(res.Src) > 0 {
		if err := s.update(req, false); err != nil {
			return reply{}, err
		}
		r.code = wire.CodeHighestModSeq(s.sel.highestModSeq())
	}
	return r, nil
}
