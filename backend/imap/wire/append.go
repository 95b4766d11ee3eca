package wire

import (
	"strconv"
	"time"
	"unicode/utf8"

	"mailbackend.io/backend/imap/utf7"
)

// maxQuoted is the longest string that is sent quoted rather than as a literal:
// clients have line limits.
const maxQuoted = 1000

func appendUint(dst []byte, n uint64) []byte { return strconv.AppendUint(dst, n, 10) }

// AppendString appends s as a string: quoted if it can be, else as a literal.
// utf8 mode allows quoted UTF-8 (RFC 9051 section 4.3).
func AppendString[S ~string | ~[]byte](dst []byte, s S, utf8 bool) []byte {
	if !quotable(s, utf8) {
		return AppendLiteral(dst, s)
	}
	return appendQuoted(dst, s)
}

// AppendLiteral appends s as a literal.
func AppendLiteral[S ~string | ~[]byte](dst []byte, s S) []byte {
	return append(AppendLiteralHead(dst, uint64(len(s))), s...)
}

// AppendLiteralHead appends the announcement of a literal of n octets, with its
// CRLF.
func AppendLiteralHead(dst []byte, n uint64) []byte {
	dst = appendUint(append(dst, '{'), n)
	return append(dst, "}\r\n"...)
}

func appendQuoted[S ~string | ~[]byte](dst []byte, s S) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		if c := s[i]; c == '"' || c == '\\' {
			dst = append(dst, '\\', c)
		} else {
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// quotable reports whether s can be a quoted string.
func quotable[S ~string | ~[]byte](s S, allowUTF8 bool) bool {
	if len(s) > maxQuoted {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 0x80:
			return allowUTF8 && !control(s) && utf8.ValidString(string(s))
		case (c < 0x20 && c != '\t') || c == 0x7f:
			return false
		}
	}
	return true
}

// control reports whether s has a control character other than the tab.
func control[S ~string | ~[]byte](s S) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

// AppendAString appends s as an astring: as it is if it can be, else as a string.
// NIL is never sent bare.
func AppendAString(dst []byte, s string, utf8 bool) []byte {
	if s == "" || len(s) > maxQuoted || len(s) == 3 && upper([]byte(s)) == "NIL" {
		return AppendString(dst, s, utf8)
	}
	for i := 0; i < len(s); i++ {
		if classes[s[i]]&isAString == 0 {
			return AppendString(dst, s, utf8)
		}
	}
	return append(dst, s...)
}

// AppendMailbox appends a mailbox name (UTF-8) as an astring: as it is in utf8
// mode, in modified UTF-7 otherwise.
func AppendMailbox(dst []byte, name string, utf8 bool) []byte {
	if !utf8 && !plainName(name) {
		var buf [128]byte
		return AppendAString(dst, string(utf7.Encode(buf[:0], name)), false)
	}
	return AppendAString(dst, name, utf8)
}

// plainName reports whether modified UTF-7 leaves the name as it is.
func plainName(name string) bool {
	for i := 0; i < len(name); i++ {
		if c := name[i]; c < 0x20 || c > 0x7e || c == '&' {
			return false
		}
	}
	return true
}

// AppendWords appends "(a b c)": flags, attributes, capabilities, which need no
// quoting.
func AppendWords(dst []byte, words []string) []byte {
	dst = append(dst, '(')
	for i, w := range words {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, w...)
	}
	return append(dst, ')')
}

// AppendDateTime appends t as a date-time in its zone, with quotes: "
// 1-Jan-2000 00:00:00 +0000" (RFC 9051 section 9).
func AppendDateTime(dst []byte, t time.Time) []byte {
	dst = append(dst, '"')
	if t.Day() < 10 {
		dst = append(dst, ' ')
	}
	return append(t.AppendFormat(dst, "2-Jan-2006 15:04:05 -0700"), '"')
}

// AppendNumbers appends nums in their order, in set syntax: ascending runs as
// ranges (COPYUID's sets correspond by position, RFC 4315 section 3).
func AppendNumbers(dst []byte, nums []uint32) []byte {
	for i := 0; i < len(nums); {
		j := i + 1
		for j < len(nums) && nums[j] == nums[j-1]+1 {
			j++
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendUint(dst, uint64(nums[i]))
		if j > i+1 {
			dst = appendUint(append(dst, ':'), uint64(nums[j-1]))
		}
		i = j
	}
	return dst
}
