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

// PartialRange is PARTIAL's range (RFC 9394): positions in the result counted
// from 1, or from -1 at its end.
type PartialRange struct{ First, Last int64 }

// Search is SEARCH and UID SEARCH (RFC 9051 section 6.4.4).
type Search struct {
	// HasReturn: RETURN was given, so the answer is ESEARCH.
	HasReturn bool
	Return    SearchReturn
	Partial   PartialRange // of SearchPartial
	// Charset is the name of the strings' charset in upper case; empty: not
	// given, UTF-8 (US-ASCII for RFC 3501).
	Charset string
	// Key is the program: an OpAnd of all keys.
	Key SearchKey
	// ModSeq: MODSEQ is among the keys, so the answer carries MODSEQ
	// (RFC 7162 section 3.1.5).
	ModSeq bool
}

// SearchOp is what a search key tests.
type SearchOp uint8

// The search keys. Keys that are others' negations or shorthands are parsed
// into those: UNSEEN is Not(Flag \Seen), NEW is And(Recent, Not Seen), FROM x is
// Header "From" x, OLD is Not(Recent), SEEN is Flag \Seen.
const (
	OpAnd        SearchOp = iota + 1 // all of Keys; none: everything
	OpOr                             // any of Keys
	OpNot                            // not Keys[0]
	OpAll                            // every message
	OpSeqs                           // Set: sequence numbers, or $
	OpUIDs                           // UID Set
	OpFlag                           // Str is a system flag: "\Seen"
	OpKeyword                        // Str is a keyword
	OpRecent                         // \Recent (RFC 3501)
	OpHeader                         // the header field Field contains Str; empty Str: has it
	OpBody                           // BODY
	OpText                           // TEXT
	OpLarger                         // Num
	OpSmaller                        // Num
	OpBefore                         // internal date before Date
	OpOn                             // internal date on Date
	OpSince                          // internal date on or after Date
	OpSentBefore                     // Date: header's date
	OpSentOn
	OpSentSince
	OpSavedBefore // RFC 8514
	OpSavedOn
	OpSavedSince
	OpSaveDateSupported // SAVEDATESUPPORTED
	OpOlder             // Num seconds (RFC 5032)
	OpYounger
	OpModSeq   // modseq at least Num (RFC 7162)
	OpEmailID  // Str (RFC 8474)
	OpThreadID // Str
)

// SearchKey is one key.
type SearchKey struct {
	Op    SearchOp
	Keys  []SearchKey
	Set   NumSet
	Field string // as written
	Str   []byte // in the program's charset
	Num   uint64
	// Day is the date's day, counted from 1970-01-01: dates of searches
	// have no time and no zone.
	Day int64
}
