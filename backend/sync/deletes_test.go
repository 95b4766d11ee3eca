package sync

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/mem"
	"mailbackend.io/backend/uidset"
)

func (w *world) create(a *Account, name string) *Folder {
	w.t.Helper()
	if err := a.Commit(ctx, func(r *Root) error { _, err := r.Create(NewMailbox{Name: name}); return err }); err != nil {
		w.t.Fatal(err)
	}
	return w.folder(a, name)
}

func (w *world) delete(f *Folder) {
	w.t.Helper()
	if err := f.a.Commit(ctx, func(r *Root) error { return r.Delete(f.id) }); err != nil {
		w.t.Fatal(err)
	}
}

// keysOf lists what is left of a mailbox.
func (w *world) keysOf(f *Folder) (keys []string) {
	for _, k := range w.store.Keys() {
		if strings.Contains(k, string(f.id)) {
			keys = append(keys, k)
		}
	}
	return keys
}

func TestDeleteMailbox(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.load(w.backend("a", Config{}), LoadOptions{})
		f := w.create(a, "Old")
		w.open(f)
		told := make(chan *index.View, 10)
		f.Subscribe(func(v *index.View) { told <- v })
		for n := 1; n <= 3; n++ {
			w.append(f, n)
		}
		if err := a.UploadAll(ctx); err != nil {
			t.Fatal(err)
		}
		w.append(f, 4)
		w.delete(f)
		later(time.Second)
		if keys := w.keysOf(f); len(keys) > 0 {
			t.Errorf("left: %q", keys)
		}
		last := &index.View{}
		for len(told) > 0 {
			last = <-told
		}
		if last != nil {
			t.Error("subscribers are not told")
		}
		if _, err := f.Append(ctx, mail(5)); !errors.Is(err, ErrNoMailbox) {
			t.Errorf("append: %v", err)
		}
		if _, err := f.Open(ctx); !errors.Is(err, ErrNoMailbox) {
			t.Errorf("open: %v", err)
		}
		if _, ok := a.Folder(f.id); ok {
			t.Error("the folder is still there")
		}
		again := w.create(a, "Old")
		if again.ID() == f.ID() || again.UIDValidity() <= f.UIDValidity() {
			t.Errorf("id %s and UIDVALIDITY %d are used again", again.ID(), again.UIDValidity())
		}
		w.wantView(w.folder(a, Inbox), "")
		w.release(a)
	})
}

// TestZombieDeliversToDeletedMailbox: "a mail there that the deleter's index
// did not know (a zombie's delivery) is re-homed to INBOX".
func TestZombieDeliversToDeletedMailbox(t *testing.T) {
	for _, when := range []string{"before the cleaning", "long after", "and the cleaner dies"} {
		t.Run(when, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a := w.load(w.backend("a", Config{}), LoadOptions{})
				za := w.create(a, "Old")
				w.append(za, 1)
				if err := a.UploadAll(ctx); err != nil {
					t.Fatal(err)
				}
				b := w.load(w.backend("b", Config{}), LoadOptions{})
				w.wantView(w.folder(b, "Old"), "1")
				later(time.Second)
				if when != "long after" {
					w.append(za, 2)
				}
				if when == "and the cleaner dies" {
					w.store.SetHook(func(r mem.Request) mem.Fault {
						if r.Op == objstore.OpDelete {
							return mem.Unavailable()
						}
						return mem.Fault{}
					})
				}
				w.delete(w.folder(b, "Old"))
				later(time.Second)
				if when == "long after" {
					w.append(za, 2)
					later(2 * time.Hour)
				}
				if when == "and the cleaner dies" {
					inbox := w.folder(b, Inbox)
					if v := w.open(inbox); v.Len() != 1 {
						t.Errorf("INBOX %q", show(v))
					}
					w.crash(b)
					w.store.SetHook(nil)
					b = w.load(w.backend("c", Config{}), LoadOptions{})
					later(10 * time.Minute)
				}
				inbox := w.folder(b, Inbox)
				v := w.open(inbox)
				if v.Len() != 1 || w.subjectOf(inbox, v.UID(0)) != "mail 2" {
					t.Errorf("INBOX %q", show(v))
				}
				if keys := w.keysOf(za); len(keys) > 0 {
					t.Errorf("left: %q", keys)
				}
				// The user removes it, and it never comes back.
				if _, err := inbox.Expunge(ctx, v.UIDs()); err != nil {
					t.Fatal(err)
				}
				later(48 * time.Hour)
				w.crash(b)
				c := w.load(w.backend("d", Config{}), LoadOptions{})
				later(time.Hour)
				w.wantView(w.folder(c, Inbox), "")
				if err := c.Commit(ctx, noChange); err != nil {
					t.Fatal(err)
				}
				if n := len(c.Root().deleted); n > 0 {
					t.Errorf("after two days %d deleted mailboxes are still looked after", n)
				}
				w.release(c)
			})
		})
	}
}

// TestAppendRacesDelete: an acknowledged mail is not lost, wherever it goes.
func TestAppendRacesDelete(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.load(w.backend("a", Config{}), LoadOptions{})
		f := w.create(a, "Old")
		w.open(f)
		w.store.SetHook(onMail("a", 1, mem.Fault{Delay: 10 * time.Second}))
		stored := make(chan error, 1)
		go func() {
			_, err := f.Append(ctx, mail(1))
			stored <- err
		}()
		synctest.Wait()
		w.delete(f)
		err := <-stored
		later(time.Hour)
		if n := w.open(w.folder(a, Inbox)).Len(); err == nil && n != 1 {
			t.Errorf("acknowledged, and INBOX has %d mails", n)
		}
		if keys := w.keysOf(f); len(keys) > 0 {
			t.Errorf("left: %q", keys)
		}
		w.release(a)
	})
}

func TestDeleteThatFails(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.load(w.backend("a", Config{}), LoadOptions{})
		f := w.create(a, "Old")
		w.store.SetHook(onRoot(1, mem.Unavailable()))
		if err := a.Commit(ctx, func(r *Root) error { return r.Delete(f.id) }); !errors.Is(err, ErrUnavailable) {
			t.Fatalf("delete: %v", err)
		}
		w.append(f, 1)
		w.wantView(f, "1")
		w.release(a)
	})
}

// TestDeletedFolderWithLateMail: what the index knows in an open range is
// removed, what it does not know is re-homed.
func TestDeletedFolderWithLateMail(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.load(w.backend("a", Config{}), LoadOptions{})
		za := w.create(a, "Old")
		w.append(za, 1)
		b := w.load(w.backend("b", Config{}), LoadOptions{})
		f := w.folder(b, "Old")
		w.wantView(f, "1") // found in the preceding range
		later(time.Second)
		w.append(za, 2) // late
		b.Unload()
		w.delete(f)
		later(time.Hour)
		inbox := w.folder(b, Inbox)
		v := w.open(inbox)
		if v.Len() != 1 || w.subjectOf(inbox, v.UID(0)) != "mail 2" {
			t.Errorf("INBOX %q", show(v))
		}
		if keys := w.keysOf(f); len(keys) > 0 {
			t.Errorf("left: %q", keys)
		}
		w.release(b)
	})
}

func TestCommitsShareAPut(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.load(w.backend("a", Config{}), LoadOptions{})
		errs := make(chan error, 20)
		// The first may go alone; the others wait for it and go together.
		got := w.cost(func() {
			for i := range 20 {
				go func() {
					errs <- a.Commit(ctx, func(r *Root) error {
						_, err := r.Create(NewMailbox{Name: string(rune('a' + i/2))})
						return err
					})
				}()
			}
			exists := 0
			for range 20 {
				if err := <-errs; errors.Is(err, ErrExists) {
					exists++
				} else if err != nil {
					t.Error(err)
				}
			}
			if exists != 10 {
				t.Errorf("%d creations of a name that exists failed, want 10", exists)
			}
		})
		if got != "1 PUT-if-match, then 1 PUT-if-match" && got != "1 PUT-if-match" {
			t.Errorf("20 commits cost %q", got)
		}
		if n := len(a.Root().Mailboxes); n != 12 {
			t.Errorf("%d mailboxes", n)
		}
		w.release(a)
	})
}

// TestSegmentsAreCleanedUp: nothing that no root names is left after uploads,
// failed ones, a crash and a release.
func TestSegmentsAreCleanedUp(t *testing.T) {
	inWorld(t, func(w *world) {
		cfg := Config{GarbageBatch: 1, Plan: index.PlanLimits{SmallBase: 1, MaxLogs: 2, MaxCold: 4, MinColdMerge: 2}}
		a := w.load(w.backend("a", cfg), LoadOptions{})
		inbox := w.folder(a, Inbox)
		w.open(inbox)
		check := func(a *Account) {
			t.Helper()
			named := 0
			for _, m := range a.Root().Mailboxes {
				for _, s := range m.segments {
					named++
					if _, ok := w.store.Peek(IndexKey(a.prefix, m.ID, s.Name)); !ok {
						t.Errorf("segment %s is not there", s.Name)
					}
				}
			}
			there := 0
			for _, k := range w.store.Keys() {
				if strings.Contains(k, "/index/") {
					there++
				}
			}
			if there != named {
				t.Errorf("%d segments are there, %d are named", there, named)
			}
		}
		for n := 1; n <= 60; n++ {
			w.append(inbox, n)
			w.setFlags(inbox, uint32(n), index.Seen)
			if n%7 == 0 {
				if _, err := inbox.Expunge(ctx, uidset.Of(uint32(n-1))); err != nil {
					t.Fatal(err)
				}
			}
			if n == 30 { // a commit that fails after its segment was stored
				w.store.SetHook(onRoot(1, mem.Unavailable()))
				if err := a.Upload(ctx); err == nil {
					t.Error("uploaded")
				}
			}
			if err := a.Upload(ctx); err != nil {
				t.Fatal(err)
			}
			check(a)
		}
		// One that was cut in half by a crash.
		w.setFlags(inbox, 1, index.Flagged)
		w.store.SetHook(onRoot(1, mem.Fault{Hang: true, Refuse: objstore.ErrUnavailable}))
		go func() { _ = a.Upload(ctx) }()
		later(time.Second)
		w.crash(a)
		w.store.SetHook(nil)
		b := w.load(w.backend("b", cfg), LoadOptions{Open: []string{Inbox}})
		w.open(w.folder(b, Inbox))
		later(time.Second)
		check(b)
		if n := w.folder(b, Inbox).View().Len(); n != 52 {
			t.Errorf("%d mails", n)
		}
		w.release(b)
	})
}
