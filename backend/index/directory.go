package index

import "mailbackend.io/backend/uidset"

// Directory tells where a segment keeps the ids and summaries of which UIDs.
// It is exact but for expunged UIDs, which it may still name.
type Directory struct {
	IDs, Summaries Blocks
}

// DecodeDirectory reads a segment's directory section: its own directory and,
// for a base, those of the older segments that it repeats, by name.
func DecodeDirectory(section []byte) (own Directory, foreign map[string]Directory, err error) {
	panic("index: not yet")
}

// Blocks is the directory of one section.
type Blocks struct{}

// Block is one compressed block of a section: a frame of its own, readable by
// a ranged GET.
type Block struct {
	Offset int64  // in the segment object
	Length uint32 // as stored
	Raw    uint32 // decoded
	Count  uint32 // messages in it
}

// Read is one block to read and the UIDs wanted from it.
type Read struct {
	Source int // index of the Blocks that Locate was given
	Block  Block
	UIDs   uidset.Set
}

// Locate finds the blocks that hold the wanted UIDs. Later sources win where
// several know a UID. Reads are ordered by source and offset. missing are the
// UIDs that no source knows.
func Locate(sources []Blocks, want uidset.Set) (reads []Read, missing uidset.Set) {
	panic("index: not yet")
}

// Span is the smallest section that covers all given reads, which must be of
// one source: what one ranged GET fetches.
func Span(reads []Read) Section { panic("index: not yet") }

// DecodeSummaries calls yield for each summary in a block, in UID order, until
// it returns false. buf is scratch space: the summaries alias the returned
// buffer and are valid until it is used again.
func DecodeSummaries(buf, block []byte, yield func(uid uint32, summary []byte) bool) ([]byte, error) {
	panic("index: not yet")
}

// DecodeIDs calls yield for each message in a block of ids, in UID order,
// until it returns false.
func DecodeIDs(block []byte, yield func(uid uint32, ids IDs) bool) error { panic("index: not yet") }
