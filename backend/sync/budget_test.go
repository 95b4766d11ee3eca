package sync

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mailbackend.io/backend/cache/memfs"
	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/uidset"
)

// These tests hold the request budget of the architecture's section 9, row by
// row: requests by kind, and sequential rounds.

func TestBudgetFirstContact(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.backend("a", Config{})
		var a *Account
		// The LIST makes sure that root was not lost.
		w.wantCost("1 GET, then 1 LIST, then 1 PUT-if-absent", func() { a = w.load(e, LoadOptions{Scan: []string{Inbox}}) })
		w.wantCost("1 PUT-if-absent", func() { w.append(w.folder(a, Inbox), 1) })
	})
}

func TestBudgetDelivery(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.load(w.backend("a", Config{}), LoadOptions{})
		w.release(a)

		e := w.backend("b", Config{})
		w.wantCost("1 GET, then 1 LIST + 1 PUT-if-match, then 1 PUT-if-absent", func() {
			a = w.load(e, LoadOptions{Scan: []string{Inbox}})
			w.append(w.folder(a, Inbox), 1)
		})
		inbox := w.folder(a, Inbox)
		for n := 2; n <= 10; n++ {
			if a.Due() {
				t.Errorf("due after %d mails", n-1)
			}
			w.wantCost("1 PUT-if-absent", func() { w.append(inbox, n) })
		}
		if !a.Due() {
			t.Error("not due after 10 mails")
		}
		upload := func() {
			if err := a.Upload(ctx); err != nil {
				t.Fatal(err)
			}
		}
		w.wantCost("1 PUT-if-absent, then 1 PUT-if-match", upload)
		w.wantCost("", upload)

		// The index was never downloaded, and goes on so: logs are joined
		// from what they were, at a GET for each without a cache.
		for n := 11; n <= 30; n++ {
			w.wantCost("1 PUT-if-absent", func() { w.append(inbox, n) })
			if n%10 == 0 {
				w.wantCost("1 PUT-if-absent, then 1 PUT-if-match", upload)
			}
		}
		if n := w.open(inbox).Len(); n != 30 {
			t.Errorf("%d mails", n)
		}
	})
}

// TestBudgetDeliveriesWithCache: with a cache, joining logs costs no GET.
func TestBudgetDeliveriesWithCache(t *testing.T) {
	inWorld(t, func(w *world) {
		fs := memfs.New(clock.System{})
		a := w.load(w.backendOn("a", Config{}, w.store, w.cacheOn(fs, "boot", "a")), LoadOptions{})
		inbox := w.folder(a, Inbox)
		for n := 1; n <= 200; n++ {
			w.wantCost("1 PUT-if-absent", func() { w.append(inbox, n) })
			if a.Due() {
				got := w.cost(func() {
					if err := a.Upload(ctx); err != nil {
						t.Fatal(err)
					}
				})
				// The DELETE of segments that were replaced comes once
				// in a while.
				if got = strings.TrimSuffix(got, ", then 1 DELETE"); got != "1 PUT-if-absent, then 1 PUT-if-match" {
					t.Errorf("upload after %d mails: %s", n, got)
				}
			}
		}
		if n := len(a.mailbox(inbox.id).segments); n > 33 {
			t.Errorf("%d segments", n)
		}
	})
}

// fill makes a mailbox of n mails in some segments, released.
func (w *world) fill(n int) {
	w.t.Helper()
	a := w.load(w.backend("filler", Config{Plan: index.PlanLimits{SmallBase: 1}}), LoadOptions{})
	inbox := w.folder(a, Inbox)
	w.open(inbox)
	for i := 1; i <= n; i++ {
		w.append(inbox, i)
		if i%10 == 0 || i == n {
			if err := a.UploadAll(ctx); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	w.release(a)
}

func TestBudgetSelect(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fill(100)
		e := w.backend("b", Config{})
		var a *Account
		var inbox *Folder
		// One GET for each segment with records: base and logs.
		root, _, err := e.readRoot(ctx, UserPrefix("", "alice"))
		if err != nil {
			t.Fatal(err)
		}
		records := 0
		for _, s := range root.ByName(Inbox).segments {
			if s.HasRecords() {
				records++
			}
		}
		if records < 2 || records > 5 {
			t.Errorf("%d segments with records", records)
		}
		w.wantCost(fmt.Sprintf("1 GET, then 1 LIST + 1 PUT-if-match + %d GET", records), func() {
			a = w.load(e, LoadOptions{Open: []string{Inbox}})
			inbox = w.folder(a, Inbox)
			w.open(inbox)
		})
		w.wantCost("", func() { w.open(inbox) })
		w.wantCost("", func() { // STATUS
			for _, m := range a.Root().Mailboxes {
				f, _ := a.Folder(m.ID)
				if s := f.Status(); !s.Exact {
					t.Errorf("status of %s is not exact: %+v", m.Name, s)
				}
			}
		})
		// After a crash: the LIST comes after the claim. The LIST of the
		// whole folder and of the segments are in nobody's way.
		w.crash(a)
		e = w.backend("c", Config{})
		w.wantCost(fmt.Sprintf("1 GET, then 1 PUT-if-match + %d GET, then 1 LIST, then 1 LIST, then 1 LIST, then 1 PUT-if-match", records), func() {
			a = w.load(e, LoadOptions{Open: []string{Inbox}})
			w.open(w.folder(a, Inbox))
			time.Sleep(time.Second)
		})
	})
}

func TestBudgetSummaries(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fill(100)
		for _, cached := range []bool{false, true} {
			var e *Engine
			if cached {
				e = w.backendOn("c", Config{}, w.store, w.cacheOn(memfs.New(clock.System{}), "boot", "c"))
			} else {
				e = w.backend("b", Config{})
			}
			a := w.load(e, LoadOptions{Open: []string{Inbox}})
			inbox := w.folder(a, Inbox)
			w.open(inbox)
			cold := 0
			for _, s := range a.mailbox(inbox.id).segments {
				if s.HasCold() && s.FirstUID <= 100 {
					cold++
				}
			}
			all := make([]uint32, 100)
			for i := range all {
				all[i] = uint32(i + 1)
			}
			read := func() {
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
				if n != 100 {
					t.Errorf("%d summaries", n)
				}
			}
			w.wantCost(fmt.Sprintf("%d GET", cold), read)
			if cached {
				w.wantCost("", read)
			}
			// The tail costs nothing.
			uid := w.append(inbox, 1000)
			w.wantCost("", func() {
				for s, err := range inbox.Summaries(ctx, []uint32{uid}) {
					if err != nil || s.Summary.Envelope().Subject != "mail 1000" {
						t.Errorf("%v, %v", s, err)
					}
				}
			})
			w.wantCost("", func() { inbox.View() })
			if ids, err := inbox.IDs(ctx, uidset.Of(1, uid)); err != nil || len(ids) != 2 || ids[1].GUID == ids[uid].GUID {
				t.Errorf("ids %v, %v", ids, err)
			}
			w.release(a)
		}
	})
}

func TestBudgetBodies(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fill(10)
		e := w.backendOn("c", Config{}, w.store, w.cacheOn(memfs.New(clock.System{}), "boot", "c"))
		a := w.load(e, LoadOptions{Open: []string{Inbox}})
		inbox := w.folder(a, Inbox)
		w.open(inbox)
		w.wantCost("1 GET", func() { w.subjectOf(inbox, 5) })
		w.wantCost("", func() { w.subjectOf(inbox, 5) })
		uid := w.append(inbox, 11)
		w.wantCost("", func() { w.subjectOf(inbox, uid) })
		w.wantCost("1 GET", func() {
			if b, err := inbox.Object(ctx, 6, 10, 20); err != nil || len(b) != 20 {
				t.Errorf("%d bytes, %v", len(b), err)
			}
		})
	})
}

func TestBudgetFlags(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.load(w.backend("a", Config{}), LoadOptions{})
		inbox, trash := w.folder(a, Inbox), w.folder(a, "Trash")
		for _, f := range []*Folder{inbox, trash} {
			w.open(f)
			w.append(f, 1)
		}
		w.wantCost("", func() {
			for range 100 {
				w.setFlags(inbox, 1, index.Seen)
				w.setFlags(trash, 1, index.Flagged)
			}
		})
		if _, ok := a.ChangedAt(); !ok {
			t.Error("nothing changed")
		}
		// Root is shared by all dirty folders.
		w.wantCost("2 PUT-if-absent, then 1 PUT-if-match", func() {
			if err := a.Upload(ctx); err != nil {
				t.Fatal(err)
			}
		})
		if at, ok := a.ChangedAt(); ok || a.Dirty() {
			t.Errorf("dirty since %v after an upload", at)
		}
	})
}

func TestBudgetExpunge(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.load(w.backend("a", Config{UIDRange: 5000}), LoadOptions{})
		inbox := w.folder(a, Inbox)
		w.open(inbox)
		var mails []NewMail
		for n := range 2500 {
			mails = append(mails, mail(n))
		}
		w.wantCost(fmt.Sprintf("%d PUT-if-absent", len(mails)), func() {
			// As many as this at once are in one round here.
			inbox.a.e.cfg.MaxParallel = len(mails)
			if _, err := inbox.AppendMany(ctx, mails); err != nil {
				t.Fatal(err)
			}
		})
		w.wantCost("3 DELETE", func() {
			all := uidset.OfRanges(uidset.Range{First: 1, Last: 2500})
			if got, err := inbox.Expunge(ctx, all); err != nil || got.Len() != 2500 {
				t.Errorf("%s, %v", got, err)
			}
		})
	})
}

// TestBudgetAppendMany: "1 commit first if the reserved range is too short".
func TestBudgetAppendMany(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.load(w.backend("a", Config{UIDRange: 4}), LoadOptions{})
		inbox := w.folder(a, Inbox)
		var mails []NewMail
		for n := range 10 {
			mails = append(mails, mail(n))
		}
		w.wantCost("1 PUT-if-match, then 10 PUT-if-absent", func() {
			if _, err := inbox.AppendMany(ctx, mails); err != nil {
				t.Fatal(err)
			}
		})
	})
}

// TestConfirmAge: "if the last confirmed commit is older than 15 min, root is
// read beside that PUT before the acknowledgement".
func TestConfirmAge(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.load(w.backend("a", Config{}), LoadOptions{})
		inbox := w.folder(a, Inbox)
		time.Sleep(14 * time.Minute)
		w.wantCost("1 PUT-if-absent", func() { w.append(inbox, 1) })
		time.Sleep(2 * time.Minute)
		w.wantCost("1 GET + 1 PUT-if-absent", func() { w.append(inbox, 2) })
		w.wantCost("1 PUT-if-absent", func() { w.append(inbox, 3) })
		time.Sleep(16 * time.Minute)
		b := w.load(w.backend("b", Config{}), LoadOptions{})
		if _, err := inbox.Append(ctx, mail(4)); !errors.Is(err, ErrOvertaken) {
			t.Errorf("append of a stale holder: %v", err)
		}
		if !errors.Is(a.Err(), ErrOvertaken) {
			t.Errorf("the stale holder goes on: %v", a.Err())
		}
		// What was not acknowledged is late mail now, and not lost.
		if v := w.open(w.folder(b, Inbox)); show(v) != "1 2 3 4" {
			t.Errorf("view is %q", show(v))
		}
		synctest.Wait()
		w.crash(b)
	})
}
