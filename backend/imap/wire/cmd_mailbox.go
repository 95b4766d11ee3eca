package wire

// Mailbox is a command whose only argument is a mailbox: DELETE, SUBSCRIBE,
// UNSUBSCRIBE.
type Mailbox struct{ Mailbox string }

// ParseMailbox parses the arguments of DELETE, SUBSCRIBE and UNSUBSCRIBE.
func ParseMailbox(d *Decoder) (m Mailbox, err error) {
	if m.Mailbox, err = d.spMailbox(); err != nil {
		return m, err
	}
	return m, d.End()
}

func (d *Decoder) spMailbox() (string, error) {
	if err := d.SP(); err != nil {
		return "", err
	}
	return d.Mailbox()
}

// Rename is RENAME (RFC 9051 section 6.3.6).
type Rename struct{ From, To string }

// ParseRename parses RENAME's arguments.
func ParseRename(d *Decoder) (r Rename, err error) {
	if r.From, err = d.spMailbox(); err != nil {
		return r, err
	}
	if r.To, err = d.spMailbox(); err != nil {
		return r, err
	}
	return r, d.End()
}

// Create is CREATE with its USE parameter (RFC 9051 section 6.3.4, RFC 6154
// section 3).
type Create struct {
	Mailbox    string
	SpecialUse []string // as written: "\Sent"
}

// createParams are CREATE's parameters (RFC 4466 section 2.2).
var createParams = map[string]func(*Decoder, *Create) error{
	"USE": func(d *Decoder, c *Create) error {
		if err := d.SP(); err != nil {
			return err
		}
		return d.List(func() error {
			if err := d.Expect('\\'); err != nil {
				return err
			}
			use, err := d.Atom()
			c.SpecialUse = append(c.SpecialUse, `\`+use)
			return err
		})
	},
}

// ParseCreate parses CREATE's arguments.
func ParseCreate(d *Decoder) (c Create, err error) {
	if c.Mailbox, err = d.spMailbox(); err != nil || d.AtEnd() {
		return c, err
	}
	if err = params(d, &c, createParams, "a parameter of CREATE"); err != nil {
		return c, err
	}
	return c, d.End()
}

// params consumes SP "(" parameters ")": names that table knows, each at most
// once and at least one of them, which consume their values.
func params[T any](d *Decoder, to *T, table map[string]func(*Decoder, *T) error, what string) error {
	if err := d.SP(); err != nil {
		return err
	}
	if rest := d.rest(); len(rest) > 1 && rest[0] == '(' && rest[1] == ')' {
		d.pos++
		return d.want(what)
	}
	seen := map[string]bool{}
	return d.List(func() error {
		start := d.pos
		name, err := d.Keyword(what)
		if err != nil {
			return err
		}
		parse := table[name]
		if parse == nil || seen[name] {
			d.pos = start
			return d.want(what)
		}
		seen[name] = true
		return parse(d, to)
	})
}

// Select is SELECT or EXAMINE (RFC 9051 section 6.3.2, RFC 7162).
type Select struct {
	Mailbox   string
	CondStore bool
	QResync   *QResync // nil: not given
}

// QResync is SELECT's QRESYNC parameter (RFC 7162 section 3.2.5).
type QResync struct {
	UIDValidity uint32
	ModSeq      uint64
	// Known is the set of UIDs the client knows; HasKnown tells an absent one.
	Known    NumSet
	HasKnown bool
	// MatchSeqs and MatchUIDs are sequence numbers and the UIDs they had,
	// corresponding by position.
	MatchSeqs, MatchUIDs NumSet
	HasMatch             bool
}

// selectParams are the parameters of SELECT and EXAMINE (RFC 4466 section 2.1).
var selectParams = map[string]func(*Decoder, *Select) error{
	"CONDSTORE": func(_ *Decoder, s *Select) error {
		s.CondStore = true
		return nil
	},
	"QRESYNC": func(d *Decoder, s *Select) (err error) {
		s.QResync = new(QResync)
		return s.QResync.parse(d)
	},
}

// ParseSelect parses the arguments of SELECT and EXAMINE.
func ParseSelect(d *Decoder) (s Select, err error) {
	if s.Mailbox, err = d.spMailbox(); err != nil || d.AtEnd() {
		return s, err
	}
	if err = params(d, &s, selectParams, "a parameter of SELECT"); err != nil {
		return s, err
	}
	return s, d.End()
}

func (q *QResync) parse(d *Decoder) (err error) {
	if err = d.SP(); err != nil {
		return err
	}
	if err = d.Expect('('); err != nil {
		return err
	}
	if q.UIDValidity, err = d.NzNumber(); err != nil {
		return err
	}
	if err = d.SP(); err != nil {
		return err
	}
	if q.ModSeq, err = d.Number64(); err != nil || d.Accept(')') {
		return err
	}
	if err = d.SP(); err != nil {
		return err
	}
	if d.peek() != '(' {
		q.HasKnown = true
		if q.Known, err = d.UIDSet(); err != nil || d.Accept(')') {
			return err
		}
		if err = d.SP(); err != nil {
			return err
		}
	}
	q.HasMatch = true
	if err = d.Expect('('); err != nil {
		return err
	}
	if q.MatchSeqs, err = d.UIDSet(); err != nil {
		return err
	}
	if err = d.SP(); err != nil {
		return err
	}
	if q.MatchUIDs, err = d.UIDSet(); err != nil {
		return err
	}
	if err = d.Expect(')'); err != nil {
		return err
	}
	return d.Expect(')')
}
