package index

import "slices"

// chunk is a run of up to maxChunk records in UID order, one array per field:
// about 21 bytes per message, 25 with keywords.
//
// Chunks that a View refers to don't change, with one exception that readers
// can't see: the newest version of a chunk appends to arrays that it shares
// with older versions, behind their lengths.
type chunk struct {
	// What belongs to the Mailbox's present generation and may be changed
	// in place: the struct itself (gen); the arrays of flags, keywords and
	// modseqs (flagsGen); all arrays (allGen).
	gen, flagsGen, allGen uint64

	uids     []uint32
	sizes    []uint32
	internal column64
	save     column64
	modseqs  column64 // own ones, not raised to the floor
	flags    []Flags
	keywords []Keywords // nil: all are 0
	gone     []bool     // nil: none is; only in views made by Advance

	counts Counts // of those not gone
	// Bounds of the own modseqs; they need not be reached.
	minMod, maxMod uint64
}

func (c *chunk) len() int          { return len(c.uids) }
func (c *chunk) first() uint32     { return c.uids[0] }
func (c *chunk) last() uint32      { return c.uids[len(c.uids)-1] }
func (c *chunk) isGone(i int) bool { return c.gone != nil && c.gone[i] }

// search returns the first position whose UID is uid or higher.
func (c *chunk) search(uid uint32) (int, bool) { return slices.BinarySearch(c.uids, uid) }

// record assembles message i with its effective modseq.
func (c *chunk) record(i int, floor uint64) Record {
	r := Record{
		UID:          c.uids[i],
		ModSeq:       max(c.modseqs.at(i), floor),
		Flags:        c.flags[i],
		Size:         c.sizes[i],
		InternalDate: int64(c.internal.at(i)),
		SaveDate:     int64(c.save.at(i)),
	}
	if c.keywords != nil {
		r.Keywords = c.keywords[i]
	}
	return r
}

func (c *chunk) kw(i int) Keywords {
	if c.keywords == nil {
		return 0
	}
	return c.keywords[i]
}

// add and sub keep the totals.
func (c *Counts) add(f Flags, size uint32) {
	c.Messages++
	c.Size += uint64(size)
	if f&Seen == 0 {
		c.Unseen++
	}
	if f&Deleted != 0 {
		c.Deleted++
		c.DeletedSize += uint64(size)
	}
}

func (c *Counts) sub(f Flags, size uint32) {
	c.Messages--
	c.Size -= uint64(size)
	if f&Seen == 0 {
		c.Unseen--
	}
	if f&Deleted != 0 {
		c.Deleted--
		c.DeletedSize -= uint64(size)
	}
}

func (c *Counts) addAll(o Counts) {
	c.Messages += o.Messages
	c.Unseen += o.Unseen
	c.Deleted += o.Deleted
	c.Size += o.Size
	c.DeletedSize += o.DeletedSize
}

// noteMod widens the modseq bounds; it is called after the record is in.
func (c *chunk) noteMod(m uint64) {
	if c.len() == 1 {
		c.minMod, c.maxMod = m, m
		return
	}
	c.minMod, c.maxMod = min(c.minMod, m), max(c.maxMod, m)
}

// push appends a record with its own modseq. The struct must be owned, the
// arrays need not be.
func (c *chunk) push(r *Record) {
	c.uids = push(c.uids, r.UID)
	c.sizes = push(c.sizes, r.Size)
	c.internal.push(uint64(r.InternalDate))
	c.save.push(uint64(r.SaveDate))
	c.modseqs.push(r.ModSeq)
	c.flags = push(c.flags, r.Flags)
	if c.keywords != nil {
		c.keywords = push(c.keywords, r.Keywords)
	} else if r.Keywords != 0 {
		c.keywords = make([]Keywords, c.len(), cap(c.uids))
		c.keywords[c.len()-1] = r.Keywords
	}
	c.counts.add(r.Flags, r.Size)
	c.noteMod(r.ModSeq)
}

// insert puts a record before position i. All arrays must be owned.
func (c *chunk) insert(i int, r *Record) {
	c.uids = slices.Insert(c.uids, i, r.UID)
	c.sizes = slices.Insert(c.sizes, i, r.Size)
	c.internal.insert(i, uint64(r.InternalDate))
	c.save.insert(i, uint64(r.SaveDate))
	c.modseqs.insert(i, r.ModSeq)
	c.flags = slices.Insert(c.flags, i, r.Flags)
	if c.keywords != nil {
		c.keywords = slices.Insert(c.keywords, i, r.Keywords)
	} else if r.Keywords != 0 {
		c.keywords = make([]Keywords, c.len())
		c.keywords[i] = r.Keywords
	}
	c.counts.add(r.Flags, r.Size)
	c.noteMod(r.ModSeq)
}

// setFlags replaces what OpFlags names. The flag arrays must be owned.
func (c *chunk) setFlags(i int, f Flags, k Keywords, modseq uint64) {
	c.counts.sub(c.flags[i], c.sizes[i])
	c.flags[i] = f
	c.counts.add(f, c.sizes[i])
	if c.keywords == nil && k != 0 {
		c.keywords = make([]Keywords, c.len())
	}
	if c.keywords != nil {
		c.keywords[i] = k
	}
	c.modseqs.set(i, modseq)
	c.noteMod(modseq)
}

// setRest replaces what OpFlags doesn't name. All arrays must be owned.
func (c *chunk) setRest(i int, r *Record) {
	c.counts.sub(c.flags[i], c.sizes[i])
	c.sizes[i] = r.Size
	c.counts.add(c.flags[i], r.Size)
	c.internal.set(i, uint64(r.InternalDate))
	c.save.set(i, uint64(r.SaveDate))
}

// drop removes the marked records. All arrays must be owned.
func (c *chunk) drop(bits *bitset) {
	for i := bits.first; i <= bits.last; i++ {
		if bits.has(i) {
			c.counts.sub(c.flags[i], c.sizes[i])
		}
	}
	c.uids = drop(c.uids, bits)
	c.sizes = drop(c.sizes, bits)
	c.internal.drop(bits)
	c.save.drop(bits)
	c.modseqs.drop(bits)
	c.flags = drop(c.flags, bits)
	c.keywords = drop(c.keywords, bits)
	c.tighten()
}

// tighten recomputes the modseq bounds.
func (c *chunk) tighten() {
	c.minMod, c.maxMod = 0, 0
	for i := range c.len() {
		m := c.modseqs.at(i)
		if i == 0 {
			c.minMod, c.maxMod = m, m
		}
		c.minMod, c.maxMod = min(c.minMod, m), max(c.maxMod, m)
	}
}

// slice copies the records from..to-1 to a new chunk.
func (c *chunk) slice(from, to int) *chunk {
	n := &chunk{
		uids:     clone(c.uids[from:to]),
		sizes:    clone(c.sizes[from:to]),
		internal: c.internal.slice(from, to),
		save:     c.save.slice(from, to),
		modseqs:  c.modseqs.slice(from, to),
		flags:    clone(c.flags[from:to]),
	}
	if c.keywords != nil {
		n.keywords = clone(c.keywords[from:to])
	}
	for i := range n.flags {
		n.counts.add(n.flags[i], n.sizes[i])
	}
	n.tighten()
	return n
}

// pushAll appends the records of o. The struct must be owned.
func (c *chunk) pushAll(o *chunk) {
	for i := range o.len() {
		r := o.record(i, 0)
		c.push(&r)
	}
}

func (c Counts) minus(o Counts) Counts {
	return Counts{c.Messages - o.Messages, c.Unseen - o.Unseen, c.Deleted - o.Deleted, c.Size - o.Size, c.DeletedSize - o.DeletedSize}
}
