package sync

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mailbackend.io/backend/cache"
	"mailbackend.io/backend/cache/memfs"
	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/message"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/mem"
)

// world is an object store and the backends on it. Time is that of a synctest
// bubble, so that pauses cost nothing.
type world struct {
	t     *testing.T
	store *mem.Store
	rnd   *rand.ChaCha8
	log   *slog.Logger
	runs  int
}

// inWorld runs a test in a bubble with a store on which each request takes a
// millisecond.
func inWorld(t *testing.T, f func(w *world)) {
	t.Helper()
	// Pooled zstd coders have channels, which must not cross the border of a
	// bubble: two collections empty the pools.
	empty := func() { runtime.GC(); runtime.GC() }
	empty()
	defer empty()
	synctest.Test(t, func(t *testing.T) {
		f(newWorld(t, mem.Options{Clock: clock.System{}, Latency: time.Millisecond, Log: true}))
	})
}

func newWorld(t *testing.T, o mem.Options) *world {
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("SYNC_TEST_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return &world{t: t, store: mem.New(o), rnd: rand.NewChaCha8([32]byte{1}), log: log}
}

// backend is a new run of a pod.
func (w *world) backend(pod string, cfg Config) *Engine {
	return w.backendOn(pod, cfg, w.store.As(pod), nil)
}

func (w *world) backendOn(pod string, cfg Config, store objstore.Store, c *cache.Cache) *Engine {
	w.t.Helper()
	w.runs++
	e, err := NewEngine(cfg, store, c, clock.System{}, w.rnd, Holder{pod, fmt.Sprint("run", w.runs)}, w.log.With("pod", pod))
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

// cacheOn opens a cache on a file system, as the run named instance.
func (w *world) cacheOn(fs *memfs.FS, boot, instance string) *cache.Cache {
	w.t.Helper()
	c, err := cache.Open(ctx, cache.Options{Dir: "/cache", BootID: boot, Instance: instance, Clock: clock.System{}, FS: fs, Log: w.log})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

var initial = []NewMailbox{{Name: Inbox}, {Name: "Trash", SpecialUse: []string{`\Trash`}}}

func (w *world) load(e *Engine, o LoadOptions) *Account {
	w.t.Helper()
	o.Initial = initial
	a, err := e.Load(ctx, "alice", o)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *world) folder(a *Account, name string) *Folder {
	w.t.Helper()
	m := a.Root().ByName(name)
	if m == nil {
		w.t.Fatalf("no mailbox %q", name)
	}
	f, ok := a.Folder(m.ID)
	if !ok {
		w.t.Fatalf("no folder %q", name)
	}
	return f
}

func (w *world) open(f *Folder) *index.View {
	w.t.Helper()
	v, err := f.Open(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

// mail is a small mail that is told from others by n.
func mail(n int) NewMail {
	raw := fmt.Appendf(nil, "From: a@example.org\r\nSubject: mail %d\r\nMessage-ID: <%d@example.org>\r\n\r\nbody of %d\r\n", n, n, n)
	return NewMail{Body: message.NewBody(raw, message.DefaultLimits())}
}

func (w *world) append(f *Folder, n int) uint32 {
	w.t.Helper()
	uid, err := f.Append(ctx, mail(n))
	if err != nil {
		w.t.Fatal(err)
	}
	return uid
}

func (w *world) release(a *Account) {
	w.t.Helper()
	if err := a.Release(ctx); err != nil {
		w.t.Fatal(err)
	}
	a.Wait()
}

// crash ends an account as the death of its process does.
func (w *world) crash(a *Account) {
	a.Abandon()
	a.Wait()
}

// setFlags replaces the flags of a message.
func (w *world) setFlags(f *Folder, uid uint32, flags index.Flags) {
	w.t.Helper()
	_, err := f.Update(ctx, func(_ *index.View, next func() uint64) []index.Op {
		return []index.Op{{Kind: index.OpFlags, UID: uid, ModSeq: next(), Flags: flags}}
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// show lists a view: UIDs with the first letters of their flags.
func show(v *index.View) string {
	var b strings.Builder
	for _, r := range v.All() {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprint(&b, r.UID)
		for i, name := range systemFlags {
			if r.Flags&(1<<i) != 0 {
				b.WriteByte(name[1])
			}
		}
	}
	return b.String()
}

func (w *world) wantView(f *Folder, want string) {
	w.t.Helper()
	if got := show(w.open(f)); got != want {
		w.t.Errorf("view is %q, want %q", got, want)
	}
}

// subjectOf reads a message's subject from its stored object.
func (w *world) subjectOf(f *Folder, uid uint32) string {
	w.t.Helper()
	b, err := f.Object(ctx, uid, 0, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	_, raw, err := message.ReadAll(b)
	if err != nil {
		w.t.Fatal(err)
	}
	s, _, _ := strings.Cut(string(raw[strings.Index(string(raw), "Subject: ")+9:]), "\r\n")
	return s
}

// cost runs f and describes the requests that it made: their kinds, round by
// round.
func (w *world) cost(f func()) string {
	synctest.Wait()
	w.store.ResetEvents()
	f()
	synctest.Wait()
	var rounds []string
	for _, r := range mem.Rounds(w.store.Events()) {
		counts := map[string]int{}
		var kinds []string
		for _, req := range r {
			k := fmt.Sprint(req.Op)
			if counts[k] == 0 {
				kinds = append(kinds, k)
			}
			counts[k]++
		}
		for i, k := range kinds {
			kinds[i] = fmt.Sprintf("%d %s", counts[k], k)
		}
		sortStrings(kinds)
		rounds = append(rounds, strings.Join(kinds, " + "))
	}
	return strings.Join(rounds, ", then ")
}

func sortStrings(s []string) {
	for i := range s {
		for j := i; j > 0 && s[j] < s[j-1]; j-- {
			s[j], s[j-1] = s[j-1], s[j]
		}
	}
}

func (w *world) wantCost(want string, f func()) {
	w.t.Helper()
	if got := w.cost(f); got != want {
		w.t.Errorf("cost is %q, want %q", got, want)
	}
}

var ctx = context.Background()

func contextWithTimeout(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d)
}
