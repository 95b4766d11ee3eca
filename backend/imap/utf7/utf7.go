// Package utf7 is the modified UTF-7 of IMAP4rev1 mailbox names (RFC 3501
// section 5.1.3). It is strict: a name has exactly one encoding, and anything
// else is refused. It knows nothing of hierarchy or INBOX.
package utf7

// Encode appends name (UTF-8) in modified UTF-7. Invalid UTF-8 is encoded as
// U+FFFD.
func Encode(dst []byte, name string) []byte { panic("utf7") }

// Decode returns the UTF-8 name that s encodes. ok is false if s is not the
// encoding that Encode would give.
func Decode(s string) (name string, ok bool) { panic("utf7") }
