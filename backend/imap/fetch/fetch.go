// Package fetch renders FETCH responses (RFC 9051 section 7.5.2): given a
// message's record, summary and bytes it appends what a FETCH asked for. It
// decides nothing about which messages are fetched, changes no flags and reads
// nothing by itself: Needs tells what the engine must have at hand, and bytes of
// mails are pulled through Opener as they are written, never whole.
package fetch

import (
	"context"
	"errors"
	"io"

	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/message"
)

// Body is a mail's bytes. It is mailstore.Message.
type Body interface {
	// ReadRange writes n octets of the mail from off to w, in order. A
	// range that reaches past the end is cut.
	ReadRange(ctx context.Context, w io.Writer, off, n int64) error
}

// Opener opens the body of a message by its UID. It is called only for messages
// of which bytes are needed, once each.
type Opener func(ctx context.Context, uid uint32) (Body, error)

// Open makes an Opener of a mailbox's Message method.
func Open[B Body](message func(context.Context, uint32) (B, error)) Opener {
	return func(ctx context.Context, uid uint32) (Body, error) { return message(ctx, uid) }
}

// ErrCut: an error came when a part of the response was already sent. The
// connection can only be closed. Any other error of Plan.Write left nothing
// of that message in the encoder.
var ErrCut = errors.New("FETCH response cut short")

// Message is one message to be rendered. What Needs doesn't ask for may be
// left zero.
type Message struct {
	Seq      uint32
	Record   index.Record
	Keywords []string // View.Keywords of the Record
	Recent   bool
	IDs      index.IDs
	Summary  message.Summary
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
	// ModSeq: answers that carry FLAGS carry MODSEQ too (RFC 7162 section
	// 3.1.4.1: FETCH with CHANGEDSINCE).
	ModSeq bool
}

// Plan is a compiled FETCH: made once per command, used for each message. It
// is immutable, but Write reuses its buffers: one goroutine at a time.
type Plan struct{ items []wire.FetchItem }

// Compile makes a Plan of a FETCH's items.
func Compile(items []wire.FetchItem, o Options) *Plan { panic("fetch") }

// Needs tells what must be in a Message.
func (p *Plan) Needs() Needs { panic("fetch") }

// NeedsBody tells whether the Opener will be called for this message.
func (p *Plan) NeedsBody(m *Message) bool { panic("fetch") }

// SetsSeen: the items make messages \Seen.
func (p *Plan) SetsSeen() bool { panic("fetch") }

// Write appends the FETCH response of m to e. withFlags adds FLAGS (and MODSEQ
// if Options.ModSeq) although it was not asked for: a message that this FETCH made
// \Seen.
func (p *Plan) Write(ctx context.Context, e *wire.Encoder, m *Message, open Opener, withFlags bool) error {
	panic("fetch")
}

// Flags appends an unsolicited FETCH response with the FLAGS of m, its UID if
// o.UID and its MODSEQ if o.ModSeq.
func Flags(e *wire.Encoder, m *Message, o Options) { panic("fetch") }
