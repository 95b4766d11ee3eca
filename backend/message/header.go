package message

import (
	"bytes"
	"slices"
)

// mimeFields are the Content-* fields of one header: the first of each name,
// untrimmed values, nil where there is none.
type mimeFields [fContentMD5 - fContentType + 1][]byte

func (m *mimeFields) get(id field) []byte { return m[id-fContentType] }

// header reads the header at pos up to and with the empty line that ends it, or
// up to a delimiter of an open multipart, or the end of the mail. A line
// without colon is part of a header, too, as most servers see it: only an empty
// line starts a body.
func (x *indexer) header() (level int, closing, found bool) {
	start, firstEnd := -1, 0
	for x.pos < len(x.raw) {
		line, next := x.line()
		if len(line) == 0 {
			x.field(start, firstEnd, x.pos)
			start = -1
			x.advance(next)
			break
		}
		if level, closing, found = x.match(line); found {
			break
		}
		if start < 0 || line[0] != ' ' && line[0] != '\t' {
			x.field(start, firstEnd, x.pos)
			start, firstEnd = x.pos, next
		}
		x.advance(next)
	}
	x.field(start, firstEnd, x.pos)
	n := x.top()
	n.body, n.lines = x.pos, x.lf
	return level, closing, found
}

// field takes note of the field raw[start:end], whose first line ends at
// firstEnd. start < 0: there is none.
func (x *indexer) field(start, firstEnd, end int) {
	if start < 0 {
		return
	}
	x.ops += int64(firstEnd - start)
	colon := bytes.IndexByte(x.raw[start:firstEnd], ':')
	if colon <= 0 {
		return
	}
	name := bytes.TrimRight(x.raw[start:start+colon], " \t")
	id, hash := fieldID(name)
	n, root := x.top(), len(x.stack) == 1
	switch {
	case id == fNone:
		if root {
			x.addHash(hash)
		}
	case root || n.embedded && id <= fReferences:
		x.keep(id, x.raw[start:end], root)
		n.fields[1] = len(x.fields)
	}
	if id >= fContentType && id <= fContentMD5 && x.mime.get(id) == nil {
		x.mime[id-fContentType] = x.raw[start+colon+1 : end]
	}
}

// keep adds a field to the summary as far as the limits allow.
func (x *indexer) keep(id field, line []byte, root bool) {
	const overhead = 4
	room := x.fieldsLeft/2 - overhead
	if id > fReferences {
		room = min(x.fieldsLeft, x.plainLeft)/2 - overhead
	}
	cut := len(line) > room
	switch {
	case cut && x.cutIDs[id], cut && !root && room <= 0:
		return
	case cut && id > fReferences:
		line = line[:0]
	case cut:
		line = line[:max(room, 0)]
	}
	if cut {
		x.cutIDs[id] = true
	}
	was := len(x.fields)
	x.fields = appendEntry(x.fields, id, line, cut)
	x.fieldsLeft -= len(x.fields) - was
	if id > fReferences {
		x.plainLeft -= len(x.fields) - was
	}
}

// maxHashes is how many names of unknown fields a summary lists; a mail with
// more has "unknown" in their place.
const maxHashes = 255

func (x *indexer) addHash(h uint16) {
	if x.manyNames {
		return
	}
	if x.hashes = append(x.hashes, h); len(x.hashes) > 4*maxHashes {
		x.sortHashes()
	}
}

func (x *indexer) sortHashes() {
	slices.Sort(x.hashes)
	x.hashes = slices.Compact(x.hashes)
	x.manyNames = x.manyNames || len(x.hashes) > maxHashes
}
