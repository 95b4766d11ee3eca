package imap

import (
	"mailbackend.io/backend/imap/fetch"
	"mailbackend.io/backend/index"
)

// errMailboxGone ends a session whose selected mailbox was deleted by another:
// there is no response that says so (RFC 2180 section 3.3 lets the server do
// this).
var errMailboxGone = &bye{codeNonExistent, "The selected mailbox was deleted"}

// errOutOfStep ends a session that can't be told what happened.
var errOutOfStep = &bye{codeUnavailable, "The selected mailbox has to be selected again"}

// update tells the client what changed in the selected mailbox (RFC 9051
// section 7: at any time, but section 7.5.1 for EXPUNGE). It only writes to the
// encoder. An error ends the session.
func (s *session) update(req *request, keepExpunged bool) error {
	if s.sel == nil {
		return nil
	}
	if s.sel.mb.Deleted() {
		return errMailboxGone
	}
	_, ch := s.sel.advance(keepExpunged)
	if ch.Broken {
		return errOutOfStep
	}
	s.tellSizes(ch)
	return s.tellFlags(req, ch.Changed)
}

// tellSizes tells what was removed and added, and new keywords. It comes before
// FETCH responses, whose sequence numbers are those after it.
func (s *session) tellSizes(ch index.Changes) {
	if ch.None() {
		return
	}
	sel := s.sel
	if len(ch.Expunged) > 0 {
		s.tellExpunged(ch)
	}
	if ch.Added > 0 {
		s.tellNumber(uint64(sel.shown.Len()), " EXISTS")
	}
	if s.enabled&rev2 == 0 {
		if n := sel.countRecent(); n != sel.recentTold {
			sel.recentTold = n
			s.tellNumber(uint64(n), " RECENT")
		}
	}
	if sel.newKeywords() {
		s.tellKeywords()
	}
}

// tellExpunged sends EXPUNGE (RFC 9051 section 7.5.1), or VANISHED to a client
// that enabled QRESYNC (RFC 7162 section 3.2.10).
func (s *session) tellExpunged(ch index.Changes) {
	if s.enabled&qResync != 0 {
		s.enc.Raw("* VANISHED ").Set(ch.Vanished).CRLF()
		return
	}
	for _, seq := range ch.Expunged {
		s.tellNumber(uint64(seq), " EXPUNGE")
	}
}

func (s *session) tellNumber(n uint64, what string) {
	s.enc.Raw("* ").Number(n).Raw(what).CRLF()
}

// tellFlags sends an unsolicited FETCH for each of the messages (indexes of the
// shown view), except for what req has told already.
func (s *session) tellFlags(req *request, changed []int) error {
	if len(changed) == 0 {
		return nil
	}
	o := s.flagOptions(req)
	var m fetch.Message
	for _, i := range changed {
		rec := s.sel.shown.At(i)
		if req != nil && req.told != nil {
			if modseq, told := req.told[rec.UID]; told && modseq == rec.ModSeq {
				continue
			}
		}
		s.fill(&m, i, s.sel.shown, rec)
		fetch.Flags(s.enc, &m, o)
		if err := s.enc.Err(); err != nil {
			return broken(err)
		}
	}
	return nil
}

// flagOptions say what goes with flags that the client didn't ask for: MODSEQ
// after a CONDSTORE-enabling command (RFC 7162 section 3.1), the UID with
// QRESYNC (section 3.2.4), with UID commands (RFC 9051 section 6.4.9), and for
// IMAP4rev2, where it costs little and spares the client a look-up.
func (s *session) flagOptions(req *request) fetch.Options {
	return fetch.Options{
		UID:    s.enabled&(qResync|rev2) != 0 || req != nil && req.uid,
		UTF8:   s.enc.UTF8(),
		ModSeq: s.enabled&condStore != 0,
	}
}

// fill makes m message i of the shown view, with the state that rec, a record
// of the view v, tells. IMAP4rev2 knows no \Recent.
func (s *session) fill(m *fetch.Message, i int, v *index.View, rec index.Record) {
	m.Seq = uint32(i + 1)
	m.Record = rec
	m.Keywords = v.Keywords(rec.Keywords)
	m.Recent = s.enabled&rev2 == 0 && !s.sel.recent.Empty() && s.sel.recent.Contains(rec.UID)
}

// tellKeywords sends FLAGS and PERMANENTFLAGS (RFC 9051 sections 7.3.5 and 7.1).
func (s *session) tellKeywords() {
	flags := append(systemFlags(), s.sel.keywords...)
	s.enc.Raw("* FLAGS ").Words(flags).CRLF()
	s.tellPermanentFlags(flags)
}

// systemFlags are the flags that every mailbox has.
func systemFlags() []string {
	return []string{`\Answered`, `\Flagged`, `\Deleted`, `\Seen`, `\Draft`}
}
