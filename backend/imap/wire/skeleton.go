package wire

import "time"

// Decoder reads a command's arguments one by one. Its methods return *Error.
type Decoder struct {
	raw  Raw
	opts Options
	line int // which of raw.Lines
	pos  int // octet in it
	base int // octets of the lines before
}

// TrailingLiteral looks at the end of a line for a literal's announcement (RFC
// 9051 section 9, literal; RFC 7888; RFC 3516). ok: one is there, and size
// octets follow the line; nonSync ({n+}): the client doesn't wait for a
// continuation; binary (~{n}): a literal8. err: it looks like one and its number
// doesn't fit 63 bits, so where the next command starts can't be known: the
// connection can only be closed.
func TrailingLiteral(line []byte) (size uint64, nonSync, binary, ok bool, err error) {
	panic("wire")
}

// Peek tells the tag and upper-case name ("UID FETCH" for prefixed ones) of a
// command whose first line is there, for the engine's decisions about literals.
// Both are empty when they can't be read.
func Peek(line []byte, lim Limits) (tag, name string) { panic("wire") }

// ParseCommand reads a command's tag and name. After an error Command.Tag is
// set if at least the tag could be read; otherwise the answer is untagged.
func ParseCommand(raw Raw, o Options) (Command, error) { panic("wire") }

// The decoder's parts.
func (d *Decoder) SP() error                      { panic("wire") }
func (d *Decoder) End() error                     { panic("wire") }
func (d *Decoder) AtEnd() bool                    { panic("wire") }
func (d *Decoder) Accept(c byte) bool             { panic("wire") }
func (d *Decoder) Expect(c byte) error            { panic("wire") }
func (d *Decoder) Atom() (string, error)          { panic("wire") }
func (d *Decoder) AString() (string, error)       { panic("wire") }
func (d *Decoder) String() ([]byte, error)        { panic("wire") }
func (d *Decoder) NString() (s []byte, err error) { panic("wire") }
func (d *Decoder) Number() (uint32, error)        { panic("wire") }
func (d *Decoder) NzNumber() (uint32, error)      { panic("wire") }
func (d *Decoder) Number64() (uint64, error)      { panic("wire") }
func (d *Decoder) NumSet() (NumSet, error)        { panic("wire") }
func (d *Decoder) Flag() (string, error)          { panic("wire") }
func (d *Decoder) FlagList() ([]string, error)    { panic("wire") }
func (d *Decoder) Mailbox() (string, error)       { panic("wire") }
func (d *Decoder) ListMailbox() (string, error)   { panic("wire") }
func (d *Decoder) DateTime() (time.Time, error)   { panic("wire") }
func (d *Decoder) Date() (day int64, err error)   { panic("wire") }
func (d *Decoder) Section() (Section, error)      { panic("wire") }
func (d *Decoder) List(item func() error) error   { panic("wire") }
func (d *Decoder) Literal() ([]byte, bool, error) { panic("wire") }

// One function per command.
func ParseNothing(d *Decoder) error                      { panic("wire") } // commands without arguments
func ParseLogin(d *Decoder) (Login, error)               { panic("wire") }
func ParseAuthenticate(d *Decoder) (Authenticate, error) { panic("wire") }
func ParseID(d *Decoder) (ID, error)                     { panic("wire") }
func ParseEnable(d *Decoder) (Enable, error)             { panic("wire") }
func ParseSelect(d *Decoder) (Select, error)             { panic("wire") }
func ParseCreate(d *Decoder) (Create, error)             { panic("wire") }
func ParseMailbox(d *Decoder) (Mailbox, error)           { panic("wire") }
func ParseRename(d *Decoder) (Rename, error)             { panic("wire") }
func ParseList(d *Decoder) (List, error)                 { panic("wire") }
func ParseLsub(d *Decoder) (List, error)                 { panic("wire") }
func ParseStatus(d *Decoder) (Status, error)             { panic("wire") }
func ParseAppend(d *Decoder) (Append, error)             { panic("wire") }
func ParseFetch(d *Decoder) (Fetch, error)               { panic("wire") }
func ParseStore(d *Decoder) (Store, error)               { panic("wire") }
func ParseSearch(d *Decoder) (Search, error)             { panic("wire") }
func ParseCopy(d *Decoder) (Copy, error)                 { panic("wire") } // COPY, MOVE
func ParseSet(d *Decoder) (Set, error)                   { panic("wire") } // UID EXPUNGE

// ParseAppendHead reads the mailbox of an APPEND whose first literal is
// announced but not read, so that the engine can refuse before it asks for the
// message: raw holds what was read so far. ok is false when the mailbox is not
// there yet (it may be a literal itself).
func ParseAppendHead(raw Raw, o Options) (mailbox string, ok bool) { panic("wire") }
