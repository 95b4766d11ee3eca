package message

// Summary is what is known of a mail without its bytes, in a compact encoded
// form (docs/formats-mail.md). It is immutable, has no pointers but to its own bytes,
// and is safe for concurrent use. The zero Summary is not valid: its methods
// behave as for an empty mail.
type Summary struct{ b []byte }

// ParseSummary takes an encoded summary, after checking every bound in it. b is
// aliased and must not change.
func ParseSummary(b []byte) (Summary, error) { panic("message: ParseSummary") }

// Bytes is the encoded form, which must not be changed.
func (s Summary) Bytes() []byte { return s.b }

// Valid tells a summary from the zero value.
func (s Summary) Valid() bool { return len(s.b) > 0 }

// Size is the mail's size in octets.
func (s Summary) Size() int64 { panic("message: Size") }

// Preview is the beginning of the first text part in UTF-8, white space
// folded, at most Limits.PreviewChars characters (RFC 8970). Empty: none.
func (s Summary) Preview() string { panic("message: Preview") }

// HeaderFields appends the header lines that have one of the names (upper
// case, without colon) verbatim and in the mail's order, without the final
// empty line (RFC 9051 BODY[HEADER.FIELDS]). ok is false, and nothing is
// appended, if the summary can't tell: then the header must be read from the object.
// For a name that the mail doesn't have ok is nearly always true.
func (s Summary) HeaderFields(dst []byte, names []string) (out []byte, ok bool) {
	panic("message: HeaderFields")
}

// Prefixed returns the summary of the same mail with header lines put in
// front. prefix must be whole header lines, each ending in a line feed.
func (s Summary) Prefixed(prefix []byte) Summary { panic("message: Prefixed") }
