package sync

import (
	"testing"

	"mailbackend.io/backend/cache/memfs"
	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/mem"
)

// TestReplayTwice: what was replayed is not lost when the folder can't be
// opened for another reason.
func TestReplayTwice(t *testing.T) {
	inWorld(t, func(w *world) {
		fs := memfs.New(clock.System{})
		a := w.load(w.backendOn("a", Config{}, w.store.As("a"), w.cacheOn(fs, "boot", "1")), LoadOptions{})
		inbox := w.folder(a, Inbox)
		w.open(inbox)
		w.append(inbox, 1)
		w.setFlags(inbox, 1, index.Seen)
		w.append(inbox, 2)
		e := w.restart(a, fs, "boot", "2")
		// A mail that the log does not know.
		known, _ := w.store.Peek(MailKey(a.prefix, inbox.id, 2))
		w.store.Poke(MailKey(a.prefix, inbox.id, 3), append([]byte(nil), known...))
		a = w.load(e, LoadOptions{})
		inbox = w.folder(a, Inbox)
		w.store.SetHook(func(r mem.Request) mem.Fault {
			if r.Op == objstore.OpGet && r.Key == MailKey(a.prefix, inbox.id, 3) {
				return mem.Unavailable()
			}
			return mem.Fault{}
		})
		if _, err := inbox.Open(ctx); err == nil {
			t.Error("opened")
		}
		w.store.SetHook(nil)
		w.wantView(inbox, "1S 2 3")
		w.release(a)
	})
}

// TestEvictedMeta: a user without changes may be evicted, and is replayed all the
// same after changes that came later.
func TestEvictedMeta(t *testing.T) {
	inWorld(t, func(w *world) {
		fs := memfs.New(clock.System{})
		c := w.cacheOn(fs, "boot", "1")
		a := w.load(w.backendOn("a", Config{}, w.store.As("a"), c), LoadOptions{})
		c.SetBudget(1, 1<<20)
		if n := c.Usage().Bytes; n != 0 {
			t.Fatalf("%d bytes not evicted", n)
		}
		c.SetBudget(1<<30, 0)
		inbox := w.folder(a, Inbox)
		w.append(inbox, 1)
		w.open(inbox)
		w.setFlags(inbox, 1, index.Seen)
		a = w.load(w.restart(a, fs, "boot", "2"), LoadOptions{Open: []string{Inbox}})
		if !a.replay {
			t.Error("not replayed")
		}
		w.wantView(w.folder(a, Inbox), "1S")
		w.release(a)
	})
}
