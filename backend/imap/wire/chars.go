package wire

// class are the character classes of RFC 9051 section 9.
type class uint8

const (
	isAtom    class = 1 << iota // ATOM-CHAR
	isAString                   // ASTRING-CHAR: ATOM-CHAR and "]"
	isTag                       // ASTRING-CHAR without "+"
	isList                      // list-char: ATOM-CHAR, wildcards and "]"
	isDigit
	isItem // letters, digits, "." and "-": the name of a FETCH item
)

// classes holds the class of each octet. It is a constant table.
var classes = func() (t [256]class) {
	for c := 0x21; c < 0x7f; c++ {
		switch c {
		case '(', ')', '{', '"', '\\':
		case '%', '*':
			t[c] = isList
		case ']':
			t[c] = isAString | isTag | isList
		case '+':
			t[c] = isAtom | isAString | isList
		default:
			t[c] = isAtom | isAString | isTag | isList
		}
		switch {
		case c >= '0' && c <= '9':
			t[c] |= isDigit | isItem
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '.', c == '-':
			t[c] |= isItem
		}
	}
	return t
}()

// upper is s in upper case; only ASCII letters change.
func upper(s []byte) string {
	var buf [32]byte
	b := append(buf[:0], s...)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

// equalFold compares s with t, which is upper-case ASCII.
func equalFold(s []byte, t string) bool {
	if len(s) != len(t) {
		return false
	}
	for i, c := range s {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != t[i] {
			return false
		}
	}
	return true
}
