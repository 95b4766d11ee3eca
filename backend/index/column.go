package index

import "slices"

// maxChunk is how many records a chunk holds at most. A change copies one
// chunk and the list of chunks, so the best size is near the square root of
// the largest mailbox that matters: a million.
const maxChunk = 1024

// column64 holds a chunk's values of one 64-bit field. Dates and modseqs of
// neighbours lie close together, so they are kept as 32-bit distances from a
// base until one doesn't fit.
//
// Invariant: at most one of narrow and wide is not nil. Distances are taken
// modulo 2^64, so there is no value that overflows.
type column64 struct {
	base   uint64
	narrow []uint32
	wide   []uint64
}

func (c *column64) at(i int) uint64 {
	if c.wide != nil {
		return c.wide[i]
	}
	return c.base + uint64(c.narrow[i])
}

// push appends v. The backing array may be shared with older, shorter columns:
// they never look beyond their length, and only the newest is appended to.
func (c *column64) push(v uint64) {
	if c.wide == nil {
		if len(c.narrow) == 0 {
			c.base = v - 1<<31 // neighbours may be lower, too
		}
		if d := v - c.base; d < 1<<32 {
			c.narrow = push(c.narrow, uint32(d))
			return
		}
		c.widen()
	}
	c.wide = push(c.wide, v)
}

// set replaces value i. The column must be owned.
func (c *column64) set(i int, v uint64) {
	if c.wide == nil {
		if d := v - c.base; d < 1<<32 {
			c.narrow[i] = uint32(d)
			return
		}
		c.widen()
	}
	c.wide[i] = v
}

func (c *column64) widen() {
	c.wide = make([]uint64, len(c.narrow), max(cap(c.narrow), 1))
	for i, d := range c.narrow {
		c.wide[i] = c.base + uint64(d)
	}
	c.narrow = nil
}

// insert puts v before value i. The column must be owned.
func (c *column64) insert(i int, v uint64) {
	if c.wide == nil {
		if len(c.narrow) == 0 {
			c.base = v - 1<<31
		}
		if d := v - c.base; d < 1<<32 {
			c.narrow = slices.Insert(c.narrow, i, uint32(d))
			return
		}
		c.widen()
	}
	c.wide = slices.Insert(c.wide, i, v)
}

func (c *column64) clone() column64 {
	return column64{c.base, clone(c.narrow), clone(c.wide)}
}

// drop removes the values whose bits are set. The column must be owned.
func (c *column64) drop(bits *bitset) {
	c.narrow, c.wide = drop(c.narrow, bits), drop(c.wide, bits)
}

// slice copies the values from..to-1.
func (c *column64) slice(from, to int) column64 {
	if c.wide != nil {
		return column64{wide: clone(c.wide[from:to])}
	}
	return column64{base: c.base, narrow: clone(c.narrow[from:to])}
}

// push appends without growing beyond a full chunk, so that full chunks waste
// nothing.
func push[T any](s []T, v T) []T {
	if len(s) == cap(s) {
		n := max(8, 2*cap(s))
		if len(s) < maxChunk {
			n = min(n, maxChunk)
		}
		s = append(make([]T, 0, n), s...)
	}
	return append(s, v)
}

// clone copies without spare capacity; nil stays nil, empty stays non-nil.
func clone[T any](s []T) []T {
	if s == nil {
		return nil
	}
	c := make([]T, len(s))
	copy(c, s)
	return c
}

func drop[T any](s []T, bits *bitset) []T {
	if s == nil {
		return nil
	}
	if from, to, ok := bits.run(); ok {
		return slices.Delete(s, from, to)
	}
	w := 0
	for i := range s {
		if !bits.has(i) {
			s[w] = s[i]
			w++
		}
	}
	return s[:w]
}

// bitset marks records of one chunk.
type bitset struct {
	bits        [maxChunk / 64]uint64
	first, last int // of the marked ones
	n           int
}

// add marks i; calls are in ascending order.
func (b *bitset) add(i int) {
	if b.n == 0 {
		b.first = i
	}
	b.last = i
	b.n++
	b.bits[i/64] |= 1 << (i % 64)
}

func (b *bitset) has(i int) bool { return b.bits[i/64]>>(i%64)&1 != 0 }

// run returns the marked range if there is just one.
func (b *bitset) run() (from, to int, ok bool) {
	return b.first, b.last + 1, b.n > 0 && b.last-b.first+1 == b.n
}
