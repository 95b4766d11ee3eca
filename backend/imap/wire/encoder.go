package wire

import (
	"io"

	"github.com/emersion/go-imap/v2"

	"mailbackend.io/backend/uidset"
)

// Encoder appends responses to a buffer that it hands to a writer (the
// connection) when it has grown and at Flush. The buffer comes from a pool and
// goes back at Flush, so an idle connection holds none. It is not safe for
// concurrent use. Write errors stick: Err and Flush return the first.
//
// The low-level methods append parts of a response, without any separator:
//
//	e.Raw("* ").Number(3).Raw(" EXISTS").CRLF()
type Encoder struct {
	w    io.Writer
	buf  []byte
	err  error
	utf8 bool
}

// NewEncoder returns an Encoder that writes to w.
func NewEncoder(w io.Writer) *Encoder { return &Encoder{w: w} }

// SetUTF8 switches to UTF-8 mailbox names and quoted strings, after ENABLE
// IMAP4rev2 or UTF8=ACCEPT.
func (e *Encoder) SetUTF8(on bool) { e.utf8 = on }

// UTF8 reports the mode.
func (e *Encoder) UTF8() bool { return e.utf8 }

// The parts of responses.
func (e *Encoder) Raw(s string) *Encoder                { panic("wire") } // s verbatim
func (e *Encoder) Number(n uint64) *Encoder             { panic("wire") }
func (e *Encoder) String(s string) *Encoder             { panic("wire") } // quoted or literal
func (e *Encoder) AString(s string) *Encoder            { panic("wire") } // atom, quoted or literal
func (e *Encoder) NString(s string, null bool) *Encoder { panic("wire") }
func (e *Encoder) Mailbox(name string) *Encoder         { panic("wire") }
func (e *Encoder) Flags(flags []string) *Encoder        { panic("wire") } // (\Seen x)
func (e *Encoder) Set(s uidset.Set) *Encoder            { panic("wire") }
func (e *Encoder) CRLF() *Encoder                       { panic("wire") } // ends a response

// Take gives the buffer to an append-style function; Put gives it back. Between
// them no other method may be called.
func (e *Encoder) Take() []byte { return e.buf }
func (e *Encoder) Put(b []byte) { e.buf = b }

// Write hands what is buffered and then p to the writer: for literals' bytes.
func (e *Encoder) Write(p []byte) (int, error) { panic("wire") }

// Flush hands the buffer to the writer and back to the pool. It doesn't flush
// the writer.
func (e *Encoder) Flush() error { panic("wire") }

// Err is the first write error.
func (e *Encoder) Err() error { return e.err }

// Status appends a status response (RFC 9051 section 7.1): tag "" is "*", a
// zero code is none.
func (e *Encoder) Status(tag string, t imap.StatusResponseType, code Code, text string) {
	panic("wire")
}

// Continue appends a continuation request, "+ text".
func (e *Encoder) Continue(text string) { panic("wire") }

// Code is a response code with its arguments.
type Code struct {
	Name imap.ResponseCode
	Args string // behind the name, encoded; empty: none
}

// The response codes with arguments. Those without are Code{Name: …}.
func CodeUIDValidity(n uint32) Code                       { panic("wire") }
func CodeUIDNext(n uint32) Code                           { panic("wire") }
func CodeUnseen(seq uint32) Code                          { panic("wire") }
func CodeHighestModSeq(n uint64) Code                     { panic("wire") }
func CodePermanentFlags(flags []string) Code              { panic("wire") }
func CodeCapability(caps []string) Code                   { panic("wire") }
func CodeBadCharset(charsets []string) Code               { panic("wire") }
func CodeAppendUID(validity uint32, uids uidset.Set) Code { panic("wire") }
func CodeCopyUID(validity uint32, src, dst []uint32) Code { panic("wire") }
func CodeModified(set uidset.Set) Code                    { panic("wire") }
func CodeMailboxID(id string) Code                        { panic("wire") }

// ListEntry is one LIST or LSUB response (RFC 9051 section 7.3.1).
type ListEntry struct {
	Attrs     []string
	Separator byte // 0: NIL
	Name      string
	ChildInfo []string // CHILDINFO's options: "SUBSCRIBED"
	OldName   string   // OLDNAME; empty: none
}

// List appends a LIST or LSUB response; command is the response's name.
func (e *Encoder) List(command string, l ListEntry) { panic("wire") }

// StatusValue is one item of a STATUS response. Str is for StatusMailboxID.
type StatusValue struct {
	Item StatusItem
	Num  uint64
	Str  string
	// Nil: StatusAppendLimit without a limit.
	Nil bool
}

// MailboxStatus appends a STATUS response.
func (e *Encoder) MailboxStatus(mailbox string, values []StatusValue) { panic("wire") }

// ESearch is an ESEARCH response (RFC 9051 section 7.3.4). Zero fields are left
// out; Return tells which results were asked for.
type ESearch struct {
	Tag     string
	UID     bool
	Return  SearchReturn
	All     uidset.Set // of which MIN, MAX, COUNT, ALL, PARTIAL are taken
	Partial PartialRange
	ModSeq  uint64
}

// ESearch appends an ESEARCH response.
func (e *Encoder) ESearch(r ESearch) { panic("wire") }

// Search appends a SEARCH response (RFC 3501 section 7.2.5) with a modseq (RFC
// 7162) unless that is 0.
func (e *Encoder) Search(nums uidset.Set, modseq uint64) { panic("wire") }
