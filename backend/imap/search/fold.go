package search

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// fold appends src (UTF-8) decomposed (NFKD) and case-folded. ASCII takes the
// short way, which gives the same.
func fold(dst, src []byte) []byte {
	for len(src) > 0 {
		n := 0
		for n < len(src) && src[n] < utf8.RuneSelf {
			n++
		}
		// The last ASCII octet may carry a combining mark, which doesn't
		// change it: decomposition only orders marks among themselves.
		for _, c := range src[:n] {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
		}
		src = src[n:]
		n = 0
		for n < len(src) && src[n] >= utf8.RuneSelf {
			n++
		}
		if n > 0 {
			dst = foldRunes(dst, src[:n])
			src = src[n:]
		}
	}
	return dst
}

// foldRunes folds what is not ASCII.
func foldRunes(dst, src []byte) []byte {
	var buf [256]byte
	for len(src) > 0 {
		n := len(src)
		if n > 48 { // so that the buffer nearly always suffices
			n = 48
			for n > 0 && !utf8.RuneStart(src[n]) {
				n--
			}
			if n == 0 {
				n = 48
			}
		}
		for _, r := range string(norm.NFKD.Append(buf[:0], src[:n]...)) {
			dst = utf8.AppendRune(dst, unicode.ToLower(unicode.ToUpper(r)))
		}
		src = src[n:]
	}
	return dst
}

// matcher looks for strings in a text that comes in pieces. It holds one piece
// and as much of the one before as a string can reach back.
type matcher struct {
	needles [][]byte
	found   []bool
	left    int // not found yet
	longest int
	buf     []byte // folded
	raw     []byte // the start of a rune, cut off
}

func newMatcher(needles [][]byte) *matcher {
	m := &matcher{needles: needles, found: make([]bool, len(needles))}
	for _, n := range needles {
		m.longest = max(m.longest, len(n))
	}
	m.clear()
	return m
}

// clear forgets what was found.
func (m *matcher) clear() {
	clear(m.found)
	m.left = len(m.needles)
	m.restart()
}

// restart begins another text: no string spans the two.
func (m *matcher) restart() { m.buf, m.raw = m.buf[:0], m.raw[:0] }

// feed takes the next piece and reports whether something new was found.
func (m *matcher) feed(piece []byte) bool {
	if m.left == 0 {
		return false
	}
	if len(m.raw) > 0 {
		piece = append(m.raw, piece...)
	}
	whole := wholeRunes(piece)
	m.buf = fold(m.buf, piece[:whole])
	m.raw = append(m.raw[:0], piece[whole:]...)
	news := false
	for i, n := range m.needles {
		if !m.found[i] && bytes.Contains(m.buf, n) {
			m.found[i] = true
			m.left--
			news = true
		}
	}
	if keep := m.longest - 1; len(m.buf) > keep {
		m.buf = append(m.buf[:0], m.buf[len(m.buf)-keep:]...)
	}
	return news
}

// wholeRunes is the length of b without a rune that is cut off at its end.
func wholeRunes(b []byte) int {
	for i := 1; i <= min(utf8.UTFMax-1, len(b)); i++ {
		if c := b[len(b)-i]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(b[len(b)-i:]) {
				return len(b) - i
			}
			break
		}
	}
	return len(b)
}
