package index

import (
	"fmt"
	"strings"

	"mailbackend.io/backend/format"
	"mailbackend.io/backend/uidset"
)

// The ops payload, of a log's records section and of a local log entry:
//
//	┌───────────┬──────┬──────┬─────
//	│ count  uv │ op 1 │ op 2 │ …        uv: uvarint   zv: zigzag varint
//	└───────────┴──────┴──────┴─────
//
//	op     ┌───────────┬────────────────────┬ …by kind
//	       │ head   u8 │ modseq − former zv │
//	       └───────────┴────────────────────┴
//	head   bits 0–2 kind, 3 keywords, 4 ids, 5 summary, 6 thread id
//	append ┌─────────────────┬──────────┬────────────┬─────────┬──────────────────────┬────────────────────┬─────────┬──────────┬────────────┬──────────────┬──────────┐
//	       │ uid − former zv │ flags u8 │ [keywords] │ size uv │ internal − former zv │ save − internal zv │ [GUID   │ email id │ [thread id]│ [summary len │ bytes]   │
//	       └─────────────────┴──────────┴────────────┴─────────┴──────────────────────┴────────────────────┴─────────┴──────────┴────────────┴──────────────┴──────────┘
//	flags  as append, up to and with keywords
//	expunge, missing
//	       ┌───────────┬──────────────────────────┬─────────────────┬─────
//	       │ ranges uv │ first − former last − 1 uv │ last − first uv │ …
//	       └───────────┴──────────────────────────┴─────────────────┴─────
//	floor  nothing
//	keywords
//	       ┌──────────────┐ the number of a set that an earlier op of this payload
//	       │ set number uv│ defined (from 1), or the next number and the set itself:
//	       └──────────────┘ count uv, then each name: length uv, bytes
//
// "former" is the value of the op before that had one, at first 0.
const (
	headKind     = 7
	headKeywords = 1 << 3
	headIDs      = 1 << 4
	headSummary  = 1 << 5
	headThread   = 1 << 6
)

var (
	magicOps = format.Magic{'M', 'B', 'X', 'O'} // entry of the local log
	magicLog = format.Magic{'M', 'B', 'X', 'L'} // records section of a log segment
)

// Bounds of what is decoded, in bytes.
const (
	MaxBase = 1 << 30   // records section of a base: about 100 million messages
	MaxLog  = 256 << 20 // records section of a log: about 25 million ops
)

// EncodeOps appends one entry of the local log: a batch of ops with ids and
// summaries, as one frame. The caller keeps a batch below 4 GiB.
func EncodeOps(dst []byte, ops []Op) []byte {
	return format.Seal(dst, magicOps, 1, appendOps(nil, ops, true))
}

// DecodeOps reads one entry of the local log. The ops alias entry.
func DecodeOps(entry []byte) ([]Op, error) {
	f, err := format.Open(entry, magicOps, 1, len(entry)) // it isn't compressed
	if err == nil && f.Size != len(entry) {
		err = fmt.Errorf("%w: %d bytes behind the frame", format.ErrCorrupt, len(entry)-f.Size)
	}
	if err != nil {
		return nil, fmt.Errorf("index: log entry: %w", err)
	}
	ops, err := readOps(f.Payload)
	if err != nil {
		return nil, fmt.Errorf("index: log entry: %w", err)
	}
	return ops, nil
}

// encodeLog is the records section of a log segment.
func encodeLog(ops []Op) ([]byte, error) {
	return seal(magicLog, appendOps(nil, ops, false), MaxLog)
}

// seal compresses a payload that its reader must be able to take.
func seal(magic format.Magic, payload []byte, limit int) ([]byte, error) {
	if len(payload) > limit {
		return nil, fmt.Errorf("%w: %s of %d bytes, limit %d", format.ErrTooLarge, magic[:], len(payload), limit)
	}
	return format.Seal(nil, magic, 1, payload, format.Zstd), nil
}

// DecodeLog returns the ops of a log's records section, without ids and
// summaries: those are in their own sections.
func DecodeLog(records []byte) ([]Op, error) {
	f, err := format.Open(records, magicLog, 1, MaxLog)
	if err != nil {
		return nil, fmt.Errorf("index: log segment: %w", err)
	}
	ops, err := readOps(f.Payload)
	if err != nil {
		return nil, fmt.Errorf("index: log segment: %w", err)
	}
	return ops, nil
}

// opState is what an op is written relative to.
type opState struct {
	modseq   int64
	uid      int64
	internal int64
	sets     map[string]uint64 // writing: keywords to number
	names    [][]string        // reading: by number − 1
	key      []byte
}

// appendOps writes ops; cold: with ids and summaries.
func appendOps(dst []byte, ops []Op, cold bool) []byte {
	w := format.Writer{B: dst}
	var s opState
	w.Uvarint(uint64(len(ops)))
	for i := range ops {
		s.write(&w, &ops[i], cold)
	}
	return w.B
}

func (s *opState) write(w *format.Writer, op *Op, cold bool) {
	head := byte(op.Kind)
	if len(op.Keywords) > 0 && (op.Kind == OpAppend || op.Kind == OpFlags) {
		head |= headKeywords
	}
	if cold && op.Kind == OpAppend {
		if op.IDs != (IDs{}) {
			head |= headIDs
		}
		if op.IDs.ThreadID != (ID{}) {
			head |= headThread
		}
		if len(op.Summary) > 0 {
			head |= headSummary
		}
	}
	w.Byte(head)
	w.Varint(int64(op.ModSeq) - s.modseq)
	s.modseq = int64(op.ModSeq)
	switch op.Kind {
	case OpExpunge, OpMissing:
		writeSet(w, op.UIDs)
		return
	case OpAppend, OpFlags:
	default:
		return
	}
	w.Varint(int64(op.UID) - s.uid)
	s.uid = int64(op.UID)
	w.Byte(byte(op.Flags))
	if head&headKeywords != 0 {
		s.writeKeywords(w, op.Keywords)
	}
	if op.Kind == OpFlags {
		return
	}
	w.Uvarint(uint64(op.Size))
	w.Varint(op.InternalDate - s.internal)
	s.internal = op.InternalDate
	w.Varint(op.SaveDate - op.InternalDate)
	if head&headIDs != 0 {
		w.Raw(op.IDs.GUID[:])
		w.Raw(op.IDs.EmailID[:])
	}
	if head&headThread != 0 {
		w.Raw(op.IDs.ThreadID[:])
	}
	if head&headSummary != 0 {
		w.Bytes(op.Summary)
	}
}

func (s *opState) writeKeywords(w *format.Writer, names []string) {
	s.key = s.key[:0]
	for _, n := range names {
		s.key = append(append(s.key, n...), ' ')
	}
	if n, ok := s.sets[string(s.key)]; ok {
		w.Uvarint(n)
		return
	}
	if s.sets == nil {
		s.sets = map[string]uint64{}
	}
	n := uint64(len(s.sets)) + 1
	s.sets[string(s.key)] = n
	w.Uvarint(n)
	writeNames(w, names)
}

func readOps(payload []byte) ([]Op, error) {
	r := format.NewReader(payload)
	var s opState
	var ops []Op // grows with what is there: an Op is a hundred times its shortest encoding
	for range r.Count(2) {
		op := s.read(r)
		if r.Err() != nil {
			return nil, r.Err()
		}
		if err := op.Validate(); err != nil {
			return nil, fmt.Errorf("%w: op %d: %w", format.ErrCorrupt, len(ops)+1, err)
		}
		ops = append(ops, op)
	}
	if r.Err() == nil && r.Len() > 0 {
		r.Fail(fmt.Errorf("%w: %d bytes behind the last op", format.ErrCorrupt, r.Len()))
	}
	return ops, r.Err()
}

func (s *opState) read(r *format.Reader) Op {
	head := r.Byte()
	s.modseq += r.Varint()
	op := Op{Kind: Kind(head & headKind), ModSeq: uint64(s.modseq)}
	switch op.Kind {
	case OpExpunge, OpMissing:
		op.UIDs = readSet(r)
		return op
	case OpAppend, OpFlags:
	default:
		return op // Validate knows the others
	}
	s.uid += r.Varint()
	if s.uid < 0 || s.uid > MaxUID {
		r.Fail(fmt.Errorf("%w: UID %d", format.ErrCorrupt, s.uid))
	}
	op.UID = uint32(s.uid)
	op.Flags = Flags(r.Byte())
	if head&headKeywords != 0 {
		op.Keywords = s.readKeywords(r)
	}
	if op.Kind == OpFlags {
		return op
	}
	op.Size = r.Uvarint32()
	s.internal += r.Varint()
	op.InternalDate = s.internal
	op.SaveDate = s.internal + r.Varint()
	if head&headIDs != 0 {
		copy(op.IDs.GUID[:], r.Raw(16))
		copy(op.IDs.EmailID[:], r.Raw(16))
	}
	if head&headThread != 0 {
		copy(op.IDs.ThreadID[:], r.Raw(16))
	}
	if head&headSummary != 0 {
		op.Summary = r.Bytes()
	}
	return op
}

func (s *opState) readKeywords(r *format.Reader) []string {
	n := r.Uvarint()
	if n == uint64(len(s.names))+1 {
		s.names = append(s.names, readNames(r))
	}
	if n == 0 || n > uint64(len(s.names)) {
		r.Fail(fmt.Errorf("%w: keyword set %d of %d", format.ErrCorrupt, n, len(s.names)))
		return nil
	}
	return s.names[n-1]
}

func writeNames(w *format.Writer, names []string) {
	w.Uvarint(uint64(len(names)))
	for _, n := range names {
		w.String(n)
	}
}

// readNames reads a set of keywords; the strings don't alias the input.
func readNames(r *format.Reader) []string {
	names := make([]string, r.Count(2))
	for i := range names {
		names[i] = strings.Clone(r.String())
	}
	if err := validKeywords(names); err != nil && r.Err() == nil {
		r.Fail(fmt.Errorf("%w: %w", format.ErrCorrupt, err))
	}
	return names
}

func writeSet(w *format.Writer, s uidset.Set) {
	w.Uvarint(uint64(len(s.Ranges())))
	next := uint32(1)
	for _, r := range s.Ranges() {
		w.Uvarint(uint64(r.First - next))
		w.Uvarint(uint64(r.Last - r.First))
		next = r.Last + 1
	}
}

// readSet reads a set of UIDs within 1..MaxUID.
func readSet(r *format.Reader) uidset.Set {
	var s uidset.Set
	next := uint64(1)
	for range r.Count(2) {
		first := next + uint64(r.Uvarint32())
		last := first + uint64(r.Uvarint32())
		if last > MaxUID {
			r.Fail(fmt.Errorf("%w: UID %d", format.ErrCorrupt, last))
		}
		if r.Err() != nil {
			return uidset.Set{}
		}
		s.Add(uint32(first), uint32(last))
		next = last + 1
	}
	return s
}
