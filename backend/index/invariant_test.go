package index

import (
	"fmt"
	"slices"
)

// invariants checks what must always hold inside a Mailbox.
func (m *Mailbox) invariants() error {
	m.settleStarts()
	if len(m.firsts) != len(m.chunks) || len(m.starts) != len(m.chunks) {
		return fmt.Errorf("%d chunks, %d firsts, %d starts", len(m.chunks), len(m.firsts), len(m.starts))
	}
	var counts Counts
	refs := make([]uint32, len(m.kw.sets))
	last := uint32(0)
	for ci, c := range m.chunks {
		if err := c.invariants(); err != nil {
			return fmt.Errorf("chunk %d: %w", ci, err)
		}
		if c.first() <= last || m.firsts[ci] != c.first() || m.starts[ci] != counts.Messages || c.len() > m.chunkLimit {
			return fmt.Errorf("chunk %d of %d: UIDs %d:%d behind %d, first %d, start %d of %d", ci, c.len(), c.first(), c.last(), last, m.firsts[ci], m.starts[ci], counts.Messages)
		}
		last = c.last()
		counts.addAll(c.counts)
		for i := range c.len() {
			refs[c.kw(i)]++
		}
	}
	if counts != m.counts || last >= m.uidNext || m.floor > m.highest {
		return fmt.Errorf("counts %+v, want %+v; last UID %d of %d, floor %d of %d", m.counts, counts, last, m.uidNext, m.floor, m.highest)
	}
	unused := 0
	for k := 1; k < len(refs); k++ {
		if refs[k] != m.kw.refs[k] {
			return fmt.Errorf("keyword set %d: %d refs, want %d", k, m.kw.refs[k], refs[k])
		}
		if refs[k] == 0 {
			unused++
		}
	}
	if unused != m.kw.unused {
		return fmt.Errorf("%d sets unused, want %d", m.kw.unused, unused)
	}
	next := uint32(1)
	for _, a := range m.absent {
		if a.first < next || a.last < a.first || a.last >= m.uidNext || a.modseq > m.highest {
			return fmt.Errorf("absent %+v behind %d", a, next)
		}
		if i := m.View().Search(a.first); i < m.View().Len() && m.View().UID(i) <= a.last {
			return fmt.Errorf("absent %+v, but UID %d is there", a, m.View().UID(i))
		}
		next = a.last + 1
	}
	modseq := m.history.pruned
	for _, e := range m.history.entries {
		if e.modseq < modseq || e.modseq > m.highest || e.first > e.last || e.last >= m.uidNext {
			return fmt.Errorf("vanished %+v behind %d", e, modseq)
		}
		modseq = e.modseq
	}
	return nil
}

func (c *chunk) invariants() error {
	n := c.len()
	if n == 0 || !slices.IsSorted(c.uids) || len(c.sizes) != n || len(c.flags) != n || c.keywords != nil && len(c.keywords) != n {
		return fmt.Errorf("%d UIDs %v, %d sizes, %d flags, %d keywords", n, c.uids, len(c.sizes), len(c.flags), len(c.keywords))
	}
	for _, col := range []*column64{&c.internal, &c.save, &c.modseqs} {
		if len(col.narrow)+len(col.wide) != n || col.narrow != nil && col.wide != nil {
			return fmt.Errorf("column of %d and %d", len(col.narrow), len(col.wide))
		}
	}
	var counts Counts
	for i := range n {
		counts.add(c.flags[i], c.sizes[i])
		if m := c.modseqs.at(i); m < c.minMod || m > c.maxMod {
			return fmt.Errorf("modseq %d outside of %d:%d", m, c.minMod, c.maxMod)
		}
	}
	if counts != c.counts {
		return fmt.Errorf("counts %+v, want %+v", c.counts, counts)
	}
	return nil
}
