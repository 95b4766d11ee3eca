package search

import (
	"slices"

	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/index"
)

// Program is a compiled search. It is immutable and safe for concurrent use.
type Program struct {
	root    *node
	needles [][]byte // folded strings of BODY and TEXT
	sets    int      // nodes with a set
	words   int      // nodes with a keyword
	headers []*node  // header keys
	texts   bool     // there are TEXT keys, so the header's text is searched
}

// phase is what must be known of a message to decide a node.
type phase uint8

const (
	byIndex phase = iota
	byIDs
	bySummary
	byText
)

// node is one key of a program.
type node struct {
	op    wire.SearchOp
	kids  []*node
	phase phase // of the costliest below
	slot  int   // of sets, keywords, headers, needles
	set   wire.NumSet
	flag  index.Flags
	field string // upper-case header field; keyword in lower case
	text  []byte // folded; of header keys
	num   uint64
	day   int64
	id    index.ID
}

// systemFlags are the flags that keys test.
var systemFlags = map[string]index.Flags{
	`\Seen`:     index.Seen,
	`\Answered`: index.Answered,
	`\Flagged`:  index.Flagged,
	`\Deleted`:  index.Deleted,
	`\Draft`:    index.Draft,
}

// Compile checks and prepares a program. ErrBadCharset if its charset is not
// known or a string is not valid in it.
func Compile(s *wire.SearchProgram) (*Program, error) {
	decode, err := decoder(s.Charset)
	if err != nil {
		return nil, err
	}
	c := compiler{p: &Program{}, decode: decode}
	c.p.root, err = c.node(&s.Key)
	return c.p, err
}

type compiler struct {
	p      *Program
	decode func([]byte) (string, error)
}

func (c *compiler) node(k *wire.SearchKey) (*node, error) {
	n := &node{op: k.Op, set: k.Set, num: k.Num, day: k.Day}
	switch k.Op {
	case wire.OpAnd, wire.OpOr, wire.OpNot:
		return n, c.compound(n, k)
	case wire.OpSeqs, wire.OpUIDs:
		n.slot = c.p.sets
		c.p.sets++
	case wire.OpFlag:
		n.flag = systemFlags[k.Field]
	case wire.OpKeyword:
		n.field = lower(k.Field)
		n.slot = c.p.words
		c.p.words++
	case wire.OpEmailID, wire.OpThreadID:
		c.objectID(n, k.Field)
	case wire.OpSentBefore, wire.OpSentOn, wire.OpSentSince:
		n.phase = bySummary
		n.field = "DATE"
		c.header(n)
	case wire.OpHeader, wire.OpBody, wire.OpText:
		return n, c.text(n, k)
	}
	return n, nil
}

func (c *compiler) compound(n *node, k *wire.SearchKey) error {
	for i := range k.Keys {
		kid, err := c.node(&k.Keys[i])
		if err != nil {
			return err
		}
		n.kids = append(n.kids, kid)
		n.phase = max(n.phase, kid.phase)
	}
	// The cheapest first: they often decide.
	slices.SortStableFunc(n.kids, func(a, b *node) int { return int(a.phase) - int(b.phase) })
	return nil
}

// objectID: an id that is not of the form that this server gives matches nothing
// (RFC 8474 section 6 knows no bad ids).
func (c *compiler) objectID(n *node, text string) {
	prefix := byte(wire.EmailIDPrefix)
	if n.op == wire.OpThreadID {
		prefix = wire.ThreadIDPrefix
	}
	id, ok := wire.ParseObjectID(text, prefix)
	if !ok || id == (index.ID{}) {
		nothing(n)
		return
	}
	n.id = id
	n.phase = byIDs
}

// nothing makes n a node that matches no message.
func nothing(n *node) { *n = node{op: wire.OpNot, kids: []*node{{op: wire.OpAll}}} }

func (c *compiler) text(n *node, k *wire.SearchKey) error {
	s, err := c.decode(k.Str)
	if err != nil {
		return err
	}
	folded := fold(nil, []byte(s))
	if k.Op == wire.OpHeader {
		n.phase = bySummary
		n.field, n.text = k.Field, folded
		c.header(n)
		return nil
	}
	if len(folded) == 0 {
		n.op = wire.OpAll
		return nil
	}
	n.phase = byText
	c.p.texts = c.p.texts || k.Op == wire.OpText
	n.slot = slices.IndexFunc(c.p.needles, func(o []byte) bool { return string(o) == string(folded) })
	if n.slot < 0 {
		n.slot = len(c.p.needles)
		c.p.needles = append(c.p.needles, folded)
	}
	return nil
}

func (c *compiler) header(n *node) {
	n.slot = len(c.p.headers)
	c.p.headers = append(c.p.headers, n)
}

// lower is s with ASCII letters in lower case.
func lower(s string) string {
	b := []byte(s)
	for i, ch := range b {
		if 'A' <= ch && ch <= 'Z' {
			b[i] = ch + 'a' - 'A'
		}
	}
	return string(b)
}
