package index

import (
	"encoding/binary"
	"fmt"

	"mailbackend.io/backend/format"
)

// LoadBase builds a Mailbox from the records section of a base.
func LoadBase(records []byte) (*Mailbox, error) {
	f, err := format.Open(records, magicBase, 1, MaxBase)
	if err != nil {
		return nil, fmt.Errorf("index: base: %w", err)
	}
	if f.Size != len(records) {
		return nil, fmt.Errorf("index: base: %w", corrupt("%d bytes behind the frame", len(records)-f.Size))
	}
	m := NewMailbox()
	d := baseDecoder{m: m}
	r := format.NewReader(f.Payload)
	r.Fields(d.field)
	if r.Err() == nil {
		r.Fail(d.check())
	}
	if r.Err() != nil {
		return nil, fmt.Errorf("index: base: %w", r.Err())
	}
	m.startsStale = true
	return m, nil
}

type baseDecoder struct {
	m      *Mailbox
	state  bool
	former uint32
}

func corrupt(what string, args ...any) error {
	return fmt.Errorf("%w: %s", format.ErrCorrupt, fmt.Sprintf(what, args...))
}

func (d *baseDecoder) field(tag uint64, r *format.Reader) {
	m := d.m
	switch tag {
	case baseState:
		d.state = true
		m.uidNext, m.highest, m.floor, m.history.pruned = r.Uvarint32(), r.Uvarint(), r.Uvarint(), r.Uvarint()
	case baseKeywords:
		for range r.Count(1) {
			names := readNames(r)
			if want := Keywords(len(m.kw.sets)); r.Err() == nil && m.kw.intern(names) != want {
				r.Fail(corrupt("keyword set %d repeats one before it or is empty", want))
			}
		}
	case baseAbsent:
		next := uint64(1)
		for range r.Count(3) {
			first := next + uint64(r.Uvarint32())
			last := first + uint64(r.Uvarint32())
			if last > MaxUID {
				r.Fail(corrupt("absent UID %d", last))
				return
			}
			m.absent = append(m.absent, absentRange{uint32(first), uint32(last), r.Uvarint()})
			next = last + 1
		}
	case baseVanished:
		var former vanished
		for range r.Count(3) {
			e := vanished{modseq: former.modseq + r.Uvarint()}
			first := int64(former.first) + r.Varint()
			last := first + int64(r.Uvarint32())
			if r.Err() != nil || first < 1 || last > MaxUID || first > last || e.modseq < former.modseq {
				r.Fail(corrupt("vanished %d:%d at modseq %d", first, last, e.modseq))
				return
			}
			e.first, e.last = uint32(first), uint32(last)
			m.history.entries = append(m.history.entries, e)
			former = e
		}
	case baseRecords:
		d.records(r)
	}
}

// check looks for contradictions between the fields.
func (d *baseDecoder) check() error {
	m := d.m
	switch {
	case !d.state:
		return corrupt("no state")
	case m.uidNext <= d.former:
		return corrupt("UID %d at UIDNEXT %d", d.former, m.uidNext)
	case m.highest > MaxModSeq || m.floor > m.highest || m.history.pruned > m.highest:
		return corrupt("modseqs: highest %d, floor %d, history from %d", m.highest, m.floor, m.history.pruned)
	}
	for _, c := range m.chunks {
		if c.maxMod > m.highest || c.minMod == 0 {
			return corrupt("modseqs %d to %d, highest is %d", c.minMod, c.maxMod, m.highest)
		}
	}
	for _, a := range m.absent {
		ci := chunkOf(m.firsts, a.last)
		if ci >= 0 {
			c := m.chunks[ci]
			if i, ok := c.search(a.last); ok || i > 0 && c.uids[i-1] >= a.first {
				return corrupt("absent UIDs %d:%d are there", a.first, a.last)
			}
		}
		if a.last >= m.uidNext || a.modseq > m.highest {
			return corrupt("absent UIDs %d:%d at modseq %d", a.first, a.last, a.modseq)
		}
	}
	if n := len(m.history.entries); n > 0 && m.history.entries[n-1].modseq > m.highest {
		return corrupt("vanished at modseq %d, highest is %d", m.history.entries[n-1].modseq, m.highest)
	}
	for _, e := range m.history.entries {
		if e.last >= m.uidNext {
			return corrupt("vanished UID %d at UIDNEXT %d", e.last, m.uidNext)
		}
	}
	m.history.cut(m.historyLimit)
	return nil
}

// records decodes one chunk.
func (d *baseDecoder) records(r *format.Reader) {
	n := r.Count(6)
	if n == 0 || n > maxChunk {
		r.Fail(corrupt("chunk of %d records", n))
		return
	}
	var cols [baseColumns]column
	for i := range cols {
		cols[i] = column{b: r.Bytes()}
	}
	if r.Err() != nil {
		return
	}
	m := d.m
	c := &chunk{}
	c.uids = make([]uint32, n)
	former := uint64(d.former)
	for i := range c.uids {
		former += cols[0].uvarint() + 1
		if former > MaxUID {
			r.Fail(corrupt("UID %d", former))
			return
		}
		c.uids[i] = uint32(former)
	}
	d.former = uint32(former)
	if !d.flagsOf(c, &cols[1], &cols[2]) {
		r.Fail(corrupt("flags or keywords of UIDs %d:%d", c.first(), c.last()))
		return
	}
	c.sizes = make([]uint32, n)
	for i := range c.sizes {
		size := cols[3].uvarint()
		cols[3].bad = cols[3].bad || size >= 1<<32
		c.sizes[i] = uint32(size)
	}
	var values [2 * maxChunk]uint64
	internal, save := values[:n], values[maxChunk:maxChunk+n]
	v := int64(0)
	for i := range n {
		v += cols[4].varint()
		internal[i], save[i] = uint64(v), uint64(v+cols[5].varint())
	}
	c.internal, c.save = columnOf(internal), columnOf(save)
	v = 0
	for i := range n {
		v += cols[6].varint()
		internal[i] = uint64(v)
	}
	c.modseqs = columnOf(internal)
	for i := range cols {
		if cols[i].bad || len(cols[i].b) > 0 {
			r.Fail(corrupt("column %d of UIDs %d:%d", i+1, c.first(), c.last()))
			return
		}
	}
	for i := range n {
		c.counts.add(c.flags[i], c.sizes[i])
	}
	c.tighten()
	m.counts.addAll(c.counts)
	m.chunks = append(m.chunks, c)
	m.firsts = append(m.firsts, c.first())
}

func (d *baseDecoder) flagsOf(c *chunk, flags, keywords *column) bool {
	n := c.len()
	if len(flags.b) != n {
		return false
	}
	c.flags = make([]Flags, n)
	for i, f := range flags.b {
		if c.flags[i] = Flags(f); Flags(f)&^allFlags != 0 {
			return false
		}
	}
	flags.b = nil
	if len(keywords.b) == 0 {
		return true
	}
	c.keywords = make([]Keywords, n)
	for i := range c.keywords {
		k := keywords.uvarint()
		if k >= uint64(len(d.m.kw.sets)) {
			return false
		}
		c.keywords[i] = Keywords(k)
		d.m.kw.ref(Keywords(k))
	}
	return true
}

// column reads varints; bad sticks.
type column struct {
	b   []byte
	bad bool
}

func (c *column) uvarint() uint64 {
	if len(c.b) > 0 && c.b[0] < 0x80 { // nearly all of them
		v := c.b[0]
		c.b = c.b[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.bad, c.b = true, nil
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *column) varint() int64 {
	u := c.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// columnOf packs values, narrow if they lie close together.
func columnOf(values []uint64) column64 {
	lo, hi := int64(values[0]), int64(values[0])
	for _, v := range values {
		lo, hi = min(lo, int64(v)), max(hi, int64(v))
	}
	c := column64{base: uint64(lo)}
	if uint64(hi)-c.base >= 1<<32 {
		c.wide = append(make([]uint64, 0, len(values)), values...)
		return c
	}
	c.narrow = make([]uint32, len(values))
	for i, v := range values {
		c.narrow[i] = uint32(v - c.base)
	}
	return c
}
