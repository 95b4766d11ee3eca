package sync

import (
	"fmt"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/message"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/uidset"
)

// slot is a UID that was handed out for a mail and is not published yet.
type slot struct {
	uid   uint32
	mail  *sealedMail
	group *group // nil unless mails become visible together
	// The rest is under the folder's mu, but for unanswered, which belongs
	// to whoever is sending.
	state slotState
	// unanswered: an attempt to store it was never answered; it may land at
	// any time.
	unanswered bool
}

type slotState uint8

const (
	sending  slotState = iota // or unresolved: the outcome is not known yet
	isStored                  // confirmed
	aborted                   // nothing of this holder is under the UID, or will be
)

// group are slots that are published together.
type group struct{ pending int }

// sealedMail is a mail ready to be stored.
type sealedMail struct {
	guid index.ID
	blob objstore.Blob
	op   index.Op // without UID and modseq
	meta message.Meta
	// gone count as expunged once the mail is published: what it was
	// re-homed from.
	gone uidset.Set
	// guarded: the UID is treated as tainted, so that the expunge of the mail is
	// never told before gone is committed.
	guarded bool
	// sources are what it was of deleted mailboxes.
	sources []handled
}

// news is what the publishers leave for after the lock.
type news struct {
	view        *index.View
	subscribers []*subscriber
	due         bool // deliveries alone made an upload due
	needModSeqs bool // publishing waits for an extension
}

// advance publishes the slots that are settled, in UID order, up to the first
// one that is not: "publish in UID order". f.mu is held; the caller passes the
// result to tell without it.
func (f *Folder) advance() (n news) {
	if f.sealed || f.gate != nil {
		return n
	}
	var ops []index.Op
	for len(f.slots) > 0 {
		s := f.slots[0]
		if s.state == sending || s.group != nil && s.group.pending > 0 {
			break
		}
		if s.state == aborted {
			f.slots = f.slots[1:]
			continue
		}
		if f.lastModSeq >= f.modEnd {
			n.needModSeqs = true
			break
		}
		f.lastModSeq++
		for g := s.group; ; {
			ops = append(ops, f.publication(s, f.lastModSeq)...)
			f.slots = f.slots[1:]
			// A group becomes visible as one, under one modseq.
			if g == nil || len(f.slots) == 0 || f.slots[0].group != g {
				break
			}
			s = f.slots[0]
		}
	}
	if len(f.slots) == 0 {
		f.slots = nil
	}
	if len(ops) > 0 {
		f.apply(ops)
	}
	more := f.tidings()
	more.needModSeqs = n.needModSeqs
	return more
}

// publication is what the index is told of a settled slot.
func (f *Folder) publication(s *slot, modseq uint64) []index.Op {
	if s.state != isStored {
		return nil
	}
	op := s.mail.op
	op.UID, op.ModSeq = s.uid, modseq
	if s.mail.guarded {
		f.tainted.Add(s.uid, s.uid)
	}
	f.handledIn(s.mail.sources)
	if s.mail.gone.Empty() {
		return []index.Op{op}
	}
	return []index.Op{{Kind: index.OpExpunge, ModSeq: modseq, UIDs: s.mail.gone}, op}
}

// apply writes ops to the local log, then to the index. They must be valid.
// f.mu is held; the caller makes sure the modseqs are the folder's.
func (f *Folder) apply(ops []index.Op) {
	f.logOps(ops)
	f.applyLogged(ops)
}

// applyLogged is apply for ops that the local log has.
func (f *Folder) applyLogged(ops []index.Op) {
	if f.pend == nil {
		f.pend = &changes{}
	}
	wasClean := f.pend.empty()
	f.pend.add(ops, f.a.e.clk.Now())
	for i := range ops {
		if ops[i].Kind == index.OpAppend {
			f.told = max(f.told, ops[i].UID+1)
		}
	}
	if f.box != nil {
		if err := f.box.Apply(ops...); err != nil {
			// Ops are validated before they come here; what is left is
			// a defect, and this user's memory is not to be trusted:
			// the next load reads everything anew.
			f.a.log.Error("operations can't be applied; the user is dropped", "mailbox", f.id, "error", err)
			go f.a.end(fmt.Errorf("%s: %w: %w", f, ErrIndexCorrupt, err)) // not here: f.mu is held
		} else if f.ready {
			f.shown.Store(f.box.View())
		}
	}
	if wasClean {
		f.dirtied++
		f.a.setDirty(f.id, f.dirtied)
	}
}

// tidings collects what tell needs. f.mu is held.
func (f *Folder) tidings() news {
	return news{view: f.shown.Load(), subscribers: f.subscribers, due: f.dueLocked() && !f.pend.other}
}

// dueLocked: so many mails were stored that the index is to be uploaded.
func (f *Folder) dueLocked() bool {
	return f.pend != nil && len(f.pend.appends) >= f.a.e.cfg.MaxRescanMailCount
}

// tell passes on the news. No lock is held.
func (f *Folder) tell(n news) {
	if n.needModSeqs {
		f.extendInBackground()
	}
	if n.view != nil {
		for _, s := range n.subscribers {
			s.fn(n.view)
		}
	}
	if n.due && f.a.onDue != nil {
		f.a.onDue(f.a)
	}
}

// settle records the outcome of a slot and publishes what it held up.
func (f *Folder) settle(s *slot, state slotState) {
	f.mu.Lock()
	if s.state == sending {
		s.state = state
		if s.group != nil {
			s.group.pending--
		}
		if s.unanswered {
			f.tainted.Add(s.uid, s.uid)
		}
	}
	n := f.advance()
	f.mu.Unlock()
	f.tell(n)
}
