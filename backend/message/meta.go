package message

import (
	"encoding/binary"
	"fmt"

	"mailbackend.io/backend/format"
)

// Meta is what rides in front of a stored mail: all that an index needs to
// know of it.
type Meta struct {
	GUID     ID // of this object, unique
	EmailID  ID // of the content
	ThreadID ID // zero: not known
	// OriginGUID, OriginMailbox and OriginUID name the object that this one
	// was re-homed from: it counts as expunged once this one is known. Zero
	// if it was not.
	OriginGUID    ID
	OriginMailbox string
	OriginUID     uint32
	// Forebears are the UIDs of OriginMailbox that the object under
	// OriginUID was itself re-homed from, one after the other. They count
	// as expunged, too.
	Forebears []uint32
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

// The Meta's frame (package format).
var metaMagic = format.Magic{'M', 'B', 'M', 'O'}

const (
	metaVersion = 1
	metaFixed   = 4*16 + 2*8 // the fixed part of the payload
	// maxHead bounds the head of an object. Limits allow summaries of a
	// few hundred kilobytes at the most.
	maxHead = 16 << 20
	// maxMetaString bounds names and flags.
	maxMetaString = 4 << 10
	maxMetaFlags  = 4 << 10
)

// The tagged fields of the payload.
const (
	tagMailboxID   = 1
	tagMailboxName = 2
	tagFlags       = 3
	tagBody        = 4 // size, codec, frames
	tagSummary     = 5
	tagOrigin      = 6 // mailbox, uid, forebears
)

// appendHead appends the skippable frame with m.
func appendHead(dst []byte, m *Meta) ([]byte, error) {
	for _, s := range append([]string{m.MailboxID, m.MailboxName, m.OriginMailbox}, m.Flags...) {
		if len(s) > maxMetaString {
			return nil, fmt.Errorf("mail object: a name or flag of %d bytes, limit %d", len(s), maxMetaString)
		}
	}
	if len(m.Flags) > maxMetaFlags {
		return nil, fmt.Errorf("mail object: %d flags, limit %d", len(m.Flags), maxMetaFlags)
	}
	w := format.Writer{B: make([]byte, 0, metaFixed+256+len(m.Summary.b)+8*len(m.Frames))}
	w.Raw(m.GUID[:])
	w.Raw(m.EmailID[:])
	w.Raw(m.ThreadID[:])
	w.Raw(m.OriginGUID[:])
	w.Uint64(uint64(m.InternalDate))
	w.Uint64(uint64(m.SaveDate))
	if m.MailboxID != "" {
		w.Uvarint(tagMailboxID)
		w.String(m.MailboxID)
	}
	if m.MailboxName != "" {
		w.Uvarint(tagMailboxName)
		w.String(m.MailboxName)
	}
	if m.OriginMailbox != "" || m.OriginUID != 0 {
		w.Field(tagOrigin, func(w *format.Writer) {
			w.String(m.OriginMailbox)
			w.Uvarint(uint64(m.OriginUID))
			for _, uid := range m.Forebears {
				w.Uvarint(uint64(uid))
			}
		})
	}
	if len(m.Flags) > 0 {
		w.Field(tagFlags, func(w *format.Writer) {
			w.Uvarint(uint64(len(m.Flags)))
			for _, f := range m.Flags {
				w.String(f)
			}
		})
	}
	w.Field(tagBody, func(w *format.Writer) {
		w.Uvarint(uint64(m.Size))
		w.Bytes([]byte{byte(format.Zstd)})
		w.Uvarint(uint64(len(m.Frames)))
		for _, f := range m.Frames {
			w.Uvarint(uint64(f.Raw))
			w.Uvarint(uint64(f.Stored))
		}
	})
	w.Uvarint(tagSummary)
	w.Bytes(m.Summary.b)
	if len(w.B) > maxHead-64 {
		return nil, fmt.Errorf("mail object: a head of %d bytes, limit %d", len(w.B), maxHead)
	}
	start := len(dst)
	dst = append(dst, make([]byte, 8, 40+len(w.B))...)
	dst = format.Seal(dst, metaMagic, metaVersion, w.B)
	binary.LittleEndian.PutUint32(dst[start:], skippableMagic)
	binary.LittleEndian.PutUint32(dst[start+4:], uint32(len(dst)-start-8))
	return dst, nil
}

// ErrShort says that the bytes end before the Meta does: Need bytes from the
// start of the object are needed.
type ErrShort struct{ Need int }

func (e ErrShort) Error() string {
	return fmt.Sprintf("mail object: its head takes %d bytes", e.Need)
}

// ReadMeta decodes the head of an object of which b holds the first bytes.
// The result doesn't alias b. It returns an ErrShort if b holds too little.
func ReadMeta(b []byte) (Meta, error) {
	size, err := skippableSize(b)
	if err != nil {
		return Meta{}, err
	}
	if size > maxHead {
		return Meta{}, fmt.Errorf("mail object: %w: a head of %d bytes", format.ErrTooLarge, size)
	}
	if len(b) < size {
		return Meta{}, ErrShort{Need: size}
	}
	f, err := format.Open(b[8:size], metaMagic, metaVersion, maxHead)
	if err != nil {
		return Meta{}, fmt.Errorf("mail object: %w", err)
	}
	if f.Size != size-8 {
		return Meta{}, fmt.Errorf("mail object: %w: %d bytes behind its head", format.ErrCorrupt, size-8-f.Size)
	}
	m := Meta{HeadSize: size}
	if err := m.decode(f.Payload); err != nil {
		return Meta{}, fmt.Errorf("mail object: %w", err)
	}
	return m, nil
}

func (m *Meta) decode(payload []byte) error {
	r := format.NewReader(payload)
	for _, id := range []*ID{&m.GUID, &m.EmailID, &m.ThreadID, &m.OriginGUID} {
		copy(id[:], r.Raw(len(id)))
	}
	m.InternalDate = int64(r.Uint64())
	m.SaveDate = int64(r.Uint64())
	r.Fields(func(tag uint64, f *format.Reader) {
		switch tag {
		case tagMailboxID:
			m.MailboxID = string(f.Raw(f.Len()))
		case tagMailboxName:
			m.MailboxName = string(f.Raw(f.Len()))
		case tagOrigin:
			m.OriginMailbox, m.OriginUID = f.String(), f.Uvarint32()
			for f.Len() > 0 && len(m.Forebears) < maxMetaFlags {
				m.Forebears = append(m.Forebears, f.Uvarint32())
			}
		case tagFlags:
			m.Flags = make([]string, f.Count(1))
			for i := range m.Flags {
				m.Flags[i] = f.String()
			}
		case tagBody:
			m.decodeBody(f)
		case tagSummary:
			s, err := ParseSummary(f.Raw(f.Len()))
			if err != nil {
				f.Fail(err)
				return
			}
			m.Summary = s.clone()
		}
	})
	switch {
	case r.Err() != nil:
		return r.Err()
	case !m.Summary.Valid() || m.Summary.Size() != m.Size:
		return fmt.Errorf("%w: the summary is of %d bytes, the mail of %d", format.ErrCorrupt, m.Summary.Size(), m.Size)
	}
	return nil
}

func (m *Meta) decodeBody(f *format.Reader) {
	size := f.Uvarint()
	if codecs := f.Bytes(); f.Err() == nil && string(codecs) != string([]byte{byte(format.Zstd)}) {
		f.Fail(fmt.Errorf("%w: body codecs % x", format.ErrCodec, codecs))
		return
	}
	m.Frames = make([]Frame, f.Count(2))
	var sum uint64
	for i := range m.Frames {
		m.Frames[i] = Frame{f.Uvarint32(), f.Uvarint32()}
		sum += uint64(m.Frames[i].Raw)
		if m.Frames[i].Raw > FrameBytes {
			f.Fail(fmt.Errorf("%w: a frame of %d bytes", format.ErrCorrupt, m.Frames[i].Raw))
			return
		}
	}
	if len(m.Frames) == 0 {
		m.Frames = nil
	}
	if f.Err() == nil && (size > maxMail || sum != size) {
		f.Fail(fmt.Errorf("%w: frames of %d bytes, the mail has %d", format.ErrCorrupt, sum, size))
	}
	m.Size = int64(size)
}
