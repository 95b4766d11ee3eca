package sim

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	gosync "sync"
	"time"

	"mailbackend.io/backend/cache"
	"mailbackend.io/backend/cache/memfs"
	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/sync"
)

// pod is where processes run, one at a time.
type pod struct {
	n    int
	fs   *memfs.FS
	boot int
	runs int
	proc *process // nil: none runs
	skew time.Duration
}

// process is one run of a pod: an incarnation. It can be killed, which keeps it
// from doing anything more but for requests that are on their way, and it can be
// stopped for a time, which does the same until it goes on, knowing nothing of it.
type process struct {
	w      *world
	pod    *pod
	name   string
	engine *sync.Engine
	cache  *cache.Cache
	rnd    *rand.Rand // of the points; under mu

	mu     gosync.Mutex
	dead   bool
	died   chan struct{}
	resume chan struct{} // nil: running
	skew   time.Duration
	crash  int // requests until it crashes; 0: it doesn't
	acct   *sync.Account
	// cut are the former accounts, to be abandoned in the end.
	cut []*sync.Account

	loading chan struct{} // a semaphore
}

// start runs a new process on the pod.
func (w *world) start(p *pod) *process {
	p.runs++
	q := &process{
		w: w, pod: p, name: fmt.Sprintf("pod%d.%d", p.n, p.runs),
		died: make(chan struct{}), loading: make(chan struct{}, 1), skew: p.skew,
	}
	seed := w.cfg.Seed*1_000_003 + uint64(p.n)*1009 + uint64(p.runs)
	q.rnd = rand.New(rand.NewPCG(seed, 3))
	random := &lockedReader{r: chacha(seed)}
	clk := procClock{q}
	if w.cfg.Cache {
		c, err := cache.Open(w.ctx, cache.Options{
			Dir: "/cache", BootID: fmt.Sprint("boot", p.boot), Instance: q.name, Clock: clk, FS: procFS{q, p.fs},
		})
		if err != nil {
			w.fail("no-damage", "opening the cache of %s: %v", q.name, err)
			return q
		}
		q.cache = c
	}
	store := objstore.Retry(procStore{q, w.store.As(q.name)}, w.cfg.Retry, clk, random)
	var err error
	q.engine, err = sync.NewEngine(w.cfg.Sync, store, q.cache, clk, random, sync.Holder{Pod: fmt.Sprint("pod", p.n), Incarnation: q.name}, w.log(q.name))
	if err != nil {
		w.fail("no-damage", "starting %s: %v", q.name, err)
	}
	p.proc = q
	if w.cfg.Interval > 0 {
		w.background.Go(func() { q.uploader(w.cfg.Interval) })
	}
	return q
}

// kill ends the process. Its local files survive unless lost.
func (q *process) kill(lost bool) {
	q.mu.Lock()
	if q.dead {
		q.mu.Unlock()
		return
	}
	q.dead = true
	close(q.died)
	if q.resume != nil {
		close(q.resume)
		q.resume = nil
	}
	q.mu.Unlock()
	q.w.note("%s dies, local files lost: %v", q.name, lost)
	q.w.led.processDied(q, !lost && q.cache != nil)
	p := q.pod
	p.fs.KillProcess()
	if lost {
		p.fs = memfs.New(clock.System{})
		p.boot++
	}
	if p.proc == q {
		p.proc = nil
	}
}

// stop stops the process for d.
func (q *process) stop(d time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.dead || q.resume != nil {
		return
	}
	q.resume = make(chan struct{})
	mine := q.resume
	q.w.note("%s stops for %s", q.name, d)
	time.AfterFunc(d, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if q.resume == mine {
			close(q.resume)
			q.resume = nil
		}
	})
}

func (q *process) isDead() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dead
}

// gate returns true once the process runs, and false once it is dead.
func (q *process) gate() bool {
	for {
		q.mu.Lock()
		wait, dead := q.resume, q.dead
		q.mu.Unlock()
		if dead {
			return false
		}
		if wait == nil {
			return true
		}
		<-wait
	}
}

// hang is where goroutines of a dead process stay until the world ends.
func (q *process) hang() error {
	<-q.w.over
	return objstore.ErrUnavailable
}

// point is one of the points at which a process may crash or stop.
func (q *process) point() {
	q.mu.Lock()
	crash := q.w.faulty() && q.crash == 1 || q.w.faulty() && q.rnd.Float64() < q.w.cfg.CrashPoints
	stop := q.w.faulty() && q.rnd.Float64() < q.w.cfg.PausePoints
	d := time.Duration(q.rnd.Int64N(int64(90 * time.Minute)))
	lost := q.rnd.IntN(3) == 0
	if q.crash > 0 {
		q.crash--
	}
	q.mu.Unlock()
	switch {
	case crash:
		q.kill(lost)
	case stop:
		q.stop(d)
	}
}

// account returns the process's account, loading it if need be.
func (q *process) account(ctx context.Context, o sync.LoadOptions) (*sync.Account, error) {
	select {
	case q.loading <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-q.loading }()
	if q.acct != nil && q.acct.Err() == nil {
		return q.acct, nil
	}
	o.Initial = []sync.NewMailbox{{Name: sync.Inbox}, {Name: "Archive"}}
	a, err := q.engine.Load(ctx, user, o)
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.acct = a
	q.cut = append(q.cut, a)
	q.w.led.claimed(q, a)
	return a, nil
}

// uploader is what the process does in the background.
func (q *process) uploader(every time.Duration) {
	for {
		select {
		case <-time.After(every):
		case <-q.died:
			return
		case <-q.w.over:
			return
		}
		if !q.gate() {
			return
		}
		q.mu.Lock()
		a := q.acct
		q.mu.Unlock()
		if a != nil && a.Err() == nil {
			_ = q.w.upload(q, a, a.Upload) // the process ends either way
		}
	}
}

// lockedReader makes a reader safe for concurrent use.
type lockedReader struct {
	mu gosync.Mutex
	r  io.Reader
}

func (l *lockedReader) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Read(p)
}

func chacha(seed uint64) io.Reader {
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	return rand.NewChaCha8(key)
}
