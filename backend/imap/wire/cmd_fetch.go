package wire

// FetchKind is what a FETCH item asks for.
type FetchKind uint8

// The FETCH items.
const (
	FetchUID           FetchKind = iota + 1
	FetchFlags                   // FLAGS
	FetchInternalDate            // INTERNALDATE
	FetchSize                    // RFC822.SIZE
	FetchEnvelope                // ENVELOPE
	FetchBody                    // BODY: the structure without extension data
	FetchBodyStructure           // BODYSTRUCTURE
	FetchSection                 // BODY[…]
	FetchRFC822                  // RFC822 (RFC 3501)
	FetchRFC822Header            // RFC822.HEADER
	FetchRFC822Text              // RFC822.TEXT
	FetchBinary                  // BINARY[…] (RFC 3516)
	FetchBinarySize              // BINARY.SIZE[…]
	FetchModSeq                  // MODSEQ (RFC 7162)
	FetchEmailID                 // EMAILID (RFC 8474)
	FetchThreadID                // THREADID
	FetchSaveDate                // SAVEDATE (RFC 8514)
	FetchPreview                 // PREVIEW (RFC 8970)
)

// FetchItem is one item of a FETCH.
type FetchItem struct {
	Kind       FetchKind
	Section    Section // FetchSection, FetchBinary, FetchBinarySize
	Partial    Partial
	HasPartial bool
	// Peek: \Seen is not to be set. Items that don't set it at all have
	// Peek set, so an item without Peek makes the message seen.
	Peek bool
	Lazy bool // PREVIEW (LAZY)
}

// Fetch is FETCH and UID FETCH (RFC 9051 section 6.4.5). UID is not added to
// the Items of a UID FETCH.
type Fetch struct {
	Set   NumSet
	Items []FetchItem // macros expanded, repetitions removed
	// ChangedSince is CHANGEDSINCE's value, at least 1 (RFC 7162 section
	// 3.1.4.1); 0: not given. Vanished: section 3.2.6.
	ChangedSince uint64
	Vanished     bool
}
