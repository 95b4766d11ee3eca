// Package fetch renders FETCH responses (RFC 9051 section 7.5.2): given a
// message's record, summary and bytes it appends what a FETCH asked for. It
// decides nothing about which messages are fetched, changes no flags and reads
// nothing by itself: Needs tells what the engine must have at hand, and bytes of
// mails are pulled through Opener as they are written, never whole.
package fetch

import (
	"context"
	"errors"

	"mailbackend.io/backend/imap/bodyio"
	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/message"
)

// Body is a mail's bytes. It is mailstore.Message.
type Body = bodyio.Body

// Opener opens the body of a message by its UID. It is called only for messages
// of which bytes are needed, once each.
type Opener func(ctx context.Context, uid uint32) (Body, error)

// Open makes an Opener of a mailbox's Message method.
func Open[B Body](message func(context.Context, uint32) (B, error)) Opener {
	return func(ctx context.Context, uid uint32) (Body, error) { return message(ctx, uid) }
}

var (
	// ErrCut: an error came when a part of the response was already sent.
	// The connection can only be closed. Any other error of Plan.Write left
	// nothing of that message in the encoder.
	ErrCut = errors.New("FETCH response cut short")
	// ErrUnknownCTE: the transfer encoding of a part of which BINARY was
	// asked is not known. The command is answered NO [UNKNOWN-CTE].
	ErrUnknownCTE = errors.New("unknown content transfer encoding")
)

// Message is one message to be rendered. What Needs doesn't ask for may be
// left zero.
type Message struct {
	Seq      uint32
	Record   index.Record
	Keywords []string // View.Keywords of the Record
	Recent   bool
	IDs      index.IDs
	// Summary may be left invalid where Needs.Body and the Body has a method
	// Summary() message.Summary, as mailstore.Message does.
	Summary message.Summary
}

// Needs is what a Plan needs of each message beyond its Record and keywords.
type Needs struct {
	Summary bool
	IDs     bool
	// Body: the bytes of every message are read. MayBody: perhaps, as
	// header fields may not be cached; NeedsBody tells, given the summary.
	Body, MayBody bool
}

// Options are the connection's.
type Options struct {
	// UID: answers carry the UID (UID FETCH, and all of them in UIDONLY).
	UID bool
	// UTF8: as in wire.Options; strings may be sent as quoted UTF-8.
	UTF8 bool
	// ModSeq: answers that carry FLAGS carry MODSEQ too (CONDSTORE is on,
	// RFC 7162 section 3.2).
	ModSeq bool
}

// Plan is a compiled FETCH: made once per command and used for each message.
// Write reuses its buffers: one goroutine at a time.
type Plan struct {
	items    []item
	opts     Options
	needs    Needs
	seen     bool
	hasFlags bool
	hasMod   bool
	scratch  []byte
	reader   *bodyio.Reader // of BINARY
}

// item is an item with what can be prepared once.
type item struct {
	wire.FetchItem
	// head is what stands before the value: "BODY[1.2]<5> ".
	head string
	// spec is the section's name as message.Summary wants it.
	spec   string
	append appendFunc // nil for items that stream
}

// appendFunc appends an item's value.
type appendFunc func(p *Plan, b []byte, m *Message) []byte

// kinds are the items that need no bytes of the mail, and what each needs.
var kinds = map[wire.FetchKind]struct {
	append appendFunc
	needs  Needs
}{
	wire.FetchUID:           {append: appendUID},
	wire.FetchFlags:         {append: appendFlags},
	wire.FetchInternalDate:  {append: appendInternalDate},
	wire.FetchSize:          {append: appendSize},
	wire.FetchModSeq:        {append: appendModSeq},
	wire.FetchSaveDate:      {append: appendSaveDate},
	wire.FetchEmailID:       {appendEmailID, Needs{IDs: true}},
	wire.FetchThreadID:      {appendThreadID, Needs{IDs: true}},
	wire.FetchEnvelope:      {appendEnvelope, Needs{Summary: true}},
	wire.FetchBody:          {appendBody, Needs{Summary: true}},
	wire.FetchBodyStructure: {appendBodyStructure, Needs{Summary: true}},
	wire.FetchPreview:       {appendPreview, Needs{Summary: true}},
}

// sections are the items that are shorthands of sections.
var sections = map[wire.FetchKind]wire.Specifier{
	wire.FetchRFC822:       wire.SectionAll,
	wire.FetchRFC822Header: wire.SectionHeader,
	wire.FetchRFC822Text:   wire.SectionText,
}

// Compile makes a Plan of a FETCH's items.
func Compile(items []wire.FetchItem, o Options) *Plan {
	p := &Plan{opts: o}
	hasUID := false
	for _, i := range items {
		hasUID = hasUID || i.Kind == wire.FetchUID
	}
	if o.UID && !hasUID {
		p.add(wire.FetchItem{Kind: wire.FetchUID, Peek: true})
	}
	for _, i := range items {
		p.add(i)
	}
	return p
}

func (p *Plan) add(f wire.FetchItem) {
	it := item{FetchItem: f}
	if k, ok := kinds[f.Kind]; ok {
		it.append = k.append
		p.needs = p.needs.or(k.needs)
	} else {
		if spec, ok := sections[f.Kind]; ok {
			it.Section = wire.Section{Spec: spec}
		}
		it.spec = it.Section.Spec.String()
		p.needs = p.needs.or(it.needs())
	}
	it.head = p.heading(&it)
	p.seen = p.seen || !f.Peek
	p.hasFlags = p.hasFlags || f.Kind == wire.FetchFlags
	p.hasMod = p.hasMod || f.Kind == wire.FetchModSeq
	p.items = append(p.items, it)
}

// heading is the item as the response names it, and a space.
func (p *Plan) heading(it *item) string {
	b := []byte(it.Kind.String())
	switch it.Kind {
	case wire.FetchSection, wire.FetchBinary, wire.FetchBinarySize:
		b = it.Section.Append(b, p.opts.UTF8)
	}
	if it.HasPartial {
		b = append(append(b, '<'), uintString(it.Partial.Offset)...)
		b = append(b, '>')
	}
	return string(append(b, ' '))
}

// needs is what a section needs.
func (it *item) needs() Needs {
	switch {
	case it.Section.Spec == wire.SectionHeaderFields && len(it.Section.Path) == 0:
		return Needs{Summary: true, MayBody: true}
	case it.Section.Spec == wire.SectionAll && len(it.Section.Path) == 0:
		return Needs{Body: true} // all of it: the size is in the record
	}
	return Needs{Summary: true, Body: true}
}

func (n Needs) or(o Needs) Needs {
	n.Summary = n.Summary || o.Summary
	n.IDs = n.IDs || o.IDs
	n.Body = n.Body || o.Body
	n.MayBody = (n.MayBody || o.MayBody) && !n.Body
	return n
}

// Needs tells what must be in a Message.
func (p *Plan) Needs() Needs { return p.needs }

// SetsSeen reports whether the items make messages \Seen.
func (p *Plan) SetsSeen() bool { return p.seen }

// NeedsBody reports whether Write will call the Opener for this message.
func (p *Plan) NeedsBody(m *Message) bool {
	if p.needs.Body || !p.needs.MayBody {
		return p.needs.Body
	}
	for i := range p.items {
		it := &p.items[i]
		if it.append != nil {
			continue
		}
		out, ok := m.Summary.HeaderFields(p.scratch[:0], it.Section.Names)
		p.scratch = out[:0]
		if !ok {
			return true
		}
	}
	return false
}
