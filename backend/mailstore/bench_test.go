package mailstore

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"testing"

	"mailbackend.io/backend/cache"
	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/objstore/mem"
	"mailbackend.io/backend/sync"
)

func benchStore(b *testing.B, dir string) *Store {
	log := slog.New(slog.DiscardHandler)
	var c *cache.Cache
	if dir != "" {
		var err error
		if c, err = cache.Open(context.Background(), cache.Options{Dir: dir, BootID: "b", Instance: "i", AllowNetworkFS: true}); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = c.Close() })
	}
	engine, err := sync.NewEngine(sync.Config{}, mem.New(mem.Options{}), c, clock.System{}, rand.NewChaCha8([32]byte{1}), sync.Holder{Pod: "p", Incarnation: "i"}, log)
	if err != nil {
		b.Fatal(err)
	}
	s, err := New(Config{}, engine, clock.System{}, log)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Shutdown(context.Background()) })
	return s
}

// BenchmarkDeliver is one delivery after the other, to 100 users in turn.
func BenchmarkDeliver(b *testing.B) {
	s := benchStore(b, b.TempDir())
	body := mailBody(1)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if err := s.Deliver(context.Background(), Delivery{User: fmt.Sprint("u", i%100), Body: body, Prefix: []byte("Delivered-To: x\r\n")}); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// tenThousand selects a mailbox of 10,000 mails.
func tenThousand(b *testing.B, s *Store) *Mailbox {
	u, err := s.Open(context.Background(), "u")
	if err != nil {
		b.Fatal(err)
	}
	msgs := make([]NewMessage, 1000)
	for i := range msgs {
		msgs[i].Body = mailBody(1)
	}
	for range 10 {
		if _, err := u.Append(context.Background(), "INBOX", msgs); err != nil {
			b.Fatal(err)
		}
	}
	m, err := u.Select(context.Background(), "INBOX", false)
	if err != nil {
		b.Fatal(err)
	}
	return m
}

// BenchmarkStore10k is one STORE of 10,000 messages.
func BenchmarkStore10k(b *testing.B) {
	m := tenThousand(b, benchStore(b, b.TempDir()))
	b.ReportAllocs()
	mode := AddFlags
	for b.Loop() {
		if _, err := m.SetFlags(context.Background(), FlagChange{UIDs: m.View().UIDs(), Mode: mode, Flags: []string{`\Seen`}}); err != nil {
			b.Fatal(err)
		}
		mode = 1 - mode
	}
}

// BenchmarkReadBody10k reads 10,000 small mails one after the other, without
// local files.
func BenchmarkReadBody10k(b *testing.B) {
	m := tenThousand(b, benchStore(b, ""))
	b.ReportAllocs()
	for b.Loop() {
		uids := allUIDs(m)
		m.Prefetch(uids)
		for _, uid := range uids {
			msg, err := m.Message(context.Background(), uid)
			if err != nil {
				b.Fatal(err)
			}
			if err := msg.ReadRange(context.Background(), io.Discard, 0, -1); err != nil {
				b.Fatal(err)
			}
		}
	}
}
