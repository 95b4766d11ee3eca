package imap

import "mailbackend.io/backend/mailstore"

// pattern is a LIST pattern with its reference in front (RFC 9051 section
// 6.3.9): "*" stands for anything, "%" for anything within a level.
//
// It is matched by following all ways through it at once, 64 positions to a
// word, so that no pattern takes more time than name × pattern / 64 steps.
// Position i is before octet i of the pattern.
type pattern struct {
	length int // positions are 0..length
	words  int
	// wild are the positions before a wildcard, which may also be left
	// without taking anything; any, those before "*".
	wild, any []uint64
	// octet are the positions before that octet.
	octet map[byte][]uint64
}

// newPattern joins a reference and a pattern. INBOX in any case is INBOX.
func newPattern(reference, p string) *pattern {
	p = reference + p
	if n := len(mailstore.Inbox); len(p) >= n && equalASCII(p[:n], mailstore.Inbox) &&
		(len(p) == n || p[n] == mailstore.Separator || p[n] == '*' || p[n] == '%') {
		p = mailstore.Inbox + p[n:]
	}
	p = collapse(p)
	c := &pattern{length: len(p), words: len(p)/64 + 1, octet: map[byte][]uint64{}}
	c.wild, c.any = make([]uint64, c.words), make([]uint64, c.words)
	for i := range len(p) {
		switch p[i] {
		case '*':
			setBit(c.wild, i)
			setBit(c.any, i)
		case '%':
			setBit(c.wild, i)
		default:
			if c.octet[p[i]] == nil {
				c.octet[p[i]] = make([]uint64, c.words)
			}
			setBit(c.octet[p[i]], i)
		}
	}
	return c
}

// collapse makes one wildcard of each run of them: "*" if there is one.
func collapse(p string) string {
	out := make([]byte, 0, len(p))
	for i := range len(p) {
		last := len(out) - 1
		wild := last >= 0 && (out[last] == '*' || out[last] == '%')
		switch {
		case wild && p[i] == '*':
			out[last] = '*'
		case wild && p[i] == '%':
		default:
			out = append(out, p[i])
		}
	}
	return string(out)
}

func setBit(words []uint64, i int) { words[i/64] |= 1 << (i % 64) }

// equalASCII compares without regard to ASCII case; b is in upper case.
func equalASCII(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		c := a[i]
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != b[i] {
			return false
		}
	}
	return true
}

// matches reports whether the pattern matches the whole of name.
func (p *pattern) matches(name string) bool {
	var space [4]uint64
	at := space[:min(p.words, len(space))]
	if p.words > len(space) {
		at = make([]uint64, p.words)
	}
	setBit(at, 0)
	p.skipWild(at)
	for i := range len(name) {
		if !p.step(at, name[i]) {
			return false
		}
	}
	return at[p.length/64]&(1<<(p.length%64)) != 0
}

// step moves the positions over an octet of the name; false if none is left.
func (p *pattern) step(at []uint64, c byte) bool {
	stay := p.wild
	if c == mailstore.Separator {
		stay = p.any
	}
	moved := p.octet[c]
	var carry, some uint64
	for w, positions := range at {
		var next uint64
		if moved != nil {
			next = positions & moved[w]
		}
		at[w] = next<<1 | carry | positions&stay[w]
		carry = next >> 63
		some |= at[w]
	}
	p.skipWild(at)
	return some != 0
}

// skipWild adds the positions behind wildcards. As no two wildcards follow each
// other, one step is enough.
func (p *pattern) skipWild(at []uint64) {
	var carry uint64
	for w := range at {
		wild := at[w] & p.wild[w]
		at[w] |= wild<<1 | carry
		carry = wild >> 63
	}
}
