package message

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/transform"
)

// newCharsetDecoder returns a transformer to valid UTF-8 that never fails. A
// charset that is not known is read as lenientUTF8.
func newCharsetDecoder(charset string) transform.Transformer {
	charset = strings.ToLower(strings.Trim(charset, " \t\"'"))
	switch charset {
	case "", "utf-8", "utf8", "us-ascii", "ascii", "unknown-8bit", "x-unknown":
		return new(lenientUTF8)
	}
	if len(charset) > 40 {
		return new(lenientUTF8)
	}
	// The HTML index knows the aliases that are found in mail, and reads
	// ISO-8859-1 as the Windows-1252 that it mostly is.
	enc, err := htmlindex.Get(charset)
	if err != nil || enc == encoding.Replacement {
		if enc, err = ianaindex.MIME.Encoding(charset); err != nil || enc == nil {
			return new(lenientUTF8)
		}
	}
	return enc.NewDecoder().Transformer
}

// lenientUTF8 passes valid UTF-8 and takes every other byte as Windows-1252.
type lenientUTF8 struct{ transform.NopResetter }

func (*lenientUTF8) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		r, size := rune(src[nSrc]), 1
		if r >= utf8.RuneSelf {
			if r, size = utf8.DecodeRune(src[nSrc:]); r == utf8.RuneError && size <= 1 {
				if !atEOF && !utf8.FullRune(src[nSrc:]) {
					return nDst, nSrc, transform.ErrShortSrc
				}
				r = charmap.Windows1252.DecodeByte(src[nSrc])
			}
		}
		if nDst+utf8.RuneLen(r) > len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		nDst += utf8.EncodeRune(dst[nDst:], r)
		nSrc += size
	}
	return nDst, nSrc, nil
}
