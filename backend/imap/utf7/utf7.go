// Package utf7 is the modified UTF-7 of IMAP4rev1 mailbox names (RFC 3501
// section 5.1.3). It is strict: a name has exactly one encoding, and anything
// else is refused. It knows nothing of hierarchy or INBOX.
package utf7

import (
	"unicode/utf16"
	"unicode/utf8"
)

// alphabet is base64's with "," for "/", without padding.
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,"

// values are the alphabet's values, 0xff for other octets.
var values = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i := range len(alphabet) {
		t[alphabet[i]] = byte(i)
	}
	return t
}()

// direct reports whether r stands for itself.
func direct(r rune) bool { return r >= 0x20 && r <= 0x7e }

// Encode appends name (UTF-8) in modified UTF-7. Invalid UTF-8 is encoded as
// U+FFFD.
func Encode(dst []byte, name string) []byte {
	var bits uint32 // the low n bits wait
	var n uint
	shifted := false
	unit := func(u uint16) {
		bits = bits<<16 | uint32(u)
		for n += 16; n >= 6; {
			n -= 6
			dst = append(dst, alphabet[bits>>n&63])
		}
		bits &= 1<<n - 1
	}
	for _, r := range name {
		if direct(r) {
			if shifted {
				dst = endShift(dst, bits, n)
				shifted, bits, n = false, 0, 0
			}
			dst = append(dst, byte(r))
			if r == '&' {
				dst = append(dst, '-')
			}
			continue
		}
		if !shifted {
			dst = append(dst, '&')
			shifted = true
		}
		if hi, lo := utf16.EncodeRune(r); hi != utf8.RuneError {
			unit(uint16(hi))
			unit(uint16(lo))
		} else {
			unit(uint16(r))
		}
	}
	if shifted {
		dst = endShift(dst, bits, n)
	}
	return dst
}

// endShift appends the last n bits and "-".
func endShift(dst []byte, bits uint32, n uint) []byte {
	if n > 0 {
		dst = append(dst, alphabet[bits<<(6-n)&63])
	}
	return append(dst, '-')
}

// Decode returns the UTF-8 name that s encodes. ok is false if s is not the
// encoding that Encode would give: 8-bit octets, unpaired surrogates, a shift
// that encodes what stands for itself, that doesn't end, or that follows another
// directly, bits left over.
func Decode(s string) (name string, ok bool) {
	i := 0
	for i < len(s) && s[i] != '&' && direct(rune(s[i])) {
		i++
	}
	if i == len(s) {
		return s, true
	}
	out := append(make([]byte, 0, len(s)+8), s[:i]...)
	ended := false // the octet before ended a shift that was not "&-"
	for i < len(s) {
		switch c := s[i]; {
		case c != '&':
			if !direct(rune(c)) {
				return "", false
			}
			out = append(out, c)
			ended = false
			i++
		case i+1 < len(s) && s[i+1] == '-':
			out = append(out, '&')
			ended = false
			i += 2
		default:
			if ended {
				return "", false
			}
			if out, i, ok = decodeShift(out, s, i+1); !ok {
				return "", false
			}
			ended = true
		}
	}
	return string(out), true
}

// decodeShift appends what the base64 from s[i] up to "-" encodes, and returns
// the place behind the "-".
func decodeShift(out []byte, s string, i int) ([]byte, int, bool) {
	var bits uint32
	var n uint
	var high rune // a surrogate that waits for its partner
	for ; i < len(s) && s[i] != '-'; i++ {
		v := values[s[i]]
		if v == 0xff {
			return nil, 0, false
		}
		bits = bits<<6 | uint32(v)
		if n += 6; n < 16 {
			continue
		}
		n -= 16
		r := rune(bits >> n & 0xffff)
		bits &= 1<<n - 1
		switch {
		case high != 0:
			if r = utf16.DecodeRune(high, r); r == utf8.RuneError {
				return nil, 0, false
			}
			high = 0
		case r >= 0xd800 && r < 0xdc00:
			high = r
			continue
		case utf16.IsSurrogate(r) || direct(r):
			return nil, 0, false
		}
		out = utf8.AppendRune(out, r)
	}
	// A whole sextet left over would be one too many.
	if i == len(s) || high != 0 || n >= 6 || bits != 0 {
		return nil, 0, false
	}
	return out, i + 1, true
}
