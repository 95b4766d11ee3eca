package index

import (
	"cmp"
	"fmt"
	"slices"
	"sort"

	"mailbackend.io/backend/format"
	"mailbackend.io/backend/uidset"
)

// Directory tells where a segment keeps the ids and summaries of which UIDs.
// It is exact but for expunged UIDs, which it may still name.
type Directory struct {
	IDs, Summaries Blocks
}

// Blocks is the directory of one section. It is immutable.
//
// Invariant: rows are sorted and disjoint; blocks lie one behind the other.
type Blocks struct {
	blocks []Block
	rows   []row
}

// row is a run of UIDs that a block holds.
type row struct {
	first, last uint32
	block       uint32
}

// Block is one compressed block of a section: a frame of its own, readable by
// a ranged GET.
type Block struct {
	Offset int64  // in the segment object
	Length uint32 // as stored
	Raw    uint32 // decoded
	Count  uint32 // messages in it
}

// Blocks are the section's blocks by offset. The caller must not change them.
func (b Blocks) Blocks() []Block { return b.blocks }

// UIDs is the set of UIDs that the section holds; it may contain expunged
// ones.
func (b Blocks) UIDs() uidset.Set {
	var s uidset.Set
	for _, r := range b.rows {
		s.Add(r.first, r.last)
	}
	return s
}

// count is how many messages the blocks hold, expunged ones included.
func (b Blocks) count() (n int) {
	for _, bl := range b.blocks {
		n += int(bl.Count)
	}
	return n
}

// rowsOf returns the UIDs of each block.
func (b Blocks) rowsOf() []uidset.Set {
	sets := make([]uidset.Set, len(b.blocks))
	for _, r := range b.rows {
		sets[r.block].Add(r.first, r.last)
	}
	return sets
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
	for s := len(sources) - 1; s >= 0 && !want.Empty(); s-- {
		b := sources[s]
		var found uidset.Set
		byBlock := map[uint32]int{} // to reads
		for _, w := range want.Ranges() {
			i := sort.Search(len(b.rows), func(i int) bool { return b.rows[i].last >= w.First })
			for ; i < len(b.rows) && b.rows[i].first <= w.Last; i++ {
				r := b.rows[i]
				first, last := max(r.first, w.First), min(r.last, w.Last)
				found.Add(first, last)
				at, ok := byBlock[r.block]
				if !ok {
					at = len(reads)
					byBlock[r.block] = at
					reads = append(reads, Read{Source: s, Block: b.blocks[r.block]})
				}
				reads[at].UIDs.Add(first, last)
			}
		}
		want = want.Without(found)
	}
	slices.SortFunc(reads, func(a, b Read) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Block.Offset, b.Block.Offset))
	})
	return reads, want
}

// Span is the smallest section that covers all given reads, which must be of
// one source: what one ranged GET fetches.
func Span(reads []Read) Section {
	var s Section
	for i, r := range reads {
		end := max(s.End(), r.Block.Offset+int64(r.Block.Length))
		if i == 0 || r.Block.Offset < s.Offset {
			s.Offset = r.Block.Offset
		}
		s.Length = end - s.Offset
	}
	return s
}

// The payload of a directory section is tagged fields:
//
//	tag 1  own       ┌────────────┬──────────────────┐
//	                 │ blocks ids │ blocks summaries │
//	                 └────────────┴──────────────────┘
//	tag 2  foreign   ┌─────────────────────────────┬────────────┬──────────────────┐
//	                 │ segment name: length uv,    │ blocks ids │ blocks summaries │   once per segment
//	                 │ bytes                       │            │                  │
//	                 └─────────────────────────────┴────────────┴──────────────────┘
//	blocks           ┌──────────┬───────────┬─────
//	                 │ count uv │ offset uv │ block …    offset of the first in the object; the
//	                 └──────────┴───────────┴─────       others follow. No offset if count is 0.
//	block            ┌───────────┬────────┬─────────────┬─────────┬──────────────────────┬─────────────────┬─────
//	                 │ length uv │ raw uv │ messages uv │ rows uv │ first − former last zv│ last − first uv │ …
//	                 └───────────┴────────┴─────────────┴─────────┴──────────────────────┴─────────────────┴─────
const (
	dirOwn = 1 + iota
	dirForeign
)

var magicDirectory = format.Magic{'M', 'B', 'X', 'D'}

// MaxDirectory bounds a decoded directory section, in bytes.
const MaxDirectory = 64 << 20

// encodeDirectory is a directory section.
func encodeDirectory(own Directory, foreign map[string]Directory) ([]byte, error) {
	var w format.Writer
	w.Field(dirOwn, func(w *format.Writer) { writeDirectory(w, own) })
	names := make([]string, 0, len(foreign))
	for name := range foreign {
		names = append(names, name)
	}
	slices.Sort(names) // the same input gives the same bytes
	for _, name := range names {
		w.Field(dirForeign, func(w *format.Writer) {
			w.String(name)
			writeDirectory(w, foreign[name])
		})
	}
	return seal(magicDirectory, w.B, MaxDirectory)
}

func writeDirectory(w *format.Writer, d Directory) {
	for _, b := range []Blocks{d.IDs, d.Summaries} {
		w.Uvarint(uint64(len(b.blocks)))
		if len(b.blocks) == 0 {
			continue
		}
		w.Uvarint(uint64(b.blocks[0].Offset))
		former := int64(0)
		for i, uids := range b.rowsOf() {
			w.Uvarint(uint64(b.blocks[i].Length))
			w.Uvarint(uint64(b.blocks[i].Raw))
			w.Uvarint(uint64(b.blocks[i].Count))
			w.Uvarint(uint64(len(uids.Ranges())))
			for _, r := range uids.Ranges() {
				w.Varint(int64(r.First) - former)
				w.Uvarint(uint64(r.Last - r.First))
				former = int64(r.Last)
			}
		}
	}
}

// DecodeDirectory reads a segment's directory section: its own directory and
// those of older segments that it repeats, by name.
func DecodeDirectory(section []byte) (own Directory, foreign map[string]Directory, err error) {
	f, err := format.Open(section, magicDirectory, 1, MaxDirectory)
	if err != nil {
		return Directory{}, nil, fmt.Errorf("index: directory: %w", err)
	}
	foreign = map[string]Directory{}
	r := format.NewReader(f.Payload)
	r.Fields(func(tag uint64, r *format.Reader) {
		switch tag {
		case dirOwn:
			own = readDirectory(r)
		case dirForeign:
			name := r.String()
			foreign[name] = readDirectory(r)
		}
	})
	if r.Err() != nil {
		return Directory{}, nil, fmt.Errorf("index: directory: %w", r.Err())
	}
	return own, foreign, nil
}

func readDirectory(r *format.Reader) Directory {
	return Directory{IDs: readBlocks(r), Summaries: readBlocks(r)}
}

func readBlocks(r *format.Reader) (b Blocks) {
	n := r.Count(4)
	if n == 0 {
		return b
	}
	offset := r.Uvarint()
	former := int64(0)
	for i := range n {
		bl := Block{Offset: int64(offset), Length: r.Uvarint32(), Raw: r.Uvarint32(), Count: r.Uvarint32()}
		offset += uint64(bl.Length)
		if offset > 1<<62 {
			r.Fail(corrupt("block at %d", offset))
		}
		for range r.Count(2) {
			first := former + r.Varint()
			last := first + int64(r.Uvarint32())
			if first < 1 || last > MaxUID || first > last {
				r.Fail(corrupt("UIDs %d:%d", first, last))
			}
			if r.Err() != nil {
				return Blocks{}
			}
			b.rows = append(b.rows, row{uint32(first), uint32(last), uint32(i)})
			former = last
		}
		b.blocks = append(b.blocks, bl)
	}
	if err := b.settle(); err != nil {
		r.Fail(err)
		return Blocks{}
	}
	return b
}

// settle sorts the rows.
func (b *Blocks) settle() error {
	slices.SortFunc(b.rows, func(a, b row) int { return cmp.Compare(a.first, b.first) })
	for i := 1; i < len(b.rows); i++ {
		if b.rows[i-1].last >= b.rows[i].first {
			return corrupt("blocks overlap at UID %d", b.rows[i].first)
		}
	}
	return nil
}
