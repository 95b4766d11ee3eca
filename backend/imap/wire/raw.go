package wire

import (
	"bytes"
	"errors"
	"math"
)

// Raw is one command as it was read: its lines without CRLF, and the literals
// between them.
//
// Invariant: len(Lines) == len(Literals)+1 for a whole command, and each line
// but the last ends in a literal's announcement ({n}, {n+}, ~{n}).
type Raw struct {
	Lines    [][]byte
	Literals [][]byte
}

// ErrLiteralSize is a literal's announcement whose number does not fit 63 bits.
var ErrLiteralSize = errors.New("literal size is out of range")

// TrailingLiteral looks at the end of a line for a literal's announcement (RFC
// 9051 section 9, literal; RFC 7888; RFC 3516). ok: one is there, and size
// octets follow the line; nonSync ({n+}): the client doesn't wait for a
// continuation; binary (~{n}): a literal8. With err, which is ErrLiteralSize,
// ok is false; after a nonSync one the client sends on, and where the next
// command starts can't be known: the connection can only be closed.
//
// A brace within a quoted string is no announcement, but a line that ends in
// one can't be good: the string isn't closed. So the end of the line decides.
func TrailingLiteral(line []byte) (size uint64, nonSync, binary, ok bool, err error) {
	l, ok, err := trailingLiteral(line)
	return l.size, l.nonSync, l.binary, ok, err
}

// announcement is a literal's {n}.
type announcement struct {
	size            uint64
	nonSync, binary bool
	start           int // where in the line it starts, at the "~" if there is one
}

func trailingLiteral(line []byte) (l announcement, ok bool, err error) {
	n := len(line)
	if n < 3 || line[n-1] != '}' {
		return l, false, nil
	}
	end := n - 1
	if line[end-1] == '+' {
		l.nonSync = true
		end--
	}
	open := bytes.LastIndexByte(line[:end], '{')
	if open < 0 || open+1 == end {
		return announcement{}, false, nil
	}
	for _, c := range line[open+1 : end] {
		if classes[c]&isDigit == 0 {
			return announcement{}, false, nil
		}
	}
	for _, c := range line[open+1 : end] {
		if l.size > (math.MaxInt64-9)/10 {
			return announcement{nonSync: l.nonSync}, false, ErrLiteralSize
		}
		l.size = l.size*10 + uint64(c-'0')
	}
	l.start = open
	if open > 0 && line[open-1] == '~' {
		l.binary = true
		l.start--
	}
	return l, true, nil
}
