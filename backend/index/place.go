package index

import (
	"slices"
	"sort"

	"mailbackend.io/backend/uidset"
)

// Where a Mailbox's records are: finding, adding and removing them among the
// chunks, and making chunks changeable. Nothing here knows what an Op means.

// find locates a UID.
func (m *Mailbox) find(uid uint32) (ci, i int, ok bool) {
	ci = chunkOf(m.firsts, uid)
	if ci < 0 {
		return 0, 0, false
	}
	i, ok = m.chunks[ci].search(uid)
	return ci, i, ok
}

// chunkOf returns the last chunk that begins at or below uid, -1 if none does.
func chunkOf(firsts []uint32, uid uint32) int {
	return sort.Search(len(firsts), func(i int) bool { return firsts[i] > uid }) - 1
}

// remove takes messages out whose own modseq is not above limit and returns
// their UIDs.
func (m *Mailbox) remove(uids uidset.Set, limit uint64) (removed uidset.Set) {
	ranges := uids.Ranges()
	for ci := max(chunkOf(m.firsts, ranges[0].First), 0); ci < len(m.chunks) && len(ranges) > 0; ci++ {
		c := m.chunks[ci]
		var bits bitset
		for len(ranges) > 0 && ranges[0].First <= c.last() {
			i, _ := c.search(ranges[0].First)
			for ; i < c.len() && c.uids[i] <= ranges[0].Last; i++ {
				if c.modseqs.at(i) <= limit {
					bits.add(i)
					removed.Add(c.uids[i], c.uids[i])
					m.kw.unref(c.kw(i))
					m.counts.sub(c.flags[i], c.sizes[i])
				}
			}
			if ranges[0].Last > c.last() {
				break // goes on in the next chunk
			}
			ranges = ranges[1:]
		}
		if bits.n > 0 && m.dropFrom(ci, &bits) {
			ci--
		}
	}
	return removed
}

// dropFrom removes the marked records of a chunk and reports whether the chunk
// is gone with it, because it became empty or joined the one before.
func (m *Mailbox) dropFrom(ci int, bits *bitset) bool {
	m.startsStale = true
	m.ownChunks()
	m.ownIndex()
	if bits.n == m.chunks[ci].len() {
		m.chunks = slices.Delete(m.chunks, ci, ci+1)
		m.firsts = slices.Delete(m.firsts, ci, ci+1)
		return true
	}
	c := m.ownAll(ci)
	c.drop(bits)
	m.firsts[ci] = c.first()
	if ci > 0 && m.chunks[ci-1].len()+c.len() <= m.chunkLimit/2 {
		m.own(ci - 1).pushAll(c)
		m.chunks = slices.Delete(m.chunks, ci, ci+1)
		m.firsts = slices.Delete(m.firsts, ci, ci+1)
		return true
	}
	return false
}

// pushLast adds a record behind all others.
func (m *Mailbox) pushLast(r *Record) {
	m.kw.ref(r.Keywords)
	m.counts.add(r.Flags, r.Size)
	last := len(m.chunks) - 1
	if last < 0 || m.chunks[last].len() >= m.chunkLimit {
		m.addChunk(last+1, &chunk{gen: m.gen, flagsGen: m.gen, allGen: m.gen}, r.UID)
		last++
	}
	m.own(last).push(r)
}

// insert adds a record below the newest.
func (m *Mailbox) insert(r *Record) {
	if len(m.chunks) == 0 {
		m.pushLast(r)
		return
	}
	m.kw.ref(r.Keywords)
	m.counts.add(r.Flags, r.Size)
	m.startsStale = true
	ci := max(chunkOf(m.firsts, r.UID), 0)
	if c := m.chunks[ci]; c.len() >= m.chunkLimit {
		a, b := c.slice(0, c.len()/2), c.slice(c.len()/2, c.len())
		for _, half := range []*chunk{a, b} {
			half.gen, half.flagsGen, half.allGen = m.gen, m.gen, m.gen
		}
		m.ownChunks()
		m.chunks[ci] = a
		m.addChunk(ci+1, b, b.first())
		if r.UID > b.first() {
			ci++
		}
	}
	c := m.ownAll(ci)
	i, _ := c.search(r.UID)
	c.insert(i, r)
	if i == 0 {
		m.ownIndex()
		m.firsts[ci] = r.UID
	}
}

// addChunk puts a chunk at position ci.
func (m *Mailbox) addChunk(ci int, c *chunk, first uint32) {
	m.ownChunks()
	m.ownIndex()
	m.startsStale = true
	m.chunks = slices.Insert(m.chunks, ci, c)
	m.firsts = slices.Insert(m.firsts, ci, first)
}

func (m *Mailbox) ownChunks() {
	if m.chunksGen != m.gen {
		m.chunks, m.chunksGen = slices.Clone(m.chunks), m.gen
	}
}

func (m *Mailbox) ownIndex() {
	if m.indexGen != m.gen {
		m.firsts, m.indexGen = slices.Clone(m.firsts), m.gen
	}
}

// own makes a chunk's struct changeable, not its arrays: enough to append.
func (m *Mailbox) own(ci int) *chunk {
	c := m.chunks[ci]
	if c.gen != m.gen {
		m.ownChunks()
		copied := *c
		c = &copied
		c.gen = m.gen
		m.chunks[ci] = c
	}
	return c
}

// ownFlags makes flags, keywords and modseqs of a chunk changeable.
func (m *Mailbox) ownFlags(ci int) *chunk {
	c := m.own(ci)
	if c.flagsGen != m.gen {
		c.flagsGen = m.gen
		c.flags, c.keywords, c.modseqs = clone(c.flags), clone(c.keywords), c.modseqs.clone()
	}
	return c
}

// ownAll makes all of a chunk changeable.
func (m *Mailbox) ownAll(ci int) *chunk {
	c := m.ownFlags(ci)
	if c.allGen != m.gen {
		c.allGen = m.gen
		c.uids, c.sizes = clone(c.uids), clone(c.sizes)
		c.internal, c.save = c.internal.clone(), c.save.clone()
	}
	return c
}
