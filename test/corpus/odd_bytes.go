package corpus

import (
	"fmt"
	"strings"
)

// lineEndings are mails whose lines end in every way.
func lineEndings(s *set) {
	mail := plainHeader + "\nfirst line\nsecond line\n"
	for name, end := range pairs(
		"crlf", "\r\n", "lf", "\n", "cr", "\r", "crcrlf", "\r\r\n", "lfcr", "\n\r", "lflf", "\n\n",
		"nel", "\u0085", "ls", "\u2028", "ff", "\f", "vt", "\v",
	) {
		s.add("lines-"+name, strings.ReplaceAll(mail, "\n", end))
		s.add("lines-"+name+"-unfinished", strings.TrimSuffix(strings.ReplaceAll(mail, "\n", end), end))
	}
	s.add("lines-header-lf-body-crlf", plainHeader+"\nfirst\r\nsecond\r\n")
	s.add("lines-header-crlf-body-lf", toCRLF(plainHeader+"\n")+"first\nsecond\n")
	s.add("lines-alternating", "A: 1\r\nB: 2\nC: 3\r\n\nbody\r\nbody\nbody\rbody")
	s.add("lines-blank-line-cr-only", toCRLF(plainHeader)+"\rbody\r\n")
	s.add("lines-blank-line-spaces", toCRLF(plainHeader)+"   \r\nbody\r\n")
	s.add("lines-blank-line-tab-lf", toCRLF(plainHeader)+"\t\nbody\r\n")
	s.add("lines-only-crlf", "\r\n")
	s.add("lines-only-lf", "\n")
	s.add("lines-only-cr", "\r")
	s.add("lines-many-empty", strings.Repeat("\r\n", 1000))
	s.add("lines-ends-with-cr", toCRLF(plainHeader+"\nbody")+"\r")
	s.add("lines-ends-with-many-lf", toCRLF(plainHeader+"\nbody")+"\n\n\n\n")
	s.add("lines-dots", toCRLF(plainHeader+"\n.\n..\n.dot\n...\n\n.\n"))
	s.add("lines-dot-unfinished", toCRLF(plainHeader+"\nbody\n")+".")
	s.add("lines-from", toCRLF(plainHeader+"\nFrom here on\n>From there\nFrom  \n"))
	s.add("lines-imap-lookalike", toCRLF(plainHeader+"\n)\na OK FETCH completed\n* 1 EXISTS\n{3}\n\nabc"))
	s.add("lines-smtp-lookalike", toCRLF(plainHeader+"\nQUIT\nRSET\nDATA\nMAIL FROM:<>\n250 OK\n"))
	s.add("lines-bdat-lookalike", "BDAT 0 LAST\r\n"+toCRLF(plainHeader+"\n")+"BDAT 5\r\nhello")
	s.add("lines-smuggling", toCRLF(plainHeader)+"\r\nbody\r\n.\nMAIL FROM:<x@y>\n.\r\r\n\n.\r\n\r.\r\nend\r\n")
}

// pairs iterates over name, value, name, value, … in order.
func pairs(list ...string) func(yield func(name, value string) bool) {
	return func(yield func(name, value string) bool) {
		for i := 0; i+1 < len(list); i += 2 {
			if !yield(list[i], list[i+1]) {
				return
			}
		}
	}
}

// bytesOdd are mails with bytes that text doesn't have, and mails without much.
func bytesOdd(s *set) {
	s.add("empty", "")
	s.add("one-byte", "x")
	s.add("one-nul", "\x00")
	s.add("one-space", " ")
	s.add("one-8bit", "\xff")
	s.add("no-header", "\r\njust a body\r\n")
	s.add("no-header-no-blank", "just a text without any header\r\nsecond line\r\n")
	s.add("no-header-starts-with-space", " just a text\r\n\tsecond line\r\n")
	s.add("header-after-space", " X: 1\r\nSubject: second\r\n\r\nbody\r\n")
	s.add("no-body", toCRLF(plainHeader+"\n"))
	s.add("no-body-no-blank", toCRLF(plainHeader))
	s.add("no-body-no-blank-unfinished", strings.TrimSuffix(toCRLF(plainHeader), "\r\n"))
	s.add("header-only-name", "Subject")
	s.add("header-only-colon", ":")
	s.add("header-only-name-colon", "Subject:")
	s.add("nul-in-body", toCRLF(plainHeader+"\nbefore\x00after\n\x00\n\x00\x00\x00"))
	s.add("nul-in-header", toCRLF("From: a\x00b <a@b\x00c>\nSubject: x\x00y\x00\nTo: \x00\n\nbody\n"))
	s.add("nul-in-header-name", toCRLF("Sub\x00ject: x\n\x00: y\n\nbody\n"))
	s.add("nul-only", strings.Repeat("\x00", 5000))
	s.add("bom", "\ufeff"+toCRLF(plainHeader+"\nbody\n"))
	s.add("utf16", utf16(toCRLF(plainHeader+"\nbody\n")))
	s.add("mbox-from", "From ada@example.com Mon Jan  6 10:11:12 2025\r\n"+toCRLF(plainHeader+"\nbody\n"))
	s.add("mbox-from-quoted", ">From ada@example.com Mon Jan  6 10:11:12 2025\n"+plainHeader+"\nbody\n")
	var every strings.Builder
	for c := range 256 {
		every.WriteByte(byte(c))
	}
	s.add("every-byte", every.String())
	s.add("every-byte-body", toCRLF(plainHeader+"\n")+every.String()+every.String())
	s.add("every-byte-subject", "Subject: "+strings.NewReplacer("\r", "", "\n", "").Replace(every.String())+"\r\n\r\nbody\r\n")
	s.add("every-byte-from", "From: "+strings.NewReplacer("\r", "", "\n", "").Replace(every.String())+"\r\n\r\nbody\r\n")
	s.add("controls", toCRLF(plainHeader+"\n\x01\x02\x07\x08\x1b[31mred\x1b[0m\x1a\x7f\x04\n"))
	s.add("telnet", toCRLF(plainHeader+"\n")+"\xff\xf4\xff\xfd\x06\xff\xff\r\x00\r\n")
	s.add("zstd-lookalike", "\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00\x50\x2a\x4d\x18")
	s.add("random-4k", string(noise(1, 4096)))
	s.add("random-64k", string(noise(2, 65536)))
	s.add("random-700k", string(noise(3, 700_000)))
	s.add("random-body", toCRLF(plainHeader+"Content-Type: application/octet-stream\nContent-Transfer-Encoding: binary\n\n")+string(noise(4, 20_000)))
	for i := range 8 {
		s.add(fmt.Sprintf("random-text-%d", i), string(noiseOf(uint64(10+i), 3000, " \t\r\n\n:;=-\"()<>@,.\\abcTF\x00\xc3\xa4?")))
	}
}

func utf16(s string) string {
	var b strings.Builder
	b.WriteString("\xff\xfe")
	for _, c := range []byte(s) {
		b.Write([]byte{c, 0})
	}
	return b.String()
}

// rng is SplitMix64: the same numbers on every machine and Go version.
type rng uint64

func (r *rng) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// n returns a number below n.
func (r *rng) n(n int) int { return int(r.next() % uint64(n)) }

// noise is n bytes that don't compress.
func noise(seed uint64, n int) []byte {
	r := rng(seed)
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.next() >> 32)
	}
	return b
}

// noiseOf is n characters of an alphabet.
func noiseOf(seed uint64, n int, alphabet string) []byte {
	b := noise(seed, n)
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return b
}
