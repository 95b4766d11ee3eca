package fetch

import (
	"io"
	"testing"

	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/message"
	"mailbackend.io/test/corpus"
)

// benchmark renders items of a message over and over; an operation is one message.
func benchmark(b *testing.B, text string) {
	raw := corpus.Realistic(1, 1)
	m := &Message{
		Seq:      4711,
		Record:   index.Record{UID: 815, ModSeq: 77, Flags: index.Seen, Size: uint32(len(raw)), InternalDate: 837570205},
		Keywords: []string{"$NotJunk"},
		Summary:  message.Parse(raw, message.DefaultLimits()),
	}
	p := Compile(items(b, text), Options{UID: true})
	e := wire.NewEncoder(io.Discard)
	body := &mem{raw: raw, piece: 512 << 10}
	ctx, open := b.Context(), Opener(body.open)
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Write(ctx, e, m, open, false); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFlags(b *testing.B)     { benchmark(b, "FLAGS") }
func BenchmarkEnvelope(b *testing.B)  { benchmark(b, "(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)") }
func BenchmarkStructure(b *testing.B) { benchmark(b, "BODYSTRUCTURE") }
func BenchmarkHeaderFields(b *testing.B) {
	benchmark(b, "BODY.PEEK[HEADER.FIELDS (From To Subject Date)]")
}
func BenchmarkBody(b *testing.B) { benchmark(b, "BODY.PEEK[]") }

// TestAllocs: what is told of every message of a mailbox costs no allocation.
func TestAllocs(t *testing.T) {
	m, body := testMessage("From: Ann <ann@example.org>\nSubject: hi\n\nHello\n")
	for _, text := range []string{"(FLAGS INTERNALDATE RFC822.SIZE MODSEQ EMAILID)", "(ENVELOPE BODYSTRUCTURE)", "BODY.PEEK[HEADER.FIELDS (From Subject)]"} {
		p := Compile(items(t, text), Options{UID: true})
		e := wire.NewEncoder(io.Discard)
		ctx, open := t.Context(), Opener(body.open)
		n := testing.AllocsPerRun(200, func() {
			if err := p.Write(ctx, e, m, open, false); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("%s: %v allocations per message", text, n)
		}
	}
}
