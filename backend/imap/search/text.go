package search

import (
	"bytes"
	"context"
	"errors"
	"io"

	"mailbackend.io/backend/imap/bodyio"
	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/mailstore"
	"mailbackend.io/backend/message"
)

// text is what was found in one message's text so far.
type text struct {
	inHeader, inBody     *matcher // by needle
	headers              []bool   // by header key; meaningful once headerRead
	headerRead, bodyRead bool
}

// has decides a BODY or TEXT key.
func (t *text) has(n *node) verdict {
	switch {
	case t.inBody.found[n.slot], n.op == wire.OpText && t.inHeader.found[n.slot]:
		return yes
	case !t.bodyRead, n.op == wire.OpText && !t.headerRead:
		return unknown
	}
	return no
}

// readText reads a message's text until the program is decided. A message that
// is gone doesn't match.
func (r *run) readText(ctx context.Context, c *candidate) (bool, error) {
	v, err := r.scanText(ctx, c)
	if errors.Is(err, mailstore.ErrMessageGone) {
		return false, nil
	}
	return v == yes, err
}

func (r *run) scanText(ctx context.Context, c *candidate) (verdict, error) {
	body, err := r.src.open(ctx, c.rec.UID)
	if err != nil {
		return no, err
	}
	t := r.text()
	c.text = t
	if r.prog.texts || len(r.prog.headers) > 0 {
		off, n, _ := c.sum.Section(nil, "HEADER")
		if err := r.scanHeader(ctx, body, off, n, t.inHeader, true); err != nil {
			return no, err
		}
	}
	t.headerRead = true
	v := r.eval(r.prog.root, c)
	if v != unknown {
		return v, nil
	}
	c.sum.Walk(func(_ []int, p message.Part) bool {
		var news bool
		switch {
		case p.IsText && p.BodyLen > 0:
			news, err = r.scanPart(ctx, body, p)
		case p.IsMessage && p.HeaderLen > 0:
			left := t.inBody.left
			err = r.scanHeader(ctx, body, p.HeaderOffset, p.HeaderLen, t.inBody, false)
			news = t.inBody.left != left
		}
		if news && err == nil {
			v = r.eval(r.prog.root, c)
		}
		return err == nil && v == unknown && t.inBody.left > 0
	})
	if err != nil || v != unknown {
		return v, err
	}
	t.bodyRead = true
	return r.eval(r.prog.root, c), nil
}

// text is the run's text, empty.
func (r *run) text() *text {
	if r.state == nil {
		r.state = &text{
			inHeader: newMatcher(r.prog.needles),
			inBody:   newMatcher(r.prog.needles),
			headers:  make([]bool, len(r.prog.headers)),
		}
		r.reader = new(bodyio.Reader)
		r.piece = make([]byte, 32<<10)
	}
	t := r.state
	t.inHeader.clear()
	t.inBody.clear()
	clear(t.headers)
	t.headerRead, t.bodyRead = false, false
	return t
}

// scanPart searches the content of a text part.
func (r *run) scanPart(ctx context.Context, body bodyio.Body, p message.Part) (news bool, err error) {
	m := r.state.inBody
	m.restart()
	r.reader.Reset(ctx, body, p.BodyOffset, p.BodyLen)
	decoded := message.NewTextReader(p, r.reader)
	for m.left > 0 {
		n, err := decoded.Read(r.piece)
		news = m.feed(r.piece[:n]) || news
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return news, err
		}
	}
	return news, nil
}

// maxField is how much of one header field is looked at in one piece; a longer
// one is searched piece by piece.
const maxField = 64 << 10

// scanHeader searches a header, field by field, for the strings of m; of the
// message's own header it decides the header keys as well.
func (r *run) scanHeader(ctx context.Context, body bodyio.Body, off, n int64, m *matcher, own bool) error {
	r.reader.Reset(ctx, body, off, n)
	field := r.field[:0]
	defer func() { r.field = field[:0] }()
	for {
		n, err := r.reader.Read(r.piece)
		for piece := r.piece[:n]; len(piece) > 0; {
			// A field ends where a line begins with something else
			// than a space.
			if l := len(field); l > 0 && field[l-1] == '\n' && piece[0] != ' ' && piece[0] != '\t' || l >= maxField {
				r.searchField(field, m, own)
				field = field[:0]
			}
			line := bytes.IndexByte(piece, '\n') + 1
			if line == 0 {
				line = len(piece)
			}
			line = min(line, maxField)
			field = append(field, piece[:line]...)
			piece = piece[line:]
		}
		if errors.Is(err, io.EOF) {
			r.searchField(field, m, own)
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// searchField looks at one field, given with its continuation lines.
func (r *run) searchField(field []byte, m *matcher, own bool) {
	name, value, ok := bytes.Cut(field, []byte(":"))
	if own && ok {
		name = bytes.TrimRight(name, " \t")
		for i, n := range r.prog.headers {
			if !r.state.headers[i] && len(name) == len(n.field) && upperEqual(name, n.field) {
				r.state.headers[i] = r.value(n, value)
			}
		}
	}
	if m.left > 0 && len(field) > 0 {
		m.restart()
		m.feed([]byte(message.DecodeHeader(field)))
	}
}

// upperEqual compares a name of want's length with want, which is upper-case.
func upperEqual(name []byte, want string) bool {
	for i, c := range name {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != want[i] {
			return false
		}
	}
	return true
}
