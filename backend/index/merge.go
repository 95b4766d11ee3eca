package index

import (
	"cmp"
	"fmt"
	"slices"
	"sort"

	"mailbackend.io/backend/format"
	"mailbackend.io/backend/uidset"
)

// coldSource is one section that is merged.
type coldSource struct {
	name   string
	blocks Blocks
	start  int64 // offset of the section in its object
	bytes  []byte
}

// block returns the stored bytes of block i.
func (s *coldSource) block(i int) ([]byte, error) {
	b := s.blocks.blocks[i]
	from := b.Offset - s.start
	if from < 0 || from+int64(b.Length) > int64(len(s.bytes)) {
		return nil, corrupt("block %d at %d:%d is outside of the section's %d bytes", i, from, from+int64(b.Length), len(s.bytes))
	}
	return s.bytes[from : from+int64(b.Length)], nil
}

// merger puts sections together. Blocks that are well filled with messages
// that are still there are copied as they are; small or thinned-out ones are
// unpacked, and their messages packed together with the new ones.
type merger struct {
	magic format.Magic
	live  *View // nil: all messages are kept
	taken uidset.Set
	whole []wholeBlock
	loose []coldEntry
}

// wholeBlock is a block that is copied.
type wholeBlock struct {
	info   Block
	stored []byte
	uids   uidset.Set
}

// mergeCold writes a section of new entries and sources, oldest first, at
// offset, and returns its bytes and directory. Of several entries of one UID
// the last new one wins, else the one of the last source.
func mergeCold(magic format.Magic, offset int64, news []coldEntry, sources []coldSource, live *View) ([]byte, Blocks, error) {
	m := merger{magic: magic, live: live}
	for _, e := range slices.Backward(news) {
		if !m.taken.Contains(e.uid) && m.isLive(e.uid) {
			m.taken.Add(e.uid, e.uid)
			m.loose = append(m.loose, e)
		}
	}
	for i := len(sources) - 1; i >= 0; i-- {
		if err := m.addSource(&sources[i]); err != nil {
			return nil, Blocks{}, fmt.Errorf("segment %s: %w", sources[i].name, err)
		}
	}
	section, blocks := m.write(offset)
	return section, blocks, blocks.settle()
}

func (m *merger) isLive(uid uint32) bool {
	if m.live == nil {
		return true
	}
	_, ok := m.live.Find(uid)
	return ok
}

// liveIn counts the messages of s that are there.
func (m *merger) liveIn(s uidset.Set) (n int) {
	for _, r := range s.Ranges() {
		n += m.live.Search(r.Last+1) - m.live.Search(r.First)
	}
	return n
}

func (m *merger) addSource(s *coldSource) error {
	taken := m.taken.Clone()
	for i, all := range s.blocks.rowsOf() {
		info := s.blocks.blocks[i]
		uids := all.Without(m.taken)
		if uids.Empty() || m.live != nil && m.liveIn(uids) == 0 {
			continue
		}
		taken.AddSet(uids)
		stored, err := s.block(i)
		if err != nil {
			return err
		}
		if m.worthCopying(info, all, uids) {
			if size, err := format.Verify(stored, m.magic); err != nil || size != len(stored) {
				return fmt.Errorf("block %d of %d bytes, frame of %d: %w", i, len(stored), size, err)
			}
			m.whole = append(m.whole, wholeBlock{info, stored, uids})
			continue
		}
		err = decodeBlock(stored, m.magic, func(e coldEntry) bool {
			if uids.Contains(e.uid) && m.isLive(e.uid) {
				m.loose = append(m.loose, e)
			}
			return true
		})
		if err != nil {
			return fmt.Errorf("block %d: %w", i, err)
		}
	}
	m.taken = taken
	return nil
}

// worthCopying: at least half full, not superseded in part, and at least three
// quarters of its messages are still there.
func (m *merger) worthCopying(b Block, all, uids uidset.Set) bool {
	if b.Raw < maxBlock/2 || !uids.Equal(all) {
		return false
	}
	return m.live == nil || m.liveIn(uids) >= int(b.Count)*3/4
}

// write lays out the blocks in UID order.
func (m *merger) write(offset int64) (section []byte, out Blocks) {
	slices.SortFunc(m.loose, func(a, b coldEntry) int { return cmp.Compare(a.uid, b.uid) })
	slices.SortFunc(m.whole, func(a, b wholeBlock) int { return cmp.Compare(a.uids.Min(), b.uids.Min()) })
	var wholeUIDs uidset.Set
	for _, w := range m.whole {
		wholeUIDs.AddSet(w.uids)
	}
	put := func(b Block, uids uidset.Set) {
		for _, r := range uids.Ranges() {
			out.rows = append(out.rows, row{r.First, r.Last, uint32(len(out.blocks))})
		}
		out.blocks = append(out.blocks, b)
	}
	whole := m.whole
	putWhole := func(below uint32) {
		for len(whole) > 0 && whole[0].uids.Min() < below {
			whole[0].info.Offset = offset + int64(len(section))
			section = append(section, whole[0].stored...)
			put(whole[0].info, whole[0].uids)
			whole = whole[1:]
		}
	}
	for rest := m.loose; len(rest) > 0; {
		n, size := 1, rest[0].encodedSize()
		for n < len(rest) && size+rest[n].encodedSize() <= maxBlock-5 {
			size += rest[n].encodedSize()
			n++
		}
		putWhole(rest[0].uid)
		start := len(section)
		var raw int
		section, raw = encodeBlock(section, m.magic, rest[:n])
		put(Block{
			Offset: offset + int64(start), Length: uint32(len(section) - start),
			Raw: uint32(raw), Count: uint32(n),
		}, m.runs(rest[:n], wholeUIDs))
		rest = rest[n:]
	}
	putWhole(^uint32(0))
	return section, out
}

// runs is the set of the entries' UIDs, with gaps closed in which there are only
// expunged UIDs, so that directories stay short however many mails were
// expunged. UIDs that are merely absent may yet appear, in another segment.
func (m *merger) runs(entries []coldEntry, whole uidset.Set) uidset.Set {
	var s uidset.Set
	for i, e := range entries {
		first := e.uid
		if i > 0 && m.live != nil {
			former := entries[i-1].uid
			if former+1 < e.uid && m.live.allExpunged(former+1, e.uid-1) && !touches(whole, former, e.uid) {
				first = former + 1
			}
		}
		s.Add(first, e.uid)
	}
	return s
}

// touches reports whether s has a number within first..last.
func touches(s uidset.Set, first, last uint32) bool {
	ranges := s.Ranges()
	i := sort.Search(len(ranges), func(i int) bool { return ranges[i].Last >= first })
	return i < len(ranges) && ranges[i].First <= last
}
