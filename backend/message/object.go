package message

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"mailbackend.io/backend/format"
)

// HeadGuess is how many leading bytes of an object nearly always hold its Meta.
const HeadGuess = 16 << 10

// FrameBytes is how many bytes of a mail one zstd frame holds at the most.
const FrameBytes = 512 << 10

// Frame is one zstd frame of an object: its raw and its stored length.
type Frame struct{ Raw, Stored uint32 }

// Body is a mail parsed and compressed once, to be stored for any number of
// recipients. Immutable and safe for concurrent use.
type Body struct {
	raw     []byte
	lim     Limits
	summary Summary
	sum     [sha256.Size]byte
	stored  []byte // all frames, one behind the other
	frames  []Frame
}

// NewBody parses and compresses raw, which is kept and must not change.
func NewBody(raw []byte, lim Limits) *Body {
	b := &Body{raw: raw, lim: lim, summary: Parse(raw, lim), sum: sha256.Sum256(raw)}
	b.stored, b.frames = appendFrames(make([]byte, 0, len(raw)/2+256), nil, raw)
	return b
}

// appendFrames compresses raw into frames of at most FrameBytes.
func appendFrames(dst []byte, frames []Frame, raw []byte) ([]byte, []Frame) {
	for len(raw) > 0 {
		n := min(len(raw), FrameBytes)
		was := len(dst)
		dst = format.Compress(dst, raw[:n])
		frames = append(frames, Frame{uint32(n), uint32(len(dst) - was)})
		raw = raw[n:]
	}
	return dst, frames
}

// emptyFrame is a zstd frame of no bytes: a file of skippable frames alone is
// not what every tool takes for compressed data.
var emptyFrame = []byte{0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x00, 0x01, 0x00, 0x00}

// Raw is the mail as given to NewBody.
func (b *Body) Raw() []byte { return b.raw }

// Summary is the mail's summary.
func (b *Body) Summary() Summary { return b.summary }

// Size is the mail's size in octets.
func (b *Body) Size() int64 { return int64(len(b.raw)) }

// Object encodes the object that stores this mail with prefix (whole header
// lines or nothing) in front, as pieces that share the body's memory. It fills
// in EmailID, Size, Frames, HeadSize and Summary of m; the caller sets the rest,
// above all a fresh GUID. The GUID is within the first objstore.IdentityBytes
// bytes. An error means that prefix is not whole header lines or that m doesn't fit
// the format.
func (b *Body) Object(prefix []byte, m Meta) (data [][]byte, meta Meta, err error) {
	if !wholeLines(prefix) {
		return nil, Meta{}, errors.New("mail object: the prefix is not whole header lines")
	}
	if int64(len(b.raw))+int64(len(prefix)) > maxMail {
		return nil, Meta{}, fmt.Errorf("mail object: a mail of %d bytes is too large", len(b.raw))
	}
	m.EmailID = emailID(b.sum, prefix)
	m.Size = int64(len(prefix) + len(b.raw))
	m.Summary = b.prefixed(prefix)
	m.Frames = b.frames
	var front []byte
	if len(prefix) > 0 {
		m.Frames = make([]Frame, 0, len(b.frames)+1)
		front, m.Frames = appendFrames(nil, m.Frames, prefix)
		m.Frames = append(m.Frames, b.frames...)
	}
	head, err := appendHead(nil, &m)
	if err != nil {
		return nil, Meta{}, err
	}
	m.HeadSize = len(head)
	data = make([][]byte, 1, 3)
	data[0] = head
	if len(front) > 0 {
		data = append(data, front)
	}
	if len(b.stored) > 0 {
		data = append(data, b.stored)
	}
	if len(m.Frames) == 0 {
		data = append(data, emptyFrame)
	}
	return data, m, nil
}

// Recode encodes an object that stores the same mail as the whole object
// given, under another Meta (COPY, re-homing): nothing but the head is built
// anew, the frames are passed on. EmailID, Size, Frames, HeadSize and Summary
// of m are taken from the object, the caller sets the rest. The result shares
// object's memory.
func Recode(object []byte, m Meta) (data [][]byte, meta Meta, err error) {
	old, err := ReadMeta(object)
	if err != nil {
		return nil, Meta{}, err
	}
	m.EmailID, m.Size, m.Frames, m.Summary = old.EmailID, old.Size, old.Frames, old.Summary
	head, err := appendHead(nil, &m)
	if err != nil {
		return nil, Meta{}, err
	}
	m.HeadSize = len(head)
	return [][]byte{head, object[old.HeadSize:]}, m, nil
}

// prefixed is the summary with a prefix.
func (b *Body) prefixed(prefix []byte) Summary {
	if len(prefix) == 0 {
		return b.summary
	}
	s, plain := b.summary.prefixed(prefix)
	if plain && (len(b.raw) == 0 || b.raw[0] != ' ' && b.raw[0] != '\t') {
		return s
	}
	// The mail's first line goes on with the prefix's last, or the prefix
	// says what the body is: only all of it together tells.
	return Parse(append(append(make([]byte, 0, len(prefix)+len(b.raw)), prefix...), b.raw...), b.lim)
}

// wholeLines tells that p is header lines only: each ends in a line feed and
// none is empty, so that what follows is still header.
func wholeLines(p []byte) bool {
	if len(p) == 0 {
		return true
	}
	if p[len(p)-1] != '\n' || isSpace(p[0]) {
		return false
	}
	for i := 1; i < len(p); i++ {
		if p[i] == '\n' && (p[i-1] == '\n' || p[i-1] == '\r' && i > 1 && p[i-2] == '\n') {
			return false
		}
	}
	return true
}

// emailID is the content's identity: equal for equal bytes under an equal
// prefix, whoever stores it, and cheap for every further recipient.
func emailID(body [sha256.Size]byte, prefix []byte) ID {
	h := sha256.New()
	h.Write(body[:])
	h.Write(prefix)
	var sum [sha256.Size]byte
	return ID(h.Sum(sum[:0])[:16])
}

// Stored tells which bytes of the object hold the bytes [off, off+n) of the
// mail: objLen bytes at objOff, whose decoded form starts skip bytes before
// off. The range is cut to the mail; an empty one gives objLen 0.
func (m Meta) Stored(off, n int64) (objOff, objLen, skip int64) {
	objOff = int64(m.HeadSize)
	if off < 0 || n <= 0 || off >= m.Size {
		return objOff, 0, 0
	}
	end := m.Size
	if n < end-off {
		end = off + n
	}
	var raw, stored int64
	for _, f := range m.Frames {
		next := raw + int64(f.Raw)
		switch {
		case next <= off:
			objOff += int64(f.Stored)
		case raw < end:
			if raw <= off {
				skip = off - raw
			}
			stored += int64(f.Stored)
		}
		raw = next
	}
	return objOff, stored, skip
}

// DecodeFrames appends the content of whole frames, as Stored locates them, to
// dst, at most limit bytes.
func DecodeFrames(dst, stored []byte, limit int) ([]byte, error) {
	out, err := format.Decompress(dst, stored, limit)
	if err != nil {
		return dst, fmt.Errorf("mail object: %w", err)
	}
	return out, nil
}

// ReadAll decodes a whole object.
func ReadAll(object []byte) (Meta, []byte, error) {
	m, err := ReadMeta(object)
	if err != nil {
		return Meta{}, nil, err
	}
	raw, err := DecodeFrames(nil, object[m.HeadSize:], int(m.Size))
	if err != nil {
		return Meta{}, nil, err
	}
	if int64(len(raw)) != m.Size {
		return Meta{}, nil, fmt.Errorf("mail object: %d bytes instead of %d", len(raw), m.Size)
	}
	return m, raw, nil
}

// Rebuild makes the Meta of an object whose head is damaged or of a version
// that is not known, from the mail's bytes alone, as far as they tell: GUID,
// dates and flags are lost. limit bounds the mail's size.
func Rebuild(object []byte, lim Limits, limit int) (Meta, []byte, error) {
	raw, err := DecodeFrames(nil, object, limit)
	if err != nil {
		return Meta{}, nil, err
	}
	m := Meta{Size: int64(len(raw)), EmailID: emailID(sha256.Sum256(raw), nil), Summary: Parse(raw, lim)}
	if m.HeadSize, err = skippableSize(object); err != nil {
		return Meta{}, nil, err
	}
	return m, raw, nil
}

// skippableMagic starts a zstd skippable frame (RFC 8878 section 3.1.2); its
// size follows.
const skippableMagic = 0x184D2A50

func skippableSize(b []byte) (int, error) {
	if len(b) < 8 {
		return 0, ErrShort{Need: 8}
	}
	if m := binary.LittleEndian.Uint32(b); m != skippableMagic {
		return 0, fmt.Errorf("mail object: %w: starts with %08x", format.ErrMagic, m)
	}
	return 8 + int(binary.LittleEndian.Uint32(b[4:])), nil
}
