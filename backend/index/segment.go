package index

import (
	"fmt"

	"mailbackend.io/backend/format"
)

// A segment is one immutable object. Its sections are frames of package
// format, one behind the other, each readable by a ranged GET:
//
//	┌────────┬───────────────┬─────────────────────┬───────────┬─────────┐
//	│ header │ ids: blocks   │ summaries: blocks   │ directory │ records │
//	│ MBXS   │ MBXI MBXI …   │ MBXM MBXM …         │ MBXD      │ MBXB or │
//	│        │ may be empty  │ may be empty        │           │ MBXL    │
//	└────────┴───────────────┴─────────────────────┴───────────┴─────────┘
//	                                               └── SegmentInfo.Hot ──┘
//
// Records are a base (MBXB: all messages) or a log (MBXL: ops). Opening a
// mailbox reads directory and records; ids and summaries are read block by
// block when somebody asks for them. Root tells where the sections are; the
// header tells it once more for the case that root is lost.

// Section is a byte range of a segment object. Length 0: there is none.
type Section struct{ Offset, Length int64 }

// End is the offset behind the section.
func (s Section) End() int64 { return s.Offset + s.Length }

// SegmentInfo describes one segment object: what root keeps about it. A
// section that root no longer needs (records folded into a newer base, ids and
// summaries merged into a newer segment) has Length 0 there (Plan.Result).
type SegmentInfo struct {
	Name  string // last part of the object's key; unique, carries the epoch
	Epoch uint64 // of the claim that wrote it
	Base  bool   // Records is a base, else a log
	Depth uint8  // how often the oldest ops of a log were rewritten (PlanUpload)
	Size  int64  // of the object

	IDs       Section // blocks of GUIDs, email ids, thread ids
	Summaries Section // blocks of summaries
	// Directory is where ids and summaries are. It lies right before
	// Records. The segment's own directory is of no interest when HasCold
	// is false; the directories it repeats are, as long as HasRecords.
	Directory Section
	Records   Section // base or log

	RecordCount int // messages of a base, ops of a log
	ColdCount   int // messages with ids or summaries here
	// FirstUID and LastUID bound the UIDs of ids and summaries; 0: none.
	FirstUID, LastUID uint32
	// MinModSeq and MaxModSeq bound the modseqs of the records; a base's
	// MaxModSeq is its HIGHESTMODSEQ.
	MinModSeq, MaxModSeq uint64
}

// Hot is the range that opening a mailbox reads: directory and records.
func (s *SegmentInfo) Hot() Section {
	return Section{s.Directory.Offset, s.Records.End() - s.Directory.Offset}
}

// Cut takes a section out of bytes that begin at offset start of the object.
// An error means that they don't hold it.
func (s Section) Cut(start int64, b []byte) ([]byte, error) {
	from := s.Offset - start
	if s.Length < 0 || from < 0 || from > int64(len(b)) || s.Length > int64(len(b))-from {
		return nil, fmt.Errorf("index: section %d:%d is not within %d:%d", s.Offset, s.End(), start, start+int64(len(b)))
	}
	return b[from : from+s.Length : from+s.Length], nil
}

// HasRecords reports whether root still needs the segment's records.
func (s *SegmentInfo) HasRecords() bool { return s.Records.Length > 0 }

// HasCold reports whether root still needs the segment's ids and summaries.
func (s *SegmentInfo) HasCold() bool { return s.coldSize() > 0 }

func (s *SegmentInfo) coldSize() int64 { return s.IDs.Length + s.Summaries.Length }

// Append writes the info as a part of root: its length, then
//
//	┌─────────────────────┬──────────┬──────────┬──────────┬─────────┐
//	│ name: length uv, …  │ epoch uv │ flags u8 │ depth u8 │ size uv │
//	├─────────────────────┴──────────┴──────────┴──────────┴─────────┤
//	│ ids, summaries, directory, records: each offset uv, length uv  │
//	├────────────────┬─────────┬──────────────┬───────────────┬──────┴────────┬────────────────────┐
//	│ record count uv│ cold uv │ first UID uv │ last − first uv│ min modseq uv │ max − min modseq uv│
//	└────────────────┴─────────┴──────────────┴───────────────┴───────────────┴────────────────────┘
//
// Flags: bit 0 base. Readers skip what follows, so more can be added.
func (s *SegmentInfo) Append(w *format.Writer) {
	var in format.Writer
	in.String(s.Name)
	in.Uvarint(s.Epoch)
	in.Byte(boolByte(s.Base))
	in.Byte(s.Depth)
	in.Uvarint(uint64(s.Size))
	for _, sec := range []Section{s.IDs, s.Summaries, s.Directory, s.Records} {
		in.Uvarint(uint64(sec.Offset))
		in.Uvarint(uint64(sec.Length))
	}
	in.Uvarint(uint64(s.RecordCount))
	in.Uvarint(uint64(s.ColdCount))
	in.Uvarint(uint64(s.FirstUID))
	in.Uvarint(uint64(s.LastUID - s.FirstUID))
	in.Uvarint(s.MinModSeq)
	in.Uvarint(s.MaxModSeq - s.MinModSeq)
	w.Bytes(in.B)
}

// ReadSegmentInfo reads what Append wrote; errors are the reader's.
func ReadSegmentInfo(r *format.Reader) SegmentInfo {
	in := format.NewReader(r.Bytes())
	s := SegmentInfo{Name: in.String(), Epoch: in.Uvarint()}
	s.Base = in.Byte()&1 != 0
	s.Depth = in.Byte()
	s.Size = length(in)
	for _, sec := range []*Section{&s.IDs, &s.Summaries, &s.Directory, &s.Records} {
		*sec = Section{length(in), length(in)}
		if sec.End() > s.Size {
			in.Fail(corrupt("section %d:%d of an object of %d bytes", sec.Offset, sec.End(), s.Size))
		}
	}
	s.RecordCount, s.ColdCount = int(length(in)), int(length(in))
	s.FirstUID = in.Uvarint32()
	s.LastUID = s.FirstUID + in.Uvarint32()
	s.MinModSeq = in.Uvarint()
	s.MaxModSeq = s.MinModSeq + in.Uvarint()
	if s.LastUID < s.FirstUID || s.LastUID > MaxUID || s.MaxModSeq < s.MinModSeq {
		in.Fail(corrupt("bounds of segment %q", s.Name))
	}
	if in.Err() != nil {
		r.Fail(fmt.Errorf("segment info: %w", in.Err()))
		return SegmentInfo{}
	}
	return s
}

// length reads a size or count that fits an object.
func length(r *format.Reader) int64 {
	v := r.Uvarint()
	if v > 1<<56 {
		r.Fail(corrupt("length %d", v))
		return 0
	}
	return int64(v)
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// Header is the self-description at the start of a segment object, for a
// rebuild without root.
type Header struct {
	// Info is complete but for Name, which is in the object's key.
	Info                   SegmentInfo
	MailboxID, MailboxName string
}

// HeaderGuess is how many bytes of an object hold its header in all likely
// cases.
const HeaderGuess = 4096

// maxHeader bounds a header's payload: its fixed part and two strings.
const maxHeader = 64 << 10

var magicSegment = format.Magic{'M', 'B', 'X', 'S'}

// encodeHeader writes the header's payload. Its length depends on the strings
// only, so the sections' offsets are known before it is written:
//
//	0       8      9       10    18           26           34         42       46     50      54     58       66       74
//	┌───────┬──────┬───────┬─────┬────────────┬────────────┬──────────┬────────┬──────┬───────┬──────┬────────┬────────┬──────────────────────┐
//	│ epoch │ base │ depth │ ids │ summaries  │ directory  │ records  │ record │ cold │ first │ last │ min    │ max    │ mailbox id, name:    │
//	│ u64   │ u8   │ u8    │ len │ length u64 │ length u64 │ len u64  │ count  │ count│ UID   │ UID  │ modseq │ modseq │ each length uv, bytes│
//	│       │      │       │ u64 │            │            │          │ u32    │ u32  │ u32   │ u32  │ u64    │ u64    │                      │
//	└───────┴──────┴───────┴─────┴────────────┴────────────┴──────────┴────────┴──────┴───────┴──────┴────────┴────────┴──────────────────────┘
func encodeHeader(h *Header) []byte {
	var w format.Writer
	i := &h.Info
	w.Uint64(i.Epoch)
	w.Byte(boolByte(i.Base))
	w.Byte(i.Depth)
	for _, s := range []Section{i.IDs, i.Summaries, i.Directory, i.Records} {
		w.Uint64(uint64(s.Length))
	}
	w.Uint32(uint32(i.RecordCount))
	w.Uint32(uint32(i.ColdCount))
	w.Uint32(i.FirstUID)
	w.Uint32(i.LastUID)
	w.Uint64(i.MinModSeq)
	w.Uint64(i.MaxModSeq)
	w.String(h.MailboxID)
	w.String(h.MailboxName)
	return format.Seal(nil, magicSegment, 1, w.B)
}

// DecodeHeader reads the start of a segment object. If b is too short, the
// error is format.ErrShort.
func DecodeHeader(b []byte) (Header, error) {
	var h Header
	f, err := format.Open(b, magicSegment, 1, maxHeader)
	if err != nil {
		return h, fmt.Errorf("index: segment header: %w", err)
	}
	r := format.NewReader(f.Payload)
	i := &h.Info
	i.Epoch = r.Uint64()
	i.Base = r.Byte()&1 != 0
	i.Depth = r.Byte()
	i.Size = int64(f.Size)
	for _, s := range []*Section{&i.IDs, &i.Summaries, &i.Directory, &i.Records} {
		n := r.Uint64()
		if n > 1<<56 {
			r.Fail(corrupt("section of %d bytes", n))
			break
		}
		*s = Section{i.Size, int64(n)}
		i.Size = s.End()
	}
	i.RecordCount, i.ColdCount = int(r.Uint32()), int(r.Uint32())
	i.FirstUID, i.LastUID = r.Uint32(), r.Uint32()
	i.MinModSeq, i.MaxModSeq = r.Uint64(), r.Uint64()
	h.MailboxID, h.MailboxName = r.String(), r.String()
	if i.FirstUID > i.LastUID || i.LastUID > MaxUID || i.MinModSeq > i.MaxModSeq {
		r.Fail(corrupt("bounds"))
	}
	if r.Err() != nil {
		return Header{}, fmt.Errorf("index: segment header: %w", r.Err())
	}
	return h, nil
}

// headerLen is the length of the header frame with these strings.
func headerLen(mailboxID, name string) int64 {
	return int64(len(encodeHeader(&Header{MailboxID: mailboxID, MailboxName: name})))
}
