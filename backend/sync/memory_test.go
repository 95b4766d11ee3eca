package sync

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"runtime"
	"testing"

	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/objstore/mem"
)

// stubLimit is what an idle claimed user may cost, in bytes: with it 100,000
// users are within 500 MB.
const stubLimit = 5000

// TestStubMemory measures an idle claimed user with six mailboxes, some of them
// with a few segments, after Unload.
func TestStubMemory(t *testing.T) {
	store := mem.New(mem.Options{Clock: clock.System{}})
	e, err := NewEngine(Config{}, store, nil, clock.System{}, rand.Reader, Holder{"a", "1"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	boxes := []NewMailbox{{Name: Inbox}, {Name: "Drafts"}, {Name: "Sent"}, {Name: "Junk"}, {Name: "Trash"}, {Name: "Archive"}}
	accounts := make([]*Account, 500)
	used := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	// What the store keeps in memory is not the users'.
	fill := func(i int) *Account {
		a, err := e.Load(context.Background(), fmt.Sprintf("user%d@example.org", i), LoadOptions{Initial: boxes})
		if err != nil {
			t.Fatal(err)
		}
		f, _ := a.Folder(a.Root().ByName(Inbox).ID)
		for n := range 5 {
			if _, err := f.Append(context.Background(), mail(n)); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.UploadAll(context.Background()); err != nil {
			t.Fatal(err)
		}
		if !a.Unload() {
			t.Fatal("not unloaded")
		}
		return a
	}
	for i := range accounts {
		accounts[i] = fill(i)
		if i%2 == 0 {
			accounts[i].Abandon()
			accounts[i] = nil // its objects stay: the baseline
		}
	}
	with := used()
	n := uint64(0)
	for i, a := range accounts {
		if a != nil {
			a.Abandon()
			accounts[i] = nil
			n++
		}
	}
	without := used()
	per := (with - without) / n
	t.Logf("%d bytes per idle claimed user", per)
	if per > stubLimit {
		t.Errorf("%d bytes per idle claimed user, limit %d", per, stubLimit)
	}
	runtime.KeepAlive(store)
}

// TestLostSegments: ids and summaries that can't be had any more are read from
// the mails.
func TestLostSegments(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fill(30)
		e := w.backend("b", Config{})
		a := w.load(e, LoadOptions{Open: []string{Inbox}})
		inbox := w.folder(a, Inbox)
		w.open(inbox)
		ids, err := inbox.IDs(ctx, inbox.View().UIDs())
		if err != nil || len(ids) != 30 {
			t.Fatalf("%d ids, %v", len(ids), err)
		}
		for i, s := range a.mailbox(inbox.id).segments {
			key := IndexKey(a.prefix, inbox.id, s.Name)
			switch i % 3 {
			case 0:
				w.store.Remove(key)
			case 1:
				b, _ := w.store.Peek(key)
				b = bytes.Clone(b)
				for k := s.IDs.Offset; k < s.Summaries.End(); k++ {
					b[k] ^= 0x55
				}
				w.store.Poke(key, b)
			}
		}
		var all []uint32
		for uid := range inbox.View().UIDs().All() {
			all = append(all, uid)
		}
		n := 0
		for s, err := range inbox.Summaries(ctx, all) {
			if err != nil {
				t.Fatal(err)
			}
			n++
			if subject := s.Summary.Envelope().Subject; subject != fmt.Sprintf("mail %d", s.UID) {
				t.Errorf("UID %d is %q", s.UID, subject)
			}
		}
		if n != 30 {
			t.Errorf("%d summaries", n)
		}
		again, err := inbox.IDs(ctx, inbox.View().UIDs())
		if err != nil || len(again) != 30 {
			t.Fatalf("%d ids, %v", len(again), err)
		}
		for uid, want := range ids {
			if again[uid] != want {
				t.Errorf("UID %d: ids %v, were %v", uid, again[uid], want)
			}
		}
		w.crash(a)
	})
}
