package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// maxName bounds a file's or directory's name; file systems take 255 bytes.
const maxName = 200

const hexDigits = "0123456789abcdef"

// escape writes any string as one that is safe in a file name and holds none of
// '.', '/', '~' and capital letters, so that distinct strings stay distinct
// even on a file system that folds case. The empty string becomes "%".
func escape(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, '%')
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_', c == '@', c == '+':
			dst = append(dst, c)
		default:
			dst = append(dst, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return dst
}

// unescape undoes escape; false for what escape does not write.
func unescape(s string) (string, bool) {
	if s == "%" {
		return "", true
	}
	var b []byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' {
			if i+2 >= len(s) {
				return "", false
			}
			v, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				return "", false
			}
			c = byte(v)
			i += 2
		}
		b = append(b, c)
	}
	out := string(b)
	return out, out != "" && string(escape(nil, out)) == s
}

// userDir is a user's directory below "users": two hex digits that spread the
// users, and a name that no other user has.
func userDir(user string) (dir string, hashed bool) {
	sum := sha256.Sum256([]byte(user))
	b := append(hex.AppendEncode(nil, sum[:1]), '/')
	b = escape(b, user)
	if len(b) <= maxName {
		return string(b), false
	}
	b = append(b[:3], '~') // escape writes no '~'
	return string(hex.AppendEncode(b, sum[:])), true
}

// The letters that file names start with.
const kindLetters = "?bsrl"

// fileName is the name of a data file or, with logKind, of a log file.
func fileName(kind Kind, mailbox, name string) (string, error) {
	if kind < Body || kind > logKind {
		return "", fmt.Errorf("%w: kind %d", ErrName, kind)
	}
	b := append(make([]byte, 0, 96), kindLetters[kind], '.')
	b = append(escape(b, mailbox), '.')
	b = escape(b, name)
	if len(b) > maxName {
		return "", fmt.Errorf("%w: %d bytes when escaped", ErrName, len(b))
	}
	return string(b), nil
}

// logName is the name of a log's file.
func logName(mailbox string, rotation uint64) (string, error) {
	return fileName(logKind, mailbox, fmt.Sprintf("%016x", rotation))
}

// parsedName is what a file's name tells.
type parsedName struct {
	kind     Kind
	mailbox  string // escaped
	rotation uint64 // of a log's file
}

// parseName takes the name of a file in a user's directory apart; false if
// the cache does not write such files (or as t.<n>: not to stay).
func parseName(file string) (parsedName, bool) {
	if file == "meta" || file == "name" {
		return parsedName{kind: metaKind}, true
	}
	parts := strings.Split(file, ".")
	if len(parts) != 3 || len(parts[0]) != 1 {
		return parsedName{}, false
	}
	p := parsedName{kind: Kind(max(0, strings.IndexByte(kindLetters, parts[0][0]))), mailbox: parts[1]}
	if p.kind == 0 {
		return parsedName{}, false
	}
	if p.kind == logKind {
		var err error
		if p.rotation, err = strconv.ParseUint(parts[2], 16, 64); err != nil || len(parts[2]) != 16 {
			return parsedName{}, false
		}
	}
	return p, true
}
