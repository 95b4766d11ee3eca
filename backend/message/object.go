package message

import "fmt"

// HeadGuess is how many leading bytes of an object nearly always hold its Meta.
const HeadGuess = 16 << 10

// FrameBytes is how many bytes of a mail one zstd frame holds at the most.
const FrameBytes = 512 << 10

// Frame is one zstd frame of an object: its raw and its stored length.
type Frame struct{ Raw, Stored uint32 }

// Meta is what rides in front of a stored mail: all that an index needs to
// know of it.
type Meta struct {
	GUID       ID // of this object, unique
	EmailID    ID // of the content
	ThreadID   ID // zero: not known
	// OriginGUID, OriginMailbox and OriginUID name the object that this one
	// was re-homed from: it counts as expunged once this one is known. Zero
	// if it was not.
	OriginGUID    ID
	OriginMailbox string
	OriginUID     uint32
	// MailboxID and MailboxName tell where the mail was stored: a hint for
	// rebuilding a lost root only.
	MailboxID, MailboxName string
	InternalDate, SaveDate int64    // seconds since 1970, UTC
	Size                   int64    // octets of the mail
	Flags                  []string // system flags and keywords at the time
	Frames                 []Frame
	HeadSize               int // bytes of the object before the first frame
	Summary                Summary
}

// Stored tells which bytes of the object hold the bytes [off, off+n) of the
// mail: objLen bytes at objOff, whose decoded form starts skip bytes before
// off. The range is cut to the mail; an empty one gives objLen 0.
func (m Meta) Stored(off, n int64) (objOff, objLen, skip int64) { panic("message: Stored") }

// Body is a mail parsed and compressed once, to be stored for any number of
// recipients. Immutable and safe for concurrent use.
type Body struct{}

// NewBody parses and compresses raw, which is kept and must not change.
func NewBody(raw []byte, lim Limits) *Body { panic("message: NewBody") }

// Raw is the mail as given to NewBody.
func (b *Body) Raw() []byte { panic("message: Raw") }

// Summary is the mail's summary.
func (b *Body) Summary() Summary { panic("message: Summary") }

// Size is the mail's size in octets.
func (b *Body) Size() int64 { panic("message: Size") }

// Object encodes the object that stores this mail with prefix (whole header
// lines or nothing) in front, as pieces that share the body's memory. It fills in
// EmailID, Size, Frames, HeadSize and Summary of m; the caller sets the rest,
// above all a fresh GUID. The GUID is within the first objstore.IdentityBytes
// bytes. An error means that prefix is not whole header lines or that the flags or names are too large.
func (b *Body) Object(prefix []byte, m Meta) (data [][]byte, meta Meta, err error) {
	panic("message: Object")
}

// Recode encodes an object that stores the same mail as the whole object given,
// under another Meta (COPY, re-homing): nothing but the head is built anew, the
// frames are passed on. EmailID, Size, Frames, HeadSize and Summary of m are taken
// from the object, the caller sets the rest. The result shares object's memory.
func Recode(object []byte, m Meta) (data [][]byte, meta Meta, err error) {
	panic("message: Recode")
}

// ErrShort says that the bytes end before the Meta does: Need bytes from the
// start of the object are needed.
type ErrShort struct{ Need int }

func (e ErrShort) Error() string {
	return fmt.Sprintf("mail object: its head takes %d bytes", e.Need)
}

// ReadMeta decodes the head of an object of which b holds the first bytes.
// The result doesn't alias b. It returns an ErrShort if b holds too little.
func ReadMeta(b []byte) (Meta, error) { panic("message: ReadMeta") }

// DecodeFrames appends the content of whole frames, as Stored locates them, to
// dst, at most limit bytes.
func DecodeFrames(dst, stored []byte, limit int) ([]byte, error) { panic("message: DecodeFrames") }

// ReadAll decodes a whole object.
func ReadAll(object []byte) (Meta, []byte, error) { panic("message: ReadAll") }
