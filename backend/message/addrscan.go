package message

import (
	"bytes"
	"strings"
)

// element tells where things are in one element of an address list.
type element struct {
	start, end int
	stop       byte // what ended it: ',', ';', ':' or 0 if the next element starts right there

	angle, angleEnd     int // '<' and behind its '>'; -1: none
	comment, commentEnd int // the last comment's parentheses; -1: none

	// Outside of the angle brackets:
	words     int // what white space and comments part
	quoted    bool
	local     int // start of the local part, if there is an at
	at        int // the '@'; -1: none
	domainEnd int // end of the domain, if there is an at
}

// addrScan is the state of scanning one element.
type addrScan struct {
	e            element
	inWord       bool
	wordStart    int
	joint        bool // the next word goes on with the local part or domain
	domainClosed bool
	last         int // end of the last word
}

// scan finds the end of the element at p.i and what is in it.
func (p *addressParser) scan() element {
	s := addrScan{e: element{start: p.i, angle: -1, comment: -1, local: -1, at: -1}}
	e := &s.e
	i := p.i
loop:
	for i < len(p.v) {
		p.ops++
		switch c := p.v[i]; {
		case isSpace(c):
			s.inWord = false
			i++
		case c == ',' || c == ';' || c == ':' && !p.inGroup && e.angle < 0 && e.at < 0:
			e.stop = c
			break loop
		case c == '(':
			end := commentEnd(p.v, i)
			p.ops += end - i
			e.comment, e.commentEnd = i, end
			if p.v[end-1] == ')' {
				e.commentEnd--
			}
			s.inWord = false
			i = end
		case c == '<':
			if e.angle >= 0 { // a comma is missing
				e.end = e.angleEnd
				return *e
			}
			e.angle = i
			e.angleEnd = p.angleEnd(i)
			i = e.angleEnd
		case e.angle >= 0:
			i = p.wordEnd(i)
		case c == '@' && s.domainClosed: // another address, and a comma is missing
			e.end = s.wordStart
			return *e
		default:
			end := p.wordEnd(i)
			s.word(c, i, end)
			i = end
			if n := atoms(p.v[i:]); n > 0 && isAtom[c] {
				p.ops += n
				i += n
				s.joint, s.last = false, i
			}
		}
	}
	e.end = i
	if e.at >= 0 && !s.domainClosed {
		e.domainEnd = s.last
	}
	return *e
}

// word takes note of the quoted string, domain literal or single byte at i.
func (s *addrScan) word(c byte, i, end int) {
	e := &s.e
	if !s.inWord {
		s.inWord, s.wordStart = true, i
		e.words++
		switch {
		case c == '@', c == '.', s.joint:
			s.joint = c == '.'
		case e.at < 0:
			e.local = i
		case !s.domainClosed:
			s.domainClosed, e.domainEnd = true, s.last
		}
	} else {
		s.joint = false
	}
	if e.local < 0 {
		e.local = i
	}
	e.quoted = e.quoted || end > i+1
	if c == '@' {
		e.at, s.joint = i, true
	}
	s.last = end
}

// wordEnd returns the end of the quoted string or domain literal at i, or of
// the byte if it is neither.
func (p *addressParser) wordEnd(i int) int {
	end := 0
	switch {
	case p.v[i] == '"' && !p.noQuote:
		end = quotedEnd(p.v, i)
		p.noQuote = end == 0
		p.ops += max(end, i) - i
		if p.noQuote {
			p.ops += len(p.v) - i
		}
	case p.v[i] == '[' && !p.noBracket:
		end = bytes.IndexByte(p.v[i:], ']') + 1
		p.noBracket = end == 0
		if p.noBracket {
			p.ops += len(p.v) - i
		} else {
			p.ops += end
			end += i
		}
	}
	return max(end, i+1)
}

// angleEnd returns the end of the angle brackets that open at i. Without a '>'
// they end where the next address must start.
func (p *addressParser) angleEnd(i int) int {
	i++
	for i < len(p.v) && isSpace(p.v[i]) {
		i++
	}
	first, route := i, i < len(p.v) && p.v[i] == '@'
	for i < len(p.v) {
		p.ops++
		switch c := p.v[i]; {
		case c == '>':
			for i < len(p.v) && p.v[i] == '>' {
				i++
			}
			return i
		case c == '<' && i == first: // one too many
			first++
		case c == '<', c == ';', c == ',' && !route:
			return i
		case c == ':':
			route = false
		}
		i = p.wordEnd(i)
		n := atoms(p.v[i:])
		p.ops += n
		i += n
	}
	return i
}

// isAtom marks the bytes that mean nothing in an address list.
var isAtom = func() (t [256]bool) {
	for c := range 256 {
		t[c] = c > ' ' && !strings.ContainsRune("\"(),.:;<>@[", rune(c))
	}
	return t
}()

// atoms is how many such bytes v starts with.
func atoms(v []byte) int {
	for i, c := range v {
		if !isAtom[c] {
			return i
		}
	}
	return len(v)
}
