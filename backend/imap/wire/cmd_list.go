package wire

// ListSelect are LIST's selection options (RFC 5258 section 3.1).
type ListSelect uint8

// The selection options.
const (
	ListSubscribed     ListSelect = 1 << iota // SUBSCRIBED
	ListRemote                                // REMOTE
	ListRecursiveMatch                        // RECURSIVEMATCH
	ListSpecialUse                            // SPECIAL-USE (RFC 6154)
)

var listSelectOptions = map[string]ListSelect{
	"SUBSCRIBED":     ListSubscribed,
	"REMOTE":         ListRemote,
	"RECURSIVEMATCH": ListRecursiveMatch,
	"SPECIAL-USE":    ListSpecialUse,
}

// ListReturn are LIST's return options (RFC 5258 section 3.2).
type ListReturn uint8

// The return options.
const (
	ReturnSubscribed ListReturn = 1 << iota // SUBSCRIBED
	ReturnChildren                          // CHILDREN
	ReturnSpecialUse                        // SPECIAL-USE (RFC 6154)
	ReturnStatus                            // STATUS (…) (RFC 5819)
)

// listReturnOptions are the return options' names; those with values have a
// parser as well.
var listReturnOptions = map[string]struct {
	bit   ListReturn
	value func(*Decoder, *List) error
}{
	"SUBSCRIBED":  {bit: ReturnSubscribed},
	"CHILDREN":    {bit: ReturnChildren},
	"SPECIAL-USE": {bit: ReturnSpecialUse},
	"STATUS": {ReturnStatus, func(d *Decoder, l *List) (err error) {
		if err = d.SP(); err != nil {
			return err
		}
		l.StatusItems, err = d.statusItems()
		return err
	}},
}

// List is LIST or LSUB (RFC 9051 section 6.3.9, RFC 5258).
type List struct {
	// Extended: selection options, return options or a list of patterns
	// were used, so the answers are those of RFC 5258.
	Extended bool
	Select   ListSelect
	// Reference and Patterns are UTF-8; "%" and "*" in Patterns are
	// wildcards. The basic form has one pattern; an empty one asks for the
	// hierarchy separator.
	Reference   string
	Patterns    []string
	Return      ListReturn
	StatusItems []StatusItem // of ReturnStatus
}

// ParseLsub parses LSUB's arguments (RFC 3501 section 6.3.9).
func ParseLsub(d *Decoder) (l List, err error) {
	if err = d.SP(); err != nil {
		return l, err
	}
	if l.Reference, err = d.Mailbox(); err != nil {
		return l, err
	}
	if err = d.SP(); err != nil {
		return l, err
	}
	p, err := d.ListMailbox()
	if err != nil {
		return l, err
	}
	l.Patterns = []string{p}
	return l, d.End()
}

// ParseList parses LIST's arguments, basic or extended.
func ParseList(d *Decoder) (l List, err error) {
	if err = d.SP(); err != nil {
		return l, err
	}
	if d.peek() == '(' {
		l.Extended = true
		if err = l.parseSelect(d); err != nil {
			return l, err
		}
		if err = d.SP(); err != nil {
			return l, err
		}
	}
	if l.Reference, err = d.Mailbox(); err != nil {
		return l, err
	}
	if err = d.SP(); err != nil {
		return l, err
	}
	if err = l.parsePatterns(d); err != nil || d.AtEnd() {
		return l, err
	}
	if err = d.SP(); err != nil {
		return l, err
	}
	if !d.AcceptWord("RETURN") {
		return l, d.want("RETURN")
	}
	if err = d.SP(); err != nil {
		return l, err
	}
	l.Extended = true
	if err = l.parseReturn(d); err != nil {
		return l, err
	}
	return l, d.End()
}

func (l *List) parseSelect(d *Decoder) error {
	start := d.pos
	err := d.List(func() error {
		start := d.pos
		name, err := d.Keyword("a selection option of LIST")
		if err != nil {
			return err
		}
		bit := listSelectOptions[name]
		if bit == 0 {
			d.pos = start
			return d.want("a selection option of LIST")
		}
		l.Select |= bit
		return nil
	})
	// RFC 5258 section 3.1: it modifies another option.
	if err == nil && l.Select&ListRecursiveMatch != 0 && l.Select&^(ListRecursiveMatch|ListRemote) == 0 {
		d.pos = start
		return d.want("RECURSIVEMATCH beside an option such as SUBSCRIBED")
	}
	return err
}

func (l *List) parsePatterns(d *Decoder) error {
	one := func() error {
		p, err := d.ListMailbox()
		l.Patterns = append(l.Patterns, p)
		return err
	}
	if d.peek() != '(' {
		return one()
	}
	l.Extended = true
	if err := d.List(one); err != nil {
		return err
	}
	if len(l.Patterns) == 0 {
		return d.want("a mailbox pattern")
	}
	return nil
}

func (l *List) parseReturn(d *Decoder) error {
	return d.List(func() error {
		start := d.pos
		name, err := d.Keyword("a return option of LIST")
		if err != nil {
			return err
		}
		o := listReturnOptions[name]
		if o.bit == 0 {
			d.pos = start
			return d.want("a return option of LIST")
		}
		l.Return |= o.bit
		if o.value != nil {
			return o.value(d, l)
		}
		return nil
	})
}
