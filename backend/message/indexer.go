package message

import (
	"bytes"
	"sync"
)

// kind is what a node of the MIME tree is.
type kind uint8

const (
	kindLeaf    kind = 0
	kindText    kind = 1 // a leaf whose type is text
	kindMulti   kind = 2 // has one child or more, in the end
	kindMessage kind = 3 // has one child, the embedded message
)

// node is one entity while the indexer works: the mail itself, a part of a
// multipart, or a message that a part embeds.
type node struct {
	kind     kind
	embedded bool // a message in a message/rfc822 part: keeps its own fields
	off      int  // where its header starts
	gap      int  // of that, how far behind the sibling before or the parent's body's start
	body     int  // where its body starts
	end      int  // where its body ends
	lines    int  // line feeds before its body while it is open, then in its body
	children int
	text     [2]int // its strings in indexer.text
	fields   [2]int // its fields in indexer.fields
}

// indexer is one pass over one mail. It looks at every line once, in order,
// and keeps the entities that are open on a stack, so that the cost of a line
// doesn't depend on what came before it.
type indexer struct {
	raw   []byte
	lim   Limits
	nodes []node // in order of their headers: parents before children
	stack []openEntity
	open  int // multiparts on the stack that still look for their boundary
	pos   int // where the next line starts
	lf    int // line feeds before pos
	ops   int64

	text       []byte // encoded strings of all nodes
	textLeft   int    // of Limits.MaxPartText
	fields     []byte // encoded fields: the mail's own, then those of embedded messages
	fieldsLeft int    // of Limits.MaxCachedHeader
	plainLeft  int    // of that, what fields outside the envelope may take
	cutIDs     [len(fieldNames)]bool
	hashes     []uint16 // of names of fields that are not kept
	manyNames  bool
	mime       mimeFields // of the header being read
	params     params
	preview    previewPart
}

var indexers = sync.Pool{New: func() any { return new(indexer) }}

// maxTreeDepth bounds Limits.MaxDepth, and the recursion of every reader.
const maxTreeDepth = 100

// Parse indexes one mail's bytes in one pass and linear time. It never fails:
// what is not RFC 5322 gives the best honest structure. raw is not kept.
func Parse(raw []byte, lim Limits) Summary {
	x := indexers.Get().(*indexer)
	defer x.release()
	x.reset(raw, lim)
	x.run()
	return Summary{x.encode()}
}

// release gives x back to the pool, with nothing in it that keeps a mail's
// bytes alive.
func (x *indexer) release() {
	x.raw, x.mime = nil, mimeFields{}
	x.params.clear()
	clear(x.stack[:cap(x.stack)])
	if cap(x.fields)+cap(x.text)+cap(x.nodes) < 64<<10 { // those of a monster are not kept
		indexers.Put(x)
	}
}

func (x *indexer) reset(raw []byte, lim Limits) {
	lim.MaxDepth = min(max(lim.MaxDepth, 0), maxTreeDepth)
	lim.MaxParts = max(lim.MaxParts, 1)
	x.raw, x.lim = raw, lim
	x.nodes, x.stack, x.text, x.fields, x.hashes = x.nodes[:0], x.stack[:0], x.text[:0], x.fields[:0], x.hashes[:0]
	x.open, x.pos, x.lf, x.ops = 0, 0, 0, 0
	x.textLeft, x.fieldsLeft, x.plainLeft = lim.MaxPartText, lim.MaxCachedHeader, lim.MaxCachedHeader/2
	x.cutIDs = [len(fieldNames)]bool{}
	x.manyNames = false
	x.preview = previewPart{}
}

// run alternates between headers, which start entities, and bodies, in which
// delimiters end them. Wherever a delimiter is found pos is the start of its line.
func (x *indexer) run() {
	x.push(node{}, false)
	for {
		level, closing, found := x.header()
		if x.startBody(found) {
			continue // the header of an embedded message follows
		}
		if !found {
			level, closing, found = x.skipBody()
		}
		for found && closing {
			x.closeAbove(level, x.pos)
			x.stack[level].boundary = nil // what follows is its epilogue
			x.open--
			x.nextLine()
			level, closing, found = x.skipBody()
		}
		if !found {
			x.closeAbove(-1, len(x.raw))
			return
		}
		x.closeAbove(level, x.pos)
		x.nextLine()
		x.nodes[x.stack[level].node].children++
		if len(x.nodes) >= x.lim.MaxParts {
			x.rest(level)
			return
		}
		x.push(node{off: x.pos, gap: x.pos - x.stack[level].last}, false)
	}
}

// line returns the line at pos without its line end, and where the next one starts.
func (x *indexer) line() (line []byte, next int) {
	rest := x.raw[x.pos:]
	i := bytes.IndexByte(rest, '\n')
	if i < 0 {
		x.ops += int64(len(rest))
		return rest, len(x.raw)
	}
	x.ops += int64(i + 1)
	line = rest[:i]
	if i > 0 && line[i-1] == '\r' {
		line = line[:i-1]
	}
	return line, x.pos + i + 1
}

// nextLine moves behind the line at pos.
func (x *indexer) nextLine() {
	_, next := x.line()
	x.advance(next)
}

func (x *indexer) advance(next int) {
	x.pos = next
	if next > 0 && x.raw[next-1] == '\n' {
		x.lf++
	}
}

func (x *indexer) push(n node, embedded bool) {
	n.embedded = embedded
	n.fields = [2]int{len(x.fields), len(x.fields)}
	x.stack = append(x.stack, openEntity{node: len(x.nodes)})
	x.nodes = append(x.nodes, n)
	x.mime = mimeFields{}
}

// top is the entity that is read now.
func (x *indexer) top() *node { return &x.nodes[x.stack[len(x.stack)-1].node] }

// skipBody reads lines until a delimiter of an open multipart, at which it
// stops, or the end of the mail.
func (x *indexer) skipBody() (level int, closing, found bool) {
	if x.open == 0 { // no line means anything any more
		x.ops += int64(len(x.raw) - x.pos)
		x.lf += bytes.Count(x.raw[x.pos:], lf)
		x.pos = len(x.raw)
		return 0, false, false
	}
	for x.pos < len(x.raw) {
		line, next := x.line()
		if level, closing, found = x.match(line); found {
			return level, closing, true
		}
		x.advance(next)
	}
	return 0, false, false
}

var lf = []byte("\n")

// closeAbove ends every entity above a level of the stack. at is the start of
// the delimiter line, whose preceding line end belongs to the delimiter, or the
// end of the mail.
func (x *indexer) closeAbove(level, at int) {
	end, lfs := at, x.lf
	if level >= 0 && end > 0 {
		end, lfs = end-1, lfs-1
		if end > 0 && x.raw[end-1] == '\r' {
			end--
		}
	}
	for len(x.stack)-1 > level {
		f := x.stack[len(x.stack)-1]
		x.stack = x.stack[:len(x.stack)-1]
		if f.boundary != nil {
			x.open--
		}
		n := &x.nodes[f.node]
		if end < n.body { // no body: the line end is its header's
			end, lfs = at, x.lf
		}
		n.end, n.lines = end, lfs-n.lines
		if len(x.stack) > 0 {
			x.stack[len(x.stack)-1].last = end
		}
		if n.kind == kindMulti && n.children == 0 {
			x.emptyChild(f.node)
		}
	}
}

// emptyChild gives a multipart without parts the empty part that BODYSTRUCTURE
// needs.
func (x *indexer) emptyChild(i int) {
	x.nodes[i].children = 1
	start, end := x.nodes[i].body, x.nodes[i].end
	x.mime = mimeFields{}
	x.nodes = append(x.nodes, node{off: end, gap: end - start, body: end, end: end})
	x.describe(&x.nodes[len(x.nodes)-1], false)
}

// rest makes the remaining mail one opaque part: there are too many parts to
// tell apart.
func (x *indexer) rest(level int) {
	x.push(node{off: x.pos, gap: x.pos - x.stack[level].last, body: x.pos, lines: x.lf}, false)
	x.opaque(x.top())
	for i := range x.stack {
		x.stack[i].boundary = nil
	}
	x.open = 0
	x.skipBody()
	x.closeAbove(-1, len(x.raw))
}
