package wire

import (
	"encoding/base64"
)

// ParseNothing parses a command without arguments: CAPABILITY, NOOP, LOGOUT,
// STARTTLS, NAMESPACE, CHECK, CLOSE, UNSELECT, EXPUNGE, IDLE.
func ParseNothing(d *Decoder) error { return d.End() }

// Login is LOGIN (RFC 9051 section 6.2.3).
type Login struct{ User, Password string }

// ParseLogin parses LOGIN's arguments.
func ParseLogin(d *Decoder) (l Login, err error) {
	if err = d.SP(); err != nil {
		return l, err
	}
	if l.User, err = d.AString(); err != nil {
		return l, err
	}
	if err = d.SP(); err != nil {
		return l, err
	}
	if l.Password, err = d.AString(); err != nil {
		return l, err
	}
	return l, d.End()
}

// Authenticate is AUTHENTICATE (RFC 9051 section 6.2.2).
type Authenticate struct {
	Mechanism string // upper-case
	// Initial is the decoded initial response (RFC 4959); nil if none was
	// given, empty but not nil for "=".
	Initial []byte
}

// ParseAuthenticate parses AUTHENTICATE's arguments.
func ParseAuthenticate(d *Decoder) (a Authenticate, err error) {
	if err = d.SP(); err != nil {
		return a, err
	}
	if a.Mechanism, err = d.Keyword("a mechanism's name"); err != nil || d.AtEnd() {
		return a, err
	}
	if err = d.SP(); err != nil {
		return a, err
	}
	initial, ok := DecodeSASL(d.rest())
	if !ok {
		return a, d.want("an initial response in base64")
	}
	a.Initial = initial
	d.pos += len(d.rest())
	return a, d.End()
}

// DecodeSASL decodes a line of an authentication exchange: base64, or "=" for
// an empty one, which is not nil. "*", the exchange's end, is not handled here.
func DecodeSASL(line []byte) (data []byte, ok bool) {
	if len(line) == 0 {
		return nil, false
	}
	if len(line) == 1 && line[0] == '=' {
		return []byte{}, true
	}
	data = make([]byte, base64.StdEncoding.DecodedLen(len(line)))
	for _, c := range line {
		if c == '\r' || c == '\n' { // the decoder would skip them
			return nil, false
		}
	}
	n, err := base64.StdEncoding.Strict().Decode(data, line)
	return data[:n], err == nil
}

// ID is ID (RFC 2971).
type ID struct {
	Fields []IDField // in the order sent; nil for NIL
}

// IDField is one pair of an ID. Null: the value was NIL.
type IDField struct {
	Name, Value string
	Null        bool
}

// ParseID parses ID's arguments.
func ParseID(d *Decoder) (id ID, err error) {
	if err = d.SP(); err != nil {
		return id, err
	}
	if d.AcceptWord("NIL") {
		return id, d.End()
	}
	err = d.List(func() error {
		name, err := d.String()
		if err != nil {
			return err
		}
		if err := d.SP(); err != nil {
			return err
		}
		value, err := d.NString()
		id.Fields = append(id.Fields, IDField{string(name), string(value), value == nil})
		return err
	})
	if err != nil {
		return id, err
	}
	return id, d.End()
}

// Enable is ENABLE (RFC 9051 section 6.3.1).
type Enable struct {
	Capabilities []string // upper-case, at least one
}

// ParseEnable parses ENABLE's arguments.
func ParseEnable(d *Decoder) (e Enable, err error) {
	for {
		if err = d.SP(); err != nil {
			return e, err
		}
		if len(e.Capabilities) >= d.opts.Limits.List {
			return e, d.beyond("the list is too long")
		}
		c, err := d.Keyword("a capability's name")
		if err != nil {
			return e, err
		}
		e.Capabilities = append(e.Capabilities, c)
		if d.AtEnd() {
			return e, nil
		}
	}
}
