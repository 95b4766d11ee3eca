// Package budget counts the object store requests that what mail servers and
// mail clients do costs, and the rounds in which they follow each other: the
// table in docs/architecture.md.
package budget

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"mailbackend.io/backend/auth"
	"mailbackend.io/backend/cache"
	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/imap"
	"mailbackend.io/backend/lmtp"
	"mailbackend.io/backend/mailstore"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/mem"
	"mailbackend.io/backend/sync"
	"mailbackend.io/test/corpus"
	"mailbackend.io/test/harness"
)

// latency of each request: parallel requests are seen to overlap.
const latency = 20 * time.Millisecond

// stack is a backend without a process around it, on a store that logs.
type stack struct {
	t     *testing.T
	store *mem.Store
	clk   *clock.Fake
	ms    *mailstore.Store
	cache *cache.Cache
	imap  string
	lmtp  string
	stop  func(graceful bool)
	n     int // mails sent
}

// newStore returns a store for stacks to come and go on.
func newStore() *mem.Store { return mem.New(mem.Options{Latency: latency, Log: true}) }

func start(t *testing.T, store *mem.Store, cacheDir string) *stack {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s := &stack{t: t, store: store, clk: clock.NewFake(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC))}
	log := slog.New(slog.DiscardHandler)
	var err error
	s.cache, err = cache.Open(context.Background(), cache.Options{Dir: cacheDir, BootID: "boot", Instance: rand.Text(), Clock: s.clk, Log: log})
	check(err)
	engine, err := sync.NewEngine(sync.DefaultConfig(), store, s.cache, s.clk, rand.Reader, sync.Holder{Pod: "pod", Incarnation: rand.Text()}, log)
	check(err)
	s.ms, err = mailstore.New(mailstore.DefaultConfig(), engine, s.clk, log)
	check(err)
	users := auth.AnyUser{Password: "dev"}
	im := imap.New(imap.Config{AllowPlaintextAuth: true}, imap.Deps{Store: imap.FromMailstore(s.ms), Auth: users, Clock: s.clk, Log: log})
	lm := lmtp.New(lmtp.Config{}, lmtp.Deps{Store: s.ms, Users: users, Clock: s.clk, Log: log})
	listen := func(serve func(net.Listener) error) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		check(err)
		go func() { _ = serve(l) }() // ends with Shutdown
		return l.Addr().String()
	}
	s.imap, s.lmtp = listen(im.Serve), listen(lm.Serve)
	stopped := false
	s.stop = func(graceful bool) {
		if stopped {
			return
		}
		stopped = true
		ctx := context.Background()
		check(im.Shutdown(ctx))
		check(lm.Shutdown(ctx))
		if !graceful {
			// A crash: from here on nothing reaches the store.
			store.SetHook(func(mem.Request) mem.Fault { return mem.LostRequest() })
		}
		bounded, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		if !graceful {
			cancel()
		}
		if err := s.ms.Shutdown(bounded); graceful {
			check(err)
		}
		_ = s.cache.Close()
		store.SetHook(nil)
	}
	t.Cleanup(func() { s.stop(true) })
	return s
}

// deliver sends n mails to user over one LMTP connection.
func (s *stack) deliver(user string, n int) {
	s.t.Helper()
	c, err := harness.DialLMTP(s.lmtp)
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	for range n {
		s.n++
		errs, err := c.Deliver("a@example.org", []string{user}, corpus.Realistic(3, s.n))
		if err == nil {
			err = errs[0]
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *stack) login(user string) *harness.IMAP {
	s.t.Helper()
	c, err := harness.LoginIMAP(s.imap, user)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(c.Close)
	return c
}

func (s *stack) ok(c *harness.IMAP, format string, args ...any) []harness.Response {
	s.t.Helper()
	un, err := c.OK(format, args...)
	if err != nil {
		s.t.Fatal(err)
	}
	return un
}

// cost is what happened since the last call of reset.
type cost struct {
	counts [objstore.NumOps]int
	rounds [][]mem.Request
}

// cost is taken when all is quiet.
func (s *stack) cost() cost {
	s.t.Helper()
	return costOf(s.settled())
}

// ended leaves out the requests that are still under way.
func ended(events []mem.Event) []mem.Event {
	done := map[uint64]bool{}
	for _, e := range events {
		if e.Kind == mem.End {
			done[e.Request.Seq] = true
		}
	}
	return slices.DeleteFunc(events, func(e mem.Event) bool { return !done[e.Request.Seq] })
}

func costOf(events []mem.Event) cost {
	c := cost{rounds: mem.Rounds(events)}
	for _, e := range events {
		if e.Kind == mem.Start {
			c.counts[e.Request.Op]++
		}
	}
	return c
}

// settled is the log once every request that began has ended and none has
// begun for some latencies: what a command left to the background is counted.
func (s *stack) settled() []mem.Event {
	for quiet, last := 0, -1; ; {
		events := s.store.Events()
		open := 0
		for _, e := range events {
			switch e.Kind {
			case mem.Start:
				open++
			case mem.End:
				open--
			}
		}
		if open == 0 && len(events) == last {
			quiet++
		} else {
			quiet = 0
		}
		if last = len(events); quiet == 4 {
			return events
		}
		time.Sleep(latency / 2) // polls for quiet; the log is the condition
	}
}

// pass lets time pass, in steps: what comes due in one has until the next.
func (s *stack) pass(d time.Duration) {
	const step = time.Minute
	for ; d > 0; d -= step {
		s.settled()
		s.clk.Advance(min(d, step))
	}
}

func (s *stack) reset() {
	s.settled()
	s.store.ResetEvents()
}

func (c cost) of(op objstore.Op) int { return c.counts[op] }

func (c cost) total() int {
	n := 0
	for _, k := range c.counts {
		n += k
	}
	return n
}

func (c cost) puts() int { return c.of(objstore.OpPutIfAbsent) + c.of(objstore.OpPutIfMatch) }

// String lists the rounds.
func (c cost) String() string {
	var b bytes.Buffer
	for i, r := range c.rounds {
		var parts []string
		for _, q := range r {
			parts = append(parts, q.String())
		}
		fmt.Fprintf(&b, "\n  round %d: %s", i+1, strings.Join(parts, " ∥ "))
	}
	return b.String()
}

// within fails the test unless the cost is as the table says: kinds that are
// not named must not occur.
func (s *stack) within(what string, c cost, rounds int, most map[objstore.Op]int) {
	s.t.Helper()
	s.t.Logf("%s: %d requests in %d rounds%s", what, c.total(), len(c.rounds), c)
	for op := range c.counts {
		if n, limit := c.counts[op], most[objstore.Op(op)]; n > limit {
			s.t.Errorf("%s: %d %s, allowed are %d", what, n, objstore.Op(op), limit)
		}
	}
	if len(c.rounds) > rounds {
		s.t.Errorf("%s: %d rounds, allowed are %d", what, len(c.rounds), rounds)
	}
}
