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
