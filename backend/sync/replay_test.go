package sync

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"mailbackend.io/backend/cache/memfs"
	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/mem"
	"mailbackend.io/backend/uidset"
)

// restart is the death of a process and its successor on the same pod.
func (w *world) restart(a *Account, fs *memfs.FS, boot, instance string) *Engine {
	w.t.Helper()
	w.crash(a)
	fs.KillProcess()
	return w.backendOn(a.e.self.Pod, a.e.cfg, w.store.As(a.e.self.Pod), w.cacheOn(fs, boot, instance))
}

// TestSameBootLosesNothing: "the local logs hold everything that was told to
// clients ...: they are replayed on top of a new claim, and the modseq floor need
// not rise; never continue the old range".
func TestSameBootLosesNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		fs := memfs.New(clock.System{})
		a := w.load(w.backendOn("a", Config{}, w.store.As("a"), w.cacheOn(fs, "boot", "1")), LoadOptions{})
		inbox := w.folder(a, Inbox)
		w.open(inbox)
		for n := 1; n <= 4; n++ {
			w.append(inbox, n)
		}
		w.setFlags(inbox, 2, index.Seen)
		if err := a.Upload(ctx); err != nil {
			t.Fatal(err)
		}
		w.append(inbox, 5)
		w.setFlags(inbox, 3, index.Flagged)
		w.setFlags(inbox, 5, index.Answered)
		if _, err := inbox.Expunge(ctx, uidset.Of(1)); err != nil {
			t.Fatal(err)
		}
		told := inbox.View()
		for run := 2; run <= 4; run++ { // twice without a word to clients in between
			e := w.restart(a, fs, "boot", string(rune('0'+run)))
			a = w.load(e, LoadOptions{Open: []string{Inbox}})
			if !a.replay {
				t.Fatalf("run %d: not replayed", run)
			}
			if !a.Dirty() {
				t.Errorf("run %d: what is only in the log is not dirty", run)
			}
			if run == 3 {
				continue // and dies before anybody asks
			}
			inbox = w.folder(a, Inbox)
			w.wantView(inbox, "2S 3F 4 5A")
			v := inbox.View()
			if v.Floor() > told.Floor() {
				t.Errorf("run %d: the floor rose to %d", run, v.Floor())
			}
			for i, r := range told.All() {
				if got := v.At(i); got.ModSeq != r.ModSeq {
					t.Errorf("run %d: UID %d has modseq %d, told was %d", run, r.UID, got.ModSeq, r.ModSeq)
				}
			}
			if !v.IsExpunged(1) || !v.VanishedSince(told.HighestModSeq()-1).Contains(1) {
				t.Errorf("run %d: the expunge is not remembered", run)
			}
		}
		uid := w.append(inbox, 6)
		if uid < 65 {
			t.Errorf("the old range goes on: UID %d", uid)
		}
		later(time.Minute)
		w.release(a)
		b := w.load(w.backend("b", Config{}), LoadOptions{Open: []string{Inbox}})
		w.wantView(w.folder(b, Inbox), fmt.Sprint("2S 3F 4 5A ", uid))
		w.release(b)
	})
}

func TestOtherBootReplaysNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		fs := memfs.New(clock.System{})
		a := w.load(w.backendOn("a", Config{}, w.store.As("a"), w.cacheOn(fs, "boot", "1")), LoadOptions{})
		inbox := w.folder(a, Inbox)
		w.open(inbox)
		w.append(inbox, 1)
		w.setFlags(inbox, 1, index.Seen)
		a = w.load(w.restart(a, fs, "boot 2", "2"), LoadOptions{Open: []string{Inbox}})
		if a.replay {
			t.Error("replayed")
		}
		w.wantView(w.folder(a, Inbox), "1")
		w.release(a)
	})
}

// TestLogsOfAnOldClaim: after another had the user, the local logs are worth
// nothing.
func TestLogsOfAnOldClaim(t *testing.T) {
	inWorld(t, func(w *world) {
		fs := memfs.New(clock.System{})
		a := w.load(w.backendOn("a", Config{}, w.store.As("a"), w.cacheOn(fs, "boot", "1")), LoadOptions{})
		inbox := w.folder(a, Inbox)
		w.open(inbox)
		w.append(inbox, 1)
		w.setFlags(inbox, 1, index.Seen)
		b := w.load(w.backend("b", Config{}), LoadOptions{Open: []string{Inbox}})
		w.open(w.folder(b, Inbox))
		w.setFlags(w.folder(b, Inbox), 1, index.Flagged)
		w.release(b)
		a = w.load(w.restart(a, fs, "boot", "2"), LoadOptions{Open: []string{Inbox}})
		w.wantView(w.folder(a, Inbox), "1F")
		w.setFlags(w.folder(a, Inbox), 1, index.Draft)
		// Nor do they come back when this process dies.
		a = w.load(w.restart(a, fs, "boot", "3"), LoadOptions{Open: []string{Inbox}})
		if !a.replay {
			t.Error("its own log is not replayed")
		}
		w.wantView(w.folder(a, Inbox), "1D")
		w.release(a)
	})
}

// TestFullCache: "cache failure degrades gracefully": the user goes on in
// memory, and a log that lacks something is never replayed.
func TestFullCache(t *testing.T) {
	inWorld(t, func(w *world) {
		fs := memfs.New(clock.System{})
		a := w.load(w.backendOn("a", Config{}, w.store.As("a"), w.cacheOn(fs, "boot", "1")), LoadOptions{})
		inbox := w.folder(a, Inbox)
		w.open(inbox)
		w.append(inbox, 1)
		w.append(inbox, 2)
		w.setFlags(inbox, 1, index.Seen)
		fs.SetFault(func(op memfs.Op, _ string, _ int) (int, error) {
			if op == memfs.Write || op == memfs.Create || op == memfs.Rename {
				return 0, syscall.EIO
			}
			return 0, nil
		})
		w.setFlags(inbox, 2, index.Seen)
		told := inbox.View().HighestModSeq()
		w.wantView(inbox, "1S 2S")
		later(time.Second)
		fs.SetFault(nil)
		e := w.restart(a, fs, "boot", "2")
		a = w.load(e, LoadOptions{Open: []string{Inbox}})
		if a.replay {
			t.Error("a log that lacks something is replayed")
		}
		inbox = w.folder(a, Inbox)
		w.wantView(inbox, "1 2")
		if f := inbox.View().Floor(); f <= told {
			t.Errorf("floor %d, told was %d", f, told)
		}
		w.release(a)
	})
}

// TestDamagedCache: what is damaged is fetched again, a log that is damaged is
// replayed as far as it goes, and raises the floor.
func TestDamagedCache(t *testing.T) {
	inWorld(t, func(w *world) {
		fs := memfs.New(clock.System{})
		a := w.load(w.backendOn("a", Config{}, w.store.As("a"), w.cacheOn(fs, "boot", "1")), LoadOptions{})
		inbox := w.folder(a, Inbox)
		w.open(inbox)
		w.append(inbox, 1)
		w.append(inbox, 2)
		if err := a.UploadAll(ctx); err != nil {
			t.Fatal(err)
		}
		w.setFlags(inbox, 1, index.Seen)
		w.setFlags(inbox, 2, index.Seen)
		told := inbox.View().HighestModSeq()
		w.crash(a)
		fs.KillProcess()
		for _, p := range fs.Paths() {
			if info, err := fs.Stat(p); err == nil && !info.Dir && info.Size > 40 {
				fs.FlipBit(p, int(info.Size-3)*8)
			}
		}
		e := w.backendOn("a", Config{}, w.store.As("a"), w.cacheOn(fs, "boot", "2"))
		a = w.load(e, LoadOptions{Open: []string{Inbox}})
		inbox = w.folder(a, Inbox)
		v := w.open(inbox)
		if v.Len() != 2 {
			t.Errorf("view %q", show(v))
		}
		if v.HighestModSeq() < told || v.Floor() <= told {
			t.Errorf("HIGHESTMODSEQ %d, floor %d, told was %d", v.HighestModSeq(), v.Floor(), told)
		}
		w.release(a)
		b := w.load(w.backend("b", Config{}), LoadOptions{Open: []string{Inbox}})
		if got := w.open(w.folder(b, Inbox)); got.Floor() != v.Floor() || show(got) != show(v) {
			t.Errorf("after the release: floor %d, %q", got.Floor(), show(got))
		}
		w.release(b)
	})
}

// TestDiesBeforeTheReplayIsUploaded, with its machine this time: the floor then
// rises above all that was told before.
func TestDiesBeforeTheReplayIsUploaded(t *testing.T) {
	inWorld(t, func(w *world) {
		fs := memfs.New(clock.System{})
		a := w.load(w.backendOn("a", Config{}, w.store.As("a"), w.cacheOn(fs, "boot", "1")), LoadOptions{})
		inbox := w.folder(a, Inbox)
		w.open(inbox)
		w.append(inbox, 1)
		w.setFlags(inbox, 1, index.Seen)
		told := inbox.View().HighestModSeq()
		// No upload gets through.
		w.store.SetHook(func(r mem.Request) mem.Fault {
			if k, err := ParseKey(a.prefix, r.Key); err == nil && k.Kind == KeySegment && r.Op == objstore.OpPutIfAbsent {
				return mem.Unavailable()
			}
			return mem.Fault{}
		})
		a = w.load(w.restart(a, fs, "boot", "2"), LoadOptions{Open: []string{Inbox}})
		w.wantView(w.folder(a, Inbox), "1S")
		w.crash(a)
		w.store.SetHook(nil)
		b := w.load(w.backend("b", Config{}), LoadOptions{Open: []string{Inbox}})
		w.open(w.folder(b, Inbox))
		later(time.Second) // the mail is of the holder before the last: late
		v := w.open(w.folder(b, Inbox))
		if v.Len() != 1 || v.Floor() <= told {
			t.Errorf("view %q, floor %d, told was %d", show(v), v.Floor(), told)
		}
		w.release(b)
	})
}
