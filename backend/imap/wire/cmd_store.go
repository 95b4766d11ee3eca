package wire

// StoreMode is how STORE's flags are to be applied.
type StoreMode uint8

// The modes.
const (
	StoreReplace StoreMode = iota // FLAGS
	StoreAdd                      // +FLAGS
	StoreRemove                   // -FLAGS
)

// Store is STORE and UID STORE (RFC 9051 section 6.4.6, RFC 7162 section
// 3.1.3).
type Store struct {
	Set    NumSet
	Mode   StoreMode
	Silent bool
	Flags  []string // as Decoder.Flag gives them
	// UnchangedSince may be 0, which is not the same as not given.
	UnchangedSince    uint64
	HasUnchangedSince bool
}

// storeParams are STORE's modifiers (RFC 4466 section 2.5).
var storeParams = map[string]func(*Decoder, *Store) error{
	"UNCHANGEDSINCE": func(d *Decoder, s *Store) (err error) {
		if err = d.SP(); err != nil {
			return err
		}
		s.HasUnchangedSince = true
		s.UnchangedSince, err = d.Number64()
		return err
	},
}

// ParseStore parses STORE's arguments.
func ParseStore(d *Decoder) (s Store, err error) {
	if s.Set, err = d.spNumSet(); err != nil {
		return s, err
	}
	if rest := d.rest(); len(rest) > 1 && rest[0] == ' ' && rest[1] == '(' {
		if err = params(d, &s, storeParams, "a modifier of STORE"); err != nil {
			return s, err
		}
	}
	if err = d.SP(); err != nil {
		return s, err
	}
	switch {
	case d.Accept('+'):
		s.Mode = StoreAdd
	case d.Accept('-'):
		s.Mode = StoreRemove
	}
	switch {
	case d.AcceptWord("FLAGS"):
	case d.AcceptWord("FLAGS.SILENT"):
		s.Silent = true
	default:
		return s, d.want("FLAGS or FLAGS.SILENT")
	}
	if err = d.SP(); err != nil {
		return s, err
	}
	if s.Flags, err = d.storeFlags(); err != nil {
		return s, err
	}
	return s, d.End()
}

// storeFlags consumes a flag list or bare flags.
func (d *Decoder) storeFlags() ([]string, error) {
	if d.peek() == '(' {
		return d.FlagList()
	}
	var flags []string
	for {
		f, err := d.Flag()
		if err != nil {
			return nil, err
		}
		if flags = append(flags, f); len(flags) > d.opts.Limits.List {
			return nil, d.beyond("the list is too long")
		}
		if !d.Accept(' ') {
			return flags, nil
		}
	}
}

func (d *Decoder) spNumSet() (NumSet, error) {
	if err := d.SP(); err != nil {
		return NumSet{}, err
	}
	return d.NumSet()
}

// Copy is COPY and MOVE and their UID forms (RFC 9051 sections 6.4.7, 6.4.8).
type Copy struct {
	Set     NumSet
	Mailbox string
}

// ParseCopy parses the arguments of COPY and MOVE.
func ParseCopy(d *Decoder) (c Copy, err error) {
	if c.Set, err = d.spNumSet(); err != nil {
		return c, err
	}
	if c.Mailbox, err = d.spMailbox(); err != nil {
		return c, err
	}
	return c, d.End()
}

// Set is a command whose only argument is a set: UID EXPUNGE (RFC 4315).
type Set struct{ Set NumSet }

// ParseSet parses UID EXPUNGE's arguments.
func ParseSet(d *Decoder) (s Set, err error) {
	if s.Set, err = d.spNumSet(); err != nil {
		return s, err
	}
	return s, d.End()
}
