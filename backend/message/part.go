package message

import "bytes"

// Part is one node of a mail's MIME tree, with where its bytes are. Offsets
// are absolute in the mail.
type Part struct {
	// MIMEOffset, MIMELen are the part's own MIME header with the empty
	// line that ends it (BODY[n.MIME]); for the whole message its header.
	MIMEOffset, MIMELen int64
	// HeaderOffset, HeaderLen are the message header with its empty line:
	// of the mail itself, or of the message that an IsMessage part embeds
	// (BODY[n.HEADER]). Length 0 for all other parts.
	HeaderOffset, HeaderLen int64
	// BodyOffset, BodyLen are the part's content, still transfer-encoded
	// (BODY[n]); for an IsMessage part the embedded message with its header.
	BodyOffset, BodyLen int64
	// TextOffset, TextLen are the body behind the message header
	// (BODY[TEXT], BODY[n.TEXT]). Length 0 where HeaderLen is meaningless.
	TextOffset, TextLen int64
	Lines               int64 // line feeds in the content of text and messages
	// Type, Subtype and Encoding as written, or the defaults of RFC 2045.
	Type, Subtype, Encoding string
	Charset                 string // the charset parameter, "" if none
	Disposition             string // "attachment", "inline", …; "" if none
	Filename                string // RFC 2231 decoded to UTF-8, else as written; "" if none
	ContentID               string
	IsMultipart, IsMessage  bool
	IsText                  bool // Type is text
	Children                int  // parts of a multipart
}

// Part finds a part by its number (RFC 9051 section 6.4.5.1): nil is the whole
// message, [1] of a mail that is not a multipart its only body; numbers below
// a message/rfc822 part name the parts of the embedded message.
func (s Summary) Part(path []int) (Part, bool) {
	f := finder{want: path}
	f.find(s)
	return f.part, f.found
}

// Section tells which bytes of the mail BODY[path.spec] is. spec is "",
// "HEADER", "TEXT" or "MIME" (upper case). ok is false if there is no such
// section.
func (s Summary) Section(path []int, spec string) (off, n int64, ok bool) {
	if len(path) == 0 && spec == "" {
		return 0, s.Size(), true
	}
	p, ok := s.Part(path)
	if !ok {
		return 0, 0, false
	}
	message := len(path) == 0 || p.IsMessage
	switch {
	case spec == "":
		return p.BodyOffset, p.BodyLen, true
	case spec == "MIME" && len(path) > 0:
		return p.MIMEOffset, p.MIMELen, true
	case spec == "HEADER" && message:
		return p.HeaderOffset, p.HeaderLen, true
	case spec == "TEXT" && message:
		return p.TextOffset, p.TextLen, true
	}
	return 0, 0, false
}

// Walk calls f for every part that has a number, in order, multiparts and
// messages before what they hold, until f returns false; first, with a nil
// path, for the whole message if it is a multipart. The path is only valid
// during the call.
func (s Summary) Walk(f func(path []int, p Part) bool) {
	w := finder{visit: f}
	w.find(s)
}

// finder walks the tree to one part, or to all.
type finder struct {
	cursor
	prefix int64
	want   []int
	visit  func(path []int, p Part) bool // nil: looking for want

	path  []int
	room  [16]int
	part  Part
	found bool // or: visit wants no more
}

func (f *finder) find(s Summary) {
	var h head
	f.cursor = h.read(s.b)
	f.prefix = h.prefix
	f.path = f.room[:0]
	f.message(0, true)
}

// message walks an entity that is a message, the mail itself or an embedded
// one: a multipart has no number of its own there, anything else is part 1.
func (f *finder) message(pos int64, root bool) (end int64) {
	at := f.i
	n := f.node(pos)
	if root && (f.visit == nil && len(f.want) == 0 || f.visit != nil && n.kind == kindMulti) {
		p := f.makePart(&n, true)
		p.HeaderOffset, p.HeaderLen = p.MIMEOffset, p.MIMELen
		p.TextOffset, p.TextLen = p.BodyOffset, p.BodyLen
		if f.stop(nil, p) {
			return n.end
		}
	}
	if n.kind == kindMulti {
		f.children(&n)
		return n.end
	}
	f.path = append(f.path, 1)
	f.i = at
	f.entity(pos, root)
	f.path = f.path[:len(f.path)-1]
	return n.end
}

// children walks the parts of a multipart.
func (f *finder) children(n *treeNode) {
	pos := n.body
	f.path = append(f.path, 0)
	for i := range n.children {
		if f.found || f.err != nil {
			break
		}
		f.path[len(f.path)-1] = i + 1
		pos = f.entity(pos, false)
	}
	f.path = f.path[:len(f.path)-1]
}

// entity walks an entity whose number is f.path.
func (f *finder) entity(pos int64, root bool) (end int64) {
	n := f.node(pos)
	if f.visit != nil || equal(f.path, f.want) {
		if f.stop(f.path, f.makePart(&n, root)) {
			return n.end
		}
	}
	switch n.kind {
	case kindMulti:
		f.children(&n)
	case kindMessage:
		f.message(n.body, false)
	}
	return n.end
}

func equal(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// stop delivers p and tells whether the walk is over.
func (f *finder) stop(path []int, p Part) bool {
	if f.visit == nil {
		f.part, f.found = p, true
	} else {
		f.found = !f.visit(path, p)
	}
	return f.found
}

// makePart fills in a Part. The offsets in the tree are those of the mail
// without its prefix, which belongs to the root's header.
func (f *finder) makePart(n *treeNode, root bool) Part {
	p := Part{
		MIMEOffset: n.off + f.prefix, MIMELen: n.body - n.off,
		BodyOffset: n.body + f.prefix, BodyLen: n.end - n.body,
		Lines: n.lines,
		Type:  tokenString(n.typ), Subtype: tokenString(n.sub), Encoding: tokenString(n.encoding),
		Disposition: tokenString(n.disp), ContentID: string(n.id),
		IsMultipart: n.kind == kindMulti, IsMessage: n.kind == kindMessage, IsText: n.kind == kindText,
		Children: n.children,
	}
	if root {
		p.MIMEOffset, p.MIMELen = 0, p.MIMELen+f.prefix
	}
	if n.kind == kindMessage {
		at := f.i
		m := f.node(n.body)
		f.i = at
		p.HeaderOffset, p.HeaderLen = m.off+f.prefix, m.body-m.off
		p.TextOffset, p.TextLen = m.body+f.prefix, m.end-m.body
		p.Children = 0
	}
	p.Charset = f.param(n.params, "charset")
	if p.Filename = f.param(n.dispParams, "filename"); p.Filename == "" {
		p.Filename = f.param(n.params, "name")
	}
	return p
}

// param returns a parameter's value, decoded if it is there in the extended
// form of RFC 2231, which wins over the plain one.
func (f *finder) param(l list, name string) string {
	c := cursor{b: f.b, i: l.at}
	var plain []byte
	for range l.count {
		k, v := c.token(), c.token()
		if len(k) == len(name)+1 && k[len(name)] == '*' && bytes.EqualFold(k[:len(name)], []byte(name)) {
			return string(decodeExtended(v))
		}
		if len(k) == len(name) && bytes.EqualFold(k, []byte(name)) {
			plain = v
		}
	}
	return tokenString(plain)
}
