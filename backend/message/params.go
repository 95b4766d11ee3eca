package message

import (
	"bytes"
	"slices"
	"strconv"
)

// param is one parameter of a MIME field (RFC 2045 section 5.1), its value
// without quotes and line ends.
type param struct{ name, value []byte }

// params is a reusable list of parameters.
type params struct {
	list    []param
	noQuote bool // no quote closes any more: quotes are text
}

// maxParams is how many parameters of one field are looked at, and
// maxTokenLen how long a type or an encoding may be.
const (
	maxParams   = 64
	maxTokenLen = 255
)

func (p *params) clear() {
	clear(p.list)
	p.list, p.noQuote = p.list[:0], false
}

func (p *params) get(name string) []byte {
	for _, e := range p.list {
		if len(e.name) == len(name) && bytes.EqualFold(e.name, []byte(name)) {
			return e.value
		}
	}
	return nil
}

// parse reads the parameters in v, what a field has behind its first token.
// What is no parameter is passed over.
func (p *params) parse(v []byte) {
	p.clear()
	continued := false
	for i := 0; len(p.list) < maxParams; {
		for i = skipCFWS(v, i); i < len(v) && v[i] == ';'; {
			i = skipCFWS(v, i+1)
		}
		if i >= len(v) {
			break
		}
		start := i
		for i < len(v) && v[i] != '=' && v[i] != ';' && v[i] != '(' && !isSpace(v[i]) {
			i++
		}
		name := v[start:i]
		if i = skipCFWS(v, i); i >= len(v) || v[i] != '=' {
			if i == start { // can't happen but for what no name starts with
				i++
			}
			continue
		}
		var value []byte
		value, i = p.value(v, skipCFWS(v, i+1), isFileName(name))
		if len(name) > 0 && len(name) <= maxTokenLen {
			p.list = append(p.list, param{name, value})
			continued = continued || bytes.IndexByte(name, '*') >= 0
		}
	}
	if continued {
		p.join()
	}
}

// isFileName tells parameters that careless writers fill with spaces, and
// without quotes.
func isFileName(name []byte) bool {
	return bytes.EqualFold(name, []byte("name")) || bytes.EqualFold(name, []byte("filename"))
}

// value reads a parameter's value at i and returns it with where the next
// parameter starts. A loose one may have spaces without quotes.
func (p *params) value(v []byte, i int, loose bool) ([]byte, int) {
	if i < len(v) && v[i] == '"' && !p.noQuote {
		if end := quotedEnd(v, i); end > 0 {
			return unquote(v[i+1 : end-1]), nextParam(v, end)
		}
		p.noQuote = true
	}
	start := i
	for i < len(v) && v[i] != ';' && v[i] != '(' && !isSpace(v[i]) {
		i++
	}
	end := i
	if i = skipCFWS(v, i); i < len(v) && v[i] != ';' && !looksLikeParam(v[i:]) {
		if i = nextParam(v, i); loose {
			end = i
		}
	}
	value := trimSpace(v[start:end])
	if p.noQuote && len(value) > 0 && value[0] == '"' {
		value = value[1:]
	}
	return unfold(nil, value), i
}

// looksLikeParam tells that v starts with a name and an equals sign: the
// semicolon before it is missing.
func looksLikeParam(v []byte) bool {
	for i, c := range v {
		switch {
		case c == '=':
			return i > 0
		case i > maxTokenLen, isSpace(c), c == ';', c == '(', c == '"':
			return false
		}
	}
	return false
}

// nextParam moves to the next semicolon, or the end.
func nextParam(v []byte, i int) int {
	if n := bytes.IndexByte(v[i:], ';'); n >= 0 {
		return i + n
	}
	return len(v)
}

// quotedEnd returns where the quoted string that starts at i ends, behind its
// closing quote; 0 if it never does.
func quotedEnd(v []byte, i int) int {
	for i++; i < len(v); i++ {
		switch v[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

// commentEnd returns where the comment that starts at i ends: behind its
// closing parenthesis or, if there is none, at the end of v.
func commentEnd(v []byte, i int) int {
	depth := 0
	for ; i < len(v); i++ {
		switch v[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(v)
}

// skipCFWS moves over white space and comments (RFC 5322 section 3.2.2).
func skipCFWS(v []byte, i int) int {
	for i < len(v) {
		switch {
		case isSpace(v[i]):
			i++
		case v[i] == '(':
			i = commentEnd(v, i)
		default:
			return i
		}
	}
	return i
}

// unquote undoes quoted pairs and folding of the inside of a quoted string.
func unquote(v []byte) []byte {
	if bytes.IndexByte(v, '\\') < 0 {
		return unfold(nil, v)
	}
	return appendUnquoted(nil, v)
}

func appendUnquoted(dst, v []byte) []byte {
	for i := 0; i < len(v); i++ {
		c := v[i]
		switch {
		case c == '\\' && i+1 < len(v):
			i++
			c = v[i]
		case c == '\n' || c == '\r' && i+1 < len(v) && v[i+1] == '\n':
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

// join puts continued parameters together (RFC 2231 section 3), as IMAP
// servers do: name*0, name*1 become name; if one of the pieces is encoded
// (name*1*) the whole becomes name*, still encoded. Pieces that the numbering
// doesn't reach stay as they are.
func (p *params) join() {
	var used [maxParams]bool
	for i, e := range p.list {
		base, section, _ := continuation(e.name)
		if section == 0 {
			p.list[i] = p.joinFrom(i, base, &used)
		}
	}
	n := 0
	for i, e := range p.list {
		if !used[i] {
			p.list[n] = e
			n++
		}
	}
	p.list = p.list[:n]
}

// joinFrom joins the pieces of base, whose first is piece i, and marks the
// others as used.
func (p *params) joinFrom(i int, base []byte, used *[maxParams]bool) param {
	pieces := []int{i}
	_, _, encoded := continuation(p.list[i].name)
	for next := 1; ; next++ {
		j := slices.IndexFunc(p.list, func(e param) bool {
			b, section, _ := continuation(e.name)
			return section == next && bytes.EqualFold(b, base)
		})
		if j < 0 || used[j] {
			break
		}
		used[j] = true
		_, _, enc := continuation(p.list[j].name)
		encoded = encoded || enc
		pieces = append(pieces, j)
	}
	var value []byte
	for _, j := range pieces {
		if _, _, enc := continuation(p.list[j].name); enc || !encoded {
			value = append(value, p.list[j].value...)
		} else {
			value = appendPercent(value, p.list[j].value)
		}
	}
	if encoded {
		base = append(bytes.Clone(base), '*')
	}
	return param{base, value}
}

// continuation splits a parameter's name into its base, its section number
// (-1: not continued) and whether its value is percent-encoded.
func continuation(name []byte) (base []byte, section int, encoded bool) {
	base, encoded = bytes.CutSuffix(name, []byte("*"))
	star := bytes.LastIndexByte(base, '*')
	if star < 0 {
		return name, -1, encoded
	}
	n, err := strconv.Atoi(string(base[star+1:]))
	if err != nil || n < 0 || n >= maxParams || base[star+1] == '+' {
		return name, -1, false
	}
	return base[:star], n, encoded
}

// appendPercent encodes v as RFC 2231 section 7 (attribute-char) wants it.
func appendPercent(dst, v []byte) []byte {
	const hex = "0123456789ABCDEF"
	for _, c := range v {
		if c <= ' ' || c >= 0x7f || bytes.IndexByte([]byte("*'%()<>@,;:\\\"/[]?="), c) >= 0 {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}
