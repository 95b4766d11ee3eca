package corpus

import (
	"fmt"
	"strings"
)

// headersOdd are mails with headers that break rules.
func headersOdd(s *set) {
	for name, header := range pairs(
		"no-colon", "From: a@b.c\nthis line has no colon\nSubject: after it\n",
		"no-colon-first", "no colon here\nSubject: after it\n",
		"no-colon-folded", "no colon\n\tfolded: here\nSubject: x\n",
		"space-before-colon", "Subject : with a space\nFrom\t: a@b.c\nTo \t :c@d.e\n",
		"no-space-after-colon", "Subject:tight\nFrom:a@b.c\n",
		"many-spaces-after-colon", "Subject:        wide       \nFrom:\t\ta@b.c\t\n",
		"empty-values", "Subject:\nFrom:\nTo: \nDate:\t\nMessage-ID:\nIn-Reply-To:\nReferences:\nCc:\nBcc:\nSender:\nReply-To:\n",
		"case", "sUBJECT: mixed\nFROM: a@b.c\nmessage-id: <x@y>\nMiMe-VeRsIoN: 1.0\n",
		"duplicate-subject", "Subject: one\nSubject: two\nSubject: three\n",
		"duplicate-from", "From: one@x.y\nFrom: two@x.y\n",
		"duplicate-date", "Date: Mon, 6 Jan 2025 10:11:12 +0100\nDate: Tue, 7 Jan 2025 10:11:12 +0100\n",
		"duplicate-message-id", "Message-ID: <1@x>\nMessage-ID: <2@x>\n",
		"duplicate-to-cc", "To: a@b.c\nCc: d@e.f\nTo: g@h.i\nCc: j@k.l\n",
		"name-with-spaces", "Not a name: x\nSubject: y\n",
		"name-8bit", "S\xc3\xbcbject: x\nSubject: y\n",
		"name-only-spaces", "   : x\nSubject: y\n",
		"name-punctuation", "X-!#$%&'*+/=?^_`{|}~: x\n",
		"folded", "Subject: one\n two\n\tthree\n  four\nFrom: Ada\n <ada@example.com>\n",
		"folded-blank", "Subject: one\n \n \t \n two\nFrom: a@b.c\n",
		"folded-first", "Subject:\n folded at once\nTo:\n\ta@b.c,\n\td@e.f\n",
		"folded-inside-quotes", "From: \"Ada\n Example\" <ada@example.com>\n",
		"folded-message-id", "Message-ID:\n <long.id@\n example.com>\nReferences: <a@b>\n\t<c@d>\n  <e@f>\n",
		"unfolded-continuation", "Subject: one\ntwo\nthree\nFrom: a@b.c\n",
		"date-garbage", "Date: yesterday, about noon\n",
		"date-obsolete", "Date: Mon, 06 Jan 97 10:11:12 EST\n",
		"date-two-digit", "Date: 6 Jan 25 1:2 PST\n",
		"date-comment", "Date: Mon (Montag), 6 Jan (Januar) 2025 10:11:12 +0100 (CET)\n",
		"date-impossible", "Date: Mon, 31 Feb 2025 25:61:61 +9999\n",
		"date-far-future", "Date: Fri, 1 Jan 99999 00:00:00 +0000\n",
		"date-1969", "Date: Wed, 31 Dec 1969 23:59:59 +0000\n",
		"date-iso", "Date: 2025-01-06T10:11:12Z\n",
		"message-id-bare", "Message-ID: no-brackets@example.com\n",
		"message-id-spaces", "Message-ID: < spaced id @ example.com >\n",
		"message-id-two", "Message-ID: <one@x> <two@x>\n",
		"message-id-unclosed", "Message-ID: <unclosed@x\nReferences: <a@b> <c@d <e@f> g@h>\nIn-Reply-To: <<<x@y>>>\n",
		"message-id-quoted", "Message-ID: <\"quo ted\\\"\"@[1.2.3.4]>\n",
		"in-reply-to-phrase", "In-Reply-To: Your message of \"Mon\" <x@y>, and <z@w>\n",
		"references-commas", "References: <a@b>,<c@d>, <e@f>;<g@h>\n",
		"references-itself", "Message-ID: <loop@x>\nReferences: <loop@x> <loop@x>\nIn-Reply-To: <loop@x>\n",
		"quotes-backslashes", "Subject: \"quoted\" and back\\slash \\\" end\\\n",
		"percent-braces", "Subject: {5} %n%s ${x} NIL \"NIL\" ()\n",
		"literal-lookalike", "Subject: {10}\nMessage-ID: {3+}\nFrom: {5} <a@b.c>\n",
		"latin1", "Subject: Gr\xfc\xdfe aus K\xf6ln\nFrom: J\xfcrgen <j@x.y>\n",
		"utf8", "Subject: Grüße aus Köln 日本語\nFrom: Jürgen <jürgen@exämple.org>\nTo: 用户@例子.广告\n",
		"utf8-broken", "Subject: \xc3\x28 \xe2\x82 \xf0\x90\x28\xbc \xed\xa0\x80 \xc0\xaf\n",
		"tabs-only", "Subject:\t\t\t\n\t\t\n\tx\n",
		"resent", "Resent-From: r@x.y\nResent-To: t@x.y\nResent-Date: Mon, 6 Jan 2025 10:11:12 +0100\nFrom: a@b.c\n",
		"received-many", strings.Repeat("Received: from a by b; Mon, 6 Jan 2025 10:11:12 +0100\n", 200)+"From: a@b.c\n",
		"from-only-in-middle", "X: 1\nFrom ada@example.com Mon Jan  6 10:11:12 2025\nSubject: y\n",
		"delimiter-lookalike", "--b: x\nSubject: y\n--b\n--\n",
	) {
		s.crlf("header-"+name, header+"\nbody\n")
	}
	s.add("header-bare-cr-in-value", "Subject: one\rtwo\rthree\r\nFrom: a@b\r.c\r\n\r\nbody\r\n")
	s.add("header-bare-lf-fold", "Subject: one\n two\r\n three\r\nFrom: a@b.c\n\r\nbody")
	s.add("header-ends-in-fold", "Subject: x\r\n \r\n\t")
	s.crlf("header-many-names", manyNames(2000))
	s.crlf("header-many-same", strings.Repeat("X-Same: value\n", 3000)+"\nbody\n")
}

func manyNames(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "X-Name-%d: %d\n", i, i)
	}
	return b.String() + "Subject: behind them\n\nbody\n"
}

// addressesOdd are address fields that are hard to read.
func addressesOdd(s *set) {
	for name, value := range pairs(
		"local-only", "ada",
		"name-only", "Ada Example",
		"quoted-name-only", "\"Ada Example\"",
		"empty-angle", "Ada <>",
		"angle-space", "Ada < ada@example.com >",
		"empty-elements", "a@b.c,, ,d@e.f,",
		"only-commas", ",,,,",
		"only-comment", "(nobody at all)",
		"comment-name", "ada@example.com (Ada Example)",
		"comments-everywhere", "(a) Ada (b (nested) \\) ) Example (c) < (d) ada (e) @ (f) example.com (g) > (h)",
		"comment-unclosed", "ada@example.com (Ada, ben@example.net",
		"quote-unclosed", "\"Ada <ada@example.com>, ben@example.net",
		"quote-escaped", "\"Ada \\\"the \\\\ first\\\"\" <ada@example.com>",
		"quote-comma", "\"Example, Ada\" <ada@example.com>, Ben <ben@example.net>",
		"quoted-local", "\"ada example\"@example.com, \"a@b\"@c.d, <\"q\\\"q\"@e.f>",
		"angle-unclosed", "Ada <ada@example.com, Ben <ben@example.net>",
		"angle-twice", "Ada <ada@example.com> Ben <ben@example.net>",
		"angle-nested", "Ada <<ada@example.com>>",
		"group", "Friends: a@b.c, Ben <d@e.f>;",
		"group-empty", "undisclosed-recipients:;",
		"group-unclosed", "Friends: a@b.c, d@e.f",
		"group-two", "A: a@b.c;, B: d@e.f;, g@h.i",
		"group-nested", "A: B: a@b.c;; c@d.e",
		"group-nameless", ": a@b.c;",
		"group-quoted", "\"A, B: C\": a@b.c;",
		"semicolons", "a@b.c; d@e.f; Ada <g@h.i>",
		"spaces-between", "a@b.c d@e.f g@h.i",
		"route", "<@r1.x,@r2.x:ada@example.com>",
		"route-broken", "<@r1.x,@r2.x ada@example.com>",
		"domain-literal", "ada@[192.0.2.1], ben@[IPv6:2001:db8::1]",
		"domain-literal-unclosed", "ada@[192.0.2.1, ben@x.y",
		"at-twice", "ada@example.com@example.net",
		"at-first", "@example.com, <@example.com>",
		"at-last", "ada@, <ada@>",
		"dots", ".ada.@example..com., a . b @ c . d",
		"obs-phrase", "A. D. A. Example <ada@example.com>",
		"encoded-word", "=?utf-8?q?J=C3=BCrgen?= <j@x.y>, =?utf-8?b?5pel5pys?= =?utf-8?b?6Kqe?= <n@x.y>",
		"encoded-word-quoted", "\"=?utf-8?q?J=C3=BCrgen?=\" <j@x.y>",
		"encoded-word-address", "=?utf-8?q?ada=40example=2Ecom?=",
		"encoded-word-comma", "=?utf-8?q?Example=2C_Ada?= <ada@example.com>",
		"8bit-name", "J\xfcrgen <j@x.y>, \"K\xc3\xb6nig\" <k@x.y>",
		"8bit-address", "jürgen@exämple.org, <用户@例子.广告>",
		"controls", "A\x01da <a\x02@b.c>",
		"mailto", "mailto:ada@example.com, <mailto:ben@example.net>",
		"uri", "http://example.com/?a=b@c, x",
		"x400", "/C=DE/A= /P=x/S=example/@gateway.example",
		"bang-path", "host!other!ada, ada%example.com@relay.example",
		"brackets-only", "<<<>>>[[]](())",
		"quotes-only", "\"\"\"\"\"\"",
		"backslashes", "\\\\\\a@b\\.c, \"\\",
		"missing-comma", "Ada ada@example.com Ben ben@example.net",
		"trailing-name", "ada@example.com Ada Example",
		"colon-in-name", "Re: Ada <ada@example.com>",
		"nil", "NIL, NIL@NIL, \"NIL\" <NIL>",
	) {
		s.crlf("address-"+name, "From: "+value+"\nTo: "+value+"\nCc: x@y.z,\n\t"+value+"\nSubject: "+name+"\n\nbody\n")
	}
}
