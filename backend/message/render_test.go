package message

import (
	"strings"
	"testing"
)

func parse(s string) Summary {
	return Parse([]byte(strings.ReplaceAll(s, "\n", "\r\n")), DefaultLimits())
}

func TestEnvelope(t *testing.T) {
	for _, c := range []struct{ name, header, want, utf8 string }{
		{"nothing", "", `(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)`, ""},
		{
			"defaults", "Date: d\nSubject: s\nFrom: A <a@x>\nTo: b@y\nMessage-ID: <m@x>\nIn-Reply-To: <r@y>\n",
			`("d" "s" (("A" NIL "a" "x")) (("A" NIL "a" "x")) (("A" NIL "a" "x")) ((NIL NIL "b" "y")) NIL NIL "<r@y>" "<m@x>")`, "",
		},
		{
			"sender and reply-to", "From: a@x\nSender: b@y\nReply-To: c@z, d@z\n",
			`(NIL NIL ((NIL NIL "a" "x")) ((NIL NIL "b" "y")) ((NIL NIL "c" "z")(NIL NIL "d" "z")) NIL NIL NIL NIL NIL)`, "",
		},
		{
			"empty is not missing", "Subject:\nDate: \nMessage-ID:\nFrom:\nReply-To: \n",
			`("" "" NIL NIL NIL NIL NIL NIL NIL "")`, "",
		},
		{
			"folding", "Subject: one\n two\n\tthree \nMessage-ID:\n <m@x>\n",
			"(NIL \"one two\tthree\" NIL NIL NIL NIL NIL NIL NIL \"<m@x>\")", "",
		},
		{
			"encoded words as written", "Subject: =?utf-8?q?J=C3=B6rg?=\n =?utf-8?q?x?=\nFrom: =?utf-8?q?J=C3=B6rg?= <j@x>\n",
			`(NIL "=?utf-8?q?J=C3=B6rg?= =?utf-8?q?x?=" (("=?utf-8?q?J=C3=B6rg?=" NIL "j" "x")) (("=?utf-8?q?J=C3=B6rg?=" NIL "j" "x")) (("=?utf-8?q?J=C3=B6rg?=" NIL "j" "x")) NIL NIL NIL NIL NIL)`, "",
		},
		{
			"8-bit", "Subject: J\u00f6rg\n",
			"(NIL {5}\r\nJ\u00f6rg NIL NIL NIL NIL NIL NIL NIL NIL)", "(NIL \"J\u00f6rg\" NIL NIL NIL NIL NIL NIL NIL NIL)",
		},
		{
			"8-bit but not UTF-8", "Subject: J\xf6rg\n",
			"(NIL {4}\r\nJ\xf6rg NIL NIL NIL NIL NIL NIL NIL NIL)", "(NIL {4}\r\nJ\xf6rg NIL NIL NIL NIL NIL NIL NIL NIL)",
		},
		{"quotes", "Subject: \"a\" \\ b\n", `(NIL "\"a\" \\ b" NIL NIL NIL NIL NIL NIL NIL NIL)`, ""},
		{"carriage return", "Subject: a\rb\n", "(NIL {3}\r\na\rb NIL NIL NIL NIL NIL NIL NIL NIL)", ""},
		{"NUL", "Subject: a\x00b\n", `(NIL "a?b" NIL NIL NIL NIL NIL NIL NIL NIL)`, ""},
		{
			"group", "To: Friends: a@x, B <b@y>;, c@z\n",
			`(NIL NIL NIL NIL NIL ((NIL NIL "Friends" NIL)(NIL NIL "a" "x")("B" NIL "b" "y")(NIL NIL NIL NIL)(NIL NIL "c" "z")) NIL NIL NIL NIL)`, "",
		},
		{
			"the last subject, all recipients", "Subject: 1\nTo: a@x\nSubject: 2\nTo: b@y\n",
			`(NIL "2" NIL NIL NIL ((NIL NIL "a" "x")(NIL NIL "b" "y")) NIL NIL NIL NIL)`, "",
		},
	} {
		s := parse(c.header + "\nbody\n")
		if got := string(s.AppendEnvelope([]byte("x"), false)); got != "x"+c.want {
			t.Errorf("%s:\n got %s\nwant x%s", c.name, got, c.want)
		}
		if c.utf8 == "" {
			c.utf8 = c.want
		}
		if got := string(s.AppendEnvelope(nil, true)); got != c.utf8 {
			t.Errorf("%s, UTF-8:\n got %s\nwant %s", c.name, got, c.utf8)
		}
	}
}

func TestBodyStructure(t *testing.T) {
	for _, c := range []struct{ name, mail, want, utf8 string }{
		{"plain", "\nbody\n", `("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)`, ""},
		{
			"everything", "Content-Type: application/pdf; name=\"a b\"\nContent-ID: <i@x>\nContent-Description: d\nContent-Transfer-Encoding: BASE64\nContent-MD5: m\nContent-Disposition: attachment; filename=f\nContent-Language: de, en\nContent-Location: l\n\nbody\n",
			`("application" "pdf" ("name" "a b") "<i@x>" "d" "BASE64" 6 "m" ("attachment" ("filename" "f")) ("de" "en") "l")`, "",
		},
		{
			"multipart", "Content-Type: multipart/alternative; boundary=b\nContent-Disposition: inline\nContent-Language: de\nContent-Location: l\n\n--b\n\none\n\n--b\nContent-Type: text/HTML; charset=utf-8\n\ntwo\nmore\n--b--\n",
			`(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 1 NIL NIL NIL NIL)("text" "HTML" ("charset" "utf-8") NIL NIL "7bit" 9 1 NIL NIL NIL NIL) "alternative" ("boundary" "b") ("inline" NIL) ("de") "l")`, "",
		},
		{
			"empty multipart", "Content-Type: multipart/mixed; boundary=b\n\n--b--\n",
			`(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL) "mixed" ("boundary" "b") NIL NIL NIL)`, "",
		},
		{
			"multipart without boundary is text", "Content-Type: multipart/mixed\n\nbody\n",
			`("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)`, "",
		},
		{
			"message", "Content-Type: message/rfc822\n\nSubject: s\n\nbody\n",
			`("message" "rfc822" NIL NIL NIL "7bit" 20 (NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL) ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL) 3 NIL NIL NIL NIL)`, "",
		},
		{
			"message/global is a message to those who know", "Content-Type: message/global\n\nSubject: s\n\nbody\n",
			`("message" "global" NIL NIL NIL "7bit" 20 NIL NIL NIL NIL)`,
			`("message" "global" NIL NIL NIL "7bit" 20 (NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL) ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL) 3 NIL NIL NIL NIL)`,
		},
		{
			"digest", "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: s\n\nx\n--b\nContent-Type: text/plain\n\ny\n--b--\n",
			`(("message" "rfc822" NIL NIL NIL "7bit" 15 (NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL) ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0 NIL NIL NIL NIL) 2 NIL NIL NIL NIL)("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0 NIL NIL NIL NIL) "digest" ("boundary" "b") NIL NIL NIL)`, "",
		},
		{
			"RFC 2231", "Content-Type: text/plain; name*0*=utf-8'de'Gr%C3%BC; name*1=\" e\"; x*0=a; x*1=b\n\nx",
			`("text" "plain" ("name*" "utf-8'de'Gr%C3%BC%20e" "x" "ab" "charset" "us-ascii") NIL NIL "7bit" 1 0 NIL NIL NIL NIL)`,
			"(\"text\" \"plain\" (\"name*\" \"Gr\u00fc e\" \"x\" \"ab\" \"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 0 NIL NIL NIL NIL)",
		},
		{
			"duplicate type", "Content-Type: text/html\nContent-Type: image/png\n\nx",
			`("text" "html" ("charset" "us-ascii") NIL NIL "7bit" 1 0 NIL NIL NIL NIL)`, "",
		},
		{
			"delimiter ends a header", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\nSubject: cut\n--b\nContent-Type: image/png\n--b--\n",
			`(("message" "rfc822" NIL NIL NIL "7bit" 14 (NIL "cut" NIL NIL NIL NIL NIL NIL NIL NIL) ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL) 1 NIL NIL NIL NIL)("image" "png" NIL NIL NIL "7bit" 0 NIL NIL NIL NIL) "mixed" ("boundary" "b") NIL NIL NIL)`, "",
		},
		{
			"boundary that is a prefix", "Content-Type: multipart/mixed; boundary=foo\n\n--foo\nContent-Type: multipart/mixed; boundary=foobar\n\n--foobar\n\n1\n--foobar--\n--foo\n\n2\n--foo--\n",
			`((("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0 NIL NIL NIL NIL) "mixed" ("boundary" "foobar") NIL NIL NIL)("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0 NIL NIL NIL NIL) "mixed" ("boundary" "foo") NIL NIL NIL)`, "",
		},
		{
			"unclosed inner multipart", "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n1\n--a\n\n2\n",
			`((("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0 NIL NIL NIL NIL) "mixed" ("boundary" "b") NIL NIL NIL)("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 1 NIL NIL NIL NIL) "mixed" ("boundary" "a") NIL NIL NIL)`, "",
		},
	} {
		s := parse(c.mail)
		if got := string(s.AppendBody([]byte("x"), true, false)); got != "x"+c.want {
			t.Errorf("%s:\n got %s\nwant x%s", c.name, got, c.want)
		}
		if c.utf8 == "" {
			c.utf8 = c.want
		}
		if got := string(s.AppendBody(nil, true, true)); got != c.utf8 {
			t.Errorf("%s, UTF-8:\n got %s\nwant %s", c.name, got, c.utf8)
		}
	}
	want := `(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0) "mixed")`
	if got := string(parse("Content-Type: multipart/mixed; boundary=b\n\n").AppendBody(nil, false, false)); got != want {
		t.Errorf("BODY: %s", got)
	}
}

// TestOpaque: what is over a limit is one part of which nothing is told.
func TestOpaque(t *testing.T) {
	lim := DefaultLimits()
	lim.MaxParts = 3
	mail := strings.ReplaceAll("Content-Type: multipart/mixed; boundary=b\n\n--b\n\n1\n--b\n\n2\n--b\n\n3\n--b--\n", "\n", "\r\n")
	want := `(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0)("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0)("application" "octet-stream" NIL NIL NIL "7bit" 12) "mixed")`
	if got := string(Parse([]byte(mail), lim).AppendBody(nil, false, false)); got != want {
		t.Errorf("parts:\n got %s\nwant %s", got, want)
	}
	lim = DefaultLimits()
	lim.MaxDepth = 1
	mail = strings.ReplaceAll("Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n\nSubject: x\n\nbody", "\n", "\r\n")
	want = `("message" "rfc822" NIL NIL NIL "7bit" 50 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) ("application" "octet-stream" NIL NIL NIL "7bit" 18) 4)`
	if got := string(Parse([]byte(mail), lim).AppendBody(nil, false, false)); got != want {
		t.Errorf("depth:\n got %s\nwant %s", got, want)
	}
}

// sectionMail is the example of RFC 9051 section 6.4.5.1.
const sectionMail = `Subject: root
Content-Type: multipart/mixed; boundary=a

--a
Content-Type: text/plain

one
--a
Content-Type: application/octet-stream

two
--a
Content-Type: message/rfc822

Subject: inner
Content-Type: multipart/mixed; boundary=b

--b

inner one
--b
Content-Type: application/x-y

inner two
--b--
--a
Content-Type: multipart/mixed; boundary=c

--c
Content-Type: image/gif

image
--c
Content-Type: message/rfc822

Subject: innermost

text
--c--
--a--
`

func TestSections(t *testing.T) {
	raw := strings.ReplaceAll(sectionMail, "\n", "\r\n")
	s := parse(sectionMail)
	for _, c := range []struct {
		path []int
		spec string
		want string // "-": no such section
	}{
		{nil, "", sectionMail},
		{nil, "HEADER", "Subject: root\nContent-Type: multipart/mixed; boundary=a\n\n"},
		{nil, "MIME", "-"},
		{[]int{1}, "", "one"},
		{[]int{1}, "MIME", "Content-Type: text/plain\n\n"},
		{[]int{1}, "HEADER", "-"},
		{[]int{1}, "TEXT", "-"},
		{[]int{1, 1}, "", "-"},
		{[]int{2}, "", "two"},
		{[]int{3}, "MIME", "Content-Type: message/rfc822\n\n"},
		{[]int{3}, "HEADER", "Subject: inner\nContent-Type: multipart/mixed; boundary=b\n\n"},
		{[]int{3}, "TEXT", "--b\n\ninner one\n--b\nContent-Type: application/x-y\n\ninner two\n--b--"},
		{[]int{3, 1}, "", "inner one"},
		{[]int{3, 1}, "MIME", "\n"},
		{[]int{3, 2}, "", "inner two"},
		{[]int{3, 3}, "", "-"},
		{[]int{4}, "HEADER", "-"},
		{[]int{4, 1}, "MIME", "Content-Type: image/gif\n\n"},
		{[]int{4, 2}, "", "Subject: innermost\n\ntext"},
		{[]int{4, 2}, "HEADER", "Subject: innermost\n\n"},
		{[]int{4, 2}, "TEXT", "text"},
		{[]int{4, 2, 1}, "", "text"},
		{[]int{4, 2, 1}, "MIME", "Subject: innermost\n\n"},
		{[]int{4, 2, 1, 1}, "", "-"},
		{[]int{4, 2, 2}, "", "-"},
		{[]int{5}, "", "-"},
		{[]int{0}, "", "-"},
		{[]int{-1}, "", "-"},
	} {
		got := "-"
		if off, n, ok := s.Section(c.path, c.spec); ok {
			got = strings.ReplaceAll(raw[off:off+n], "\r\n", "\n")
		}
		if got != c.want {
			t.Errorf("%v %q: %q, want %q", c.path, c.spec, got, c.want)
		}
	}
	single := parse("Subject: x\n\nbody")
	if off, n, ok := single.Section([]int{1}, ""); !ok || off != 14 || n != 4 {
		t.Errorf("[1] of a single part: %d, %d, %v", off, n, ok)
	}
	if off, n, ok := single.Section([]int{1}, "MIME"); !ok || off != 0 || n != 14 {
		t.Errorf("[1.MIME] of a single part: %d, %d, %v", off, n, ok)
	}
}

func TestWalk(t *testing.T) {
	var got []string
	parse(sectionMail).Walk(func(path []int, p Part) bool {
		var b strings.Builder
		for _, n := range path {
			b.WriteByte('.')
			b.WriteByte('0' + byte(n))
		}
		got = append(got, b.String()+" "+p.Type+"/"+p.Subtype)
		return true
	})
	want := " multipart/mixed;.1 text/plain;.2 application/octet-stream;.3 message/rfc822;.3.1 text/plain;.3.2 application/x-y;.4 multipart/mixed;.4.1 image/gif;.4.2 message/rfc822;.4.2.1 text/plain"
	if s := strings.Join(got, ";"); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	n := 0
	parse(sectionMail).Walk(func([]int, Part) bool { n++; return n < 3 })
	if n != 3 {
		t.Errorf("%d parts after a stop at the third", n)
	}
}

func TestPart(t *testing.T) {
	p, ok := parse("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: Text/Plain; charset=\"UTF-8\"; name=n.txt\nContent-Transfer-Encoding: 8BIT\nContent-Disposition: Inline; filename=x; filename*=utf-8''%C3%A4.txt\nContent-ID: <c>\n\n1\n2\n--b--\n").Part([]int{1})
	want := Part{MIMEOffset: 50, MIMELen: 177, BodyOffset: 227, BodyLen: 4, Lines: 1, Type: "Text", Subtype: "Plain", Encoding: "8BIT", Charset: "UTF-8", Disposition: "Inline", Filename: "ä.txt", ContentID: "<c>", IsText: true}
	if !ok || p != want {
		t.Errorf("got  %+v\nwant %+v", p, want)
	}
}

func TestHeaderFields(t *testing.T) {
	s := parse("subject: one\nX-Other: 1\nFROM : a@b\n folded\nTo: c@d\nSubject: two\nx-spam-flag: YES\n\nSubject: body\n")
	for _, c := range []struct {
		names []string
		want  string
		ok    bool
	}{
		{[]string{"SUBJECT"}, "subject: one\r\nSubject: two\r\n", true},
		{[]string{"TO", "FROM", "SUBJECT"}, "subject: one\r\nFROM : a@b\r\n folded\r\nTo: c@d\r\nSubject: two\r\n", true},
		{[]string{"CC"}, "", true},
		{[]string{"X-ABSENT", "TO"}, "To: c@d\r\n", true},
		{[]string{"X-OTHER", "TO"}, "", false},
		{[]string{"X-SPAM-FLAG"}, "x-spam-flag: YES\r\n", true},
		{nil, "", true},
	} {
		got, ok := s.HeaderFields(nil, c.names)
		if string(got) != c.want || ok != c.ok {
			t.Errorf("%q: %q, %v; want %q, %v", c.names, got, ok, c.want, c.ok)
		}
	}
	if got, ok := parse("Subject: cut").HeaderFields(nil, []string{"SUBJECT"}); string(got) != "Subject: cut\r\n" || !ok {
		t.Errorf("line without end: %q, %v", got, ok)
	}
	if v, found, known := s.Field("SUBJECT"); string(v) != "two" || !found || !known {
		t.Errorf("Field: %q, %v, %v", v, found, known)
	}
	if _, found, known := s.Field("CC"); found || !known {
		t.Errorf("missing Field: %v, %v", found, known)
	}
	if _, _, known := s.Field("X-OTHER"); known {
		t.Error("Field of an unknown name")
	}
}

// TestHeaderLimit: fields that are cut or left out are said to be unknown.
func TestHeaderLimit(t *testing.T) {
	lim := DefaultLimits()
	lim.MaxCachedHeader = 400
	s := Parse([]byte("List-ID: "+strings.Repeat("l", 300)+"\r\nTo: "+strings.Repeat("ada@example.com, ", 100)+"\r\nSubject: short\r\n\r\n"), lim)
	for name, want := range map[string]bool{"LIST-ID": false, "TO": false, "SUBJECT": true, "CC": true, "X-ABSENT": true} {
		if _, ok := s.HeaderFields(nil, []string{name}); ok != want {
			t.Errorf("%s: %v", name, ok)
		}
	}
	e := s.Envelope()
	if len(e.To) < 8 || len(e.To) > 12 || e.To[len(e.To)-1].Host != "example.com" || e.Subject != "short" {
		t.Errorf("envelope %+v", e)
	}
}

func TestEnvelopeStruct(t *testing.T) {
	e := parse("Date: d\nFrom: A <a@b>\nTo: g: c@d;\nReferences: <1@x>\n\t<2@x> junk <3\n @x> <4@x\nIn-Reply-To:\n\n").Envelope()
	if e.Date != "d" || !e.HasDate || e.HasSubject || !e.HasInReplyTo || e.InReplyTo != "" || e.HasMsgID {
		t.Errorf("%+v", e)
	}
	if len(e.From) != 1 || len(e.Sender) != 1 || e.ReplyTo[0] != e.From[0] || len(e.To) != 3 || e.To[0].Kind != AddrGroupStart || e.To[2].Kind != AddrGroupEnd {
		t.Errorf("%+v", e)
	}
	if got := strings.Join(e.References, "|"); got != "<1@x>|<2@x>|<3 @x>" {
		t.Errorf("references %q", got)
	}
}

func TestZeroSummary(t *testing.T) {
	var s Summary
	if s.Valid() || s.Size() != 0 || s.Preview() != "" || len(s.Bytes()) != 0 {
		t.Error("zero summary is not empty")
	}
	empty := Parse(nil, DefaultLimits())
	if !empty.Valid() || render(empty) != render(s) {
		t.Errorf("zero summary: %s\nempty mail: %s", render(s), render(empty))
	}
	if err := checkSummary(s.Prefixed([]byte("A: b\r\n")), []byte("A: b\r\n"), DefaultLimits()); err != nil {
		t.Error(err)
	}
}
