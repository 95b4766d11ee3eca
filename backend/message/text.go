package message

import "io"

// DecodeHeader decodes a header value to UTF-8: unfolds it, decodes encoded
// words (RFC 2047) and takes raw 8-bit bytes as UTF-8 or, where they aren't,
// as Windows-1252. It never fails: what can't be decoded stays as it is.
func DecodeHeader(value []byte) string { panic("message: DecodeHeader") }

// DecodeText decodes the content of a text part (transfer encoding and
// charset) to valid UTF-8, at most limit bytes of it. Best effort: it never fails.
func DecodeText(p Part, content []byte, limit int) []byte { panic("message: DecodeText") }

// NewTextReader is DecodeText as a stream: r delivers the part's content.
// Errors are those of r only.
func NewTextReader(p Part, r io.Reader) io.Reader { panic("message: NewTextReader") }

// NewTransferReader decodes base64 or quoted-printable as it streams; other
// encodings pass through. known is false for an encoding that it doesn't know.
// Damaged input is decoded as far as it makes sense.
func NewTransferReader(encoding string, r io.Reader) (decoded io.Reader, known bool) {
	panic("message: NewTransferReader")
}
