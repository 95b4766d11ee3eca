package mem

import (
	"slices"
	"sort"
)

// chunkKeys is where a chunk of sorted keys is split in two.
const chunkKeys = 512

// sortedKeys is a set of strings in byte order, as a list of sorted chunks, so
// that a store of a million objects stays usable.
// Invariant: no chunk is empty.
type sortedKeys struct{ chunks [][]string }

// chunk is the index of the chunk that holds or would hold key.
func (s *sortedKeys) chunk(key string) int {
	i := sort.Search(len(s.chunks), func(i int) bool { return s.chunks[i][0] > key })
	return max(i-1, 0)
}

func (s *sortedKeys) insert(key string) {
	if len(s.chunks) == 0 {
		s.chunks = [][]string{{key}}
		return
	}
	i := s.chunk(key)
	at, found := slices.BinarySearch(s.chunks[i], key)
	if found {
		return
	}
	c := slices.Insert(s.chunks[i], at, key)
	if len(c) > chunkKeys {
		// Keys mostly come in ascending order: leave the lower part full.
		half := len(c) / 2
		if at == len(c)-1 {
			half = len(c) - 1
		}
		s.chunks = slices.Insert(s.chunks, i+1, slices.Clone(c[half:]))
		clear(c[half:])
		c = c[:half]
	}
	s.chunks[i] = c
}

func (s *sortedKeys) remove(key string) {
	if len(s.chunks) == 0 {
		return
	}
	i := s.chunk(key)
	at, found := slices.BinarySearch(s.chunks[i], key)
	if !found {
		return
	}
	if s.chunks[i] = slices.Delete(s.chunks[i], at, at+1); len(s.chunks[i]) == 0 {
		s.chunks = slices.Delete(s.chunks, i, i+1)
	}
}

// ascend calls f with the keys greater than after until it returns false.
func (s *sortedKeys) ascend(after string, f func(string) bool) {
	if len(s.chunks) == 0 {
		return
	}
	i := s.chunk(after)
	at, found := slices.BinarySearch(s.chunks[i], after)
	if found {
		at++
	}
	for ; i < len(s.chunks); i++ {
		for _, k := range s.chunks[i][at:] {
			if !f(k) {
				return
			}
		}
		at = 0
	}
}

// after is the least key greater than k.
func (s *sortedKeys) after(k string) (next string, ok bool) {
	s.ascend(k, func(key string) bool {
		next, ok = key, true
		return false
	})
	return next, ok
}

func (s *sortedKeys) all() []string { return slices.Concat(s.chunks...) }
