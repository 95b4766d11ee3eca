package sync

import (
	"errors"
	"strings"
	"testing"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/mem"
)

// TestReleaseIsWhole: a release that can't upload one of the folders releases
// nothing: what it left behind would be lost, and nobody would look for it.
func TestReleaseIsWhole(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.load(w.backend("a", Config{}), LoadOptions{})
		inbox, trash := w.folder(a, Inbox), w.folder(a, "Trash")
		for _, f := range []*Folder{inbox, trash} {
			w.append(f, 1)
			w.open(f)
			w.setFlags(f, 1, index.Seen)
		}
		w.store.SetHook(func(r mem.Request) mem.Fault {
			if r.Op == objstore.OpPutIfAbsent && strings.HasPrefix(r.Key, IndexPrefix(a.prefix, trash.id)) {
				return mem.Unavailable()
			}
			return mem.Fault{}
		})
		if err := a.Release(ctx); err == nil {
			t.Error("released")
		}
		if err := a.Err(); err != nil {
			t.Fatal(err)
		}
		w.store.SetHook(nil)
		w.release(a)
		a = w.load(w.backend("b", Config{}), LoadOptions{})
		w.wantView(w.folder(a, "Trash"), "1S")
		w.wantView(w.folder(a, Inbox), "1S")
		w.release(a)
	})
}

// TestRootIsNotLostYet: that nobody answers whether there is a root does not
// mean that it is lost.
func TestRootIsNotLostYet(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.load(w.backend("a", Config{}), LoadOptions{})
		w.append(w.folder(a, Inbox), 1)
		w.release(a)
		asked := false
		w.store.SetHook(func(r mem.Request) mem.Fault {
			switch {
			case r.Op == objstore.OpHead:
				return mem.Unavailable()
			case r.Op == objstore.OpGet && !asked: // as if it came just now
				asked = true
				return mem.Fault{Refuse: objstore.ErrNotFound}
			}
			return mem.Fault{}
		})
		_, err := w.backend("b", Config{}).Load(ctx, "alice", LoadOptions{})
		if !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrRootLost) {
			t.Errorf("load: %v", err)
		}
	})
}
