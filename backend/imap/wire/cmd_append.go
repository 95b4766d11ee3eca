package wire

import "time"

// Append is APPEND (RFC 9051 section 6.3.12, RFC 3502).
type Append struct {
	Mailbox  string
	Messages []AppendMessage // at least one
}

// AppendMessage is one message of an APPEND.
type AppendMessage struct {
	Flags []string
	Date  time.Time // zero: not given
	// Data aliases the command's literal.
	Data []byte
	// UTF8: sent as UTF8 (~{n}) (RFC 6855 section 4); Binary: as a literal8
	// (RFC 3516), which alone may hold NULs.
	UTF8, Binary bool
}
