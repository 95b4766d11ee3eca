package lmtp

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"

	"mailbackend.io/backend/cache"
	"mailbackend.io/backend/cache/memfs"
	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/mailstore"
	"mailbackend.io/backend/message"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/mem"
	"mailbackend.io/backend/sync"
)

// realStore is a mailstore on an object store in memory.
func realStore(t *testing.T) (*mailstore.Store, *mem.Store) {
	t.Helper()
	objects := mem.New(mem.Options{})
	fs := memfs.New(clock.System{})
	c, err := cache.Open(t.Context(), cache.Options{Dir: "/cache", BootID: "boot", FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	engine, err := sync.NewEngine(sync.DefaultConfig(), objects, c, clock.System{}, rand.NewChaCha8([32]byte{}), sync.Holder{Pod: "pod", Incarnation: "run"}, log)
	if err != nil {
		t.Fatal(err)
	}
	s, err := mailstore.New(mailstore.Config{}, engine, clock.System{}, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s, objects
}

// TestRealStore: from the connection to the object and back.
func TestRealStore(t *testing.T) {
	store, objects := realStore(t)
	f := newFixture(Config{DetailDelimiter: "+", DetailMailbox: true})
	f.deps.Store = store
	mail := "Subject: real\r\n\r\nbytes \x00\xff\n.\r\n"
	rcpts := "RCPT TO:<alice@x>\r\nRCPT TO:<alice+Trash@x>\r\nRCPT TO:<alice+nosuch@x>\r\nRCPT TO:<bob@x>\r\nRCPT TO:<bob@x>\r\n"
	f.expect(t, "MAIL FROM:<s@x>\r\n"+rcpts+fmt.Sprintf("BDAT %d LAST\r\n%s", len(mail), mail),
		"250 2.1.0", "250 2.1.5", "250 2.1.5", "250 2.1.5", "250 2.1.5", "250 2.1.5", "250 2.0.0", "250 2.0.0", "250 2.0.0", "250 2.0.0", "250 2.0.0")
	// alice: INBOX, Trash, and INBOX again for want of "nosuch"; bob: one.
	byRecipient := map[string]int{}
	for _, key := range objects.Keys() {
		if !strings.Contains(key, "/mail/") {
			continue
		}
		object, _ := objects.Peek(key)
		_, raw, err := message.ReadAll(object)
		if err != nil {
			t.Fatal(err)
		}
		prefix, ok := strings.CutSuffix(string(raw), mail)
		if !ok || !strings.HasPrefix(prefix, "Return-Path: <s@x>\r\nDelivered-To: ") {
			t.Fatalf("%s holds %q", key, raw)
		}
		_, rest, _ := strings.Cut(prefix, "Delivered-To: ")
		to, _, _ := strings.Cut(rest, "\r\n")
		byRecipient[to]++
	}
	want := map[string]int{"alice@x": 1, "alice+Trash@x": 1, "alice+nosuch@x": 1, "bob@x": 1}
	if fmt.Sprint(byRecipient) != fmt.Sprint(want) {
		t.Fatalf("stored %v, want %v", byRecipient, want)
	}
	for name, messages := range map[string]uint32{"INBOX": 2, "Trash": 1} {
		u, err := store.Open(t.Context(), "alice@x")
		if err != nil {
			t.Fatal(err)
		}
		s, err := u.Status(t.Context(), name)
		u.Close()
		if err != nil || s.Messages != messages {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	// While the object store fails, nothing is said to be stored.
	objects.SetHook(func(r mem.Request) mem.Fault {
		return mem.Fault{Refuse: objstore.ErrDenied}
	})
	f.expect(t, "MAIL FROM:<s@x>\r\nRCPT TO:<alice@x>\r\nDATA\r\nx\r\n.\r\n", "250 2.1.0", "250 2.1.5", "354", "451 4.3.0")
	objects.SetHook(nil)
}
