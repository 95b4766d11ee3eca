package message

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"unicode/utf8"

	"mailbackend.io/test/corpus"
)

// addCorpus seeds a fuzzer with the odd mails that are not too large for it.
func addCorpus(f *testing.F, add func(raw []byte)) {
	f.Helper()
	for _, m := range corpus.All() {
		if len(m.Raw) < 4000 {
			add(m.Raw)
		}
	}
}

// FuzzParse: any bytes give a summary for which all holds that must hold.
func FuzzParse(f *testing.F) {
	addCorpus(f, func(raw []byte) { f.Add(raw, uint8(5), uint8(2)) })
	f.Fuzz(func(t *testing.T, raw []byte, parts, depth uint8) {
		lim := DefaultLimits()
		if err := checkMail(raw, lim); err != nil {
			t.Fatal(err)
		}
		lim.MaxParts, lim.MaxDepth, lim.MaxBoundary = int(parts), int(depth), int(depth)
		lim.MaxCachedHeader, lim.MaxPartText, lim.PreviewBytes = int(parts)*4, int(parts)*2, int(depth)
		if err := checkMail(raw, lim); err != nil {
			t.Fatalf("small limits: %v", err)
		}
	})
}

// FuzzSummary: what ParseSummary takes can be asked anything.
func FuzzSummary(f *testing.F) {
	addCorpus(f, func(raw []byte) { f.Add(Parse(raw, DefaultLimits()).Bytes()) })
	f.Add(parse(sectionMail).Prefixed(testPrefix).Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseSummary(b)
		if err != nil {
			return
		}
		for _, utf8 := range []bool{false, true} {
			if err := checkIMAP(s.AppendEnvelope(nil, utf8), utf8, checkEnvelope); err != nil {
				t.Fatal(err)
			}
			if err := checkIMAP(s.AppendBody(nil, true, utf8), utf8, func(any) error { return nil }); err != nil {
				t.Fatal(err)
			}
		}
		s.Walk(func(path []int, p Part) bool {
			if p.MIMEOffset < 0 || p.MIMELen < 0 || p.BodyLen < 0 || p.BodyOffset+p.BodyLen > s.Size() || p.MIMEOffset+p.MIMELen != p.BodyOffset {
				t.Fatalf("%v %+v of %d", path, p, s.Size())
			}
			return true
		})
		s.Envelope()
		s.HeaderFields(nil, []string{"SUBJECT", "X-FOO"})
		s.Field("FROM")
		s.Preview()
		if _, err := ParseSummary(s.Prefixed([]byte("A: b\r\n")).Bytes()); err != nil && s.Size() < maxMail/2 {
			t.Fatalf("with a prefix: %v", err)
		}
	})
}

// FuzzMeta: heads of objects, with a checksum that holds and without.
func FuzzMeta(f *testing.F) {
	for _, raw := range []string{"", "Subject: x\r\n\r\nbody\r\n"} {
		obj, meta := object(f, []byte(raw), testPrefix, testMeta())
		f.Add(obj)
		f.Add(obj[:meta.HeadSize])
		f.Add(obj[8+18 : meta.HeadSize])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ReadMeta(b)
		var short ErrShort
		if errors.As(err, &short) && short.Need <= len(b) {
			t.Fatalf("%d bytes are short of %d", len(b), short.Need)
		}
		if err != nil {
			m = Meta{HeadSize: 100}
			if m.decode(b) != nil { // as if it were a payload
				return
			}
		}
		for _, off := range []int64{0, 1, m.Size / 2, m.Size - 1} {
			objOff, objLen, skip := m.Stored(off, 10)
			if objOff < int64(m.HeadSize) || objLen < 0 || skip < 0 || skip >= FrameBytes {
				t.Fatalf("[%d,+10) of %d: %d, %d, %d", off, m.Size, objOff, objLen, skip)
			}
		}
		head, err := appendHead(nil, &m)
		if err != nil {
			return // strings that a writer would refuse
		}
		m.HeadSize = len(head)
		if again, err := ReadMeta(head); err != nil || !bytes.Equal(again.Summary.Bytes(), m.Summary.Bytes()) || again.GUID != m.GUID {
			t.Fatalf("encoded again: %v", err)
		}
	})
}

// FuzzAddresses: any list gives addresses that IMAP can carry, in linear time.
func FuzzAddresses(f *testing.F) {
	for _, m := range corpus.All() {
		if v, found, _ := Parse(m.Raw, DefaultLimits()).Field("FROM"); found && len(v) < 1000 {
			f.Add(v)
		}
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		if err := checkAddresses(v); err != nil {
			t.Fatal(err)
		}
		mail := append([]byte("To: "), bytes.Map(func(r rune) rune {
			if r == '\n' {
				return ' '
			}
			return r
		}, v)...)
		s := Parse(mail, DefaultLimits())
		for _, utf8 := range []bool{false, true} {
			if err := checkIMAP(s.AppendEnvelope(nil, utf8), utf8, checkEnvelope); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzDecode: any text decodes to UTF-8, at once and as a stream.
func FuzzDecode(f *testing.F) {
	for _, encoding := range []string{"base64", "quoted-printable", "8bit"} {
		for _, charset := range []string{"utf-8", "iso-8859-1", "iso-2022-jp", "gb18030", "utf-16", "x"} {
			f.Add(encoding, charset, []byte("Gr=C3=BC=\r\n=9F \x1b$B%F R3LDvMOf\nZQ== \xc3\xbc\xfc =?utf-8?b?R3I=?= =?x?q?=FC?="))
		}
	}
	f.Fuzz(func(t *testing.T, encoding, charset string, content []byte) {
		p := Part{Encoding: encoding, Charset: charset}
		whole := DecodeText(p, content, 1<<20)
		stream, err := io.ReadAll(NewTextReader(p, bytes.NewReader(content)))
		if !utf8.Valid(whole) || err != nil || len(content) < 1000 && !bytes.Equal(whole, stream) {
			t.Fatalf("%q at once, %q as a stream, %v", whole, stream, err)
		}
		if short := DecodeText(p, content, 10); len(short) > 10 || !utf8.Valid(short) {
			t.Fatalf("%q is more than 10 bytes, or no UTF-8", short)
		}
		if h := DecodeHeader(content); !utf8.ValidString(h) {
			t.Fatalf("header %q", h)
		}
	})
}
