package message

import "bytes"

// AddressKind tells mailboxes from the ends of groups.
type AddressKind uint8

// The kinds of Address.
const (
	AddrMailbox    AddressKind = iota
	AddrGroupStart             // Mailbox is the group's name
	AddrGroupEnd
)

// Address is one address of a header field, its parts as written (encoded
// words not decoded; quoted strings without their quotes). A mailbox that has
// no host, or no local part, has "" there.
type Address struct {
	Kind                       AddressKind
	Name, Route, Mailbox, Host string
}

// ParseAddresses reads an address list (RFC 5322 section 3.4, obsolete syntax
// and garbage included) and never fails: what can't be understood becomes an
// address as close to the text as possible.
func ParseAddresses(value []byte) []Address {
	p := addressParser{v: value}
	var list []Address
	for p.next() {
		list = append(list, Address{p.kind, string(p.name), string(p.route), string(p.mailbox), string(p.host)})
	}
	return list
}

// addressParser takes one address after the other off a list. Every byte is
// looked at a bounded number of times: a quote or bracket that never closes is
// found out once, and is plain text from then on.
type addressParser struct {
	v         []byte
	i         int
	inGroup   bool
	noQuote   bool
	noBracket bool
	scratch   [3][]byte // name, mailbox and host, if not written in one piece
	ops       int       // bytes that scan looked at

	// The address that next found; valid until the next call.
	kind                       AddressKind
	name, route, mailbox, host []byte
}

// next finds the next address, which can also be the start or end of a group.
func (p *addressParser) next() bool {
	for {
		p.name, p.route, p.mailbox, p.host = nil, nil, nil, nil
		if p.i >= len(p.v) {
			if p.inGroup {
				p.inGroup, p.kind = false, AddrGroupEnd
				return true
			}
			return false
		}
		if p.v[p.i] == ';' && p.inGroup {
			p.i++
			p.inGroup, p.kind = false, AddrGroupEnd
			return true
		}
		e := p.scan()
		p.i = e.end
		if e.stop == ',' || e.stop == ':' || e.stop == ';' && !p.inGroup {
			p.i++
		}
		if e.stop == ':' {
			p.inGroup, p.kind = true, AddrGroupStart
			p.mailbox = p.phrase(p.v[e.start:e.end])
			return true
		}
		if p.take(&e) {
			p.kind = AddrMailbox
			return true
		}
	}
}

// take fills in the mailbox that e is; false if e is nothing.
func (p *addressParser) take(e *element) bool {
	switch {
	case e.angle >= 0:
		p.takeAngle(e)
		p.name = p.phrase(p.v[e.start:e.angle])
		if len(p.name) == 0 {
			p.name = p.phrase(p.v[e.angleEnd:e.end])
		}
	case e.at >= 0:
		p.mailbox = p.plain(1, p.v[e.local:e.at])
		p.host = p.plain(2, p.v[e.at+1:e.domainEnd])
		if p.name = p.phrase(p.v[e.start:e.local]); len(p.name) == 0 {
			p.name = p.phrase(p.v[e.domainEnd:e.end])
		}
	case e.words == 0:
		return false
	case e.words == 1 && !e.quoted:
		p.mailbox = p.phrase(p.v[e.start:e.end])
	default:
		p.name = p.phrase(p.v[e.start:e.end])
		return true
	}
	if len(p.name) == 0 && e.comment >= 0 {
		p.name = trimSpace(unquote(p.v[e.comment+1 : max(e.comment+1, e.commentEnd)]))
	}
	return true
}

// takeAngle reads what is between the angle brackets: a route, if there is
// one, a local part and a domain.
func (p *addressParser) takeAngle(e *element) {
	spec := trimSpace(bytes.Trim(p.v[e.angle:e.angleEnd], "<>"))
	if len(spec) > 0 && spec[0] == '@' {
		if i := bytes.IndexByte(spec, ':'); i >= 0 {
			p.route, spec = unfold(nil, trimSpace(spec[:i])), spec[i+1:]
		}
	}
	at := lastAt(spec)
	if at < 0 {
		p.mailbox = p.plain(1, spec)
		return
	}
	p.mailbox = p.plain(1, spec[:at])
	p.host = p.plain(2, spec[at+1:])
}

// lastAt finds the last '@' that is not in a quoted string.
func lastAt(spec []byte) int {
	at := bytes.LastIndexByte(spec, '@')
	if q := bytes.LastIndexByte(spec, '"'); at >= 0 && q > at {
		if i := bytes.LastIndex(spec, []byte(`"@`)); i >= 0 {
			return i + 1
		}
		if spec[len(spec)-1] == '"' && spec[0] == '"' {
			return -1
		}
	}
	return at
}

// plain returns an addr-spec's part without white space, comments and quotes.
func (p *addressParser) plain(scratch int, v []byte) []byte {
	v = trimSpace(v)
	special := false
	for _, c := range v {
		special = special || c == '"' || c == '(' || isSpace(c)
	}
	if !special {
		return v
	}
	if n := len(v); n >= 2 && v[0] == '"' && quotedEnd(v, 0) == n {
		return unquote(v[1 : n-1])
	}
	out := p.scratch[scratch][:0]
	for i := 0; i < len(v); {
		switch c := v[i]; {
		case isSpace(c):
			i++
		case c == '(':
			i = commentEnd(v, i)
		case c == '"':
			end := quotedEnd(v, i)
			if end == 0 {
				out, i = append(out, v[i:]...), len(v)
				break
			}
			out, i = appendUnquoted(out, v[i+1:end-1]), end
		default:
			out = append(out, c)
			i++
		}
	}
	p.scratch[scratch] = out
	return out
}

// phrase returns a display name as it reads: words parted by single spaces,
// without quotes and comments.
func (p *addressParser) phrase(v []byte) []byte {
	v = trimSpace(v)
	if n := len(v); n >= 2 && v[0] == '"' && v[n-1] == '"' {
		if inner := v[1 : n-1]; bytes.IndexByte(inner, '"') < 0 && bytes.IndexByte(inner, '\\') < 0 && bytes.IndexByte(inner, '\n') < 0 {
			return inner
		}
	}
	simple, space := true, false
	for _, c := range v {
		s := isSpace(c)
		if c == '"' || c == '(' || s && (space || c != ' ') {
			simple = false
			break
		}
		space = s
	}
	if simple {
		return v
	}
	out, gap, noQuote := p.scratch[0][:0], false, false
	for i := 0; i < len(v); {
		end := 0
		switch c := v[i]; {
		case isSpace(c):
			gap = true
			i++
			continue
		case c == '(':
			gap, i = true, commentEnd(v, i)
			continue
		case c == '"' && !noQuote:
			end = quotedEnd(v, i)
			noQuote = end == 0
		}
		if gap && len(out) > 0 {
			out = append(out, ' ')
		}
		gap = false
		if end > 0 {
			out, i = appendUnquoted(out, v[i+1:end-1]), end
		} else {
			out = append(out, v[i])
			i++
		}
	}
	p.scratch[0] = out
	return out
}
