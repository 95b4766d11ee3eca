package sync

import (
	"errors"
	"testing"
	"time"

	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/mem"
	"mailbackend.io/backend/uidset"
)

// late makes the present holder a zombie whose next mail to f comes late: it
// returns a holder that has opened INBOX, and the UID of the zombie's mail.
func (w *world) late(zombie *Account, f *Folder, n int, cfg Config) (*Account, uint32) {
	w.t.Helper()
	a := w.load(w.backend("new", cfg), LoadOptions{})
	w.open(w.folder(a, Inbox))
	later(time.Second)
	uid, err := f.Append(ctx, mail(n))
	if err != nil {
		w.t.Fatal(err)
	}
	return a, uid
}

// TestCopyThatIsNotSettled: whether an unknown object is a double of one whose
// PUT is not answered yet can't be told; it is neither stored again nor removed.
func TestCopyThatIsNotSettled(t *testing.T) {
	inWorld(t, func(w *world) {
		cfg := Config{RelistFirst: time.Second, OpenRangeAge: time.Hour}
		z := w.load(w.backend("zombie", cfg), LoadOptions{})
		a, uid := w.late(z, w.folder(z, Inbox), 1, cfg)
		inbox := w.folder(a, Inbox)
		lost := MailKey(a.prefix, inbox.id, inbox.next)
		w.store.SetHook(func(r mem.Request) mem.Fault {
			if r.Op == objstore.OpPutIfAbsent && r.Key == lost {
				return mem.LostAnswer()
			}
			if r.Op == objstore.OpGet && r.Key == lost {
				return mem.Unavailable()
			}
			return mem.Fault{}
		})
		later(5 * time.Minute)
		found := []stored{{uid: uid, guid: w.guidOf(inbox, uid)}}
		if _, err := inbox.findGUIDs(ctx, found); !errors.Is(err, ErrUnavailable) {
			t.Errorf("find: %v", err)
		}
		w.store.SetHook(nil)
		later(time.Hour)
		if v := inbox.View(); v.Len() != 1 {
			t.Errorf("view is %s", show(v))
		}
		w.release(a)
	})
}

// guidOf reads the GUID of the object under a UID.
func (w *world) guidOf(f *Folder, uid uint32) [16]byte {
	w.t.Helper()
	meta, _, err := f.head(ctx, uid)
	if err != nil {
		w.t.Fatal(err)
	}
	return meta.GUID
}

// TestOtherCopyOfADeletedMailbox: a mail of a deleted mailbox is re-homed to
// INBOX by two holders, and the one copy is expunged before the other is met.
func TestOtherCopyOfADeletedMailbox(t *testing.T) {
	inWorld(t, func(w *world) {
		cfg := Config{RelistFirst: time.Second, OpenRangeAge: 24 * time.Hour}
		z := w.load(w.backend("zombie", cfg), LoadOptions{})
		trash := w.folder(z, "Trash")
		a := w.load(w.backend("a", cfg), LoadOptions{})
		w.open(w.folder(a, Inbox))
		if err := a.Commit(ctx, func(r *Root) error { return r.Delete(trash.id) }); err != nil {
			t.Fatal(err)
		}
		if _, err := trash.Append(ctx, mail(1)); err != nil {
			t.Fatal(err)
		}
		// a re-homes it, but nobody hears of it, and the object comes late.
		first := MailKey(a.prefix, w.folder(a, Inbox).id, w.folder(a, Inbox).next)
		w.store.SetHook(func(r mem.Request) mem.Fault {
			if r.Actor == "a" && r.Key == first && r.Op == objstore.OpPutIfAbsent {
				return mem.Fault{Late: time.Hour, Hang: true}
			}
			return mem.Fault{}
		})
		later(3 * time.Minute)
		w.crash(a)
		w.store.SetHook(nil)
		b := w.load(w.backend("b", cfg), LoadOptions{})
		inbox := w.folder(b, Inbox)
		w.open(inbox)
		later(10 * time.Minute)
		v := inbox.View()
		if v.Len() != 1 {
			t.Fatalf("view is %s", show(v))
		}
		if _, err := inbox.Expunge(ctx, uidset.Of(v.UID(0))); err != nil {
			t.Fatal(err)
		}
		later(20 * time.Hour)
		if _, ok := w.store.Peek(first); ok {
			t.Errorf("%s is still there", first)
		}
		w.wantView(inbox, "")
		w.release(b)
	})
}
