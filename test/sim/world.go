package sim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	gosync "sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"mailbackend.io/backend/cache/memfs"
	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/mem"
	"mailbackend.io/backend/sync"
)

// user is whose mail it is. One is enough: nothing is shared between users.
const user = "alice"

// Violation is a broken invariant.
type Violation struct {
	Invariant string
	Text      string
	// At is the time since the start of the history.
	At time.Duration
}

func (v *Violation) String() string { return fmt.Sprintf("%s after %s: %s", v.Invariant, v.At, v.Text) }

// Options of a run.
type Options struct {
	// Trace, if set, is given a line for everything that happens.
	Trace func(string)
}

// Outcome of a run.
type Outcome struct {
	Violation *Violation // nil: every invariant holds
	Requests  int
	Acked     int // mails that were acknowledged
}

// world is one history.
type world struct {
	cfg    Config
	opt    Options
	start0 time.Time
	store  *mem.Store
	led    *ledger
	pods   []*pod
	all    []*process
	who    []*client

	ctx    context.Context // ends with the world
	cancel context.CancelFunc
	over   chan struct{} // closed when processes that died may fall apart

	ops, background gosync.WaitGroup
	calm            atomic.Bool // faults are off for good
	storm           atomic.Bool
	requests        atomic.Int64

	jumped bool // a clock did

	mu        gosync.Mutex
	violation *Violation
}

// Run runs a history. It must be called in a synctest bubble, whose time it
// uses up, and returns when nothing of it is left.
func Run(cfg Config, steps []Step, o Options) Outcome {
	w := &world{cfg: cfg, opt: o, start0: time.Now(), over: make(chan struct{})}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	w.led = newLedger(w)
	w.store = mem.New(mem.Options{Clock: clock.System{}, Latency: time.Millisecond, Hook: w.hook(), Watch: w.watch})
	for i := range cfg.Pods {
		w.pods = append(w.pods, &pod{n: i, fs: memfs.New(clock.System{})})
	}
	for i := range cfg.Clients {
		w.who = append(w.who, newClient(w, i))
	}
	for _, s := range steps {
		time.Sleep(s.Gap)
		if w.failed() {
			break
		}
		w.note("step: %s", s)
		w.step(s)
	}
	w.settle()
	w.end()
	acked := 0
	for _, m := range w.led.mails {
		if m.acked {
			acked++
		}
	}
	return Outcome{Violation: w.violation, Requests: int(w.requests.Load()), Acked: acked}
}

// end lets everything fall apart.
func (w *world) end() {
	w.calm.Store(true)
	for _, q := range w.all {
		q.mu.Lock()
		if q.resume != nil {
			close(q.resume)
			q.resume = nil
		}
		accounts := q.cut
		q.mu.Unlock()
		for _, a := range accounts {
			a.Abandon()
		}
	}
	w.cancel()
	close(w.over)
	w.ops.Wait()
	w.background.Wait()
	for _, q := range w.all {
		for _, a := range q.cut {
			a.Wait()
		}
	}
	// Effects that are still to come.
	time.Sleep(2 * time.Hour)
	synctest.Wait()
}

// faulty tells whether anything may go wrong now.
func (w *world) faulty() bool { return !w.calm.Load() }

// hook decides about the weather of each request.
func (w *world) hook() func(mem.Request) mem.Fault {
	calm := mem.Chaos(w.cfg.Seed, weathers[w.cfg.Calm])
	storm := mem.Chaos(w.cfg.Seed, weathers[w.cfg.Storm])
	fine := mem.Chaos(w.cfg.Seed, weathers[0])
	return func(r mem.Request) mem.Fault {
		w.requests.Add(1)
		switch {
		case w.calm.Load():
			return fine(r)
		case w.storm.Load():
			return answered(r, storm(r))
		default:
			return answered(r, calm(r))
		}
	}
}

// answered keeps a fault within what a store does: a PUT that was answered does
// not create its object again later. One that was not may, at any time.
func answered(r mem.Request, f mem.Fault) mem.Fault {
	if r.Op == objstore.OpPutIfAbsent && f.Lose == nil && f.Refuse == nil && f.Late == 0 && !f.Hang {
		f.Again = min(f.Again, f.AnswerDelay/2)
	}
	return f
}

// watch notes what takes effect. The store's lock is held.
func (w *world) watch(e mem.Event) {
	if w.opt.Trace != nil {
		w.note("%s", e)
	}
	if e.Kind != mem.Effect || e.Err != nil || !e.Request.Op.Write() {
		return
	}
	w.led.mu.Lock()
	defer w.led.mu.Unlock()
	switch e.Request.Op {
	case objstore.OpPutIfAbsent, objstore.OpPutIfMatch:
		if _, ok := w.led.stored[e.Request.Key]; !ok {
			w.led.stored[e.Request.Key] = e.At
		}
		if e.Request.Key == sync.RootKey(w.prefix()) {
			w.led.writer = e.Request.Actor
		}
	}
}

func (w *world) prefix() string { return sync.UserPrefix(w.cfg.Sync.Prefix, user) }

// fail notes a violation; the first counts.
func (w *world) fail(invariant, format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.violation == nil {
		w.violation = &Violation{Invariant: invariant, Text: fmt.Sprintf(format, args...), At: time.Since(w.start0)}
		if w.opt.Trace != nil {
			w.opt.Trace("VIOLATION: " + w.violation.String())
		}
	}
}

func (w *world) failed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.violation != nil
}

// note traces.
func (w *world) note(format string, args ...any) {
	if w.opt.Trace == nil {
		return
	}
	w.opt.Trace(fmt.Sprintf("%12s  %s", time.Since(w.start0), fmt.Sprintf(format, args...)))
}

// log is what an engine logs to.
func (w *world) log(name string) *slog.Logger {
	if w.opt.Trace == nil {
		return nil
	}
	h := slog.NewTextHandler(tracer{w}, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	return slog.New(h).With("process", name)
}

type tracer struct{ w *world }

func (t tracer) Write(b []byte) (int, error) {
	t.w.note("log: %s", b[:max(len(b)-1, 0)])
	return len(b), nil
}

// process returns the process of a pod, starting one if none runs.
func (w *world) process(n int) *process {
	p := w.pods[n]
	if p.proc == nil {
		w.all = append(w.all, w.start(p))
	}
	return p.proc
}

// step starts what a step says. Operations go on beside the next steps.
func (w *world) step(s Step) {
	r := rand.New(rand.NewPCG(s.Seed, 4))
	q := w.process(s.Pod)
	switch s.Kind {
	case Crash:
		q.kill(s.N%3 == 0)
	case CrashAt:
		q.mu.Lock()
		q.crash = 1 + s.N%12
		q.mu.Unlock()
	case Pause:
		q.stop(time.Duration(r.Int64N(int64(pick(r, 10*time.Second, 10*time.Minute, 3*time.Hour)))))
	case Jump:
		d := time.Duration(r.Int64N(int64(pick(r, time.Minute, 50*time.Hour)))) - 30*time.Second
		q.mu.Lock()
		q.skew += d
		q.pod.skew = q.skew
		q.mu.Unlock()
		w.jumped = true
		w.note("clock of %s jumps by %s", q.name, d)
	case Evict:
		if q.cache != nil {
			q.cache.SetBudget(1, 1<<20)
			q.cache.SetBudget(1<<30, 0)
		}
	case Storm:
		w.storm.Store(true)
	case Calm:
		w.storm.Store(false)
	case Hangup:
		w.ops.Go(func() { w.who[s.N%len(w.who)].hangup() })
	default:
		op := ops[s.Kind]
		w.ops.Go(func() { w.do(q, s, r, op) })
	}
}

// opFunc does an operation on a process with an account. An error is what the
// client is told.
type opFunc func(o *operation) error

// operation is one client's request.
type operation struct {
	w   *world
	q   *process
	a   *sync.Account
	s   Step
	r   *rand.Rand
	ctx context.Context
}

// do does an operation.
func (w *world) do(q *process, s Step, r *rand.Rand, op opFunc) {
	if !q.gate() {
		return
	}
	ctx, cancel := context.WithCancelCause(w.ctx)
	defer cancel(nil)
	limit := pick(r, 2*time.Second, 30*time.Second, 5*time.Minute)
	defer procClock{q}.AfterFunc(limit, func() { cancel(errPatience) }).Stop()
	o := sync.LoadOptions{}
	switch r.IntN(3) {
	case 0:
		o.Open = []string{sync.Inbox}
	case 1:
		o.Scan = []string{sync.Inbox}
	}
	a, err := q.account(ctx, o)
	if err == nil {
		err = op(&operation{w: w, q: q, a: a, s: s, r: r, ctx: ctx})
	}
	if err != nil {
		w.note("%s: %s: %v", q.name, s.Kind, err)
		w.judgeError(q, s, err)
	}
}

var errPatience = errors.New("simulated: the client has no more patience")

// judgeError knows the errors that no weather explains.
func (w *world) judgeError(q *process, s Step, err error) {
	for _, bad := range []error{sync.ErrRootCorrupt, sync.ErrRootLost, sync.ErrIndexCorrupt} {
		if errors.Is(err, bad) {
			w.fail("no-damage", "%s: %s: %v", q.name, s.Kind, err)
		}
	}
}

// told returns true if a client can be told something by the process now.
func (o *operation) told() bool { return o.q.gate() && o.w.ctx.Err() == nil }
