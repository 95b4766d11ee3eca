package wire

// SearchOp is what a search key tests.
type SearchOp uint8

// The operations of search keys. Keys that are negations or shorthands of others
// are parsed into those: UNSEEN is OpNot of OpFlag \Seen, NEW is OpAnd of OpRecent
// and not \Seen, FROM x is OpHeader with Field "FROM".
const (
	OpAnd               SearchOp = iota + 1 // all of Keys; none: everything
	OpOr                                    // any of Keys
	OpNot                                   // not Keys[0]
	OpAll                                   // every message
	OpSeqs                                  // Set: sequence numbers, or $
	OpUIDs                                  // UID Set
	OpFlag                                  // Field is a system flag: `\Seen`
	OpKeyword                               // Field is a keyword
	OpRecent                                // \Recent (RFC 3501)
	OpHeader                                // the header field Field contains Str; empty Str: has it
	OpBody                                  // Str in the body
	OpText                                  // Str in the header or the body
	OpLarger                                // size above Num
	OpSmaller                               // size below Num
	OpBefore                                // internal date before Day
	OpOn                                    // on Day
	OpSince                                 // on or after Day
	OpSentBefore                            // the header's date before Day
	OpSentOn                                // on Day
	OpSentSince                             // on or after Day
	OpSavedBefore                           // the save date before Day (RFC 8514)
	OpSavedOn                               // on Day
	OpSavedSince                            // on or after Day
	OpSaveDateSupported                     // SAVEDATESUPPORTED
	OpOlder                                 // internal date at least Num seconds ago (RFC 5032)
	OpYounger                               // internal date less than Num seconds ago
	OpModSeq                                // modseq at least Num (RFC 7162)
	OpEmailID                               // Field is the email id (RFC 8474)
	OpThreadID                              // Field is the thread id
)

// SearchKey is one key. Which fields are used depends on Op.
type SearchKey struct {
	Op    SearchOp
	Keys  []SearchKey
	Set   NumSet
	Field string // a header field's name in upper case, a flag, an id
	Str   []byte // in the program's charset; may alias the command
	Num   uint64
	// Day is a date, as the day counted from 1970-01-01: dates of searches
	// have no time and no zone.
	Day int64
}

// searchSpec is how a key is written: what it becomes, and how its argument, if
// any, is read. not: the key is the negation of what is read.
type searchSpec struct {
	key SearchKey
	not bool
	arg func(*Decoder, *SearchKey) error
}

// searchKeys are the keys by name, but for the compound ones (NOT, OR,
// parentheses) and bare sets.
var searchKeys = map[string]searchSpec{
	"ALL":               {key: SearchKey{Op: OpAll}},
	"ANSWERED":          {key: SearchKey{Op: OpFlag, Field: `\Answered`}},
	"UNANSWERED":        {key: SearchKey{Op: OpFlag, Field: `\Answered`}, not: true},
	"DELETED":           {key: SearchKey{Op: OpFlag, Field: `\Deleted`}},
	"UNDELETED":         {key: SearchKey{Op: OpFlag, Field: `\Deleted`}, not: true},
	"DRAFT":             {key: SearchKey{Op: OpFlag, Field: `\Draft`}},
	"UNDRAFT":           {key: SearchKey{Op: OpFlag, Field: `\Draft`}, not: true},
	"FLAGGED":           {key: SearchKey{Op: OpFlag, Field: `\Flagged`}},
	"UNFLAGGED":         {key: SearchKey{Op: OpFlag, Field: `\Flagged`}, not: true},
	"SEEN":              {key: SearchKey{Op: OpFlag, Field: `\Seen`}},
	"UNSEEN":            {key: SearchKey{Op: OpFlag, Field: `\Seen`}, not: true},
	"RECENT":            {key: SearchKey{Op: OpRecent}},
	"OLD":               {key: SearchKey{Op: OpRecent}, not: true},
	"NEW":               {key: SearchKey{Op: OpAnd, Keys: []SearchKey{{Op: OpRecent}, {Op: OpNot, Keys: []SearchKey{{Op: OpFlag, Field: `\Seen`}}}}}},
	"KEYWORD":           {key: SearchKey{Op: OpKeyword}, arg: argKeyword},
	"UNKEYWORD":         {key: SearchKey{Op: OpKeyword}, not: true, arg: argKeyword},
	"UID":               {key: SearchKey{Op: OpUIDs}, arg: argSet},
	"FROM":              {key: SearchKey{Op: OpHeader, Field: "FROM"}, arg: argString},
	"TO":                {key: SearchKey{Op: OpHeader, Field: "TO"}, arg: argString},
	"CC":                {key: SearchKey{Op: OpHeader, Field: "CC"}, arg: argString},
	"BCC":               {key: SearchKey{Op: OpHeader, Field: "BCC"}, arg: argString},
	"SUBJECT":           {key: SearchKey{Op: OpHeader, Field: "SUBJECT"}, arg: argString},
	"HEADER":            {key: SearchKey{Op: OpHeader}, arg: argHeader},
	"BODY":              {key: SearchKey{Op: OpBody}, arg: argString},
	"TEXT":              {key: SearchKey{Op: OpText}, arg: argString},
	"LARGER":            {key: SearchKey{Op: OpLarger}, arg: argNumber64},
	"SMALLER":           {key: SearchKey{Op: OpSmaller}, arg: argNumber64},
	"BEFORE":            {key: SearchKey{Op: OpBefore}, arg: argDate},
	"ON":                {key: SearchKey{Op: OpOn}, arg: argDate},
	"SINCE":             {key: SearchKey{Op: OpSince}, arg: argDate},
	"SENTBEFORE":        {key: SearchKey{Op: OpSentBefore}, arg: argDate},
	"SENTON":            {key: SearchKey{Op: OpSentOn}, arg: argDate},
	"SENTSINCE":         {key: SearchKey{Op: OpSentSince}, arg: argDate},
	"SAVEDBEFORE":       {key: SearchKey{Op: OpSavedBefore}, arg: argDate},
	"SAVEDON":           {key: SearchKey{Op: OpSavedOn}, arg: argDate},
	"SAVEDSINCE":        {key: SearchKey{Op: OpSavedSince}, arg: argDate},
	"SAVEDATESUPPORTED": {key: SearchKey{Op: OpSaveDateSupported}},
	"OLDER":             {key: SearchKey{Op: OpOlder}, arg: argInterval},
	"YOUNGER":           {key: SearchKey{Op: OpYounger}, arg: argInterval},
	"MODSEQ":            {key: SearchKey{Op: OpModSeq}, arg: argModSeq},
	"EMAILID":           {key: SearchKey{Op: OpEmailID}, arg: argID},
	"THREADID":          {key: SearchKey{Op: OpThreadID}, arg: argID},
}

// parseKeys consumes the keys up to the end of the command.
func (p *SearchProgram) parseKeys(d *Decoder) error {
	s := searchParser{d: d, program: p}
	p.Key.Op = OpAnd
	for {
		k, err := s.key(1)
		if err != nil {
			return err
		}
		p.Key.Keys = append(p.Key.Keys, k)
		if d.AtEnd() {
			return nil
		}
		if err := d.SP(); err != nil {
			return err
		}
	}
}

// searchParser counts what has been read of a program.
type searchParser struct {
	d       *Decoder
	program *SearchProgram
	keys    int
}

// key consumes one key.
func (s *searchParser) key(depth int) (k SearchKey, err error) {
	d := s.d
	if s.keys++; s.keys > d.opts.Limits.SearchKeys {
		return k, d.beyond("too many search keys")
	}
	if depth > d.opts.Limits.Depth {
		return k, d.beyond("search keys are nested too deeply")
	}
	switch c := d.peek(); {
	case c == '(':
		k.Op = OpAnd
		return k, s.list(&k, depth)
	case c == '*' || c == '$' || classes[c]&isDigit != 0:
		k.Op = OpSeqs
		k.Set, err = d.NumSet()
		return k, err
	}
	start := d.pos
	name, err := d.Keyword("a search key")
	if err != nil {
		return k, err
	}
	switch name {
	case "NOT":
		k.Op = OpNot
		return k, s.operands(&k, 1, depth)
	case "OR":
		k.Op = OpOr
		return k, s.operands(&k, 2, depth)
	}
	spec, ok := searchKeys[name]
	if !ok {
		d.pos = start
		return k, d.want("a search key")
	}
	k = spec.key
	if spec.arg != nil {
		if err := d.SP(); err != nil {
			return k, err
		}
		if err := spec.arg(d, &k); err != nil {
			return k, err
		}
	}
	if k.Op == OpModSeq {
		s.program.ModSeq = true
	}
	if spec.not {
		k = SearchKey{Op: OpNot, Keys: []SearchKey{k}}
	}
	return k, nil
}

// operands consumes n times SP key.
func (s *searchParser) operands(k *SearchKey, n, depth int) error {
	for range n {
		if err := s.d.SP(); err != nil {
			return err
		}
		o, err := s.key(depth + 1)
		if err != nil {
			return err
		}
		k.Keys = append(k.Keys, o)
	}
	return nil
}

// list consumes "(" keys ")". Its length is bounded by the number of keys.
func (s *searchParser) list(k *SearchKey, depth int) error {
	s.d.pos++
	for {
		o, err := s.key(depth + 1)
		if err != nil {
			return err
		}
		k.Keys = append(k.Keys, o)
		if s.d.Accept(')') {
			return nil
		}
		if !s.d.Accept(' ') {
			return s.d.want("a space or )")
		}
	}
}
