package search

import (
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
)

// ErrBadCharset: the program's charset is not known, or a string is not valid
// in it. The command is answered with NO [BADCHARSET].
var ErrBadCharset = errors.New("unknown charset, or a string is not valid in it")

// decoder returns the function that turns a program's strings into UTF-8.
// Without a charset they are UTF-8 (RFC 9051 section 6.4.4; RFC 3501's US-ASCII is
// part of it).
func decoder(charset string) (func([]byte) (string, error), error) {
	switch charset {
	case "", "UTF-8", "UTF8":
		return decodeUTF8, nil
	case "US-ASCII", "ASCII":
		return func(b []byte) (string, error) {
			for _, c := range b {
				if c >= 0x80 {
					return "", ErrBadCharset
				}
			}
			return string(b), nil
		}, nil
	}
	enc := lookup(charset)
	if enc == nil {
		return nil, ErrBadCharset
	}
	return func(b []byte) (string, error) {
		out, err := enc.NewDecoder().Bytes(b)
		if err != nil || strings.ContainsRune(string(out), utf8.RuneError) {
			return "", ErrBadCharset
		}
		return string(out), nil
	}, nil
}

func decodeUTF8(b []byte) (string, error) {
	if !utf8.Valid(b) {
		return "", ErrBadCharset
	}
	return string(b), nil
}

func lookup(charset string) encoding.Encoding {
	if enc, err := ianaindex.MIME.Encoding(charset); err == nil && enc != nil {
		return enc
	}
	if enc, err := htmlindex.Get(charset); err == nil && enc != encoding.Replacement {
		return enc
	}
	return nil
}
