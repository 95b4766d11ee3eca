package message

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// maxMail bounds every size and offset in a summary (an index record holds
// sizes of 32 bits), so that sums of them can't overflow.
const maxMail = 1<<32 - 1

// cursor reads an encoded summary. The first error sticks.
type cursor struct {
	b   []byte
	i   int
	err error
}

var errTruncated = errors.New("truncated")

func (c *cursor) fail(err error) {
	if c.err == nil {
		c.err = err
		c.i = len(c.b)
	}
}

func (c *cursor) byte() byte {
	if c.i >= len(c.b) {
		c.fail(errTruncated)
		return 0
	}
	c.i++
	return c.b[c.i-1]
}

func (c *cursor) uvarint() uint64 {
	if c.i < len(c.b) && c.b[c.i] < 0x80 {
		c.i++
		return uint64(c.b[c.i-1])
	}
	v, n := binary.Uvarint(c.b[c.i:])
	if n <= 0 {
		c.fail(errTruncated)
		return 0
	}
	c.i += n
	return v
}

// size reads a number of bytes or lines of a mail.
func (c *cursor) size() int64 {
	v := c.uvarint()
	if v > maxMail {
		c.fail(fmt.Errorf("size %d", v))
		return 0
	}
	return int64(v)
}

// bytes reads n bytes.
func (c *cursor) bytes(n uint64) []byte {
	if n > uint64(len(c.b)-c.i) {
		c.fail(errTruncated)
		return nil
	}
	c.i += int(n)
	return c.b[c.i-int(n) : c.i : c.i]
}

// token reads a string that appendToken wrote.
func (c *cursor) token() []byte {
	v := c.uvarint()
	if v&1 == 0 {
		return c.bytes(v >> 1)
	}
	if v>>1 >= uint64(len(dictionary)) {
		c.fail(fmt.Errorf("string %d is not in the dictionary", v>>1))
		return nil
	}
	return dictionaryBytes[v>>1]
}

var dictionaryBytes = func() (t [len(dictionary)][]byte) {
	for i, s := range dictionary {
		t[i] = []byte(s)
	}
	return t
}()

// list is parameters or languages: count tokens or pairs of tokens from offset at.
type list struct{ count, at int }

// list reads a list of count entries of n tokens each, and passes over it.
func (c *cursor) list(n int) list {
	l := list{count: int(min(c.uvarint(), maxParams+1))}
	l.at = c.i
	if l.count > maxParams {
		c.fail(errors.New("list too long"))
		return list{}
	}
	for range l.count * n {
		c.token()
	}
	return l
}

// treeNode is one node as it is in the summary.
type treeNode struct {
	kind                         kind
	embedded                     bool
	off, body, end, lines        int64 // absolute in the mail
	children                     int
	mask                         byte
	typ, sub, encoding           []byte
	id, desc, md5, disp, loc     []byte
	params, dispParams, language list
	fields                       []byte // of an embedded message
}

// node reads a node without its children. pos is where its parent's body or
// the sibling before it ended.
func (c *cursor) node(pos int64) treeNode {
	var n treeNode
	head := c.byte()
	n.kind, n.embedded = kind(head&3), head&headEmbedded != 0
	if head > headEmbedded|3 {
		c.fail(fmt.Errorf("node kind %d", head))
	}
	n.off = pos + c.size()
	n.body = n.off + c.size()
	n.end = n.body + c.size()
	switch n.kind {
	case kindText, kindMessage:
		n.lines = c.size()
	case kindMulti:
		n.children = int(min(c.uvarint(), uint64(len(c.b))))
	}
	if n.kind == kindMessage {
		n.children = 1
	}
	c.text(&n)
	if n.embedded {
		n.fields = c.bytes(c.uvarint())
	}
	return n
}

func (c *cursor) text(n *treeNode) {
	n.mask = c.byte()
	if n.kind == kindMulti {
		n.typ = typeMultipart
		n.sub = c.token()
	} else {
		n.typ, n.sub, n.encoding = c.token(), c.token(), c.token()
	}
	if n.mask == 0 {
		return
	}
	if n.mask&hasParams != 0 {
		n.params = c.list(2)
	}
	if n.mask&hasID != 0 {
		n.id = c.token()
	}
	if n.mask&hasDescription != 0 {
		n.desc = c.token()
	}
	if n.mask&hasMD5 != 0 {
		n.md5 = c.token()
	}
	if n.mask&hasDisposition != 0 {
		n.disp = c.token()
	}
	if n.mask&hasDispositionParams != 0 {
		n.dispParams = c.list(2)
	}
	if n.mask&hasLanguage != 0 {
		n.language = c.list(1)
	}
	if n.mask&hasLocation != 0 {
		n.loc = c.token()
	}
}

// check walks a node and what is below it: everything must be inside limit,
// and in order.
func (c *cursor) check(pos, limit int64, depth int, embedded bool) (end int64) {
	n := c.node(pos)
	switch {
	case c.err != nil:
		return 0
	case depth > 2*maxTreeDepth:
		c.fail(errors.New("nested too deep"))
	case n.end > limit:
		c.fail(fmt.Errorf("part ends at %d behind its parent's end %d", n.end, limit))
	case n.off != pos && (depth == 0 || embedded):
		c.fail(errors.New("a message doesn't start where it must"))
	case n.embedded != embedded:
		c.fail(errors.New("an embedded message is where none belongs, or is missing"))
	case n.kind == kindMulti && n.children == 0:
		c.fail(errors.New("multipart without parts"))
	case n.lines > n.end-n.body:
		c.fail(errors.New("more lines than bytes"))
	}
	if n.embedded && !validFields(n.fields) {
		c.fail(errors.New("malformed header fields"))
	}
	pos = n.body
	for range n.children {
		if c.err != nil {
			return 0
		}
		pos = c.check(pos, n.end, depth+1, n.kind == kindMessage)
	}
	if n.kind == kindMessage && pos != n.end {
		c.fail(errors.New("embedded message is shorter than its part"))
	}
	return n.end
}

func validFields(area []byte) bool {
	for len(area) > 0 {
		var ok bool
		if _, area, ok = nextEntry(area); !ok {
			return false
		}
	}
	return true
}
