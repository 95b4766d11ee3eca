package corpus

import (
	"encoding/base64"
	"strings"
)

const mimeHeader = "From: a@b.c\nSubject: odd MIME\nMIME-Version: 1.0\n"

// encodingsOdd are text parts whose encoding or charset is broken or rare.
func encodingsOdd(s *set) {
	text := "Grüße, wie geht's? Größe: 10 €\n"
	for name, v := range pairs(
		"base64-good", "base64\n\n"+base64.StdEncoding.EncodeToString([]byte(text))+"\n",
		"base64-no-padding", "base64\n\nR3LDvMOfZQ\n",
		"base64-too-much-padding", "base64\n\nR3LDvMOfZQ======\nR3Lg====\n",
		"base64-garbage", "base64\n\nR3!LD*vM\x80Of-ZQ==\n-- \nsignature of a list\n",
		"base64-one-char", "base64\n\nR\n",
		"base64-broken-lines", "base64\n\nR\n3\nL\nD\nv\n\nM\nO\nf\nZ\nQ\n=\n=\n",
		"base64-empty", "base64\n\n",
		"base64-url-alphabet", "base64\n\n-_-_\n",
		"base64-upper", "BASE64\n\nR3LDvMOfZQ==\n",
		"qp-good", "quoted-printable\n\nGr=C3=BC=C3=9Fe, wie geht=27s?=\n gut\n",
		"qp-broken", "quoted-printable\n\n100=% =ZZ =C =\n= \n=3D=3d=\n\n=",
		"qp-trailing-space", "quoted-printable\n\nspaces   \t \nsoft=   \nend\n",
		"qp-raw-8bit", "quoted-printable\n\nGr\xfc\xdfe =FC\n",
		"8bit", "8bit\n\n"+text,
		"binary", "binary\n\n\x00\x01\xff\r\n",
		"7bit-lies", "7bit\n\n"+text,
		"uuencode", "x-uuencode\n\nbegin 644 x\n#86)C\n`\nend\n",
		"unknown", "x-unknown\n\ntext\n",
		"empty", "\n\ntext\n",
		"comment", "(no) base64 (yes)\n\nR3LDvMOfZQ==\n",
		"two-words", "base64 quoted-printable\n\nR3LDvMOfZQ==\n",
	) {
		s.crlf("encoding-"+name, mimeHeader+"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: "+v)
	}
	for name, v := range pairs(
		"latin1", "iso-8859-1", "latin1-bytes", "ISO-8859-1; format=flowed", "unknown", "x-klingon", "empty", "",
		"quoted-empty", "\"\"", "spaces", "\"  utf-8 \"", "quoted-single", "'utf-8'", "utf7", "utf-7",
		"two", "utf-8, iso-8859-1", "language", "utf-8*de", "long", strings.Repeat("x", 500), "nul", "u\x00tf",
		"iso2022jp", "iso-2022-jp", "gb18030", "gb18030", "big5", "big5", "koi8", "koi8-r", "euckr", "euc-kr",
		"utf16", "utf-16", "ucs4", "utf-32", "ebcdic", "cp037",
	) {
		s.crlf("charset-"+name, mimeHeader+"Content-Type: text/plain; charset="+v+"\nContent-Transfer-Encoding: 8bit\n\nGr\xfc\xdfe \x1b$B%F%9%H\x1b(B \xc4\xe3\xba\xc3 \xff\xfe\n")
	}
	for name, v := range pairs(
		"good", "=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "b", "=?UTF-8?B?R3LDvMOfZQ==?=", "adjacent", "=?utf-8?q?a?= =?utf-8?q?b?=\n =?utf-8?q?c?=",
		"split-character", "=?utf-8?b?5pel5pw=?= =?utf-8?b?rOiqng==?=", "unknown-charset", "=?x-klingon?q?abc?=",
		"unclosed", "=?utf-8?q?abc", "unclosed-short", "=?utf-8?q", "no-encoding", "=?utf-8??abc?=", "bad-encoding", "=?utf-8?x?abc?=",
		"spaces-inside", "=?utf-8?q?a b c?=", "question-inside", "=?utf-8?q?what?is?this?=", "bad-base64", "=?utf-8?b?!!!!?=",
		"bad-hex", "=?utf-8?q?=ZZ=4?=", "no-spaces-around", "a=?utf-8?q?b?=c", "language", "=?utf-8*de?q?abc?=",
		"empty", "=?utf-8?q??= =?utf-8?b??=", "raw-8bit-inside", "=?utf-8?q?Gr\xfc\xdfe?=", "newline-encoded", "=?utf-8?q?a=0D=0ABcc:_x@y.z?=",
		"nul-encoded", "=?utf-8?q?a=00b?=", "many", strings.Repeat("=?utf-8?q?a?= ", 300), "openers", strings.Repeat("=?", 400),
		"openers-long", strings.Repeat("=?utf-8?q?", 200), "long", "=?utf-8?q?"+strings.Repeat("abc", 300)+"?=",
	) {
		s.crlf("word-"+name, "From: "+v+" <a@b.c>\nSubject: "+v+"\n\nbody\n")
	}
}

// multipartsOdd are multiparts whose parts are odd.
func multipartsOdd(s *set) {
	mixed := mimeHeader + "Content-Type: multipart/mixed; boundary=b\n\n"
	for name, body := range pairs(
		"good", "preamble\n--b\n\none\n--b\nContent-Type: text/html\n\n<p>two</p>\n--b--\nepilogue\n",
		"empty", "--b--\n",
		"empty-unclosed", "",
		"empty-preamble-only", "only a preamble\n",
		"empty-delimiter-only", "--b\n",
		"empty-delimiter-unfinished", "--b",
		"close-first", "--b--\n--b\n\nafter the end\n--b--\n",
		"unclosed", "--b\n\none\n--b\n\ntwo",
		"unclosed-in-header", "--b\nContent-Type: text/html\nContent-Dispo",
		"no-blank-line", "--b\nContent-Type: text/plain\n--b\nContent-Type: text/html\n--b--\n",
		"no-header", "--b\n\n--b\n\n\n--b\n\n\n\n--b--\n",
		"no-newline-before-delimiter", "--b\n\none--b\n\ntwo--b--\n",
		"delimiter-with-spaces", "--b \t \n\none\n--b--  \n",
		"delimiter-with-junk", "--b junk\n\none\n--b\n\ntwo\n--b--junk\n--b--\n",
		"delimiter-dashes", "---b\n\none\n--b-\n\ntwo\n--b---\n--b--\n",
		"delimiter-indented", " --b\n\none\n--b\n\ntwo\n\t--b--\n--b--\n",
		"delimiter-case", "--B\n\none\n--b\n\ntwo\n--b--\n",
		"delimiter-in-header", "--b\nSubject: x\n --b\n\none\n--b--\n",
		"parts-after-close", "--b\n\none\n--b--\n--b\n\ntwo\n--b--\n",
		"8bit-preamble", "\xff\xfe\x00\n--b\n\none\n--b--\n\x00\xff",
		"nul-in-parts", "--b\nContent-Type: text/plain\x00\n\n\x00\n--b\n\x00\n--b--\n",
		"trailing-blank-lines", "--b\n\none\n\n\n\n--b--\n\n\n\n",
		"mime-fields-everywhere", "--b\nContent-Type: text/plain; charset=utf-8; name=\"a b.txt\"\nContent-Transfer-Encoding: 8bit\nContent-ID: <part1@x>\nContent-Description: first\nContent-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\nContent-Disposition: attachment; filename=\"a b.txt\"; size=3\nContent-Language: en, de\nContent-Location: http://example.com/a\n\none\n--b--\n",
	) {
		s.crlf("multipart-"+name, mixed+body)
	}
	s.add("multipart-bare-lf", strings.ReplaceAll(mixed+"--b\n\none\n--b\n\ntwo\n--b--\n", "\r", ""))
	s.add("multipart-mixed-ends", toCRLF(mixed)+"--b\n\none\r\n--b\r\n\ntwo\n--b--\r\n")
	s.add("multipart-cr-ends", toCRLF(mixed)+"--b\r\rone\r--b\r\rtwo\r--b--\r")
	s.crlf("multipart-digest", strings.Replace(mixed, "mixed", "digest", 1)+"--b\n\nSubject: one\n\ntext\n--b\nContent-Type: text/plain\n\nnot a message\n--b\n--b--\n")
	s.crlf("multipart-unknown", strings.Replace(mixed, "mixed", "x-foo", 1)+"--b\n\none\n--b--\n")
	s.crlf("multipart-base64", strings.Replace(mixed, "\n\n", "\nContent-Transfer-Encoding: base64\n\n", 1)+base64.StdEncoding.EncodeToString([]byte("--b\n\none\n--b--\n"))+"\n")
	s.crlf("multipart-alternative", mimeHeader+"Content-Type: multipart/alternative; boundary=\"=_x\"\n\n--=_x\nContent-Type: text/plain\n\ntext\n--=_x\nContent-Type: text/html\n\n<b>text</b>\n--=_x--\n")
	s.crlf("multipart-report", mimeHeader+"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nfailed\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@b\nAction: failed\n--b\nContent-Type: text/rfc822-headers\n\nSubject: lost\n--b--\n")
	s.crlf("multipart-signed", mimeHeader+"Content-Type: multipart/signed; micalg=pgp-sha256; protocol=\"application/pgp-signature\"; boundary=b\n\n--b\n\nsigned text \n--b\nContent-Type: application/pgp-signature; name=signature.asc\n\n-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----\n--b--\n")
}

// boundariesOdd are multiparts whose boundaries are odd.
func boundariesOdd(s *set) {
	for name, b := range pairs(
		"spaces", "\"a b  c\"", "trailing-space", "\"b \"", "quoted-special", "\"=_(),./:;?'\"", "unquoted-special", "=_Part_1/2:3",
		"empty", "\"\"", "missing-value", "", "none", "x; charset=us-ascii; boundry=b", "long-70", strings.Repeat("x", 70),
		"long-71", strings.Repeat("x", 71), "long-1000", strings.Repeat("x", 1000), "long-5000", strings.Repeat("x", 5000),
		"dashes", "\"--\"", "dashes-many", "\"----------\"", "8bit", "\"gr\xfc\xdfe\"", "escaped", "\"a\\\"b\\\\c\"",
		"unclosed-quote", "\"abc", "single-quotes", "'abc'", "comment", "abc (comment)", "regexp", "\".*+?^$\"", "percent", "%s%n",
	) {
		real := strings.TrimSuffix(strings.Trim(strings.NewReplacer("\\\"", "\"", "\\\\", "\\").Replace(b), "\""), " (comment)")
		s.crlf("boundary-"+name, mimeHeader+"Content-Type: multipart/mixed; boundary="+b+"\n\n--"+real+"\n\none\n--"+real+"\n\ntwo\n--"+real+"--\n")
	}
	outer := mimeHeader + "Content-Type: multipart/mixed; boundary=foo\n\n--foo\nContent-Type: multipart/mixed; boundary="
	s.crlf("boundary-prefix-inner-longer", outer+"foobar\n\n--foobar\n\none\n--foobar\n\ntwo\n--foobar--\n--foo\n\nthree\n--foo--\n")
	s.crlf("boundary-prefix-inner-shorter", strings.ReplaceAll(outer, "foo", "foobar")+"foo\n\n--foo\n\none\n--foo--\n--foobar\n\ntwo\n--foobar--\n")
	s.crlf("boundary-prefix-dashes", outer+"foo--\n\n--foo--\n\none\n--foo----\n--foo\n\ntwo\n--foo--\n")
	s.crlf("boundary-same-nested", outer+"foo\n\n--foo\n\none\n--foo--\n--foo\n\ntwo\n--foo--\n")
	s.crlf("boundary-inner-unclosed", outer+"bar\n\n--bar\n\none\n--foo\n\ntwo\n--foo--\n")
	s.crlf("boundary-outer-closes-all", outer+"bar\n\n--bar\n\none\n--foo--\n--bar\n\nlost\n--bar--\n")
	s.crlf("boundary-inner-empty", outer+"bar\n\n--foo\n\ntwo\n--foo--\n")
	s.crlf("boundary-quoted-in-text", outer+"bar\n\n--bar\n\n> --bar\n> --foo\n--bar--\n--foo--\n")
	s.crlf("boundary-duplicate-param", mimeHeader+"Content-Type: multipart/mixed; boundary=a; boundary=b\n\n--a\n\none\n--b\n\ntwo\n--a--\n")
	s.crlf("boundary-continued", mimeHeader+"Content-Type: multipart/mixed; boundary*0=\"ab\"; boundary*1=\"cd\"\n\n--abcd\n\none\n--abcd--\n")
	s.crlf("boundary-folded", mimeHeader+"Content-Type: multipart/mixed;\n\tboundary=\n \"abcd\"\n\n--abcd\n\none\n--abcd--\n")
}
