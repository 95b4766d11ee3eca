package message

import (
	"testing"

	"mailbackend.io/test/corpus"
)

// benchMails are the realistic mails of a few kilobytes.
func benchMails(b *testing.B) [][]byte {
	b.Helper()
	var list [][]byte
	for i := range 500 {
		if raw := corpus.Realistic(1, i); len(raw) > 2000 && len(raw) < 9000 {
			list = append(list, raw)
		}
	}
	return list
}

func benchSummaries(b *testing.B) []Summary {
	b.Helper()
	var list []Summary
	total := 0
	for _, raw := range benchMails(b) {
		s := Parse(raw, DefaultLimits())
		list = append(list, s)
		total += len(s.Bytes())
	}
	b.ReportMetric(float64(total)/float64(len(list)), "bytes/summary")
	return list
}

// BenchmarkNewBody is what one LMTP delivery costs here: parse, hash and compress.
func BenchmarkNewBody(b *testing.B) {
	mails := benchMails(b)
	total := 0
	for i := 0; b.Loop(); i++ {
		raw := mails[i%len(mails)]
		NewBody(raw, DefaultLimits())
		total += len(raw)
	}
	b.SetBytes(int64(total / b.N))
	b.ReportAllocs()
}

// BenchmarkObject is what each recipient adds.
func BenchmarkObject(b *testing.B) {
	body := NewBody(benchMails(b)[0], DefaultLimits())
	prefix := []byte("Return-Path: <ada@example.com>\r\nDelivered-To: ben@example.net\r\nReceived: from mx.example.com by mail.example.net with LMTP id 0123456789;\r\n\tMon, 6 Jan 2025 10:11:12 +0100\r\n")
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := body.Object(prefix, Meta{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	mails := benchMails(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		Parse(mails[i%len(mails)], DefaultLimits())
	}
}

// BenchmarkParseLarge is a mail of 1 MB of base64.
func BenchmarkParseLarge(b *testing.B) {
	raw := corpus.Realistic(1, 40)
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		Parse(raw, DefaultLimits())
	}
}

func BenchmarkEnvelope(b *testing.B) {
	list := benchSummaries(b)
	dst := make([]byte, 0, 4096)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		dst = list[i%len(list)].AppendEnvelope(dst[:0], false)
	}
}

func BenchmarkBodyStructure(b *testing.B) {
	list := benchSummaries(b)
	dst := make([]byte, 0, 4096)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		dst = list[i%len(list)].AppendBody(dst[:0], true, false)
	}
}

func BenchmarkHeaderFields(b *testing.B) {
	list := benchSummaries(b)
	names := []string{"DATE", "FROM", "TO", "CC", "SUBJECT", "MESSAGE-ID", "REFERENCES", "IN-REPLY-TO", "CONTENT-TYPE", "X-PRIORITY", "LIST-ID", "X-CUSTOM"}
	dst := make([]byte, 0, 4096)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		dst, _ = list[i%len(list)].HeaderFields(dst[:0], names)
	}
}

func BenchmarkParseSummary(b *testing.B) {
	list := benchSummaries(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := ParseSummary(list[i%len(list)].Bytes()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadMeta(b *testing.B) {
	data, _, err := NewBody(benchMails(b)[0], DefaultLimits()).Object(nil, Meta{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ReadMeta(data[0]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSection(b *testing.B) {
	list := benchSummaries(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, _, ok := list[i%len(list)].Section(nil, "HEADER"); !ok {
			b.Fatal("no header")
		}
	}
}

func BenchmarkEnvelopeStruct(b *testing.B) {
	list := benchSummaries(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		list[i%len(list)].Envelope()
	}
}
