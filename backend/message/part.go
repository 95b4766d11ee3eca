package message

// Part is one node of a mail's MIME tree, with where its bytes are. Offsets
// are absolute in the mail.
type Part struct {
	// MIMEOffset, MIMELen are the part's own MIME header with the empty
	// line that ends it (BODY[n.MIME]); for the whole message its header.
	MIMEOffset, MIMELen int64
	// HeaderOffset, HeaderLen are the message header with its empty line:
	// of the mail itself, or of the message that an IsMessage part embeds
	// (BODY[n.HEADER]). Length 0 for all other parts.
	HeaderOffset, HeaderLen int64
	// BodyOffset, BodyLen are the part's content, still transfer-encoded
	// (BODY[n]); for an IsMessage part the embedded message with its header.
	BodyOffset, BodyLen int64
	// TextOffset, TextLen are the body behind the message header
	// (BODY[TEXT], BODY[n.TEXT]). Length 0 where HeaderLen is meaningless.
	TextOffset, TextLen int64
	Lines               int64 // line feeds in the content
	// Type, Subtype and Encoding as written, or the defaults of RFC 2045.
	Type, Subtype, Encoding string
	Charset                 string // the charset parameter, "" if none
	Disposition             string // "attachment", "inline", …; "" if none
	Filename                string // RFC 2231 decoded to UTF-8, else as written; "" if none
	ContentID               string
	IsMultipart, IsMessage  bool
	IsText                  bool // Type is text
	Children                int  // parts of a multipart
}

// Part finds a part by its number (RFC 9051 section 6.4.5.1): nil is the whole
// message, [1] of a mail that is not a multipart its only body; numbers below
// a message/rfc822 part name the parts of the embedded message.
func (s Summary) Part(path []int) (Part, bool) { panic("message: Part") }

// Section tells which bytes of the mail BODY[path.spec] is. spec is "",
// "HEADER", "TEXT" or "MIME" (upper case). ok is false if there is no such section.
func (s Summary) Section(path []int, spec string) (off, n int64, ok bool) {
	panic("message: Section")
}

// Walk calls f for every part in order, multiparts and embedded messages
// before what they hold, until f returns false. The path is only valid during the
// call and is nil for the whole message when it is a multipart.
func (s Summary) Walk(f func(path []int, p Part) bool) { panic("message: Walk") }

// AppendBody appends the IMAP BODY or, extended, BODYSTRUCTURE (RFC 9051
// section 7.5.2) to dst. utf8 as for AppendEnvelope.
func (s Summary) AppendBody(dst []byte, extended, utf8 bool) []byte {
	panic("message: AppendBody")
}
