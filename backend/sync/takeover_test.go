package sync

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/mem"
	"mailbackend.io/backend/uidset"
)

// objectsOf lists the UIDs that a mailbox has objects for.
func (w *world) objectsOf(f *Folder) string {
	var s uidset.Set
	for _, key := range w.store.Keys() {
		if k, err := ParseKey(f.a.prefix, key); err == nil && k.Kind == KeyMail && k.Mailbox == f.id {
			s.Add(k.UID, k.UID)
		}
	}
	return s.String()
}

// later lets background work that pauses go on.
func later(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// onMail makes a hook that gives a fault to the n-th PUT of a mail by an actor.
func onMail(actor string, n int64, fault mem.Fault) func(mem.Request) mem.Fault {
	var seen atomic.Int64
	return func(r mem.Request) mem.Fault {
		k, err := ParseKey(UserPrefix("", "alice"), r.Key)
		if err != nil || k.Kind != KeyMail || r.Op != objstore.OpPutIfAbsent || r.Actor != actor {
			return mem.Fault{}
		}
		if seen.Add(1) == n {
			return fault
		}
		return mem.Fault{}
	}
}

func TestCrashKeepsMailsAndUIDs(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.load(w.backend("a", Config{}), LoadOptions{})
		inbox := w.folder(a, Inbox)
		w.open(inbox)
		for n := 1; n <= 4; n++ {
			w.append(inbox, n)
		}
		w.setFlags(inbox, 2, index.Seen)
		if err := a.Upload(ctx); err != nil {
			t.Fatal(err)
		}
		w.append(inbox, 5)                         // not in the index
		w.setFlags(inbox, 3, index.Seen)           // lost
		told := inbox.View().HighestModSeq()       // a client may know this
		toldNext := inbox.Status().UIDNext         // and this
		_, err := inbox.Expunge(ctx, uidset.Of(1)) // the object is gone, the index does not know
		if err != nil {
			t.Fatal(err)
		}
		w.crash(a)

		b := w.load(w.backend("b", Config{}), LoadOptions{Open: []string{Inbox}})
		inbox = w.folder(b, Inbox)
		w.wantView(inbox, "1 2S 3 4 5")
		later(time.Second) // the LIST of the whole folder
		w.wantView(inbox, "2S 3 4 5")
		v := inbox.View()
		if v.HighestModSeq() < told {
			t.Errorf("HIGHESTMODSEQ %d, told was %d", v.HighestModSeq(), told)
		}
		if next := inbox.Status().UIDNext; next < toldNext {
			t.Errorf("UIDNEXT %d, told was %d", next, toldNext)
		}
		for _, r := range v.All() {
			if r.ModSeq < told {
				t.Errorf("UID %d has modseq %d: a client that knows %d is not told its flags again", r.UID, r.ModSeq, told)
			}
		}
		if uid := w.append(inbox, 6); uid < 65 {
			t.Errorf("UID %d was the old holder's", uid)
		}
		if b.Dirty() && inbox.mailboxCheck() {
			t.Error("what the takeover found is not committed")
		}
		w.release(b)
	})
}

// mailboxCheck tells whether root still wants the folder checked.
func (f *Folder) mailboxCheck() bool { return f.a.mailbox(f.id).checkBelow != 0 }

func TestZombieHarmsNobody(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.load(w.backend("a", Config{}), LoadOptions{})
		za := w.folder(a, Inbox)
		w.open(za)
		w.append(za, 1)
		if err := a.UploadAll(ctx); err != nil {
			t.Fatal(err)
		}
		// Another takes over, and the first does not know.
		b := w.load(w.backend("b", Config{}), LoadOptions{Open: []string{Inbox}})
		inbox := w.folder(b, Inbox)
		w.wantView(inbox, "1")
		later(time.Second)
		w.append(inbox, 2) // UID 65…
		w.setFlags(inbox, 1, index.Flagged)
		if err := b.UploadAll(ctx); err != nil {
			t.Fatal(err)
		}

		if uid := w.append(za, 3); uid != 2 { // acknowledged!
			t.Errorf("zombie's UID %d", uid)
		}
		w.setFlags(za, 1, index.Seen)
		if err := a.Upload(ctx); !errors.Is(err, ErrOvertaken) {
			t.Errorf("upload of the zombie: %v", err)
		}
		if _, err := za.Append(ctx, mail(9)); !errors.Is(err, ErrOvertaken) {
			t.Errorf("append of a zombie who knows: %v", err)
		}
		a.Wait()
		w.wantView(inbox, "1F 66")
		later(2 * time.Minute) // the open range is listed again
		w.wantView(inbox, "1F 66 67")
		if s := w.subjectOf(inbox, 67); s != "mail 3" {
			t.Errorf("late mail is %q", s)
		}
		if got := w.objectsOf(inbox); got != "1,66:67" {
			t.Errorf("objects %s", got)
		}
		if !inbox.View().IsExpunged(2) {
			t.Error("the late mail's old UID does not count as expunged")
		}
		w.release(b)
	})
}

func TestUnresolvedMail(t *testing.T) {
	for name, fault := range map[string]mem.Fault{"request lost": mem.LostRequest(), "answer lost": mem.LostAnswer()} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a := w.load(w.backend("a", Config{}), LoadOptions{})
				inbox := w.folder(a, Inbox)
				w.open(inbox)
				w.store.SetHook(onMail("a", 1, fault))
				if _, err := inbox.Append(ctx, mail(1)); !errors.Is(err, ErrUnavailable) {
					t.Fatalf("append: %v", err)
				}
				if uid := w.append(inbox, 2); uid != 2 {
					t.Errorf("UID %d", uid)
				}
				// "Until then no later UID of that mailbox becomes visible."
				w.wantView(inbox, "")
				later(time.Second)
				w.wantView(inbox, "1 2")
				// The UID is tainted: its expunge is committed first.
				w.wantCost("1 PUT-if-absent, then 1 PUT-if-match, then 1 DELETE", func() {
					if _, err := inbox.Expunge(ctx, uidset.Of(1)); err != nil {
						t.Fatal(err)
					}
				})
				w.wantView(inbox, "2")
				w.wantCost("1 DELETE", func() {
					if _, err := inbox.Expunge(ctx, uidset.Of(2)); err != nil {
						t.Fatal(err)
					}
				})
				w.release(a)
			})
		})
	}
}

// TestTaintedReappears: the attempt that was never answered lands after the
// DELETE, and the holder crashes. The mail stays expunged.
func TestTaintedReappears(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.load(w.backend("a", Config{}), LoadOptions{})
		inbox := w.folder(a, Inbox)
		w.open(inbox)
		w.store.SetHook(onMail("a", 1, mem.Fault{Late: time.Minute}))
		if _, err := inbox.Append(ctx, mail(1)); !errors.Is(err, ErrUnavailable) {
			t.Fatalf("append: %v", err)
		}
		later(time.Second)
		w.wantView(inbox, "1")
		if _, err := inbox.Expunge(ctx, uidset.Of(1)); err != nil {
			t.Fatal(err)
		}
		w.crash(a)
		b := w.load(w.backend("b", Config{}), LoadOptions{Open: []string{Inbox}})
		inbox = w.folder(b, Inbox)
		w.wantView(inbox, "")
		later(time.Minute)
		if w.objectsOf(inbox) != "1" {
			t.Fatal("the late attempt did not land")
		}
		later(3 * time.Minute)
		w.wantView(inbox, "")
		if got := w.objectsOf(inbox); got != "" {
			t.Errorf("objects %s", got)
		}
		w.release(b)
	})
}

func TestForeignObject(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.load(w.backend("a", Config{}), LoadOptions{})
		inbox := w.folder(a, Inbox)
		w.open(inbox)
		w.store.Poke(MailKey(a.prefix, inbox.id, 1), []byte("who put this here?"))
		if uid := w.append(inbox, 1); uid != 2 {
			t.Errorf("UID %d", uid)
		}
		if got, err := inbox.AppendMany(ctx, []NewMail{mail(2), mail(3)}); err != nil || len(got) != 2 || got[0] != 3 {
			t.Errorf("UIDs %v, %v", got, err)
		}
		w.store.Poke(MailKey(a.prefix, inbox.id, 6), []byte("and this?"))
		if got, err := inbox.AppendMany(ctx, []NewMail{mail(4), mail(5)}); err != nil || len(got) != 2 || got[0] != 7 || got[1] != 8 {
			t.Errorf("UIDs %v, %v", got, err)
		}
		w.wantView(inbox, "2 3 4 7 8")
		if got := w.objectsOf(inbox); got != "1:4,6:8" {
			t.Errorf("objects %s", got)
		}
		w.crash(a)
		b := w.load(w.backend("b", Config{}), LoadOptions{Open: []string{Inbox}})
		inbox = w.folder(b, Inbox)
		w.wantView(inbox, "2 3 4 7 8")
		later(time.Second)
		if got := w.objectsOf(inbox); got != "1:4,6:8" {
			t.Errorf("what nobody can read is not left alone: %s", got)
		}
		w.release(b)
	})
}

func TestAppendManyIsAllOrNothing(t *testing.T) {
	for name, fault := range map[string]mem.Fault{
		"refused": mem.Unavailable(), "request lost": mem.LostRequest(), "answer lost": mem.LostAnswer(),
		"late": {Late: 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a := w.load(w.backend("a", Config{}), LoadOptions{})
				inbox := w.folder(a, Inbox)
				w.open(inbox)
				w.store.SetHook(onMail("a", 2, fault))
				if uids, err := inbox.AppendMany(ctx, []NewMail{mail(1), mail(2), mail(3)}); err == nil {
					t.Fatalf("stored as %v", uids)
				}
				later(time.Second)
				w.wantView(inbox, "")
				if got := w.objectsOf(inbox); got != "" {
					t.Errorf("objects %s", got)
				}
				if uid := w.append(inbox, 4); uid != 4 {
					t.Errorf("UID %d", uid)
				}
				w.wantView(inbox, "4")
				w.crash(a)
				later(time.Minute)
				b := w.load(w.backend("b", Config{}), LoadOptions{Open: []string{Inbox}})
				inbox = w.folder(b, Inbox)
				w.wantView(inbox, "4")
				later(time.Minute)
				w.wantView(inbox, "4")
				if got := w.objectsOf(inbox); got != "4" {
					t.Errorf("objects %s", got)
				}
				w.release(b)
			})
		})
	}
}

// onRoot gives a fault to the n-th PUT of root from now on.
func onRoot(n int, fault mem.Fault) func(mem.Request) mem.Fault {
	return func(r mem.Request) mem.Fault {
		if r.Op != objstore.OpPutIfMatch && r.Op != objstore.OpPutIfAbsent || r.Key != RootKey(UserPrefix("", "alice")) {
			return mem.Fault{}
		}
		if n--; n == 0 {
			return fault
		}
		return mem.Fault{}
	}
}

func TestCommitAnswerLost(t *testing.T) {
	for name, fault := range map[string]mem.Fault{
		"request lost": mem.LostRequest(), "answer lost": mem.LostAnswer(),
		"late": {Late: 200 * time.Millisecond}, "very late": {Late: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.store.SetHook(onRoot(1, fault)) // the first contact
				a := w.load(w.backend("a", Config{}), LoadOptions{})
				w.store.SetHook(onRoot(1, fault))
				var id MailboxID
				err := a.Commit(ctx, func(r *Root) (err error) {
					id, err = r.Create(NewMailbox{Name: "New"})
					return err
				})
				if err != nil || a.Root().ByID(id) == nil {
					t.Fatalf("commit: %v", err)
				}
				w.append(w.folder(a, "New"), 1)
				w.store.SetHook(onRoot(1, fault))
				if err := a.UploadAll(ctx); err != nil {
					t.Fatal(err)
				}
				w.store.SetHook(onRoot(1, fault))
				w.release(a)
				w.store.SetHook(onRoot(1, fault)) // the claim
				b := w.load(w.backend("b", Config{}), LoadOptions{})
				later(2 * time.Minute)
				w.wantView(w.folder(b, "New"), "1")
				if b.Err() != nil {
					t.Error(b.Err())
				}
				w.release(b)
			})
		})
	}
}

// TestRehomeCutShort: the holder dies between storing a late mail under its
// new UID and removing it from the old one.
func TestRehomeCutShort(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.load(w.backend("a", Config{}), LoadOptions{})
		za := w.folder(a, Inbox)
		b := w.load(w.backend("b", Config{}), LoadOptions{Open: []string{Inbox}})
		w.open(w.folder(b, Inbox))
		later(time.Second)
		w.append(za, 1)
		w.crash(a)
		// From here on b can't delete, and then dies.
		w.store.SetHook(func(r mem.Request) mem.Fault {
			if r.Actor == "b" && r.Op == objstore.OpDelete {
				return mem.Unavailable()
			}
			return mem.Fault{}
		})
		later(2 * time.Minute)
		w.wantView(w.folder(b, Inbox), "65")
		if got := w.objectsOf(za); got != "1,65" {
			t.Fatalf("objects %s", got)
		}
		w.crash(b)
		c := w.load(w.backend("c", Config{}), LoadOptions{Open: []string{Inbox}})
		inbox := w.folder(c, Inbox)
		w.wantView(inbox, "65")
		later(2 * time.Minute)
		w.wantView(inbox, "65")
		if got := w.objectsOf(inbox); got != "65" {
			t.Errorf("objects %s", got)
		}
		w.release(c)
	})
}

// TestStoppedAboveOwnRange: an object behind its range tells a holder that it
// was overtaken.
func TestStoppedAboveOwnRange(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.load(w.backend("a", Config{}), LoadOptions{})
		za := w.folder(a, Inbox)
		b := w.load(w.backend("b", Config{}), LoadOptions{})
		w.append(w.folder(b, Inbox), 1)
		za.mu.Lock()
		za.scanned, za.resolved, za.scan = false, false, nil // as if it had not looked yet
		za.mu.Unlock()
		if _, err := za.Open(ctx); !errors.Is(err, ErrOvertaken) {
			t.Errorf("open: %v", err)
		}
		if !errors.Is(a.Err(), ErrOvertaken) {
			t.Error("it goes on")
		}
		w.release(b)
	})
}

func TestMissingObject(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.load(w.backend("a", Config{}), LoadOptions{})
		inbox := w.folder(a, Inbox)
		w.open(inbox)
		w.append(inbox, 1)
		w.append(inbox, 2)
		key := MailKey(a.prefix, inbox.id, 1)
		data, _ := w.store.Peek(key)
		w.store.Remove(key)
		w.wantCost("1 GET, then 1 HEAD", func() {
			if _, err := inbox.Object(ctx, 1, 0, 0); !errors.Is(err, ErrMessageGone) {
				t.Errorf("reading: %v", err)
			}
		})
		w.wantView(inbox, "2")
		w.crash(a)
		// "Should the object reappear, it is re-homed."
		w.store.Poke(key, data)
		b := w.load(w.backend("b", Config{}), LoadOptions{Open: []string{Inbox}})
		later(time.Second)
		if v := w.open(w.folder(b, Inbox)); v.Len() != 2 {
			t.Errorf("view %q", show(v))
		}
		w.release(b)
	})
}

func TestReleaseIsFinal(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.load(w.backend("a", Config{}), LoadOptions{})
		inbox := w.folder(a, Inbox)
		w.open(inbox)
		// An append is under way when the release begins.
		w.store.SetHook(onMail("a", 1, mem.Fault{Delay: time.Minute}))
		stored := make(chan error, 1)
		go func() {
			_, err := inbox.Append(ctx, mail(1))
			stored <- err
		}()
		synctest.Wait()
		released := make(chan error, 1)
		go func() { released <- a.Release(ctx) }()
		synctest.Wait()
		if _, err := inbox.Append(ctx, mail(2)); !errors.Is(err, ErrFrozen) {
			t.Errorf("append while frozen: %v", err)
		}
		if err := a.Commit(ctx, noChange); !errors.Is(err, ErrFrozen) {
			t.Errorf("commit while frozen: %v", err)
		}
		if err := <-stored; err != nil {
			t.Errorf("what was under way is not settled: %v", err)
		}
		if err := <-released; err != nil {
			t.Fatal(err)
		}
		a.Wait()
		if _, err := inbox.Append(ctx, mail(3)); !errors.Is(err, ErrReleased) {
			t.Errorf("append after the release: %v", err)
		}
		b := w.load(w.backend("b", Config{}), LoadOptions{Open: []string{Inbox}})
		if !b.beside {
			t.Error("the claim was not given back")
		}
		w.wantView(w.folder(b, Inbox), "1")
		w.release(b)
	})
}

// TestReleaseThatCantBeSent leaves the account as it was.
func TestReleaseThatCantBeSent(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.load(w.backend("a", Config{}), LoadOptions{})
		inbox := w.folder(a, Inbox)
		w.append(inbox, 1)
		w.store.SetHook(func(mem.Request) mem.Fault { return mem.Unavailable() })
		short, cancel := contextWithTimeout(10 * time.Second)
		defer cancel()
		if err := a.Release(short); err == nil {
			t.Fatal("released")
		}
		w.store.SetHook(nil)
		if a.Err() != nil {
			t.Fatal(a.Err())
		}
		w.append(inbox, 2)
		w.wantView(inbox, "1 2")
		w.release(a)
	})
}
