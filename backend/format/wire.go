package format

import (
	"encoding/binary"
	"fmt"
)

// Writer builds a payload. The zero value is ready for use.
type Writer struct{ B []byte }

// Uvarint appends an unsigned varint.
func (w *Writer) Uvarint(v uint64) { w.B = binary.AppendUvarint(w.B, v) }

// Varint appends a zigzag varint.
func (w *Writer) Varint(v int64) { w.B = binary.AppendVarint(w.B, v) }

// Byte appends one byte.
func (w *Writer) Byte(v byte) { w.B = append(w.B, v) }

// Uint32 appends four bytes, little-endian.
func (w *Writer) Uint32(v uint32) { w.B = binary.LittleEndian.AppendUint32(w.B, v) }

// Uint64 appends eight bytes, little-endian.
func (w *Writer) Uint64(v uint64) { w.B = binary.LittleEndian.AppendUint64(w.B, v) }

// Raw appends b without a length.
func (w *Writer) Raw(b []byte) { w.B = append(w.B, b...) }

// Bytes appends a length (uvarint) and b.
func (w *Writer) Bytes(b []byte) { w.Uvarint(uint64(len(b))); w.B = append(w.B, b...) }

// String appends a length (uvarint) and s.
func (w *Writer) String(s string) { w.Uvarint(uint64(len(s))); w.B = append(w.B, s...) }

// Field appends a tagged field: tag (uvarint, not 0), then what fill writes as
// length-prefixed bytes. Readers skip tags that they don't know, so fields can
// be added without a new version.
func (w *Writer) Field(tag uint64, fill func(*Writer)) {
	var inner Writer
	fill(&inner)
	w.Uvarint(tag)
	w.Bytes(inner.B)
}

// Reader takes a payload apart. The first error sticks: after it every method
// returns zero values, so callers check Err once at the end. Nothing is
// allocated beyond the input's own length.
type Reader struct {
	b   []byte
	err error
}

// NewReader reads b, which must stay unchanged as long as results are used.
func NewReader(b []byte) *Reader { return &Reader{b: b} }

// Err is the first error, nil if all reads succeeded.
func (r *Reader) Err() error { return r.err }

// Fail records err unless an earlier error is recorded.
func (r *Reader) Fail(err error) {
	if r.err == nil {
		r.err, r.b = err, nil
	}
}

// Len is how many bytes are left.
func (r *Reader) Len() int { return len(r.b) }

// Uvarint reads an unsigned varint.
func (r *Reader) Uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.Fail(fmt.Errorf("%w: varint", ErrCorrupt))
		return 0
	}
	r.b = r.b[n:]
	return v
}

// Uvarint32 reads an unsigned varint that must fit 32 bits.
func (r *Reader) Uvarint32() uint32 {
	v := r.Uvarint()
	if v > 1<<32-1 {
		r.Fail(fmt.Errorf("%w: %d does not fit 32 bits", ErrCorrupt, v))
		return 0
	}
	return uint32(v)
}

// Varint reads a zigzag varint.
func (r *Reader) Varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.Fail(fmt.Errorf("%w: varint", ErrCorrupt))
		return 0
	}
	r.b = r.b[n:]
	return v
}

// Count reads a uvarint that counts items of at least itemSize bytes each
// (itemSize ≥ 1): more items than the rest of the input can hold is an error,
// so the result is safe to allocate by.
func (r *Reader) Count(itemSize int) int {
	v := r.Uvarint()
	if v > uint64(len(r.b)/itemSize) {
		r.Fail(fmt.Errorf("%w: count %d in %d bytes", ErrCorrupt, v, len(r.b)))
		return 0
	}
	return int(v)
}

// Raw reads n bytes, which alias the input.
func (r *Reader) Raw(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.Fail(fmt.Errorf("%w: %d bytes wanted, %d left", ErrCorrupt, n, len(r.b)))
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if b := r.Raw(1); b != nil {
		return b[0]
	}
	return 0
}

// Uint32 reads four bytes, little-endian.
func (r *Reader) Uint32() uint32 {
	if b := r.Raw(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// Uint64 reads eight bytes, little-endian.
func (r *Reader) Uint64() uint64 {
	if b := r.Raw(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// Bytes reads length-prefixed bytes, which alias the input.
func (r *Reader) Bytes() []byte { return r.Raw(r.Count(1)) }

// String reads a length-prefixed string.
func (r *Reader) String() string { return string(r.Bytes()) }

// Fields calls f for each tagged field up to the end of the input. What f
// leaves unread of a field is skipped; an error in a field's reader is the
// error of r.
func (r *Reader) Fields(f func(tag uint64, field *Reader)) {
	for r.err == nil && len(r.b) > 0 {
		tag := r.Uvarint()
		inner := NewReader(r.Bytes())
		if r.err != nil {
			return
		}
		f(tag, inner)
		if inner.err != nil {
			r.Fail(fmt.Errorf("field %d: %w", tag, inner.err))
		}
	}
}
