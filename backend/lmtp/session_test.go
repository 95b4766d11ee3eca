package lmtp

import (
	"fmt"
	"strings"
	"testing"

	"mailbackend.io/backend/mailstore"
)

// TestStory is a whole session, byte by byte.
func TestStory(t *testing.T) {
	f := newFixture(Config{})
	got := f.talk(crlf(`LHLO client.test
MAIL FROM:<sender@example.org> SIZE=20 BODY=8BITMIME
RCPT TO:<alice@example.org>
RCPT TO:<nobody@example.org>
RCPT TO:<bob>
DATA
Subject: x

..dot
.
QUIT
`))
	want := crlf(`220 mx.test LMTP mailbackend ready
250-mx.test
250-ENHANCEDSTATUSCODES
250-8BITMIME
250-SMTPUTF8
250-CHUNKING
250-BINARYMIME
250-SIZE 64000000
250 PIPELINING
250 2.1.0 Sender accepted
250 2.1.5 Recipient accepted
550 5.1.1 <nobody@example.org> unknown user
250 2.1.5 Recipient accepted
354 Send the mail, end it with .
250 2.0.0 <alice@example.org> stored, mjwaid1k.7.1
250 2.0.0 <bob> stored, mjwaid1k.7.1
221 2.0.0 mx.test closes the connection
`)
	if got != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
	mails := f.store.mails()
	if len(mails) != 2 {
		t.Fatalf("%q", mails)
	}
	for i, user := range []string{"alice@example.org", "bob"} {
		wantPrefix := crlf(fmt.Sprintf(`Return-Path: <sender@example.org>
Delivered-To: %s
Received: from client.test ([192.0.2.1])
	by mx.test with LMTP id mjwaid1k.7.1
	for <%[1]s>; Fri, 02 Jan 2026 03:04:05 +0000
`, user))
		if m := mails[i]; m.user != user || m.mailbox != "" || m.prefix != wantPrefix || m.mail != "Subject: x\r\n\r\n.dot\r\n" {
			t.Errorf("stored %q", m)
		}
	}
	for _, secret := range []string{"Subject", "dot"} {
		if strings.Contains(f.log.String(), secret) {
			t.Errorf("the log tells of the mail's content: %s", f.log)
		}
	}
}

const start = "MAIL FROM:<>\r\nRCPT TO:<alice>\r\n"

func TestCommandOrder(t *testing.T) {
	f := newFixture(Config{})
	if got := codes(f.talk("MAIL FROM:<>\r\nRCPT TO:<alice>\r\nDATA\r\nBDAT 3\r\nx\r\nNOOP\r\n"))[1:]; fmt.Sprint(got) != "[503 5.5.1 503 5.5.1 503 5.5.1 503 5.5.1 250 2.0.0]" {
		t.Errorf("before LHLO: %q", got)
	}
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"HELO x\r\n", []string{"500 5.5.1"}},
		{"EHLO x\r\n", []string{"500 5.5.1"}},
		{"LHLO\r\n", []string{"501 5.5.4"}},
		{"lhlo again\r\n", []string{"250-", "250-", "250-", "250-", "250-", "250-", "250-", "250"}},
		{"RCPT TO:<alice>\r\n", []string{"503 5.5.1"}},
		{"MAIL FROM:<>\r\nMAIL FROM:<>\r\n", []string{"250 2.1.0", "503 5.5.1"}},
		{"MAIL FROM:<>\r\nDATA\r\nNOOP\r\n", []string{"250 2.1.0", "503 5.5.1", "250 2.0.0"}},
		{start + "RSET\r\nDATA\r\n", []string{"250 2.1.0", "250 2.1.5", "250 2.0.0", "503 5.5.1"}},
		{start + "RSET x\r\n", []string{"250 2.1.0", "250 2.1.5", "501 5.5.4"}},
		{start + "LHLO x\r\nDATA\r\n", []string{"250 2.1.0", "250 2.1.5", "250-", "250-", "250-", "250-", "250-", "250-", "250-", "250", "503 5.5.1"}},
		{start + "DATA x\r\n", []string{"250 2.1.0", "250 2.1.5", "501 5.5.4"}},
		{start + "DATA\r\n.\r\nDATA\r\n", []string{"250 2.1.0", "250 2.1.5", "354", "250 2.0.0", "503 5.5.1"}},
		{"NOOP\r\nnoop whatever\r\nVRFY alice\r\nVRFY\r\nHELP\r\nHELP MAIL\r\n", []string{"250 2.0.0", "250 2.0.0", "252 2.0.0", "501 5.5.4", "214 2.0.0", "214 2.0.0"}},
		{"EXPN x\r\n\r\n\x00\xff\r\nNOOP\n", []string{"500 5.5.1", "500 5.5.1", "500 5.5.1", "250 2.0.0"}},
		{"STARTTLS\r\n", []string{"503 5.5.1"}},
		{"QUIT x\r\nQUIT  \r\nNOOP\r\n", []string{"501 5.5.4", "221 2.0.0"}},
		{strings.Repeat("x", 5000) + "\r\nNOOP\r\n", []string{"500 5.5.2", "250 2.0.0"}},
		{strings.Repeat("x", 2<<20), []string{"421 4.7.0"}},
		{strings.Repeat("BAD\r\n", 30), append(slicesRepeat("500 5.5.1", 20), "421 4.7.0")},
	} {
		f.expect(t, c.in, c.want...)
	}
}

func slicesRepeat(s string, n int) []string { return strings.Split(strings.Repeat(s+"|", n-1)+s, "|") }

func TestMail(t *testing.T) {
	f := newFixture(Config{MaxMessage: 1000})
	for in, want := range map[string]string{
		"FROM:<>":                                   "250 2.1.0",
		"from:<a@b.example>":                        "250 2.1.0",
		"FROM: <a@b.example>":                       "250 2.1.0",
		"FROM:<@relay.example:a@b>":                 "250 2.1.0",
		`FROM:<"a > \" b"@b>`:                       "250 2.1.0",
		"FROM:<a@[192.0.2.1]>":                      "250 2.1.0",
		"FROM:<a@[IPv6:2001:db8::1]>":               "250 2.1.0",
		"FROM:<a> SIZE=1000":                        "250 2.1.0",
		"FROM:<a> size=0 body=binarymime":           "250 2.1.0",
		"FROM:<a> BODY=7bit SMTPUTF8":               "250 2.1.0",
		"FROM:<ä@ö> SMTPUTF8":                       "250 2.1.0",
		"FROM:<ä@ö>":                                "553 5.6.7",
		"FROM:<a\xff@b> SMTPUTF8":                   "501 5.1.7",
		"FROM:<a> SIZE=1001":                        "552 5.3.4",
		"FROM:<a> SIZE=99999999999999999":           "552 5.3.4",
		"FROM:<a> SIZE=":                            "501 5.5.4",
		"FROM:<a> SIZE=-1":                          "501 5.5.4",
		"FROM:<a> SIZE=1x":                          "501 5.5.4",
		"FROM:<a> SIZE=18446744073709551616":        "501 5.5.4",
		"FROM:<a> BODY=9BIT":                        "501 5.5.4",
		"FROM:<a> SMTPUTF8=1":                       "501 5.5.4",
		"FROM:<a> AUTH=<>":                          "555 5.5.4",
		"FROM:<a> RET=HDRS":                         "555 5.5.4",
		"FROM:<a>SIZE=1":                            "501 5.1.7",
		"FROM:a@b":                                  "501 5.1.7",
		"FROM:<a@b":                                 "501 5.1.7",
		`FROM:<"a@b>`:                               "501 5.1.7",
		`FROM:<"a\>`:                                "501 5.1.7",
		"FROM:<a b@c>":                              "501 5.1.7",
		"FROM:<a@b@c>":                              "501 5.1.7",
		"FROM:<@b>":                                 "501 5.1.7",
		"FROM:<a@>":                                 "501 5.1.7",
		"FROM:<a\x00b@c>":                           "501 5.1.7",
		"FROM:<a\tb@c>":                             "501 5.1.7",
		"FROM:<" + strings.Repeat("a", 600) + "@b>": "501 5.1.7",
		"FROM <a@b>":                                "501 5.1.7",
		"TO:<a@b>":                                  "501 5.1.7",
		"":                                          "501 5.1.7",
	} {
		f.expect(t, "MAIL "+in+"\r\n", want)
	}
}

func TestRcpt(t *testing.T) {
	f := newFixture(Config{})
	for in, want := range map[string]string{
		"TO:<alice@example.org>":   "250 2.1.5",
		"to:<ALICE@Example.Org>":   "250 2.1.5",
		"TO:<alice>":               "250 2.1.5",
		"TO:<postmaster>":          "250 2.1.5",
		"TO:<Postmaster>":          "250 2.1.5",
		`TO:<"a b"@x>`:             "250 2.1.5",
		"TO:<a..b.@x>":             "250 2.1.5",
		"TO:<a+b@x>":               "250 2.1.5",
		"TO:<nobody@example.org>":  "550 5.1.1",
		"TO:<down@example.org>":    "451 4.3.0",
		"TO:<>":                    "501 5.1.3",
		"TO:alice":                 "501 5.1.3",
		"TO:<alice> NOTIFY=NEVER":  "555 5.5.4",
		"TO:<alice>NOTIFY=NEVER":   "501 5.5.4",
		"TO:<ä@example.org>":       "553 5.6.7",
		"FROM:<alice>":             "501 5.1.3",
		"TO:<alice\r>":             "501 5.1.3",
		`TO:<"a` + "\x01" + `"@b>`: "501 5.1.3",
	} {
		f.expect(t, "MAIL FROM:<>\r\nRCPT "+in+"\r\n", "250 2.1.0", want)
	}
	f.expect(t, "MAIL FROM:<> SMTPUTF8\r\nRCPT TO:<ä@example.org>\r\n", "250 2.1.0", "250 2.1.5")
	limited := newFixture(Config{MaxRecipients: 2})
	limited.expect(t, "MAIL FROM:<>\r\nRCPT TO:<a>\r\nRCPT TO:<no>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\nBDAT 1 LAST\r\nx",
		"250 2.1.0", "250 2.1.5", "550 5.1.1", "250 2.1.5", "452 4.5.3", "250 2.0.0", "250 2.0.0")
}

// TestUserMapping: which user and which mailbox an address means.
func TestUserMapping(t *testing.T) {
	for _, c := range []struct {
		cfg                    Config
		address, user, mailbox string
	}{
		{Config{}, "Alice@Example.ORG", "alice@example.org", ""},
		{Config{}, "alice+list@x", "alice+list@x", ""},
		{Config{DetailDelimiter: "+"}, "alice+list@x", "alice@x", ""},
		{Config{DetailDelimiter: "+", DetailMailbox: true}, "alice+Lists/Go@x", "alice@x", "Lists/Go"},
		{Config{DetailDelimiter: "+", DetailMailbox: true}, "alice+a+b@x", "alice@x", "a+b"},
		{Config{DetailDelimiter: "+", DetailMailbox: true}, "alice+@x", "alice@x", ""},
		{Config{DetailDelimiter: "+", DetailMailbox: true}, "+list@x", "+list@x", ""},
		{Config{DetailDelimiter: "--", DetailMailbox: true}, "a-b--c@x", "a-b@x", "c"},
		{Config{LocalPart: true}, "Alice@x", "alice", ""},
		{Config{LocalPart: true, DetailDelimiter: "+", DetailMailbox: true}, "alice+l@x", "alice", "l"},
		{Config{}, "alice", "alice", ""},
		{Config{}, `"a b\"c"@x`, `a b"c@x`, ""},
	} {
		f := newFixture(c.cfg)
		f.expect(t, "MAIL FROM:<>\r\nRCPT TO:<"+c.address+">\r\nBDAT 1 LAST\r\nx", "250 2.1.0", "250 2.1.5", "250 2.0.0")
		got := f.store.mails()[0]
		if got.user != c.user || got.mailbox != c.mailbox || !strings.Contains(got.prefix, "\r\nDelivered-To: "+c.address+"\r\n") {
			t.Errorf("%s, %+v: %q", c.address, c.cfg, got)
		}
	}
}

// TestReplyPerRecipient: in the order of the RCPTs, each as it went; one copy
// for who is there twice.
func TestReplyPerRecipient(t *testing.T) {
	fail := func(d mailstore.Delivery) error {
		switch d.User {
		case "large":
			return fmt.Errorf("deliver: %w", mailstore.ErrTooLarge)
		case "quota":
			return fmt.Errorf("deliver: %w", mailstore.ErrQuota)
		case "down":
			return errStore
		case "panic":
			panic("a bug")
		}
		return nil
	}
	rcpts := "MAIL FROM:<>\r\n"
	for _, to := range []string{"alice", "quota", "large", "Alice", "xdown", "panic", "bob", "quota"} {
		rcpts += "RCPT TO:<" + to + ">\r\n"
	}
	accepted := append([]string{"250 2.1.0"}, slicesRepeat("250 2.1.5", 8)...)
	for _, c := range []struct {
		cfg   Config
		quota string
	}{{Config{}, "552 5.2.2"}, {Config{QuotaTemporary: true, Parallel: 1}, "452 4.2.2"}} {
		for end, mail := range map[string]string{"354": "DATA\r\nx\r\n.\r\n", "": "BDAT 3 LAST\r\nx\r\n"} {
			f := newFixture(c.cfg)
			f.store.fail = func(d mailstore.Delivery) error {
				if d.User == "xdown" {
					return errStore
				}
				return fail(d)
			}
			want := accepted
			if end != "" {
				want = append(want[:len(want):len(want)], end)
			}
			want = append(want[:len(want):len(want)], "250 2.0.0", c.quota, "552 5.2.3", "250 2.0.0", "451 4.3.0", "451 4.3.0", "250 2.0.0", c.quota, "250 2.0.0")
			f.expect(t, rcpts+mail+"NOOP\r\n", want...)
			got := f.store.mails()
			if len(got) != 2 || got[0].user != "alice" || got[1].user != "bob" || !strings.Contains(got[0].prefix, "Delivered-To: alice\r\n") {
				t.Errorf("stored %q", got)
			}
			if !strings.Contains(f.log.String(), "level=ERROR") {
				t.Error("the panic is not in the log")
			}
		}
	}
}

// TestPipelineSplitAnywhere: the answers don't depend on how the octets come.
func TestPipelineSplitAnywhere(t *testing.T) {
	in := hello + start + "DATA\r\na\r\n..\r\n.b\r\n.\r\n" + start + "BDAT 5\r\n.\r\n\r\nBDAT 2 LAST\r\n\n.MAIL FROM:<x>\r\nRCPT TO:<no>\r\nDATA\r\nRSET\r\nQUIT\r\n"
	f := newFixture(Config{})
	want := f.talk(in)
	wantMails := fmt.Sprintf("%q", f.store.mails())
	if n := strings.Count(want, "stored"); n != 2 || !strings.HasSuffix(want, "closes the connection\r\n") {
		t.Fatalf("%d mails stored:\n%s", n, want)
	}
	if m := f.store.mails(); m[0].mail != "a\r\n.\r\nb\r\n" || m[1].mail != ".\r\n\r\n\n." {
		t.Fatalf("%q", m)
	}
	for i := 1; i < len(in); i++ {
		f := newFixture(Config{})
		if got := f.talk(in[:i], in[i:]); got != want || fmt.Sprintf("%q", f.store.mails()) != wantMails {
			t.Fatalf("split at %d: %q\n%s", i, f.store.mails(), got)
		}
	}
	f = newFixture(Config{})
	if got := f.talk(strings.Split(in, "")...); got != want || fmt.Sprintf("%q", f.store.mails()) != wantMails {
		t.Fatalf("byte by byte: %q\n%s", f.store.mails(), got)
	}
}
