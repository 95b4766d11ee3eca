package index

import (
	"slices"
	"strings"
)

// keywordTable interns sets of keywords, so that a record holds a number.
// Numbers are given in ascending order and views share the table; sets that no
// message has any more are cleared out by renumbering (Mailbox.sweepKeywords),
// which starts a new epoch.
type keywordTable struct {
	epoch uint64
	// sets by number, each sorted without regard to case. Append-only
	// within an epoch. sets[0] is the empty set.
	sets [][]string
	// refs counts the messages that have each set.
	refs []uint32
	// unused is how many sets but the empty one have no refs.
	unused   int
	byKey    map[string]Keywords
	spelling map[string]string // lower case to the spelling that came first
	names    []string          // scratch
	key      []byte            // scratch
}

func newKeywordTable() keywordTable {
	return keywordTable{sets: [][]string{nil}, refs: []uint32{0}}
}

// intern returns the number of a set of keywords, in any order.
func (t *keywordTable) intern(names []string) Keywords {
	if len(names) == 0 {
		return 0
	}
	t.names = append(t.names[:0], names...)
	slices.SortFunc(t.names, compareFold)
	t.names = slices.CompactFunc(t.names, func(a, b string) bool { return compareFold(a, b) == 0 })
	t.key = t.key[:0]
	for _, n := range t.names {
		t.key = append(appendLower(t.key, n), ' ')
	}
	if k, ok := t.byKey[string(t.key)]; ok {
		return k
	}
	if t.byKey == nil {
		t.byKey, t.spelling = map[string]Keywords{}, map[string]string{}
	}
	set := make([]string, len(t.names))
	for i, n := range t.names {
		lower := string(appendLower(nil, n))
		if _, ok := t.spelling[lower]; !ok {
			t.spelling[lower] = strings.Clone(n)
		}
		set[i] = t.spelling[lower]
	}
	k := Keywords(len(t.sets))
	t.sets = append(t.sets, set)
	t.refs = append(t.refs, 0)
	t.unused++
	t.byKey[string(t.key)] = k
	return k
}

func (t *keywordTable) ref(k Keywords) {
	if k == 0 {
		return
	}
	if t.refs[k] == 0 {
		t.unused--
	}
	t.refs[k]++
}

func (t *keywordTable) unref(k Keywords) {
	if k == 0 {
		return
	}
	t.refs[k]--
	if t.refs[k] == 0 {
		t.unused++
	}
}

// crowded reports whether so many sets are unused that renumbering, which
// looks at every message, is paid for by the changes that left them behind.
func (t *keywordTable) crowded() bool {
	return t.unused > 1024 && t.unused > len(t.sets)/2
}

// sweepKeywords renumbers the sets in use, in a new epoch.
func (m *Mailbox) sweepKeywords() {
	old := m.kw
	m.kw = newKeywordTable()
	m.kw.epoch = old.epoch + 1
	renumbered := make([]Keywords, len(old.sets))
	for k, set := range old.sets {
		if old.refs[k] > 0 {
			renumbered[k] = m.kw.intern(set)
		}
	}
	for ci := range m.chunks {
		if m.chunks[ci].keywords == nil {
			continue
		}
		c := m.ownFlags(ci)
		for i, k := range c.keywords {
			c.keywords[i] = renumbered[k]
			m.kw.ref(renumbered[k])
		}
	}
}

// compareFold orders keywords without regard to ASCII case (RFC 9051 section
// 2.3.2: flags are case-insensitive).
func compareFold(a, b string) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		if x, y := lower(a[i]), lower(b[i]); x != y {
			return int(x) - int(y)
		}
	}
	return len(a) - len(b)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func appendLower(dst []byte, s string) []byte {
	for i := range len(s) {
		dst = append(dst, lower(s[i]))
	}
	return dst
}
