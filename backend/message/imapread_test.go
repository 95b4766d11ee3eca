package message

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// checkIMAP parses b as one IMAP value and has it checked.
func checkIMAP(b []byte, utf8 bool, check func(any) error) error {
	r := imapReader{b: b, utf8: utf8}
	v := r.value()
	if r.err == nil && len(r.b) > 0 {
		r.err = fmt.Errorf("%q behind it", clip(r.b, 50))
	}
	if r.err != nil {
		return fmt.Errorf("%w in %q", r.err, clip(b, 300))
	}
	if err := check(v); err != nil {
		return fmt.Errorf("%w in %q", err, clip(b, 300))
	}
	return nil
}

// imapReader reads what servers send (RFC 9051 section 9): strings, numbers,
// NIL and lists. It refuses what the grammar does.
type imapReader struct {
	b    []byte
	utf8 bool
	err  error
}

type imapNIL struct{}

func (r *imapReader) value() any {
	switch {
	case r.err != nil:
		return nil
	case len(r.b) == 0:
		r.err = fmt.Errorf("ends too early")
	case r.b[0] == '(':
		return r.list()
	case r.b[0] == '"':
		return r.quoted()
	case r.b[0] == '{':
		return r.literal()
	case bytes.HasPrefix(r.b, []byte("NIL")):
		r.b = r.b[3:]
		return imapNIL{}
	default:
		n := 0
		for n < len(r.b) && '0' <= r.b[n] && r.b[n] <= '9' {
			n++
		}
		v, err := strconv.ParseUint(string(r.b[:n]), 10, 63)
		if err != nil {
			r.err = fmt.Errorf("%q is no value", clip(r.b, 20))
		}
		r.b = r.b[n:]
		return int64(v)
	}
	return nil
}

// list reads values parted by single spaces; lists may follow each other
// directly, as addresses and parts do.
func (r *imapReader) list() any {
	r.b = r.b[1:]
	list := []any{}
	for r.err == nil {
		v := r.value()
		list = append(list, v)
		switch {
		case r.err != nil || len(r.b) == 0:
			r.err = fmt.Errorf("unclosed list: %w", r.err)
		case r.b[0] == ')':
			r.b = r.b[1:]
			return list
		case r.b[0] == ' ':
			r.b = r.b[1:]
		case r.b[0] != '(':
			r.err = fmt.Errorf("%q in a list", clip(r.b, 20))
		}
	}
	return nil
}

func (r *imapReader) quoted() any {
	var s []byte
	for i := 1; i < len(r.b); i++ {
		c := r.b[i]
		switch {
		case c == '"':
			r.b = r.b[i+1:]
			if r.utf8 && !utf8.Valid(s) {
				r.err = fmt.Errorf("quoted string %q is not UTF-8", s)
			}
			return string(s)
		case c == '\\':
			i++
			if i == len(r.b) || r.b[i] != '"' && r.b[i] != '\\' {
				r.err = fmt.Errorf("bad escape")
				return nil
			}
			c = r.b[i]
		case c == 0, c == '\r', c == '\n', c >= 0x80 && !r.utf8:
			r.err = fmt.Errorf("byte %#x in a quoted string", c)
			return nil
		}
		s = append(s, c)
	}
	r.err = fmt.Errorf("unclosed string")
	return nil
}

func (r *imapReader) literal() any {
	head, rest, ok := bytes.Cut(r.b, []byte("}\r\n"))
	n, err := strconv.Atoi(string(head[1:]))
	if !ok || err != nil || n > len(rest) || bytes.IndexByte(rest[:n], 0) >= 0 {
		r.err = fmt.Errorf("bad literal %q", clip(r.b, 20))
		return nil
	}
	r.b = rest[n:]
	return string(rest[:n])
}

// checkEnvelope checks the grammar of an ENVELOPE.
func checkEnvelope(v any) error {
	list, ok := v.([]any)
	if !ok || len(list) != 10 {
		return fmt.Errorf("envelope of %d fields", len(list))
	}
	for _, i := range []int{0, 1, 8, 9} {
		if !isNString(list[i]) {
			return fmt.Errorf("field %d is no string", i)
		}
	}
	for i := 2; i < 8; i++ {
		if _, nothing := list[i].(imapNIL); nothing {
			continue
		}
		addresses, ok := list[i].([]any)
		if !ok || len(addresses) == 0 {
			return fmt.Errorf("field %d is no address list", i)
		}
		inGroup := false
		for _, a := range addresses {
			f, ok := a.([]any)
			if !ok || len(f) != 4 || !isNString(f[0]) || !isNString(f[1]) || !isNString(f[2]) || !isNString(f[3]) {
				return fmt.Errorf("address %v", a)
			}
			_, noMailbox := f[2].(imapNIL)
			_, noHost := f[3].(imapNIL)
			if noHost && noMailbox != inGroup || noMailbox && !noHost {
				return fmt.Errorf("groups in %v", addresses)
			}
			if noHost {
				inGroup = !noMailbox
			}
		}
		if inGroup {
			return fmt.Errorf("a group doesn't end in %v", addresses)
		}
	}
	return nil
}

func isNString(v any) bool {
	switch v.(type) {
	case string, imapNIL:
		return true
	}
	return false
}

// checkBody checks the grammar of a BODY or BODYSTRUCTURE.
func checkBody(v any, extended, utf8 bool) error {
	list, ok := v.([]any)
	if !ok {
		return fmt.Errorf("body is %T", v)
	}
	n := 0
	for n < len(list) {
		if _, part := list[n].([]any); !part {
			break
		}
		if err := checkBody(list[n], extended, utf8); err != nil {
			return err
		}
		n++
	}
	if n > 0 {
		return checkMultiBody(list[n:], extended)
	}
	if len(list) < 7 {
		return fmt.Errorf("body of %d fields", len(list))
	}
	typ, ok1 := list[0].(string)
	sub, ok2 := list[1].(string)
	_, ok3 := list[5].(string)
	_, ok4 := list[6].(int64)
	if !ok1 || !ok2 || !ok3 || !ok4 || !isParams(list[2]) || !isNString(list[3]) || !isNString(list[4]) {
		return fmt.Errorf("fields of %v", list)
	}
	rest := list[7:]
	switch {
	case strings.EqualFold(typ, "text"):
		if len(rest) < 1 {
			return fmt.Errorf("text without lines")
		}
		if _, ok := rest[0].(int64); !ok {
			return fmt.Errorf("lines %v", rest[0])
		}
		rest = rest[1:]
	case strings.EqualFold(typ, "message") && (strings.EqualFold(sub, "rfc822") || utf8 && strings.EqualFold(sub, "global")):
		if len(rest) < 3 {
			return fmt.Errorf("message of %d fields", len(list))
		}
		if err := checkEnvelope(rest[0]); err != nil {
			return err
		}
		if err := checkBody(rest[1], extended, utf8); err != nil {
			return err
		}
		if _, ok := rest[2].(int64); !ok {
			return fmt.Errorf("lines %v", rest[2])
		}
		rest = rest[3:]
	}
	if !extended {
		if len(rest) > 0 {
			return fmt.Errorf("extension data %v", rest)
		}
		return nil
	}
	if len(rest) != 4 || !isNString(rest[0]) {
		return fmt.Errorf("extension data %v", rest)
	}
	return checkExtension(rest[1:])
}

func checkMultiBody(rest []any, extended bool) error {
	if len(rest) == 0 {
		return fmt.Errorf("multipart without subtype")
	}
	if _, ok := rest[0].(string); !ok {
		return fmt.Errorf("subtype %v", rest[0])
	}
	if !extended {
		if len(rest) != 1 {
			return fmt.Errorf("extension data %v", rest)
		}
		return nil
	}
	if len(rest) != 5 || !isParams(rest[1]) {
		return fmt.Errorf("extension data %v", rest)
	}
	return checkExtension(rest[2:])
}

// checkExtension checks disposition, language and location.
func checkExtension(v []any) error {
	if d, ok := v[0].([]any); ok {
		if len(d) != 2 || !isParams(d[1]) {
			return fmt.Errorf("disposition %v", d)
		}
		if _, ok := d[0].(string); !ok {
			return fmt.Errorf("disposition %v", d)
		}
	} else if !isNString(v[0]) {
		return fmt.Errorf("disposition %v", v[0])
	}
	if l, ok := v[1].([]any); ok {
		for _, tag := range l {
			if _, ok := tag.(string); !ok {
				return fmt.Errorf("language %v", l)
			}
		}
	} else if !isNString(v[1]) {
		return fmt.Errorf("language %v", v[1])
	}
	if !isNString(v[2]) {
		return fmt.Errorf("location %v", v[2])
	}
	return nil
}

func isParams(v any) bool {
	if _, nothing := v.(imapNIL); nothing {
		return true
	}
	list, ok := v.([]any)
	for _, s := range list {
		_, isString := s.(string)
		ok = ok && isString
	}
	return ok && len(list) > 0 && len(list)%2 == 0
}
