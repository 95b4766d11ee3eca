package message

import "bytes"

// Envelope is the decoded envelope, for SORT, THREAD and SEARCH. Values are
// unfolded and otherwise as written; DecodeHeader decodes them. Sender and
// ReplyTo are From where the mail doesn't have them. Of a field that is there
// more than once the last counts; addresses of all are taken together.
type Envelope struct {
	Date, Subject          string
	From, Sender, ReplyTo  []Address
	To, Cc, Bcc            []Address
	InReplyTo, MessageID   string
	References             []string // the message ids of References, with <>
	HasDate, HasSubject    bool     // the field is there, though perhaps empty
	HasInReplyTo, HasMsgID bool
}

// envelopeFields are the fields of an envelope in a fields area.
type envelopeFields struct {
	area   []byte
	values [fReferences + 1]entry
	many   [fReferences + 1]bool
}

func (f *envelopeFields) read(area []byte) {
	f.area = area
	for len(area) > 0 {
		e, rest, ok := nextEntry(area)
		if !ok {
			return
		}
		if e.id <= fReferences {
			f.many[e.id] = f.values[e.id].id != fNone
			f.values[e.id] = e
		}
		area = rest
	}
}

// AppendEnvelope appends the IMAP ENVELOPE (RFC 9051 section 7.5.2) to dst.
// Strings are passed on as written: quoted where they are safe ASCII, else as
// a literal. With utf8 (IMAP4rev2 or UTF8=ACCEPT in force) valid UTF-8 is
// quoted, too. NUL, which IMAP can't carry, becomes a question mark.
func (s Summary) AppendEnvelope(dst []byte, utf8 bool) []byte {
	var h head
	h.read(s.b)
	return appendEnvelope(dst, h.fields, utf8)
}

func appendEnvelope(dst, area []byte, utf8 bool) []byte {
	var f envelopeFields
	f.read(area)
	dst = append(dst, '(')
	dst = append(f.appendText(dst, fDate, utf8), ' ')
	dst = append(f.appendText(dst, fSubject, utf8), ' ')
	from := len(dst)
	dst = f.appendAddresses(dst, fFrom, utf8)
	fromEnd := len(dst)
	for _, id := range [...]field{fSender, fReplyTo} {
		dst = append(dst, ' ')
		start := len(dst)
		if dst = f.appendAddresses(dst, id, utf8); string(dst[start:]) == "NIL" {
			dst = append(dst[:start], dst[from:fromEnd]...)
		}
	}
	for _, id := range [...]field{fTo, fCc, fBcc} {
		dst = append(dst, ' ')
		dst = f.appendAddresses(dst, id, utf8)
	}
	dst = append(dst, ' ')
	dst = append(f.appendText(dst, fInReplyTo, utf8), ' ')
	dst = f.appendText(dst, fMessageID, utf8)
	return append(dst, ')')
}

func (f *envelopeFields) appendText(dst []byte, id field, utf8 bool) []byte {
	e := &f.values[id]
	if e.id == fNone {
		return append(dst, "NIL"...)
	}
	var room [256]byte
	return appendString(dst, unfold(room[:], e.value()), utf8)
}

// addresses calls do for every value of a field that has addresses.
func (f *envelopeFields) addresses(id field, do func(value []byte)) {
	if !f.many[id] {
		if f.values[id].id != fNone {
			do(addressValue(&f.values[id]))
		}
		return
	}
	for area := f.area; len(area) > 0; {
		e, rest, ok := nextEntry(area)
		if !ok {
			return
		}
		if e.id == id {
			do(addressValue(&e))
		}
		area = rest
	}
}

// addressValue is the value of an address field. Where the limits cut it the
// last address, which may be half of one, is left out.
func addressValue(e *entry) []byte {
	v := e.value()
	if e.flags&entryCut != 0 {
		v = v[:max(0, bytes.LastIndexByte(v, ','))]
	}
	return v
}

func (f *envelopeFields) appendAddresses(dst []byte, id field, utf8 bool) []byte {
	start := len(dst)
	f.addresses(id, func(value []byte) {
		p := addressParser{v: value}
		for p.next() {
			if len(dst) == start {
				dst = append(dst, '(')
			}
			dst = p.appendIMAP(dst, utf8)
		}
	})
	if len(dst) == start {
		return append(dst, "NIL"...)
	}
	return append(dst, ')')
}

// appendIMAP appends the address that p found. A host of NIL marks groups, so
// a host that is missing is an empty string.
func (p *addressParser) appendIMAP(dst []byte, utf8 bool) []byte {
	switch p.kind {
	case AddrGroupStart:
		dst = append(dst, "(NIL NIL "...)
		dst = appendString(dst, p.mailbox, utf8)
		return append(dst, " NIL)"...)
	case AddrGroupEnd:
		return append(dst, "(NIL NIL NIL NIL)"...)
	}
	dst = append(dst, '(')
	dst = append(appendNString(dst, p.name, len(p.name) > 0, utf8), ' ')
	dst = append(appendNString(dst, p.route, len(p.route) > 0, utf8), ' ')
	dst = append(appendString(dst, p.mailbox, utf8), ' ')
	dst = appendString(dst, p.host, utf8)
	return append(dst, ')')
}

// Envelope decodes the envelope. Lists hold at most what the summary's limits
// allowed to keep.
func (s Summary) Envelope() Envelope {
	var h head
	h.read(s.b)
	var f envelopeFields
	f.read(h.fields)
	e := Envelope{
		From: f.list(fFrom), Sender: f.list(fSender), ReplyTo: f.list(fReplyTo),
		To: f.list(fTo), Cc: f.list(fCc), Bcc: f.list(fBcc),
	}
	e.Date, e.HasDate = f.text(fDate)
	e.Subject, e.HasSubject = f.text(fSubject)
	e.InReplyTo, e.HasInReplyTo = f.text(fInReplyTo)
	e.MessageID, e.HasMsgID = f.text(fMessageID)
	if len(e.Sender) == 0 {
		e.Sender = e.From
	}
	if len(e.ReplyTo) == 0 {
		e.ReplyTo = e.From
	}
	if r := &f.values[fReferences]; r.id != fNone {
		e.References = messageIDs(r.value())
	}
	return e
}

func (f *envelopeFields) text(id field) (string, bool) {
	e := &f.values[id]
	if e.id == fNone {
		return "", false
	}
	return string(unfold(nil, e.value())), true
}

func (f *envelopeFields) list(id field) []Address {
	var list []Address
	f.addresses(id, func(value []byte) { list = append(list, ParseAddresses(value)...) })
	return list
}

// messageIDs takes the ids, with their angle brackets, out of a References or
// In-Reply-To value.
func messageIDs(v []byte) []string {
	var ids []string
	for {
		start := bytes.IndexByte(v, '<')
		if start < 0 {
			return ids
		}
		v = v[start:]
		end := bytes.IndexByte(v, '>')
		if end < 0 {
			return ids
		}
		if next := bytes.LastIndexByte(v[:end], '<'); next > 0 {
			v, end = v[next:], end-next // one that never closed
		}
		ids = append(ids, string(unfold(nil, v[:end+1])))
		v = v[end+1:]
	}
}
