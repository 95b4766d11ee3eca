package wire

import (
	"errors"
	"strconv"
)

// Error is a command that can't be parsed. Its text is safe to send to the
// client: it quotes nothing of what the client sent (it might be a password).
type Error struct {
	// Pos is the octet, counted from the start of the command over its
	// lines (without CRLF, and without literals' contents), where Want was
	// expected.
	Pos int
	// Want is what was expected there, or which limit was passed.
	Want string
	// Limit: what is there may be good IMAP, but it is beyond Limits.
	Limit bool
	// Name: what is there is a string as it should be, but no mailbox can
	// be meant by it, as it is not in modified UTF-7 or UTF-8. The answer is
	// NO rather than BAD.
	Name bool
}

// Error is "expected X at octet N" or "too many X at octet N".
func (e *Error) Error() string {
	at := " at octet " + strconv.Itoa(e.Pos)
	if e.Limit {
		return e.Want + at
	}
	return "expected " + e.Want + at
}

// IsLimit reports whether err is a passed limit rather than bad syntax.
func IsLimit(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Limit
}
