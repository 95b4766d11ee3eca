package lmtp

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"mailbackend.io/backend/mailstore"
)

type nowhere struct{}

func (nowhere) Deliver(context.Context, mailstore.Delivery) error { return nil }

// BenchmarkSession is what a mail of 5 KB costs apart from its storing: 100
// mails on one connection.
func BenchmarkSession(b *testing.B) {
	f := newFixture(Config{})
	f.deps.Store, f.deps.Log = nowhere{}, slog.New(slog.DiscardHandler)
	one := start + "DATA\r\n" + strings.Repeat("A line of a mail that is as long as most of them are.\r\n", 93) + ".\r\n"
	in := hello + strings.Repeat(one, 100)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if out := f.talk(in); strings.Count(out, "stored") != 100 {
			b.Fatal(out)
		}
	}
}

func BenchmarkDotDecoder(b *testing.B) {
	in := []byte(strings.Repeat("A line of a mail that is as long as most of them are.\r\n", 20_000) + ".\r\n")
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		var d dotDecoder
		n := 0
		if _, end := d.decode(in, func(part []byte) { n += len(part) }); !end {
			b.Fatal("no end")
		}
	}
}
