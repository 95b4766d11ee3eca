package wire

// SearchReturn are SEARCH's result options (RFC 9051 section 6.4.4).
type SearchReturn uint8

// The result options.
const (
	SearchMin     SearchReturn = 1 << iota // MIN
	SearchMax                              // MAX
	SearchAll                              // ALL, and the meaning of "RETURN ()"
	SearchCount                            // COUNT
	SearchSave                             // SAVE (RFC 5182)
	SearchPartial                          // PARTIAL n:m (RFC 9394)
)

// Search is SEARCH and UID SEARCH (RFC 9051 section 6.4.4).
type Search struct {
	// HasReturn: RETURN was given, so the answer is ESEARCH.
	HasReturn bool
	Return    SearchReturn
	Partial   PartialRange // of SearchPartial
	SearchProgram
}

// SearchProgram is what is searched for.
type SearchProgram struct {
	// Charset is the name of the strings' charset in upper case; empty: not
	// given.
	Charset string
	// Key is the program: an OpAnd of all keys.
	Key SearchKey
	// ModSeq: MODSEQ is among the keys, so the answer carries MODSEQ
	// (RFC 7162 section 3.1.5).
	ModSeq bool
}

// searchReturns are the result options' names; those with values have a parser
// as well.
var searchReturns = map[string]struct {
	bit   SearchReturn
	value func(*Decoder, *Search) error
}{
	"MIN":   {bit: SearchMin},
	"MAX":   {bit: SearchMax},
	"ALL":   {bit: SearchAll},
	"COUNT": {bit: SearchCount},
	"SAVE":  {bit: SearchSave},
	"PARTIAL": {SearchPartial, func(d *Decoder, s *Search) (err error) {
		if err = d.SP(); err != nil {
			return err
		}
		s.Partial, err = d.PartialRange()
		return err
	}},
}

// PartialRange consumes a range of result positions (RFC 9394 section 3.1):
// both ends counted from the same side.
func (d *Decoder) PartialRange() (p PartialRange, err error) {
	start := d.pos
	if p.First, err = d.signed(); err != nil {
		return p, err
	}
	if err = d.Expect(':'); err != nil {
		return p, err
	}
	if p.Last, err = d.signed(); err != nil {
		return p, err
	}
	if (p.First < 0) != (p.Last < 0) {
		d.pos = start
		return p, d.want("two positions of the same sign")
	}
	return p, nil
}

// ParseSearch parses SEARCH's arguments.
func ParseSearch(d *Decoder) (s Search, err error) {
	if err = d.SP(); err != nil {
		return s, err
	}
	if d.AcceptWord("RETURN") {
		if err = s.parseReturn(d); err != nil {
			return s, err
		}
		if err = d.SP(); err != nil {
			return s, err
		}
	}
	if d.AcceptWord("CHARSET") {
		if err = d.SP(); err != nil {
			return s, err
		}
		if s.Charset, err = d.charset(); err != nil {
			return s, err
		}
		if err = d.SP(); err != nil {
			return s, err
		}
	}
	if err = s.parseKeys(d); err != nil {
		return s, err
	}
	return s, d.End()
}

func (s *Search) parseReturn(d *Decoder) error {
	s.HasReturn = true
	if err := d.SP(); err != nil {
		return err
	}
	err := d.List(func() error {
		start := d.pos
		name, err := d.Keyword("a result option of SEARCH")
		if err != nil {
			return err
		}
		o := searchReturns[name]
		if o.bit == 0 || s.Return&o.bit != 0 {
			d.pos = start
			return d.want("a result option of SEARCH")
		}
		s.Return |= o.bit
		if o.value != nil {
			return o.value(d, s)
		}
		return nil
	})
	if err == nil && s.Return == 0 {
		s.Return = SearchAll
	}
	return err
}

// charset consumes a charset's name.
func (d *Decoder) charset() (string, error) {
	s, err := d.AString()
	if len(s) > d.opts.Limits.Atom {
		return "", d.beyond("the charset's name is too long")
	}
	return upper([]byte(s)), err
}
