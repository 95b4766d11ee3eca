package wire

// Specifier is the text part of a section.
type Specifier uint8

// The specifiers of RFC 9051 section 6.4.5.
const (
	SectionAll             Specifier = iota // BODY[] or BODY[1.2]
	SectionHeader                           // HEADER
	SectionHeaderFields                     // HEADER.FIELDS (…)
	SectionHeaderFieldsNot                  // HEADER.FIELDS.NOT (…)
	SectionText                             // TEXT
	SectionMIME                             // MIME; always with a Path
)

// specifiers are the names of Specifiers.
var specifiers = [...]string{"", "HEADER", "HEADER.FIELDS", "HEADER.FIELDS.NOT", "TEXT", "MIME"}

// String is the specifier's name: "HEADER.FIELDS".
func (s Specifier) String() string { return specifiers[s] }

// Section is what stands in BODY[…] or BINARY[…].
type Section struct {
	Path []int // part numbers, each at least 1; empty: the message
	Spec Specifier
	// Fields are the header field names as the client wrote them (they are
	// echoed), Names the same in upper case, in the same order.
	Fields, Names []string
}

// Partial is <Offset.Count> of a section: at most Count octets from Offset.
type Partial struct {
	Offset, Count uint64 // Count is at least 1
}

// Section consumes "[" section "]".
func (d *Decoder) Section() (Section, error) {
	var s Section
	if err := d.Expect('['); err != nil {
		return s, err
	}
	for classes[d.peek()]&isDigit != 0 {
		if len(s.Path) >= d.opts.Limits.PartDepth {
			return s, d.beyond("the part's path is too long")
		}
		n, err := d.NzNumber()
		if err != nil {
			return s, err
		}
		s.Path = append(s.Path, int(n))
		if d.Accept(']') {
			return s, nil
		}
		if err := d.Expect('.'); err != nil {
			return s, err
		}
		if classes[d.peek()]&isDigit == 0 && d.peek() == ']' {
			return s, d.want("a part number or a section's name")
		}
	}
	if d.Accept(']') {
		return s, nil
	}
	return s, d.sectionText(&s)
}

// sectionText consumes HEADER, TEXT, … and "]".
func (d *Decoder) sectionText(s *Section) error {
	start := d.pos
	name, err := d.Keyword("a section's name")
	if err != nil {
		return err
	}
	for spec := SectionHeader; spec <= SectionMIME; spec++ {
		if name == specifiers[spec] {
			s.Spec = spec
		}
	}
	if s.Spec == SectionAll || s.Spec == SectionMIME && len(s.Path) == 0 {
		d.pos = start
		return d.want("HEADER, HEADER.FIELDS, TEXT, or MIME of a part")
	}
	if s.Spec == SectionHeaderFields || s.Spec == SectionHeaderFieldsNot {
		if err := d.SP(); err != nil {
			return err
		}
		if err := d.headerList(s); err != nil {
			return err
		}
	}
	return d.Expect(']')
}

func (d *Decoder) headerList(s *Section) error {
	start := d.pos
	err := d.List(func() error {
		f, err := d.AString()
		if len(f) > d.opts.Limits.Atom {
			return d.beyond("the header field's name is too long")
		}
		s.Fields = append(s.Fields, f)
		s.Names = append(s.Names, upper([]byte(f)))
		return err
	})
	if err == nil && len(s.Fields) == 0 {
		d.pos = start
		return d.want("a list of header fields")
	}
	return err
}

// partial consumes "<" offset "." count ">" if it is there.
func (d *Decoder) partial() (p Partial, ok bool, err error) {
	if !d.Accept('<') {
		return p, false, nil
	}
	if p.Offset, err = d.Number64(); err != nil {
		return p, false, err
	}
	if err = d.Expect('.'); err != nil {
		return p, false, err
	}
	start := d.pos
	if p.Count, err = d.digits(1<<63-1, "a count above zero"); err != nil {
		return p, false, err
	}
	if p.Count == 0 {
		d.pos = start
		return p, false, d.want("a count above zero")
	}
	return p, true, d.Expect('>')
}

// Append appends the section with its brackets, as a response echoes it.
func (s *Section) Append(dst []byte, utf8 bool) []byte {
	dst = append(dst, '[')
	for i, n := range s.Path {
		if i > 0 {
			dst = append(dst, '.')
		}
		dst = appendUint(dst, uint64(n))
	}
	if s.Spec != SectionAll {
		if len(s.Path) > 0 {
			dst = append(dst, '.')
		}
		dst = append(dst, s.Spec.String()...)
	}
	if len(s.Fields) > 0 {
		dst = append(dst, " ("...)
		for i, f := range s.Fields {
			if i > 0 {
				dst = append(dst, ' ')
			}
			dst = AppendAString(dst, f, utf8)
		}
		dst = append(dst, ')')
	}
	return append(dst, ']')
}
