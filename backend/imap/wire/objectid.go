package wire

import "encoding/hex"

// The letters that start object ids (RFC 8474 section 4), so that an email id is
// never mistaken for a thread id.
const (
	EmailIDPrefix  = 'M'
	ThreadIDPrefix = 'T'
)

// AppendObjectID appends an object id (RFC 8474 section 7): the prefix and the
// id in hexadecimal, for ids are compared with case by some and without by others.
func AppendObjectID(dst []byte, prefix byte, id [16]byte) []byte {
	return hex.AppendEncode(append(dst, prefix), id[:])
}

// ParseObjectID is the reverse. ok is false if s is not an id that AppendObjectID
// gives.
func ParseObjectID(s string, prefix byte) (id [16]byte, ok bool) {
	if len(s) != 33 || s[0] != prefix {
		return id, false
	}
	for _, c := range s[1:] {
		if c >= 'A' && c <= 'F' {
			return id, false
		}
	}
	n, err := hex.Decode(id[:], []byte(s[1:]))
	return id, err == nil && n == len(id)
}
