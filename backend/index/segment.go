package index

import (
	"mailbackend.io/backend/format"
)

// Section is a byte range of a segment object. Length 0: there is none.
type Section struct{ Offset, Length int64 }

// End is the offset behind the section.
func (s Section) End() int64 { return s.Offset + s.Length }

// SegmentInfo describes one segment object: what root keeps about it. A
// section that root no longer needs (records folded into a newer base, ids and
// summaries merged into a newer segment) has Length 0 there.
type SegmentInfo struct {
	Name  string // last part of the object's key; unique, carries the epoch
	Epoch uint64 // of the claim that wrote it
	Base  bool   // Records is a base, else a log
	Depth uint8  // how often the oldest ops of a log were rewritten (PlanUpload)
	Size  int64  // of the object

	Records   Section // base or log
	Directory Section // where ids and summaries are; lies right behind Records
	IDs       Section // blocks of GUIDs, email ids, thread ids
	Summaries Section // blocks of summaries

	RecordCount int // messages of a base, ops of a log
	ColdCount   int // messages with ids or summaries here
	// FirstUID and LastUID bound the UIDs of ids and summaries; 0: none.
	FirstUID, LastUID uint32
	// MinModSeq and MaxModSeq bound the modseqs of the records.
	MinModSeq, MaxModSeq uint64
}

// Hot is the range that opening a mailbox reads: records and directory.
func (s SegmentInfo) Hot() Section {
	return Section{s.Records.Offset, s.Directory.End() - s.Records.Offset}
}

// HasRecords reports whether root still needs the segment's records.
func (s SegmentInfo) HasRecords() bool { return s.Records.Length > 0 }

// HasCold reports whether root still needs the segment's ids and summaries.
func (s SegmentInfo) HasCold() bool { return s.IDs.Length > 0 || s.Summaries.Length > 0 }

// Append writes the info as a part of root.
func (s *SegmentInfo) Append(w *format.Writer) { panic("index: not yet") }

// ReadSegmentInfo reads what Append wrote.
func ReadSegmentInfo(r *format.Reader) SegmentInfo { panic("index: not yet") }

// Segment is what a new segment is made of.
type Segment struct {
	Name        string
	Epoch       uint64
	Depth       uint8  // Plan.Depth
	MailboxID   string // hints for a rebuild without root
	MailboxName string
	// View, if not nil, makes a base of it; Ops must then be applied to it
	// already and serve as source of new ids and summaries only. The
	// view's messages are the ones whose ids and summaries are kept when
	// sections are merged.
	View *View
	// Ops of a log, oldest first. Ops with IDs or a Summary give the
	// segment ids and summaries; Compact them first where it pays.
	Ops []Op
	// Live, if not nil, filters merged ids and summaries of a log (nil:
	// all are kept).
	Live *View
	// Merge are older segments whose ids and summaries move here
	// (Plan.MergeCold), oldest first.
	Merge []Cold
	// Foreign are the directories of the older segments that stay
	// referenced for their ids and summaries, by segment name. A base
	// repeats them, so that opening needs no GET for them.
	Foreign map[string]Directory
}

// Cold is one segment's ids and summaries with their directory.
type Cold struct {
	Directory Directory
	Info      SegmentInfo
	IDs       []byte // the section's bytes
	Summaries []byte
}

// Encode builds the segment object.
func Encode(s Segment) (object []byte, info SegmentInfo, err error) { panic("index: not yet") }

// LoadBase builds a Mailbox from the records section of a base.
func LoadBase(records []byte) (*Mailbox, error) { panic("index: not yet") }

// DecodeLog returns the ops of a log's records section, without IDs and
// summaries: those are in their own sections.
func DecodeLog(records []byte) ([]Op, error) { panic("index: not yet") }

// Header is the self-description at the start of a segment object, for a
// rebuild without root.
type Header struct {
	Info                   SegmentInfo
	MailboxID, MailboxName string
}

// HeaderGuess is how many bytes of an object hold its header in all likely
// cases.
const HeaderGuess = 4096

// DecodeHeader reads the start of a segment object.
func DecodeHeader(object []byte) (Header, error) { panic("index: not yet") }

// EncodeOps appends one entry of the local log: a batch of ops with ids and
// summaries, as one frame.
func EncodeOps(dst []byte, ops []Op) []byte { panic("index: not yet") }

// DecodeOps reads one entry of the local log. The ops alias entry.
func DecodeOps(entry []byte) ([]Op, error) { panic("index: not yet") }
