package wire

import (
	"math"
	"unicode/utf8"

	"mailbackend.io/backend/imap/utf7"
)

// Mailbox consumes a mailbox name and returns it in UTF-8. Any case of INBOX is
// returned as "INBOX". Whether the name may be created is not judged here. A name
// that can't be decoded, or is longer than any can be, is an *Error with Name.
func (d *Decoder) Mailbox() (string, error) {
	at := d.base + d.pos
	s, err := d.AString()
	if err != nil {
		return "", err
	}
	name, ok := d.decodeName(s)
	switch {
	case !ok && d.opts.UTF8:
		return "", &Error{Pos: at, Want: "a mailbox name in UTF-8", Name: true}
	case !ok:
		return "", &Error{Pos: at, Want: "a mailbox name in modified UTF-7", Name: true}
	case len(name) > d.opts.Limits.Mailbox:
		return "", &Error{Pos: at, Want: "the mailbox name is too long", Limit: true, Name: true}
	case equalFold([]byte(name), "INBOX"):
		return "INBOX", nil
	}
	return name, nil
}

// ListMailbox consumes a list-mailbox: a name that may hold the wildcards "%"
// and "*", which pass through decoding unchanged. A pattern that can't be decoded
// is returned as it is: LIST has no NO for it, and it may match nothing.
func (d *Decoder) ListMailbox() (string, error) {
	at := d.base + d.pos
	var s string
	if classes[d.peek()]&isList != 0 {
		w, err := d.word(isList, math.MaxInt, "a mailbox pattern")
		if err != nil {
			return "", err
		}
		s = string(w)
	} else {
		b, err := d.String()
		if err != nil {
			return "", err
		}
		s = string(b)
	}
	if name, ok := d.decodeName(s); ok {
		s = name
	}
	if len(s) > d.opts.Limits.Mailbox {
		return "", &Error{Pos: at, Want: "the mailbox pattern is too long", Limit: true}
	}
	return s, nil
}

func (d *Decoder) decodeName(s string) (string, bool) {
	if d.opts.UTF8 {
		return s, utf8.ValidString(s)
	}
	name, ok := utf7.Decode(s)
	if !ok {
		name, ok = decodeMixed(s)
	}
	return name, ok
}

// decodeMixed decodes a name that holds UTF-8 although the client has not
// enabled it: a mistake of clients that take IMAP4rev2 among the capabilities
// for its being enabled (go-imap's does). Such a name can mean but one thing;
// between the 8-bit octets it is in modified UTF-7 as usual.
func decodeMixed(s string) (string, bool) {
	if !utf8.ValidString(s) {
		return "", false
	}
	var out []byte
	high := false
	for i := 0; i < len(s); {
		n := i
		for n < len(s) && s[n] >= utf8.RuneSelf == (s[i] >= utf8.RuneSelf) {
			n++
		}
		part := s[i:n]
		if s[i] >= utf8.RuneSelf {
			high = true
		} else {
			var ok bool
			if part, ok = utf7.Decode(part); !ok {
				return "", false
			}
		}
		out = append(out, part...)
		i = n
	}
	return string(out), high
}
