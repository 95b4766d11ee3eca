package index

import (
	"fmt"

	"mailbackend.io/backend/format"
)

// The payload of a block, of ids or of summaries:
//
//	┌──────────┬─────────────────┬───────────┬──────┬─────
//	│ count uv │ uid − former uv │ length uv │ data │ …      UIDs ascend
//	└──────────┴─────────────────┴───────────┴──────┴─────
//
// The data is a summary of package message, or
//
//	┌─────────┬──────────────┬─────────────────┐
//	│ GUID 16 │ email id 16  │ [thread id 16]  │
//	└─────────┴──────────────┴─────────────────┘
//
// A block holds at most maxBlock bytes, or a single message.
const maxBlock = 64 << 10

// MaxBlock bounds a decoded block, in bytes: one summary and its frame.
const MaxBlock = MaxSummary + 64

var (
	magicIDs       = format.Magic{'M', 'B', 'X', 'I'}
	magicSummaries = format.Magic{'M', 'B', 'X', 'M'}
)

// coldEntry is what a block holds of one message.
type coldEntry struct {
	uid  uint32
	data []byte
}

// encodedSize is a bound of what the entry adds to a block.
func (e coldEntry) encodedSize() int { return 5 + 3 + len(e.data) }

// encodeBlock appends a block of entries, which are in UID order, and returns
// how long its payload is.
func encodeBlock(dst []byte, magic format.Magic, entries []coldEntry) ([]byte, int) {
	var w format.Writer
	w.Uvarint(uint64(len(entries)))
	former := uint32(0)
	for _, e := range entries {
		w.Uvarint(uint64(e.uid - former))
		w.Bytes(e.data)
		former = e.uid
	}
	return format.Seal(dst, magic, 1, w.B, format.Zstd), len(w.B)
}

// decodeBlock calls yield for the entries of a block, whose data alias the
// payload it returns.
func decodeBlock(block []byte, magic format.Magic, yield func(coldEntry) bool) error {
	f, err := format.Open(block, magic, 1, MaxBlock)
	if err != nil {
		return err
	}
	r := format.NewReader(f.Payload)
	uid := uint64(0)
	for range r.Count(2) {
		d := uint64(r.Uvarint32())
		uid += d
		data := r.Bytes()
		if r.Err() == nil && (d == 0 || uid > MaxUID) {
			r.Fail(corrupt("UID %d", uid))
		}
		if r.Err() != nil {
			return r.Err()
		}
		if !yield(coldEntry{uint32(uid), data}) {
			return nil
		}
	}
	if r.Err() == nil && r.Len() > 0 {
		r.Fail(corrupt("%d bytes behind the last message", r.Len()))
	}
	return r.Err()
}

// DecodeSummaries calls yield for each summary in a block, in UID order, until
// it returns false. The summaries stay valid: they share one new array.
func DecodeSummaries(block []byte, yield func(uid uint32, summary []byte) bool) error {
	if err := decodeBlock(block, magicSummaries, func(e coldEntry) bool { return yield(e.uid, e.data) }); err != nil {
		return fmt.Errorf("index: block of summaries: %w", err)
	}
	return nil
}

// DecodeIDs calls yield for each message in a block of ids, in UID order,
// until it returns false.
func DecodeIDs(block []byte, yield func(uid uint32, ids IDs) bool) error {
	var bad error
	err := decodeBlock(block, magicIDs, func(e coldEntry) bool {
		ids, err := decodeIDs(e.data)
		if err != nil {
			bad = fmt.Errorf("UID %d: %w", e.uid, err)
			return false
		}
		return yield(e.uid, ids)
	})
	if err == nil {
		err = bad
	}
	if err != nil {
		return fmt.Errorf("index: block of ids: %w", err)
	}
	return nil
}

func encodeIDs(ids *IDs) []byte {
	b := append(make([]byte, 0, 48), ids.GUID[:]...)
	b = append(b, ids.EmailID[:]...)
	if ids.ThreadID != (ID{}) {
		b = append(b, ids.ThreadID[:]...)
	}
	return b
}

func decodeIDs(b []byte) (ids IDs, err error) {
	if len(b) != 32 && len(b) != 48 {
		return ids, corrupt("ids of %d bytes", len(b))
	}
	copy(ids.GUID[:], b)
	copy(ids.EmailID[:], b[16:])
	copy(ids.ThreadID[:], b[32:])
	return ids, nil
}
