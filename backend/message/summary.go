package message

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Summary is what is known of a mail without its bytes, in a compact encoded
// form (docs/formats.md). It is immutable, has no pointers but to its own bytes,
// and is safe for concurrent use. The zero Summary is not valid: its methods
// behave as for an empty mail.
type Summary struct{ b []byte }

// ParseSummary takes an encoded summary, after checking every bound in it. b is
// aliased and must not change.
func ParseSummary(b []byte) (Summary, error) {
	if len(b) == 0 {
		return Summary{}, errors.New("mail summary: empty")
	}
	if b[0] != summaryVersion {
		return Summary{}, fmt.Errorf("mail summary: version %d is not known, %d is", b[0], summaryVersion)
	}
	var h head
	c := h.read(b)
	switch {
	case c.err != nil:
	case !validFields(h.fields):
		c.fail(errors.New("malformed header fields"))
	default:
		if end := c.check(0, h.size, 0, false); c.err == nil && end != h.size {
			c.fail(fmt.Errorf("parts end at %d of %d", end, h.size))
		}
		if c.err == nil && c.i != len(b) {
			c.fail(fmt.Errorf("%d bytes too many", len(b)-c.i))
		}
	}
	if c.err != nil {
		return Summary{}, fmt.Errorf("mail summary: %w", c.err)
	}
	return Summary{b}, nil
}

// emptySummary is the zero Summary's content: version, no known fields, sizes,
// preview, names, fields, and a text part of nothing.
var emptySummary = []byte{summaryVersion, 0, 0, 0, 0, 1, 0, byte(kindText), 0, 0, 0, 0, 0, 1, 3, 23}

// head is the part of a summary before its tree.
type head struct {
	known   byte  // fields with numbers up to this were kept
	size    int64 // of the mail without prefix
	prefix  int64
	preview []byte
	unknown bool   // the names of other fields were too many to keep
	hashes  []byte // of the names of other fields, two bytes each
	fields  []byte
}

// read returns a cursor at the tree.
func (h *head) read(b []byte) cursor {
	if len(b) == 0 {
		b = emptySummary
	}
	c := cursor{b: b, i: 1}
	h.known = c.byte()
	h.size, h.prefix = c.size(), c.size()
	h.preview = c.bytes(c.uvarint())
	n := c.uvarint()
	if h.unknown = n == 0; !h.unknown {
		if n > 1<<20 {
			c.fail(errors.New("too many names"))
		}
		h.hashes = c.bytes(2 * (n - 1))
	}
	h.fields = c.bytes(c.uvarint())
	return c
}

// Bytes is the encoded form, which must not be changed.
func (s Summary) Bytes() []byte { return s.b }

// Valid tells a summary from the zero value.
func (s Summary) Valid() bool { return len(s.b) > 0 }

// Size is the mail's size in octets.
func (s Summary) Size() int64 {
	if len(s.b) == 0 {
		return 0
	}
	c := cursor{b: s.b, i: 2}
	return c.size() + c.size()
}

// Preview is the beginning of the first text part in UTF-8, white space
// folded, at most Limits.PreviewChars characters (RFC 8970). Empty: none.
func (s Summary) Preview() string {
	var h head
	h.read(s.b)
	return string(h.preview)
}

// HeaderFields appends the header lines that have one of the names (upper
// case, without colon) verbatim and in the mail's order, without the final
// empty line (RFC 9051 BODY[HEADER.FIELDS]). ok is false, and nothing is
// appended, if the summary can't tell: then the header must be read from the
// object. For a name that the mail doesn't have ok is nearly always true.
func (s Summary) HeaderFields(dst []byte, names []string) (out []byte, ok bool) {
	var h head
	h.read(s.b)
	var wanted [len(fieldNames)]bool
	for _, name := range names {
		id, ok := h.answers(name)
		if !ok {
			return dst, false
		}
		wanted[id] = true
	}
	wanted[fNone] = false
	out = dst
	for area := h.fields; len(area) > 0; {
		e, rest, ok := nextEntry(area)
		if !ok || wanted[e.id] && e.flags&entryCut != 0 {
			return dst, false
		}
		if wanted[e.id] {
			out = e.appendLine(out)
		}
		area = rest
	}
	return out, true
}

// Field returns the last value of a header field (name in upper case), unfolded
// and trimmed but otherwise as written. known is false if the summary can't
// tell. The result may alias the summary.
func (s Summary) Field(name string) (value []byte, found, known bool) {
	var h head
	h.read(s.b)
	id, ok := h.answers(name)
	if !ok {
		return nil, false, false
	}
	var last entry
	for area := h.fields; id != fNone && len(area) > 0; {
		e, rest, ok := nextEntry(area)
		if !ok {
			break
		}
		if e.id == id {
			last, found = e, true
		}
		area = rest
	}
	if !found {
		return nil, false, true
	}
	if last.flags&entryCut != 0 {
		return nil, false, false
	}
	return unfold(nil, last.value()), true, true
}

// answers tells whether the summary knows all about a field, and its number,
// which is fNone if the mail doesn't have it.
func (h *head) answers(name string) (field, bool) {
	var id field
	var hash uint16
	if len(name) <= maxFieldName {
		id = fieldIDs[name]
	}
	if id != fNone && id <= field(h.known) {
		return id, true
	}
	if h.unknown {
		return fNone, false
	}
	hash = fieldHash(name)
	for i := 0; i+1 < len(h.hashes); i += 2 {
		if binary.LittleEndian.Uint16(h.hashes[i:]) == hash {
			return fNone, false
		}
	}
	return fNone, true
}

// Prefixed returns the summary of the same mail with header lines put in
// front. prefix must be whole header lines, each ending in a line feed, none of
// them a Content-* field. It may be done more than once.
func (s Summary) Prefixed(prefix []byte) Summary {
	if len(prefix) == 0 {
		return s
	}
	p, _ := s.prefixed(prefix)
	return p
}

// prefixed is Prefixed; plain is false if the prefix changes how the mail's own
// bytes must be understood.
func (s Summary) prefixed(prefix []byte) (p Summary, plain bool) {
	var h head
	c := h.read(s.b)
	// The indexer reads the new lines as a header of their own.
	x := indexers.Get().(*indexer)
	defer x.release()
	x.reset(prefix, DefaultLimits())
	x.push(node{}, false)
	x.header()
	for i := 0; i+1 < len(h.hashes); i += 2 {
		x.addHash(binary.LittleEndian.Uint16(h.hashes[i:]))
	}
	x.sortHashes()
	// A summary of before a field was kept can't tell it for the prefix alone.
	unknown := x.manyNames || h.unknown || int(h.known) < len(fieldNames)-1
	fields := x.fields
	b := make([]byte, 0, len(c.b)+len(fields)+2*len(x.hashes)+16)
	b = append(b, summaryVersion, h.known)
	b = binary.AppendUvarint(b, uint64(h.size))
	b = binary.AppendUvarint(b, uint64(h.prefix)+uint64(len(prefix)))
	b = binary.AppendUvarint(b, uint64(len(h.preview)))
	b = append(b, h.preview...)
	b = appendHashes(b, x.hashes, unknown)
	b = binary.AppendUvarint(b, uint64(len(fields)+len(h.fields)))
	b = append(b, fields...)
	b = append(b, h.fields...)
	b = append(b, c.b[c.i:]...)
	plain = true
	for _, v := range x.mime {
		plain = plain && v == nil
	}
	return Summary{b}, plain
}

// clone returns a summary that shares no memory with s.
func (s Summary) clone() Summary { return Summary{slices.Clip(bytes.Clone(s.b))} }
