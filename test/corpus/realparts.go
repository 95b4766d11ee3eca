package corpus

import (
	"fmt"
	"strings"
)

// boundary makes one as mail programs do.
func (m *mail) boundary() string {
	switch m.r.n(3) {
	case 0:
		return fmt.Sprintf("------------%024X", m.r.next())
	case 1:
		return fmt.Sprintf("----=_Part_%d_%d.%d", m.r.n(99999), m.r.n(1<<30), m.when().UnixMilli())
	}
	return fmt.Sprintf("=_%016x", m.r.next())
}

// multipart puts parts (each a header and a body) together.
func (m *mail) multipart(subtype string, parts ...[2]string) (header, body string) {
	b := m.boundary()
	var out strings.Builder
	if m.r.n(3) == 0 {
		out.WriteString("This is a multi-part message in MIME format.\r\n")
	}
	for _, p := range parts {
		fmt.Fprintf(&out, "--%s\r\n%s\r\n%s\r\n", b, p[0], strings.TrimSuffix(p[1], "\r\n"))
	}
	fmt.Fprintf(&out, "--%s--\r\n", b)
	return fmt.Sprintf("Content-Type: multipart/%s;\r\n boundary=\"%s\"\r\n", subtype, b), out.String()
}

func part(header, body string) [2]string { return [2]string{header, body} }

// content is the mail's Content-* fields and its body.
func (m *mail) content(depth int) (header, body string) {
	text := m.text()
	if m.i%250 == 40 && depth == 0 {
		return m.multipart("mixed", part(textPart(&m.r, "plain", m.lang.tag, text)), m.attachment(400_000+m.r.n(3_000_000)))
	}
	switch kind := m.r.n(40); {
	case kind < 16:
		return textPart(&m.r, "plain", m.lang.tag, text)
	case kind < 28:
		return m.alternative(text)
	case kind < 31:
		h, b := m.alternative(text)
		return m.multipart("related", part(h, b), m.inlineImage())
	case kind < 35:
		parts := [][2]string{part(textPart(&m.r, "plain", m.lang.tag, text))}
		for range 1 + m.r.n(2) {
			parts = append(parts, m.attachment(2000+m.r.n(60_000)))
		}
		return m.multipart("mixed", parts...)
	case kind < 36:
		return m.invitation(text)
	case kind < 37:
		return m.multipart("signed; micalg=pgp-sha256; protocol=\"application/pgp-signature\"", part(textPart(&m.r, "plain", m.lang.tag, text)),
			part("Content-Type: application/pgp-signature; name=\"OpenPGP_signature.asc\"\r\nContent-Description: OpenPGP digital signature\r\nContent-Disposition: attachment; filename=\"OpenPGP_signature.asc\"\r\n",
				"-----BEGIN PGP SIGNATURE-----\r\n\r\n"+base64Lines(noise(m.r.next(), 240))+"-----END PGP SIGNATURE-----\r\n"))
	case kind < 38:
		return m.forward(text, depth)
	default:
		return textPart(&m.r, "html", m.lang.tag, html(strings.Repeat(text, 1+m.r.n(6))))
	}
}

func (m *mail) alternative(text string) (header, body string) {
	return m.multipart("alternative", part(textPart(&m.r, "plain", m.lang.tag, text)), part(textPart(&m.r, "html", m.lang.tag, html(text))))
}

// attachment is a file of about size bytes.
func (m *mail) attachment(size int) [2]string {
	kinds := []struct{ mime, name string }{
		{"application/pdf", "Rechnung-2024.pdf"}, {"image/jpeg", "IMG_4711.jpg"}, {"application/zip", "archive.zip"},
		{"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "Entwurf für Jürgen.docx"},
		{"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "отчёт.xlsx"}, {"text/csv", "numbers.csv"}, {"image/png", "スクリーンショット.png"},
	}
	k := kinds[m.r.n(len(kinds))]
	data := noise(m.r.next(), size)
	if k.mime == "text/csv" {
		data = noiseOf(m.r.next(), size, "0123456789;;,\n")
	}
	var names string
	switch {
	case ascii(k.name):
		names = fmt.Sprintf("Content-Type: %s; name=\"%s\"\r\nContent-Disposition: attachment; filename=\"%s\"", k.mime, k.name, k.name)
	case m.r.n(2) == 0:
		names = fmt.Sprintf("Content-Type: %s;\r\n name=\"%s\"\r\nContent-Disposition: attachment;\r\n filename*=UTF-8''%s", k.mime, words(&m.r, k.name), percent(k.name))
	default:
		names = fmt.Sprintf("Content-Type: %s\r\nContent-Disposition: attachment;\r\n filename*0*=UTF-8''%s;\r\n filename*1*=%s; size=%d", k.mime, percent(k.name[:6]), percent(k.name[6:]), size)
	}
	return part(names+"\r\nContent-Transfer-Encoding: base64\r\n", base64Lines(data))
}

func percent(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c < 0x80 && (c == '.' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z') {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func (m *mail) inlineImage() [2]string {
	return part(fmt.Sprintf("Content-Type: image/png; name=\"logo.png\"\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <part1.%08X@example.com>\r\nContent-Disposition: inline; filename=\"logo.png\"\r\n", m.r.next()>>32),
		base64Lines(noise(m.r.next(), 600+m.r.n(6000))))
}

func (m *mail) invitation(text string) (header, body string) {
	when := m.when().UTC()
	ics := fmt.Sprintf("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Example//EN\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:%x@example.com\nDTSTART:%s\nSUMMARY:%s\nORGANIZER:mailto:%s\nEND:VEVENT\nEND:VCALENDAR\n",
		m.r.next(), when.Format("20060102T150405Z"), m.subject(), m.from.address)
	h, b := textPart(&m.r, "calendar; method=REQUEST", "en", ics)
	return m.multipart("alternative", part(textPart(&m.r, "plain", m.lang.tag, text)), part(h, b))
}

// forward is a mail that holds another one.
func (m *mail) forward(text string, depth int) (header, body string) {
	if depth > 1 || m.i == 0 {
		return textPart(&m.r, "plain", m.lang.tag, text)
	}
	inner := newMail(m.seed, m.r.n(m.i))
	h, b := inner.content(depth + 1)
	if len(b) > 50_000 {
		h, b = textPart(&m.r, "plain", inner.lang.tag, inner.text())
	}
	return m.multipart("mixed", part(textPart(&m.r, "plain", m.lang.tag, text)),
		part("Content-Type: message/rfc822; name=\"forwarded.eml\"\r\nContent-Disposition: attachment; filename=\"forwarded.eml\"\r\n", inner.header()+h+"\r\n"+b))
}
