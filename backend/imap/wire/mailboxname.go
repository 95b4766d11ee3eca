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
	return utf7.Decode(s)
}
