package corpus

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// Realistic returns mail i of the mailbox that seed stands for: correct CRLF
// mail of several languages with multiparts, attachments, encoded words and
// 8-bit text, in threads; a large one now and then. Most are of a few
// kilobytes, one in ten has an attachment of tens of kilobytes, one in 250 is
// of megabytes.
func Realistic(seed uint64, i int) []byte {
	m := newMail(seed, i)
	header, body := m.content(0)
	return []byte(m.header() + header + "\r\n" + body)
}

// mail is one mail of a mailbox; all about it follows from seed and number.
type mail struct {
	seed     uint64
	i        int
	r        rng
	from, to person
	list     int // in lists, -1: none
	lang     language
	parent   int // the mail that this one answers, -1: none
	topic    int // picks the subject of a thread
}

func newMail(seed uint64, i int) *mail {
	m := &mail{seed: seed, i: i, r: rng(seed*0x9e3779b97f4a7c15 + uint64(i)*0xd1b54a32d192ed03 + 1)}
	m.r.next()
	m.from = people[m.r.n(len(people))]
	m.to = people[m.r.n(3)]
	m.list = -1
	if m.r.n(6) == 0 {
		m.list = m.r.n(len(lists))
	}
	m.topic = m.r.n(1000)
	m.parent = -1
	if back := m.r.n(40); back < 22 && i-1-back >= 0 {
		m.parent = i - 1 - back
	}
	m.lang = languages[m.from.language]
	if m.parent >= 0 { // the same people and language as before
		p := newMail(seed, m.parent)
		m.lang, m.list, m.to = p.lang, p.list, p.from
	}
	return m
}

// id is the mail's Message-ID.
func (m *mail) id() string {
	r := rng(m.seed ^ uint64(m.i)*0xbf58476d1ce4e5b9)
	_, host, _ := strings.Cut(m.from.address, "@")
	return fmt.Sprintf("<%08x.%d.%012x@%s>", r.next()>>32, m.i, r.next()>>16, host)
}

// subject is that of the thread's first mail.
func (m *mail) subject() string {
	root, re := m, ""
	for root.parent >= 0 {
		root, re = newMail(m.seed, root.parent), "Re: "
	}
	s := root.lang.subjects[root.topic%len(root.lang.subjects)]
	if root.list >= 0 {
		s = "[" + lists[root.list].tag + "] " + s
	}
	return re + s
}

// references are the ids of the thread up to the mail that is answered.
func (m *mail) references() []string {
	var ids []string
	for p := m; p.parent >= 0; {
		p = newMail(m.seed, p.parent)
		ids = append([]string{p.id()}, ids...)
	}
	if len(ids) > 10 {
		ids = append(ids[:1:1], ids[len(ids)-9:]...)
	}
	return ids
}

// when is the mail's date: they arrive some half an hour apart.
func (m *mail) when() time.Time {
	start := time.Date(2024, 1, 2, 8, 0, 0, 0, time.UTC)
	jitter := rng(m.seed + uint64(m.i))
	t := start.Add(time.Duration(m.i)*31*time.Minute + time.Duration(jitter.n(1500))*time.Second)
	return t.In(time.FixedZone("", m.from.zone*60))
}

// header is the mail's header without the Content-* fields.
func (m *mail) header() string {
	var b strings.Builder
	r := &m.r
	when := m.when()
	_, host, _ := strings.Cut(m.from.address, "@")
	for hop := range 1 + r.n(3) {
		fmt.Fprintf(&b, "Received: from out%d.%s (out%d.%s [192.0.2.%d])\r\n\tby mx%d.example.com (Postfix) with ESMTPS id %010X\r\n\tfor <%s>; %s\r\n",
			hop, host, hop, host, r.n(254)+1, r.n(4), r.next()>>24, m.to.address, when.Add(time.Duration(9-hop)*time.Second).Format(time.RFC1123Z))
	}
	if r.n(3) == 0 {
		fmt.Fprintf(&b, "Authentication-Results: mx.example.com;\r\n\tdkim=pass (2048-bit key) header.d=%s header.i=@%s;\r\n\tspf=pass smtp.mailfrom=%s\r\n", host, host, m.from.address)
		fmt.Fprintf(&b, "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=%s; s=mail;\r\n\th=date:from:to:subject:message-id; bh=%s;\r\n\tb=%s\r\n",
			host, base64.StdEncoding.EncodeToString(noise(r.next(), 32)), strings.TrimSuffix(strings.ReplaceAll(base64Lines(noise(r.next(), 256)), "\r\n", "\r\n\t "), "\r\n\t "))
	}
	fmt.Fprintf(&b, "Date: %s\r\nFrom: %s <%s>\r\n", when.Format("Mon, 2 Jan 2006 15:04:05 -0700"), phrase(r, m.from.name), m.from.address)
	if m.list >= 0 {
		l := lists[m.list]
		fmt.Fprintf(&b, "To: %s <%s>\r\nList-ID: %s <%s>\r\nList-Post: <mailto:%s>\r\nList-Unsubscribe: <https://%s/unsubscribe?u=%x>,\r\n\t<mailto:%s?subject=unsubscribe>\r\nPrecedence: list\r\n",
			phrase(r, l.name), l.address, phrase(r, l.name), l.id, l.address, strings.Replace(l.id, ".lists", "", 1), r.next()>>32, l.address)
	} else {
		fmt.Fprintf(&b, "To: %s <%s>\r\n", phrase(r, m.to.name), m.to.address)
	}
	if n := r.n(12) - 8; n > 0 {
		cc := make([]string, n)
		for i := range cc {
			p := people[r.n(len(people))]
			cc[i] = phrase(r, p.name) + " <" + p.address + ">"
		}
		fmt.Fprintf(&b, "Cc: %s\r\n", strings.Join(cc, ",\r\n\t"))
	}
	fmt.Fprintf(&b, "Message-ID: %s\r\n", m.id())
	if refs := m.references(); len(refs) > 0 {
		fmt.Fprintf(&b, "In-Reply-To: %s\r\nReferences: %s\r\n", refs[len(refs)-1], strings.Join(refs, "\r\n "))
	}
	fmt.Fprintf(&b, "Subject: %s\r\n", words(r, m.subject()))
	switch r.n(4) {
	case 0:
		b.WriteString("User-Agent: Mozilla Thunderbird\r\nContent-Language: " + m.lang.tag + "\r\n")
	case 1:
		b.WriteString("X-Mailer: Example Mail (2.3774.300.61.1)\r\n")
	}
	b.WriteString("MIME-Version: 1.0\r\n")
	return b.String()
}

// text is what the mail says, with \n.
func (m *mail) text() string {
	r := &m.r
	var b strings.Builder
	greeting := m.lang.greeting[r.n(len(m.lang.greeting))]
	if strings.Contains(greeting, "%s") {
		greeting = fmt.Sprintf(greeting, m.to.first)
	}
	b.WriteString(greeting + "\n\n")
	for range 1 + r.n(5) {
		var p []string
		for range 2 + r.n(5) {
			p = append(p, m.lang.sentences[r.n(len(m.lang.sentences))])
		}
		b.WriteString(wrap(strings.Join(p, " ")) + "\n\n")
	}
	b.WriteString(m.lang.closing[r.n(len(m.lang.closing))] + "\n" + m.from.first + "\n")
	if m.parent >= 0 {
		b.WriteString("\n" + fmt.Sprintf(m.lang.wrote, m.to.name) + "\n")
		for range 2 + r.n(6) {
			b.WriteString("> " + m.lang.sentences[r.n(len(m.lang.sentences))] + "\n")
		}
	}
	if m.list >= 0 {
		b.WriteString("\n_______________________________________________\n" + lists[m.list].name + "\n" + lists[m.list].address + "\n")
	}
	return b.String()
}

func html(text string) string {
	text = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\n<html><head><meta http-equiv=\"Content-Type\" content=\"text/html\">\n<style>p { font-family: sans-serif; margin: 0 0 1em 0 }\n.quote { color: #606060 }</style></head>\n<body>\n")
	for _, p := range strings.Split(text, "\n\n") {
		b.WriteString("<p style=\"font-size: 11pt\">" + strings.ReplaceAll(p, "\n", "<br>\n") + "</p>\n")
	}
	b.WriteString("</body></html>\n")
	return b.String()
}
