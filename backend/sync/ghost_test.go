package sync

import (
	"testing"
	"time"

	"mailbackend.io/backend/uidset"
)

// TestGhosts: a holder tells of a mail and of its expunge, and dies before
// either is committed. A client who was told of the first only must be told that
// the mail is gone when it resynchronises, whatever came between.
func TestGhosts(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.load(w.backend("a", Config{}), LoadOptions{})
		inbox := w.folder(a, Inbox)
		w.append(inbox, 1)
		w.append(inbox, 2)
		told := w.open(inbox)
		if _, err := inbox.Expunge(ctx, uidset.Of(2)); err != nil {
			t.Fatal(err)
		}
		w.crash(a)
		for _, pod := range []string{"b", "c"} { // after a takeover and after a release
			b := w.load(w.backend(pod, Config{}), LoadOptions{Open: []string{Inbox}})
			v := w.open(w.folder(b, Inbox))
			if gone := v.VanishedSince(told.HighestModSeq()); !gone.Contains(2) || gone.Contains(1) {
				t.Errorf("pod %s: vanished since %d: %s", pod, told.HighestModSeq(), gone)
			}
			later(time.Minute)
			w.release(b)
		}
	})
}

// TestExpungeOfTwoKinds: what Expunge returns is not what the folder keeps.
func TestExpungeOfTwoKinds(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.load(w.backend("a", Config{UIDRange: 2}), LoadOptions{})
		w.append(w.folder(a, Inbox), 1)
		w.append(w.folder(a, Inbox), 2)
		w.crash(a)
		a = w.load(w.backend("b", Config{UIDRange: 2}), LoadOptions{Open: []string{Inbox}})
		inbox := w.folder(a, Inbox)
		w.open(inbox)
		later(time.Minute)
		uid := w.append(inbox, 3)
		// 1 and 2 are in an open range: their expunge is committed first.
		gone, err := inbox.Expunge(ctx, uidset.Of(1, 2, uid))
		if err != nil || gone.Len() != 3 {
			t.Fatalf("expunged %s: %v", gone, err)
		}
		gone.Remove(1, uid)
		w.append(inbox, 4)
		w.release(a)
		a = w.load(w.backend("c", Config{}), LoadOptions{})
		if v := w.open(w.folder(a, Inbox)); v.Len() != 1 || !v.IsExpunged(uid) {
			t.Errorf("view is %s, expunged are %s", show(v), v.Expunged())
		}
		w.release(a)
	})
}
