package wire

import (
	"strconv"

	"mailbackend.io/backend/uidset"
)

// ListEntry is one LIST or LSUB response (RFC 9051 section 7.3.1).
type ListEntry struct {
	Attrs     []string
	Separator byte // 0: NIL
	Name      string
	ChildInfo []string // options of CHILDINFO: "SUBSCRIBED" (RFC 5258)
	OldName   string   // OLDNAME (RFC 9051 section 6.3.9.8); empty: none
}

// List appends a LIST or LSUB response; command is the response's name.
func (e *Encoder) List(command string, l ListEntry) {
	e.Raw("* ").Raw(command).Raw(" ").Words(l.Attrs).Raw(" ")
	if l.Separator == 0 {
		e.Raw("NIL ")
	} else {
		e.Put(append(appendQuoted(e.Take(), string(l.Separator)), ' '))
	}
	e.Mailbox(l.Name)
	if len(l.ChildInfo) > 0 || l.OldName != "" {
		e.Raw(" (")
		if len(l.ChildInfo) > 0 {
			e.Raw(`"CHILDINFO" (`)
			for i, o := range l.ChildInfo {
				if i > 0 {
					e.Raw(" ")
				}
				e.Put(appendQuoted(e.Take(), o))
			}
			e.Raw(")")
			if l.OldName != "" {
				e.Raw(" ")
			}
		}
		if l.OldName != "" {
			e.Raw(`"OLDNAME" (`).Mailbox(l.OldName).Raw(")")
		}
		e.Raw(")")
	}
	e.CRLF()
}

// StatusValue is one item of a STATUS response.
type StatusValue struct {
	Item StatusItem
	Num  uint64
	Str  string // of StatusMailboxID
	Nil  bool   // StatusAppendLimit: there is none
}

// MailboxStatus appends a STATUS response (RFC 9051 section 7.3.4).
func (e *Encoder) MailboxStatus(mailbox string, values []StatusValue) {
	e.Raw("* STATUS ").Mailbox(mailbox).Raw(" (")
	for i, v := range values {
		if i > 0 {
			e.Raw(" ")
		}
		e.Raw(v.Item.String()).Raw(" ")
		switch {
		case v.Nil:
			e.Raw("NIL")
		case v.Item == StatusMailboxID:
			e.Raw("(").Raw(v.Str).Raw(")")
		default:
			e.Number(v.Num)
		}
	}
	e.Raw(")").CRLF()
}

// Search appends a SEARCH response (RFC 3501 section 7.2.5), with the modseq
// (RFC 7162 section 3.1.5) unless it is 0 or nothing was found. nums must be
// bounded by the mailbox.
func (e *Encoder) Search(nums uidset.Set, modseq uint64) {
	e.Raw("* SEARCH")
	for n := range nums.All() {
		b := appendUint(append(e.Take(), ' '), uint64(n))
		e.Put(b)
		if len(b) >= encoderHigh {
			e.drain()
		}
	}
	if modseq != 0 && !nums.Empty() {
		e.Raw(" (MODSEQ ").Number(modseq).Raw(")")
	}
	e.CRLF()
}

// ESearch is an ESEARCH response (RFC 9051 section 7.3.4, RFC 4731).
type ESearch struct {
	Tag    string // of the SEARCH; empty: an unsolicited one
	UID    bool   // Found are UIDs
	Return SearchReturn
	// Found is all that was found; MIN, MAX, COUNT, ALL and PARTIAL are
	// taken from it as Return says.
	Found   uidset.Set
	Partial PartialRange // of SearchPartial
	ModSeq  uint64       // 0: none
}

// ESearch appends an ESEARCH response. Without anything found, only COUNT and
// PARTIAL have something to say.
func (e *Encoder) ESearch(r ESearch) {
	e.Raw("* ESEARCH")
	if r.Tag != "" {
		e.Raw(" (TAG ")
		e.Put(append(appendQuoted(e.Take(), r.Tag), ')'))
	}
	if r.UID {
		e.Raw(" UID")
	}
	found := !r.Found.Empty()
	if r.Return&SearchMin != 0 && found {
		e.Raw(" MIN ").Number(uint64(r.Found.Min()))
	}
	if r.Return&SearchMax != 0 && found {
		e.Raw(" MAX ").Number(uint64(r.Found.Max()))
	}
	if r.Return&SearchCount != 0 {
		e.Raw(" COUNT ").Number(r.Found.Len())
	}
	if r.Return&SearchAll != 0 && found {
		e.Raw(" ALL ").Set(r.Found)
	}
	if r.Return&SearchPartial != 0 {
		e.Raw(" PARTIAL (").Raw(r.Partial.String()).Raw(" ")
		if part := r.Partial.Of(r.Found); part.Empty() {
			e.Raw("NIL)")
		} else {
			e.Set(part).Raw(")")
		}
	}
	if r.ModSeq != 0 && found {
		e.Raw(" MODSEQ ").Number(r.ModSeq)
	}
	e.CRLF()
}

// PartialRange is PARTIAL's range (RFC 9394): positions in the result counted
// from 1, or from -1 at its end.
type PartialRange struct{ First, Last int64 }

// String is the range as it is written.
func (p PartialRange) String() string {
	return strconv.FormatInt(p.First, 10) + ":" + strconv.FormatInt(p.Last, 10)
}

// Of is what of found lies in the range.
func (p PartialRange) Of(found uidset.Set) uidset.Set {
	n := int64(found.Len())
	first, last := p.First, p.Last
	if first < 0 {
		first += n + 1
	}
	if last < 0 {
		last += n + 1
	}
	if first > last {
		first, last = last, first
	}
	first, last = max(first, 1), min(last, n)
	var out uidset.Set
	at := int64(1) // position of the range's first number
	for _, r := range found.Ranges() {
		size := int64(r.Last-r.First) + 1
		if lo, hi := max(first, at), min(last, at+size-1); lo <= hi {
			out.Add(r.First+uint32(lo-at), r.First+uint32(hi-at))
		}
		at += size
	}
	return out
}
