package message

import (
	"bytes"

	"mailbackend.io/backend/format"
)

// openEntity is an entity that is open while the indexer reads: its node and, for
// a multipart whose closing delimiter was not met yet, its boundary.
type openEntity struct {
	node     int
	boundary []byte // nil: nothing to look for
	sum      uint32 // of boundary
	last     int    // where the last part of a multipart ended
	digest   bool   // a multipart/digest: its parts are messages by default
}

// match looks for the open multipart that line (without its line end) is a
// delimiter of: "--", boundary, "--" if it is the closing one, white space
// (RFC 2046 section 5.1.1). The innermost wins. A boundary must match whole:
// RFC 2046 would let any line that starts with it pass, but then a boundary
// that is a prefix of another would cut the other's parts. The
// work is linear in the line plus one comparison of integers per open multipart.
func (x *indexer) match(line []byte) (level int, closing, ok bool) {
	if len(line) < 2 || line[0] != '-' || line[1] != '-' || x.open == 0 {
		return 0, false, false
	}
	name := bytes.TrimRight(line[2:], " \t\r")
	if len(name) > x.lim.MaxBoundary+2 {
		return 0, false, false
	}
	short, hasShort := bytes.CutSuffix(name, dashes)
	short = bytes.TrimRight(short, " \t") // of who put the boundary's space in quotes
	var nameSum, shortSum uint32
	summed := false
	for i := len(x.stack) - 1; i >= 0; i-- {
		x.ops++
		f := &x.stack[i]
		if f.boundary == nil || len(f.boundary) != len(name) && (!hasShort || len(f.boundary) != len(short)) {
			continue
		}
		if !summed {
			nameSum, shortSum, summed = format.Checksum(name), format.Checksum(short), true
			x.ops += int64(len(name))
		}
		x.ops += int64(len(f.boundary) / 8) // what comparing may cost
		switch {
		case f.sum == nameSum && bytes.Equal(f.boundary, name):
			return i, false, true
		case hasShort && f.sum == shortSum && bytes.Equal(f.boundary, short):
			return i, true, true
		}
	}
	return 0, false, false
}

var dashes = []byte("--")
