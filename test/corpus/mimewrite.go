package corpus

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// ascii tells whether s needs no encoding.
func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// charsetFor returns a charset that s can be written in, sometimes an old one.
func charsetFor(r *rng, lang, s string) (name, encoded string) {
	if ascii(s) {
		return "us-ascii", s
	}
	var enc encoding.Encoding
	if r.n(3) == 0 {
		switch lang {
		case "de", "fr":
			name, enc = "iso-8859-1", charmap.ISO8859_1
		case "pl":
			name, enc = "iso-8859-2", charmap.ISO8859_2
		case "ru":
			name, enc = "koi8-r", charmap.KOI8R
		case "ja":
			name, enc = "iso-2022-jp", japanese.ISO2022JP
		case "zh":
			name, enc = "gb2312", simplifiedchinese.GBK
		}
	}
	if enc != nil {
		if out, err := enc.NewEncoder().String(s); err == nil {
			return name, out
		}
	}
	return "utf-8", s
}

// words encodes a header value as encoded words (RFC 2047) where it must be,
// folded.
func words(r *rng, s string) string {
	if ascii(s) {
		return s
	}
	var out []string
	b64 := r.n(2) == 0
	for len(s) > 0 {
		n := min(len(s), 36)
		for n < len(s) && !utf8.RuneStart(s[n]) {
			n--
		}
		if b64 {
			out = append(out, "=?UTF-8?B?"+base64.StdEncoding.EncodeToString([]byte(s[:n]))+"?=")
		} else {
			out = append(out, "=?utf-8?Q?"+qWord(s[:n])+"?=")
		}
		s = s[n:]
	}
	return strings.Join(out, "\r\n ")
}

func qWord(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case c == ' ':
			b.WriteByte('_')
		case c >= '0' && c <= '9', c|0x20 >= 'a' && c|0x20 <= 'z' && c < 0x80:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return b.String()
}

// phrase writes a display name.
func phrase(r *rng, name string) string {
	if !ascii(name) {
		return words(r, name)
	}
	if strings.ContainsAny(name, "()<>@,;:\\\"./[]'&") {
		return `"` + name + `"`
	}
	return name
}

// base64Lines encodes b in lines of 76.
func base64Lines(b []byte) string {
	s := base64.StdEncoding.EncodeToString(b)
	var out strings.Builder
	out.Grow(len(s) + len(s)/38 + 2)
	for len(s) > 76 {
		out.WriteString(s[:76])
		out.WriteString("\r\n")
		s = s[76:]
	}
	out.WriteString(s)
	out.WriteString("\r\n")
	return out.String()
}

// quotedPrintable encodes lines that end in \n.
func quotedPrintable(s string) string {
	var out strings.Builder
	for _, line := range strings.SplitAfter(s, "\n") {
		if line == "" {
			continue
		}
		line, width := strings.TrimSuffix(line, "\n"), 0
		for i, c := range []byte(line) {
			if width >= 72 {
				out.WriteString("=\r\n")
				width = 0
			}
			if c == '=' || c >= 0x7f || c < ' ' && c != '\t' || (c == ' ' || c == '\t') && i == len(line)-1 {
				fmt.Fprintf(&out, "=%02X", c)
				width += 3
			} else {
				out.WriteByte(c)
				width++
			}
		}
		out.WriteString("\r\n")
	}
	return out.String()
}

// wrap breaks a text of words into lines of at most 72 bytes or so.
func wrap(s string) string {
	var out strings.Builder
	width := 0
	for _, word := range strings.Fields(s) {
		if width > 0 && width+1+len(word) > 72 {
			out.WriteByte('\n')
			width = 0
		} else if width > 0 {
			out.WriteByte(' ')
			width++
		}
		out.WriteString(word)
		width += len(word)
	}
	return out.String()
}

// textPart is the header fields and the content of a text part.
func textPart(r *rng, subtype, lang, text string) (header, body string) {
	charset, encoded := charsetFor(r, lang, text)
	extra := ""
	if subtype == "plain" && r.n(5) == 0 {
		extra = "; format=flowed"
	}
	header = fmt.Sprintf("Content-Type: text/%s; charset=%s%s\r\n", subtype, charset, extra)
	switch {
	case ascii(encoded):
		return header + "Content-Transfer-Encoding: 7bit\r\n", toCRLF(encoded)
	case r.n(4) == 0:
		return header + "Content-Transfer-Encoding: 8bit\r\n", toCRLF(encoded)
	case r.n(3) == 0:
		return header + "Content-Transfer-Encoding: base64\r\n", base64Lines([]byte(toCRLF(encoded)))
	}
	return header + "Content-Transfer-Encoding: quoted-printable\r\n", quotedPrintable(encoded)
}
