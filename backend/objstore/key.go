package objstore

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of keys: what every S3 server and file system takes.
const (
	// MaxKey is the longest key in bytes.
	MaxKey = 1024
	// MaxSegment is the longest part of a key between slashes, in bytes.
	MaxSegment = 200
)

// CheckKey returns an ErrBadKey unless every store can hold an object of this
// key: 1 to MaxKey bytes of UTF-8 without control characters, in segments of 1
// to MaxSegment bytes of which none is "." or "..", the first not starting
// with a dot. That no key may be the directory of another can't be seen here.
func CheckKey(key string) error {
	if key == "" {
		return fmt.Errorf("%w: empty", ErrBadKey)
	}
	if strings.HasSuffix(key, "/") {
		return fmt.Errorf("%w %s: ends in a slash", ErrBadKey, quoteKey(key))
	}
	return checkSegments(key)
}

// CheckPrefix is CheckKey for List's prefix: empty, or a key's leading
// segments with the slash that follows them.
func CheckPrefix(prefix string) error {
	if prefix == "" {
		return nil
	}
	dir, ok := strings.CutSuffix(prefix, "/")
	if !ok {
		return fmt.Errorf("%w: prefix %s does not end in a slash", ErrBadKey, quoteKey(prefix))
	}
	return checkSegments(dir)
}

// checkSegments is linear and does not allocate unless it fails.
func checkSegments(key string) error {
	if key == "" {
		return fmt.Errorf("%w: empty segment", ErrBadKey)
	}
	if len(key) > MaxKey {
		return fmt.Errorf("%w %s: longer than %d bytes", ErrBadKey, quoteKey(key), MaxKey)
	}
	if key[0] == '.' {
		return fmt.Errorf("%w %s: starts with a dot", ErrBadKey, quoteKey(key))
	}
	start, ascii := 0, true
	for i := 0; i <= len(key); i++ {
		if i < len(key) && key[i] != '/' {
			c := key[i]
			if c < ' ' || c == 0x7f {
				return fmt.Errorf("%w %s: control character", ErrBadKey, quoteKey(key))
			}
			ascii = ascii && c < utf8.RuneSelf
			continue
		}
		switch seg := key[start:i]; {
		case seg == "":
			return fmt.Errorf("%w %s: empty segment", ErrBadKey, quoteKey(key))
		case seg == "." || seg == "..":
			return fmt.Errorf("%w %s: dot segment", ErrBadKey, quoteKey(key))
		case len(seg) > MaxSegment:
			return fmt.Errorf("%w %s: segment longer than %d bytes", ErrBadKey, quoteKey(key), MaxSegment)
		}
		start = i + 1
	}
	if !ascii && !utf8.ValidString(key) {
		return fmt.Errorf("%w %s: not UTF-8", ErrBadKey, quoteKey(key))
	}
	return nil
}

// quoteKey makes a key safe and short enough for an error message.
func quoteKey(key string) string {
	const most = 256
	if len(key) > most {
		return strconv.Quote(key[:most]) + "…"
	}
	return strconv.Quote(key)
}

// CheckDelete returns an error unless Delete takes these keys: at most
// MaxDelete of them, each one fit for CheckKey.
func CheckDelete(keys []string) error {
	if len(keys) > MaxDelete {
		return Fail(OpDelete, keys[0], fmt.Errorf("%d keys in one request, the most is %d", len(keys), MaxDelete))
	}
	for _, k := range keys {
		if err := CheckKey(k); err != nil {
			return Fail(OpDelete, k, err)
		}
	}
	return nil
}
