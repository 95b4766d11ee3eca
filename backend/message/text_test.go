package message

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"mailbackend.io/test/corpus"
)

func TestDecodeHeader(t *testing.T) {
	for _, c := range [][2]string{
		{"", ""},
		{"plain", "plain"},
		{"one\r\n two\n\tthree", "one two\tthree"},
		{"=?utf-8?q?Gr=C3=BC=C3=9Fe_aus?= K=C3", "Grüße aus K=C3"},
		{"=?UTF-8?B?R3LDvMOfZQ==?=", "Grüße"},
		{"=?iso-8859-1?Q?J=F6rg?= <j@x>", "Jörg <j@x>"},
		{"=?utf-8?q?a?= =?utf-8?q?b?=\r\n =?utf-8?q?c?= d", "abc d"},
		{"=?utf-8?q?a?= x =?utf-8?q?b?=", "a x b"},
		{"=?utf-8?b?5pel5pw=?= =?utf-8?b?rOiqng==?=", "日本語"},
		{"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"},
		{"=?koi8-r?q?=F0=D2=C9=D7=C5=D4?=", "Привет"},
		{"=?utf-8*de?q?abc?=", "abc"},
		{"=?x-klingon?q?abc?=", "abc"},
		{"=?x-klingon?q?J=F6rg?=", "Jörg"},
		{"=?utf-8?x?abc?=", "=?utf-8?x?abc?="},
		{"=?utf-8?q?abc", "=?utf-8?q?abc"},
		{"=??q?abc?=", "=??q?abc?="},
		{"=?utf-8?q?=ZZ=4?=", "=ZZ=4"},
		{"=?utf-8?q?a b?=", "a b"},
		{"a=?utf-8?q?b?=c", "abc"},
		{"Gr\xc3\xbc\xc3\x9fe", "Grüße"},
		{"Gr\xfc\xdfe", "Grüße"},
		{"\x80\xff =?utf-8?q?x?=", "€ÿ x"},
		{"=?us-ascii?q?=FC?=", "ü"},
		{"=?utf-8?q??=", ""},
	} {
		if got := DecodeHeader([]byte(c[0])); got != c[1] {
			t.Errorf("%q: %q, want %q", c[0], got, c[1])
		}
	}
}

func TestDecodeText(t *testing.T) {
	for _, c := range []struct{ encoding, charset, content, want string }{
		{"7bit", "us-ascii", "plain", "plain"},
		{"quoted-printable", "utf-8", "Gr=C3=BC=\r\n=C3=9Fe=", "Grüße"},
		{"QUOTED-PRINTABLE", "iso-8859-1", "=FC =ZZ =", "ü =ZZ "},
		{"base64", "UTF-8", "R3LDvM\r\nOfZQ==", "Grüße"},
		{"base64", "utf-8", "R3!LDvM OfZQ", "Grüße"},
		{"Base64", "utf-8", "R3I=\r\nR3I=\r\n", "GrGr"},
		{"8bit", "windows-1252", "\x80", "€"},
		{"8bit", "iso-8859-15", "\xa4", "€"},
		{"8bit", "utf-8", "\xc3\xbc\xfc", "üü"},
		{"8bit", "x-none", "\xc3\xbc\xfc", "üü"},
		{"8bit", "", "\xc3\xbc\xfc", "üü"},
		{"7bit", "iso-2022-jp", "\x1b$BF|K\\\x1b(B", "日本"},
		{"8bit", "gb2312", "\xc4\xe3\xba\xc3", "你好"},
		{"8bit", "big5", "\xa7A\xa6n", "你好"},
		{"8bit", "utf-16le", "a\x00b\x00", "ab"},
		{"x-unknown", "utf-8", "as is", "as is"},
		{"7bit", "\"utf-8\"", "x", "x"},
	} {
		p := Part{Encoding: c.encoding, Charset: c.charset}
		if got := DecodeText(p, []byte(c.content), 1000); string(got) != c.want {
			t.Errorf("%s, %s, %q: %q, want %q", c.encoding, c.charset, c.content, got, c.want)
		}
		r := NewTextReader(p, iotest.OneByteReader(strings.NewReader(c.content)))
		if got, err := io.ReadAll(r); string(got) != c.want || err != nil {
			t.Errorf("%s, %s, %q: as a stream %q, %v; want %q", c.encoding, c.charset, c.content, got, err, c.want)
		}
		for limit := range len(c.want) {
			got := DecodeText(p, []byte(c.content), limit)
			if len(got) > limit || !utf8.Valid(got) || !strings.HasPrefix(c.want, string(got)) || len(got) < limit-3 && c.encoding != "quoted-printable" {
				t.Errorf("%s, %s, %q: %q with limit %d", c.encoding, c.charset, c.content, got, limit)
			}
		}
	}
}

func TestTransferReader(t *testing.T) {
	for _, known := range []string{"", "7bit", "8BIT", "Binary", "BASE64", "quoted-printable"} {
		if _, ok := NewTransferReader(known, strings.NewReader("")); !ok {
			t.Errorf("%q is not known", known)
		}
	}
	if _, ok := NewTransferReader("x-uuencode", strings.NewReader("")); ok {
		t.Error("x-uuencode is known")
	}
	r, _ := NewTransferReader("base64", iotest.TimeoutReader(strings.NewReader("YWJj")))
	if _, err := io.ReadAll(iotest.OneByteReader(r)); err == nil {
		t.Error("the reader's error is lost")
	}
}

func TestPreview(t *testing.T) {
	for _, c := range [][2]string{
		{"\n  first\n\n second \t line\n", "first second line"},
		{"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nGr=C3=BC=C3=9Fe\n", "Grüße"},
		{"Content-Type: text/html\n\n<html><head><title>no</title><style>p{}</style></head><body><p>a &amp; b<br>c<b>d</b>&#8364;<!-- no --><script>no</script></p></body>\n", "a & b cd€"},
		{"Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>HTML\n--b\n\ntext\n--b--\n", "text"},
		{"Content-Type: multipart/alternative; boundary=b\n\n--b\n\n \n--b\nContent-Type: text/html\n\n<p>HTML\n--b--\n", "HTML"},
		{"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Disposition: attachment\n\nno\n--b\n\nyes\n--b--\n", "yes"},
		{"Content-Type: image/png\n\nno\n", ""},
		{"\n> quoted\n> more\nanswer\n", "answer"},
		{"\n> only quoted\n", "> only quoted"},
		{"\n\u00a0\u200b a\u200c\u200db \ufeff\u00ad\n", "a\u200c\u200db"},
		{"\n", ""},
	} {
		if got := parse(c[0]).Preview(); got != c[1] {
			t.Errorf("%q: %q, want %q", c[0], got, c[1])
		}
	}
	long := parse("\n" + strings.Repeat("äö ", 3000)).Preview()
	if n := utf8.RuneCountInString(long); n < 199 || n > 200 {
		t.Errorf("%d characters", n)
	}
	far := parse("Content-Type: text/html\n\n<style>" + strings.Repeat("x", 3000) + "</style>here\n").Preview()
	if far != "here" {
		t.Errorf("behind a long style: %q", far)
	}
}

// TestDecodeAnything: text of any part of any mail decodes to valid UTF-8,
// whole or as a stream.
func TestDecodeAnything(t *testing.T) {
	for _, m := range corpus.All() {
		if len(m.Raw) > 100_000 {
			continue
		}
		s := Parse(m.Raw, DefaultLimits())
		e := s.Envelope()
		for _, v := range []string{e.Subject, e.Date} {
			if got := DecodeHeader([]byte(v)); !utf8.ValidString(got) {
				t.Errorf("%s: header %q", m.Name, got)
			}
		}
		s.Walk(func(path []int, p Part) bool {
			content := m.Raw[p.BodyOffset : p.BodyOffset+p.BodyLen]
			before := bytes.Clone(content)
			whole := DecodeText(p, content, 1<<20)
			stream, err := io.ReadAll(NewTextReader(p, iotest.HalfReader(bytes.NewReader(content))))
			switch {
			case !utf8.Valid(whole) || !utf8.Valid(stream) || err != nil:
				t.Errorf("%s %v: not UTF-8, or %v", m.Name, path, err)
			case !bytes.Equal(whole, stream):
				t.Errorf("%s %v: %d bytes at once, %d as a stream", m.Name, path, len(whole), len(stream))
			case !bytes.Equal(before, content):
				t.Errorf("%s %v: the content was changed", m.Name, path)
			}
			return len(path) < 3
		})
	}
}
