package sync

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	gosync "sync"
	"testing"
	"time"

	"mailbackend.io/backend/cache"
	"mailbackend.io/backend/cache/memfs"
	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/mem"
)

// TestRandomHistories lets several backends work on one user at once, on a
// store that fails, with crashes, zombies and restarts, and checks what section
// 2 of the architecture promises. SYNC_SEED replays one history, SYNC_RUNS runs
// so many.
func TestRandomHistories(t *testing.T) {
	runs, first := 40, uint64(1)
	if testing.Short() {
		runs = 10
	}
	if s := os.Getenv("SYNC_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		runs, first = 1, n
	}
	if s := os.Getenv("SYNC_RUNS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		runs = n
	}
	for seed := first; seed < first+uint64(runs); seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			inWorld(t, func(w *world) { runHistory(w, seed) })
		})
	}
}

// mailState is what is known of one mail from outside.
type mailState struct {
	acked    bool
	tried    bool // an expunge was tried
	expunged bool // an expunge was acknowledged
	box      string
	mark     int // the highest mark (flag change) that a commit was acknowledged for
}

// history is one run: the ledger of what clients were told.
type history struct {
	w    *world
	seed uint64
	rnd  *rand.Rand
	cfg  Config
	pods []*pod
	wg   gosync.WaitGroup

	mu    gosync.Mutex
	lines []string
	mails map[int]*mailState
	next  int
	marks int
	// names tells which mail a UID names, by mailbox and UID.
	names map[string]string
	// highest is the highest modseq told, by mailbox and epoch.
	highest map[MailboxID]map[uint64]uint64
	clients map[MailboxID]*client
	// newest is the highest epoch that a backend was given.
	newest uint64
}

// client is one that resynchronises (RFC 7162) with whoever is the holder.
type client struct {
	epoch  uint64
	modseq uint64
	marks  map[uint32]string
	// uidNext is what it was told last, ever all UIDs that it ever saw.
	uidNext uint32
	ever    map[uint32]bool
}

// pod is a place where a backend runs.
type pod struct {
	name  string
	fs    *memfs.FS
	cache *cache.Cache
	e     *Engine
	acct  *Account
	// zombies are accounts that go on although the pod loaded another.
	shown map[MailboxID]*index.View
}

func runHistory(w *world, seed uint64) {
	h := &history{
		w: w, seed: seed, rnd: rand.New(rand.NewPCG(seed, 0)), mails: map[int]*mailState{}, names: map[string]string{},
		highest: map[MailboxID]map[uint64]uint64{}, clients: map[MailboxID]*client{},
	}
	ranges := []uint32{1, 2, 3, 64}
	h.cfg = Config{
		UIDRange: ranges[h.rnd.IntN(4)], ModSeqRange: []uint64{1, 2, 5, 1 << 20}[h.rnd.IntN(4)],
		MaxRescanMailCount: 3, Plan: index.PlanLimits{SmallBase: 1, MaxLogs: 2, MaxCold: 4, MinColdMerge: 2},
		GarbageBatch: 2,
	}
	chaos := mem.Chaos(seed, mem.Rates{
		Unavailable: 0.02, SlowDown: 0.02, LostRequest: 0.03, LostAnswer: 0.04, Hang: 0.01, Late: 0.03,
		Delay: 300 * time.Millisecond, LateBy: 3 * time.Minute, Again: 0.03,
	})
	w.store.SetHook(func(r mem.Request) mem.Fault {
		f := chaos(r)
		if strings.Contains(r.Key, "/mail/") && r.Op == objstore.OpPutIfAbsent {
			f.Again = 0 // what was answered is not repeated: HTTP does not
		}
		return f
	})
	for _, name := range []string{"a", "b", "c"} {
		h.pods = append(h.pods, &pod{name: name, fs: memfs.New(clock.System{}), shown: map[MailboxID]*index.View{}})
	}
	defer func() {
		if w.t.Failed() {
			h.mu.Lock()
			defer h.mu.Unlock()
			w.t.Logf("seed %d, %+v\n%s", seed, h.cfg, strings.Join(h.lines, "\n"))
		}
	}()
	for range 60 {
		h.step()
		time.Sleep(time.Duration(h.rnd.IntN(1500)) * time.Millisecond)
	}
	h.finish()
}

func (h *history) logf(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// violate reports a broken promise.
func (h *history) violate(format string, args ...any) {
	h.logf("VIOLATION "+format, args...)
	h.w.t.Errorf("seed %d: "+format, append([]any{h.seed}, args...)...)
}

// background runs something that takes as long as it takes.
func (h *history) background(d time.Duration, f func(ctx context.Context)) {
	h.wg.Add(1)
	go func() {
		defer h.wg.Done()
		ctx, cancel := context.WithTimeout(ctx, d)
		defer cancel()
		f(ctx)
	}()
}

// run starts or restarts a pod's process.
func (h *history) run(p *pod, sameBoot bool) {
	p.fs.KillProcess()
	boot := "boot"
	if !sameBoot {
		boot = fmt.Sprint("boot", h.w.runs)
		p.fs = memfs.New(clock.System{})
	}
	h.w.runs++
	instance := fmt.Sprint("run", h.w.runs)
	c, err := cache.Open(ctx, cache.Options{Dir: "/cache", BootID: boot, Instance: instance, Clock: clock.System{}, FS: p.fs, Log: h.w.log})
	if err != nil {
		h.violate("pod %s: cache: %v", p.name, err)
		return
	}
	p.cache = c
	store := objstore.Retry(h.w.store.As(p.name), objstore.RetryConfig{Attempts: 2, Budget: 5 * time.Second, Attempt: 2 * time.Second}, clock.System{}, h.w.rnd)
	e, err := NewEngine(h.cfg, store, c, clock.System{}, h.w.rnd, Holder{p.name, instance}, h.w.log.With("pod", p.name, "run", instance))
	if err != nil {
		h.w.t.Fatal(err)
	}
	p.e, p.acct = e, nil
	clear(p.shown)
}

// step does one thing at random.
func (h *history) step() {
	p := h.pods[h.rnd.IntN(len(h.pods))]
	if p.e == nil {
		h.run(p, false)
	}
	a := p.acct
	if a == nil || a.Err() != nil {
		if h.rnd.IntN(3) > 0 {
			h.load(p)
		}
		return
	}
	switch n := h.rnd.IntN(100); {
	case n < 35:
		h.append(p, a, 1)
	case n < 42:
		h.append(p, a, 2+h.rnd.IntN(2))
	case n < 60:
		h.mark(p, a)
	case n < 72:
		h.expunge(p, a)
	case n < 82:
		h.upload(p, a)
	case n < 85:
		h.logf("%s unloads: %v", p.name, a.Unload())
	case n < 89:
		h.release(p, a)
	case n < 92:
		h.kill(p)
	case n < 95:
		h.look(p, a)
	default:
		h.logf("time passes")
		time.Sleep(time.Duration(h.rnd.IntN(300)) * time.Second)
	}
}

func (h *history) load(p *pod) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	var o LoadOptions
	o.Initial = initial
	switch h.rnd.IntN(3) {
	case 0:
		o.Open = []string{Inbox}
	case 1:
		o.Scan = []string{Inbox}
	}
	a, err := p.e.Load(ctx, "alice", o)
	if err != nil {
		h.logf("%s load: %v", p.name, err)
		return
	}
	h.logf("%s loads epoch %d, replay %v", p.name, a.Epoch(), a.replay)
	h.mu.Lock()
	h.newest = a.epoch
	h.mu.Unlock()
	p.acct = a
	clear(p.shown)
}
