package lmtp

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxAddress bounds a path: RFC 5321 section 4.5.3.1 asks for 256 octets, and
// it must fit one line of a trace header.
const maxAddress = 512

// address is the mailbox of a path (RFC 5321 section 4.1.2). The zero value is
// the null path.
type address struct {
	text   string // as written
	local  string // without quotes
	domain string // empty: none
}

var (
	errPath  = errors.New("a path in angle brackets is needed")
	errParam = errors.New("malformed parameter")
)

// splitCommand takes a line apart. The verb is upper-cased; it and its
// arguments are separated by blanks, and blanks at the end are not the command's.
func splitCommand(line []byte) (verb, args string) {
	verb, args, _ = strings.Cut(strings.TrimRight(string(line), " \t"), " ")
	return strings.ToUpper(verb), strings.TrimLeft(args, " \t")
}

// parsePathArg reads the argument of MAIL or RCPT: prefix ("FROM:", "TO:"), a
// path, and parameters. A blank behind the colon, which RFC 5321 does not
// allow, is common.
func parsePathArg(args, prefix string) (address, []string, error) {
	if len(args) < len(prefix) || !strings.EqualFold(args[:len(prefix)], prefix) {
		return address{}, nil, errPath
	}
	a, rest, err := parsePath(strings.TrimLeft(args[len(prefix):], " "))
	if err != nil {
		return address{}, nil, err
	}
	if rest != "" && rest[0] != ' ' {
		return address{}, nil, errParam
	}
	return a, strings.Fields(rest), nil
}

// parsePath reads a path and returns what follows it.
//
// Liberal where no harm is done: the local part may be dotted in any way, the
// domain may be missing (RFC 5321 demands it but for postmaster; local clients
// leave it out). Source routes are dropped, as section 3.6.1 says.
func parsePath(s string) (address, string, error) {
	inner, rest, ok := cutPath(s)
	if !ok || len(inner) > maxAddress || !utf8.ValidString(inner) {
		return address{}, "", errPath
	}
	if strings.HasPrefix(inner, "@") {
		if _, inner, ok = strings.Cut(inner, ":"); !ok {
			return address{}, "", errPath
		}
	} else if inner == "" {
		return address{}, rest, nil
	}
	a := address{text: inner}
	if a.local, a.domain, ok = splitMailbox(inner); !ok {
		return address{}, "", errPath
	}
	return a, rest, nil
}

// cutPath finds the angle bracket that closes the one at the start of s: not
// one in a quoted string.
func cutPath(s string) (inner, rest string, ok bool) {
	if !strings.HasPrefix(s, "<") {
		return "", "", false
	}
	quoted := false
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c < ' ' || c == 0x7f:
			return "", "", false
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
			if i < len(s) && (s[i] < ' ' || s[i] == 0x7f) {
				return "", "", false
			}
		case c == '>' && !quoted:
			return s[1:i], s[i+1:], true
		}
	}
	return "", "", false
}

// splitMailbox takes local part and domain apart; the local part loses its
// quotes.
func splitMailbox(s string) (local, domain string, ok bool) {
	if strings.HasPrefix(s, `"`) {
		var end int
		if local, end = unquote(s); end < 0 {
			return "", "", false
		}
		s = s[end:]
	} else {
		end := strings.IndexByte(s, '@')
		if end < 0 {
			end = len(s)
		}
		local, s = s[:end], s[end:]
		if strings.ContainsAny(local, " \"()<>[]\\,;:") {
			return "", "", false
		}
	}
	if local == "" {
		return "", "", false
	}
	if s == "" {
		return local, "", true
	}
	domain, ok = strings.CutPrefix(s, "@")
	if !ok || domain == "" || strings.ContainsAny(domain, " \"()<>\\,;@") {
		return "", "", false
	}
	return local, domain, true
}

// unquote reads the quoted string at the start of s and returns its content and
// its length; -1 if it does not end.
func unquote(s string) (content string, length int) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), i + 1
		case '\\':
			if i++; i == len(s) {
				return "", -1
			}
		}
		b.WriteByte(s[i])
	}
	return "", -1
}

// isASCII tells addresses that need no SMTPUTF8.
func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// mailParams are the parameters of MAIL.
type mailParams struct {
	size   int64 // -1: not told
	binary bool
	utf8   bool
}

// errUnknownParam: RFC 5321 section 4.1.1.11 answers 555.
var errUnknownParam = errors.New("unknown parameter")

// parseMailParams reads SIZE (RFC 1870), BODY (RFC 6152, 3030) and SMTPUTF8
// (RFC 6531).
func parseMailParams(params []string) (mailParams, error) {
	p := mailParams{size: -1}
	for _, param := range params {
		key, value, _ := strings.Cut(param, "=")
		switch strings.ToUpper(key) {
		case "SIZE":
			n, err := strconv.ParseUint(value, 10, 63)
			if err != nil || len(value) > 20 {
				return p, errParam
			}
			p.size = int64(n)
		case "BODY":
			switch strings.ToUpper(value) {
			case "7BIT", "8BITMIME":
			case "BINARYMIME":
				p.binary = true
			default:
				return p, errParam
			}
		case "SMTPUTF8":
			if param != key {
				return p, errParam
			}
			p.utf8 = true
		default:
			return p, errUnknownParam
		}
	}
	return p, nil
}

// parseBDAT reads "<size>[ LAST]" (RFC 3030 section 2).
func parseBDAT(args string) (size int64, last, ok bool) {
	number, rest, _ := strings.Cut(args, " ")
	n, err := strconv.ParseUint(number, 10, 63)
	rest = strings.TrimLeft(rest, " ")
	return int64(n), rest != "", err == nil && (rest == "" || strings.EqualFold(rest, "LAST"))
}
