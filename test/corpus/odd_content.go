package corpus

import (
	"fmt"
	"strings"
)

// contentTypesOdd are MIME fields that break rules.
func contentTypesOdd(s *set) {
	for name, v := range pairs(
		"empty", "", "no-slash", "text", "no-subtype", "text/", "no-type", "/plain", "slash", "/", "three", "text/plain/extra",
		"spaces", "text / plain", "space-in-type", "te xt/pl ain", "comma", "text/plain, text/html", "no-semicolon", "text/plain charset=utf-8",
		"semicolons", "text/plain;;;; ;charset=utf-8;;", "param-no-value", "text/plain; charset", "param-empty", "text/plain; charset=; x=",
		"param-no-name", "text/plain; =utf-8", "param-spaces", "text/plain; charset = utf-8 ; x = \" y \"", "param-duplicate", "text/plain; charset=a; charset=b",
		"param-unquoted-spaces", "text/plain; name=my long file name.txt; charset=utf-8", "param-quote-unclosed", "text/plain; name=\"abc; charset=utf-8",
		"param-quote-escapes", "text/plain; name=\"a\\\"b\\\\c\\d\"", "param-comment", "text/plain (a); (b) charset (c) = (d) utf-8 (e)",
		"param-8bit", "text/plain; name=\"Gr\xfc\xdfe.txt\"", "param-utf8", "text/plain; name=\"Grüße.txt\"", "param-encoded-word", "text/plain; name=\"=?utf-8?q?Gr=C3=BC=C3=9Fe.txt?=\"",
		"upper", "TEXT/PLAIN; CHARSET=US-ASCII", "html", "text/html; charset=utf-8", "unknown", "x-foo/x-bar; a=b", "html-only", "html",
		"rfc2231", "text/plain; name*=utf-8''Gr%C3%BC%C3%9Fe.txt", "rfc2231-continued", "text/plain; name*0=\"one\"; name*1=\"two\"; name*2=\".txt\"",
		"rfc2231-encoded", "text/plain; name*0*=utf-8'de'Gr%C3; name*1*=%BC%C3%9Fe; name*2=\" x.txt\"", "rfc2231-gap", "text/plain; name*0=a; name*2=c; name*1x=d",
		"rfc2231-order", "text/plain; name*1=b; name*0=a; name*2=c", "rfc2231-no-first", "text/plain; name*1=b; name*2=c",
		"rfc2231-both", "text/plain; name=plain.txt; name*=utf-8''extended.txt", "rfc2231-bad-percent", "text/plain; name*=utf-8''%ZZ%4%", "rfc2231-no-charset", "text/plain; name*=%41",
		"rfc2231-many", "text/plain; "+continuations(120), "many-params", "text/plain"+params(500), "long-type", strings.Repeat("x", 400)+"/"+strings.Repeat("y", 400),
		"long-value", "text/plain; name="+strings.Repeat("n", 20_000), "8bit", "t\xe9xt/pl\xe4in", "nul", "text/plain\x00; charset=utf-8", "folded", "text/plain;\n\tcharset=utf-8;\n format=flowed",
		"quoted", "\"text/plain\"", "external-body", "message/external-body; access-type=local-file; name=x", "partial", "message/partial; id=x; number=1; total=2",
		"rfc822", "message/rfc822", "global", "message/global", "multipart-no-boundary", "multipart/mixed",
	) {
		s.crlf("type-"+name, mimeHeader+"Content-Type: "+v+"\n\nSubject: inner\n\nbody\n")
	}
	for name, v := range pairs(
		"disposition-empty", "Content-Disposition:\n", "disposition-param-only", "Content-Disposition: ; filename=x\n",
		"disposition-unquoted", "Content-Disposition: attachment; filename=my file.txt\n", "disposition-unknown", "Content-Disposition: x-foo; bar=baz\n",
		"disposition-rfc2231", "Content-Disposition: attachment; filename*0*=utf-8''a%20; filename*1=b.txt; filename=ab.txt\n",
		"language-list", "Content-Language: de, en-US (American), , fr;q=1\n", "language-empty", "Content-Language: ,,,\n",
		"id-bare", "Content-ID: no-brackets\n", "id-empty", "Content-ID:\n", "location-folded", "Content-Location: http://example.com/\n a/b\n",
		"md5-garbage", "Content-MD5: not base64 at all!\n", "description-8bit", "Content-Description: Gr\xfc\xdfe\n",
		"type-twice", "Content-Type: text/plain\nContent-Type: text/html; charset=utf-8\n", "type-twice-multipart", "Content-Type: multipart/mixed; boundary=a\nContent-Type: multipart/mixed; boundary=b\n",
		"encoding-twice", "Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\n", "mime-version-2", "MIME-Version: 2.0 (x)\nContent-Type: text/html\n",
	) {
		s.crlf("field-"+name, "From: a@b.c\n"+v+"\n--a\n\none\n--b\n\ntwo\n--a--\n--b--\n")
	}
}

func params(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "; p%d=%d", i, i)
	}
	return b.String()
}

func continuations(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "name*%d=x; ", i)
	}
	return b.String()
}

// nested are mails in mails and parts in parts.
func nested(s *set) {
	for _, depth := range []int{1, 2, 10, 49, 50, 51, 200, 2000} {
		s.crlf(fmt.Sprintf("nested-rfc822-%d", depth), NestedMessages(depth))
		s.crlf(fmt.Sprintf("nested-multipart-%d", depth), NestedMultiparts(depth))
	}
	s.crlf("nested-multipart-unclosed", NestedMultiparts(30)[:1200])
	s.crlf("nested-both", mimeHeader+"Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: message/rfc822\n\nSubject: inner\nContent-Type: multipart/alternative; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: message/rfc822\n\nFrom: x@y.z\n\ninnermost\n--b--\n--a\n\nlast\n--a--\n")
	s.crlf("nested-rfc822-empty", mimeHeader+"Content-Type: message/rfc822\n\n")
	s.add("nested-rfc822-nothing", "Content-Type: message/rfc822\r\n")
	s.crlf("nested-rfc822-no-header", mimeHeader+"Content-Type: message/rfc822\n\n\nbody at once\n")
	s.crlf("nested-rfc822-base64", mimeHeader+"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogaW5uZXINCg0KYm9keQ0K\n")
	s.crlf("nested-rfc822-cut-by-delimiter", mimeHeader+"Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: message/rfc822\n\nSubject: cut\n--a\nContent-Type: message/rfc822\n--a--\n")
	s.crlf("nested-outer-delimiter-inside", mimeHeader+"Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n--a\n\ntwo\n--b--\n--a--\n")
}

// NestedMessages is a mail of message/rfc822 in message/rfc822 and so on, with LF.
func NestedMessages(depth int) string {
	var b strings.Builder
	for i := range depth {
		fmt.Fprintf(&b, "Subject: level %d\nContent-Type: message/rfc822\n\n", i)
	}
	b.WriteString("Subject: innermost\n\nbody\n")
	return b.String()
}

// NestedMultiparts is a mail of multiparts in multiparts, each with a
// boundary of its own, with LF.
func NestedMultiparts(depth int) string {
	var b strings.Builder
	for i := range depth {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	b.WriteString("\nbody\n")
	for i := depth - 1; i >= 0; i-- {
		fmt.Fprintf(&b, "--b%d--\n", i)
	}
	return b.String()
}

// ManyParts is a multipart of n small parts, with LF.
func ManyParts(n int) string {
	var b strings.Builder
	b.WriteString(mimeHeader + "Content-Type: multipart/mixed; boundary=b\n\n")
	for i := range n {
		fmt.Fprintf(&b, "--b\n\npart %d\n", i)
	}
	b.WriteString("--b--\n")
	return b.String()
}

// large are mails with much of something.
func large(s *set) {
	for _, n := range []int{998, 999, 1000, 1001, 8191, 8192, 8193, 65535, 65536, 100_000} {
		s.add(fmt.Sprintf("long-line-%d", n), toCRLF(plainHeader+"\n")+strings.Repeat("x", n)+"\r\nshort\r\n")
	}
	s.add("long-line-1000-lf", plainHeader+"\n"+strings.Repeat("y", 1000)+"\nshort\n")
	s.add("long-line-100000-unfinished", toCRLF(plainHeader+"\n")+strings.Repeat("z", 100_000))
	s.add("long-line-8bit", toCRLF(plainHeader+"\n")+strings.Repeat("\xff", 100_000)+"\r\n")
	s.add("long-line-spaces", toCRLF(plainHeader+"\n")+strings.Repeat(" ", 100_000)+"\r\n")
	s.crlf("long-subject-1000", "Subject: "+strings.Repeat("s", 1000)+"\n\nbody\n")
	s.crlf("long-subject-100000", "Subject: "+strings.Repeat("s", 100_000)+"\nFrom: a@b.c\n\nbody\n")
	s.crlf("long-subject-folded", "Subject: "+strings.Repeat("word\n ", 20_000)+"\nFrom: a@b.c\n\nbody\n")
	s.crlf("long-header-name", strings.Repeat("N", 50_000)+": x\nSubject: y\n\nbody\n")
	s.crlf("long-header-no-colon", strings.Repeat("N", 100_000)+"\nSubject: y\n\nbody\n")
	s.crlf("huge-header-300k", strings.Repeat("X-Filler: "+strings.Repeat("f", 60)+"\n", 4000)+"Subject: behind\n\nbody\n")
	s.crlf("huge-to-5000", "From: a@b.c\nTo: "+strings.TrimSuffix(strings.Repeat("Some One <some.one@example.com>,\n ", 5000), ",\n ")+"\nSubject: many\n\nbody\n")
	s.crlf("huge-to-one-line", "To: "+strings.Repeat("a@b.c,", 20_000)+"\n\nbody\n")
	s.crlf("huge-references", "References: "+strings.Repeat("<reference.to.another@example.com>\n ", 3000)+"\n\nbody\n")
	s.crlf("huge-quotes", "From: "+strings.Repeat("\"", 50_000)+"\nTo: "+strings.Repeat("\\\"", 20_000)+"\n\nbody\n")
	s.crlf("huge-comments", "From: "+strings.Repeat("(", 50_000)+"\nTo: "+strings.Repeat("()", 20_000)+" a@b.c\n\nbody\n")
	s.crlf("huge-angles", "From: "+strings.Repeat("<", 50_000)+"\nTo: "+strings.Repeat("<@a,", 20_000)+"\n\nbody\n")
	s.crlf("huge-groups", "To: "+strings.Repeat("g:;", 20_000)+"\nCc: "+strings.Repeat("g:", 20_000)+"\n\nbody\n")
	for _, n := range []int{100, 999, 1000, 1001, 5000} {
		s.crlf(fmt.Sprintf("many-parts-%d", n), ManyParts(n))
	}
	s.crlf("many-delimiters", mimeHeader+"Content-Type: multipart/mixed; boundary=b\n\n"+strings.Repeat("--b\n", 20_000))
	s.crlf("many-closing-delimiters", mimeHeader+"Content-Type: multipart/mixed; boundary=b\n\n"+strings.Repeat("--b--\n", 20_000))
	s.crlf("many-dash-lines", mimeHeader+"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n"+strings.Repeat("--\n", 30_000)+"--b--\n")
	s.crlf("body-512k", plainHeader+"\n"+strings.Repeat(strings.Repeat("q", 62)+"\n", 8192))
	s.add("body-512k-exact", exactly(512<<10))
	s.add("body-512k-plus-1", exactly(512<<10+1))
	s.add("body-1m-exact", exactly(1<<20))
}

// exactly is a plain mail of n bytes.
func exactly(n int) string {
	head := toCRLF(plainHeader + "\n")
	return head + string(noiseOf(uint64(n), n-len(head), "abcdefghijklmnopqrstuvwxyz     \n"))
}

// everyday are a few mails in which nothing is wrong.
func everyday(s *set) {
	for i := range 12 {
		s.add(fmt.Sprintf("everyday-%d", i), string(Realistic(7, i)))
	}
}
