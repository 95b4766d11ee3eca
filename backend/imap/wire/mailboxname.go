package wire

import (
	"unicode/utf8"

	"mailbackend.io/backend/imap/utf7"
)

// Mailbox consumes a mailbox name and returns it in UTF-8. Any case of INBOX is
// returned as "INBOX". Whether the name may be created is not judged here.
func (d *Decoder) Mailbox() (string, error) {
	start, line, base := d.pos, d.line, d.base
	s, err := d.AString()
	if err != nil {
		return "", err
	}
	fail := func(e func(string) error, what string) (string, error) {
		d.pos, d.line, d.base = start, line, base
		return "", e(what)
	}
	name, ok := d.decodeName(s)
	if !ok {
		return fail(d.want, d.nameKind())
	}
	if len(name) > d.opts.Limits.Mailbox {
		return fail(d.beyond, "the mailbox name is too long")
	}
	if equalFold([]byte(name), "INBOX") {
		return "INBOX", nil
	}
	return name, nil
}

// ListMailbox consumes a list-mailbox: a name that may hold the wildcards "%"
// and "*", which pass through decoding unchanged.
func (d *Decoder) ListMailbox() (string, error) {
	start, line, base := d.pos, d.line, d.base
	var s string
	if classes[d.peek()]&isList != 0 {
		w, err := d.word(isList, d.opts.Limits.Mailbox, "a mailbox pattern")
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
	name, ok := d.decodeName(s)
	if !ok {
		d.pos, d.line, d.base = start, line, base
		return "", d.want(d.nameKind())
	}
	if len(name) > d.opts.Limits.Mailbox {
		return "", d.beyond("the mailbox pattern is too long")
	}
	return name, nil
}

func (d *Decoder) decodeName(s string) (string, bool) {
	if d.opts.UTF8 {
		return s, utf8.ValidString(s)
	}
	return utf7.Decode(s)
}

func (d *Decoder) nameKind() string {
	if d.opts.UTF8 {
		return "a mailbox name in UTF-8"
	}
	return "a mailbox name in modified UTF-7"
}
