package fetch

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/message"
)

// Write appends the FETCH response of m to e. withFlags adds FLAGS (and MODSEQ
// if Options.ModSeq) although it was not asked for: a message that this FETCH
// made \Seen. open may be nil if NeedsBody is false.
//
// An error other than ErrCut left nothing in e; it is an error of reading the
// mail (that of a message that is gone, for one), or ErrUnknownCTE.
func (p *Plan) Write(ctx context.Context, e *wire.Encoder, m *Message, open Opener, withFlags bool) error {
	mark, sent := e.Buffered(), e.Sent()
	err := p.write(ctx, e, m, open, withFlags)
	switch {
	case err == nil:
		return e.Err()
	case e.Err() != nil:
		return e.Err()
	case e.Sent() == sent:
		e.Truncate(mark)
		return fmt.Errorf("fetching message %d: %w", m.Record.UID, err)
	}
	return fmt.Errorf("fetching message %d: %w: %w", m.Record.UID, ErrCut, err)
}

func (p *Plan) write(ctx context.Context, e *wire.Encoder, m *Message, open Opener, withFlags bool) error {
	src := source{ctx: ctx, m: m, open: open}
	if p.needs.Body && p.needs.Summary && !m.Summary.Valid() {
		body, err := src.body()
		if err != nil {
			return err
		}
		if s, ok := body.(interface{ Summary() message.Summary }); ok {
			with := *m
			with.Summary = s.Summary()
			m, src.m = &with, &with
		}
	}
	b := appendStart(e.Take(), m.Seq)
	for i := range p.items {
		it := &p.items[i]
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(b, it.head...)
		if it.append != nil {
			b = it.append(p, b, m)
			continue
		}
		e.Put(b)
		if err := p.stream(e, it, &src); err != nil {
			return err
		}
		b = e.Take()
	}
	if withFlags && !p.hasFlags {
		b = appendFlags(p, append(b, " FLAGS "...), m)
	}
	if (withFlags || p.hasFlags) && p.opts.ModSeq && !p.hasMod {
		b = appendModSeq(p, append(b, " MODSEQ "...), m)
	}
	e.Put(append(b, ')'))
	e.CRLF()
	return nil
}

// Flags appends an unsolicited FETCH response with the FLAGS of m, its UID if
// o.UID and its MODSEQ if o.ModSeq.
func Flags(e *wire.Encoder, m *Message, o Options) {
	b := appendStart(e.Take(), m.Seq)
	if o.UID {
		b = appendUID(nil, append(b, "UID "...), m)
		b = append(b, ' ')
	}
	b = appendFlags(nil, append(b, "FLAGS "...), m)
	if o.ModSeq {
		b = appendModSeq(nil, append(b, " MODSEQ "...), m)
	}
	e.Put(append(b, ')'))
	e.CRLF()
}

func appendStart(b []byte, seq uint32) []byte {
	b = append(b, "* "...)
	b = strconv.AppendUint(b, uint64(seq), 10)
	return append(b, " FETCH ("...)
}

// source is a message's bytes, opened when they are first needed.
type source struct {
	ctx  context.Context
	m    *Message
	open Opener
	b    Body
}

func (s *source) body() (Body, error) {
	if s.b == nil {
		b, err := s.open(s.ctx, s.m.Record.UID)
		if err != nil {
			return nil, err
		}
		s.b = b
	}
	return s.b, nil
}

// systemFlags are the names of the system flags.
var systemFlags = [...]struct {
	flag index.Flags
	name string
}{
	{index.Answered, `\Answered`},
	{index.Flagged, `\Flagged`},
	{index.Deleted, `\Deleted`},
	{index.Seen, `\Seen`},
	{index.Draft, `\Draft`},
}

func appendFlags(_ *Plan, b []byte, m *Message) []byte {
	b = append(b, '(')
	start := len(b)
	word := func(w string) {
		if len(b) > start {
			b = append(b, ' ')
		}
		b = append(b, w...)
	}
	for _, f := range systemFlags {
		if m.Record.Flags&f.flag != 0 {
			word(f.name)
		}
	}
	if m.Recent {
		word(`\Recent`)
	}
	for _, k := range m.Keywords {
		word(k)
	}
	return append(b, ')')
}

func appendUID(_ *Plan, b []byte, m *Message) []byte {
	return strconv.AppendUint(b, uint64(m.Record.UID), 10)
}

func appendModSeq(_ *Plan, b []byte, m *Message) []byte {
	b = strconv.AppendUint(append(b, '('), m.Record.ModSeq, 10)
	return append(b, ')')
}

func appendSize(_ *Plan, b []byte, m *Message) []byte {
	return strconv.AppendUint(b, uint64(m.Record.Size), 10)
}

func appendInternalDate(_ *Plan, b []byte, m *Message) []byte {
	return wire.AppendDateTime(b, index.Time(m.Record.InternalDate))
}

// appendSaveDate: NIL for a message of which it isn't known (RFC 8514 section 4.3).
func appendSaveDate(_ *Plan, b []byte, m *Message) []byte {
	if m.Record.SaveDate == 0 {
		return append(b, "NIL"...)
	}
	return wire.AppendDateTime(b, time.Unix(m.Record.SaveDate, 0).UTC())
}

func appendEmailID(_ *Plan, b []byte, m *Message) []byte {
	b = wire.AppendObjectID(append(b, '('), wire.EmailIDPrefix, m.IDs.EmailID)
	return append(b, ')')
}

// appendThreadID: NIL if there is none (RFC 8474 section 5.2).
func appendThreadID(_ *Plan, b []byte, m *Message) []byte {
	if m.IDs.ThreadID == (index.ID{}) {
		return append(b, "NIL"...)
	}
	b = wire.AppendObjectID(append(b, '('), wire.ThreadIDPrefix, m.IDs.ThreadID)
	return append(b, ')')
}

func appendEnvelope(p *Plan, b []byte, m *Message) []byte {
	return m.Summary.AppendEnvelope(b, p.opts.UTF8)
}

func appendBody(p *Plan, b []byte, m *Message) []byte {
	return m.Summary.AppendBody(b, false, p.opts.UTF8)
}

func appendBodyStructure(p *Plan, b []byte, m *Message) []byte {
	return m.Summary.AppendBody(b, true, p.opts.UTF8)
}

// appendPreview: the preview is part of the summary, so LAZY has nothing to wait
// for. A mail without text has an empty one (RFC 8970 section 3.2).
func appendPreview(p *Plan, b []byte, m *Message) []byte {
	return wire.AppendString(b, m.Summary.Preview(), p.opts.UTF8)
}

func uintString(n uint64) string { return strconv.FormatUint(n, 10) }
