package objstore_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/contract"
	"mailbackend.io/backend/objstore/mem"
)

// seeded is randomness that is the same in every run.
func seeded() io.Reader { return rand.NewChaCha8([32]byte{1}) }

// script answers the n-th request, from 0, with the n-th fault, then none.
func script(faults ...mem.Fault) func(mem.Request) mem.Fault {
	n := 0
	return func(mem.Request) mem.Fault {
		n++
		if n > len(faults) {
			return mem.Fault{}
		}
		return faults[n-1]
	}
}

// rig is a faulty store with a Counter below Retry, in a synctest bubble.
type rig struct {
	*testing.T
	ctx     context.Context
	mem     *mem.Store
	counter *objstore.Counter
	s       objstore.Store
	outcome objstore.Outcome
}

var testRetry = objstore.RetryConfig{
	Attempts: 4, Budget: time.Minute, Attempt: 10 * time.Second,
	Wait: 100 * time.Millisecond, MaxWait: time.Second, ThrottledWait: 400 * time.Millisecond,
}

func bubble(t *testing.T, cfg objstore.RetryConfig, run func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{T: t, mem: mem.New(mem.Options{Latency: time.Millisecond, Log: true})}
		r.ctx = objstore.WithOutcome(t.Context(), &r.outcome)
		r.counter = objstore.NewCounter(r.mem)
		r.s = objstore.Retry(r.counter, cfg, clock.System{}, seeded())
		run(r)
	})
}

func (r *rig) requests(want string) {
	r.Helper()
	if got := r.counter.Stats().String(); got != want {
		r.Errorf("requests: %s, want %s", got, want)
		for _, e := range r.mem.Events() {
			r.Log(e)
		}
	}
}

func (r *rig) is(err, kind error) {
	r.Helper()
	if !errors.Is(err, kind) {
		r.Errorf("got %v, want: %v", err, kind)
	}
}

func (r *rig) isNot(err, kind error) {
	r.Helper()
	if errors.Is(err, kind) {
		r.Errorf("got %v, which must not be: %v", err, kind)
	}
}

var data = objstore.Blob{[]byte("mine "), []byte(strings.Repeat("x", 5000))}

func (r *rig) holds(key, prefix string) {
	r.Helper()
	got, ok := r.mem.Peek(key)
	if !ok || !strings.HasPrefix(string(got), prefix) {
		r.Errorf("store holds %.20q (%v), want %q", got, ok, prefix)
	}
}

// recognised is the one case in which Retry differs: it takes a refusal for the
// echo of a write when the bytes are the same.
const recognised = "PutIfAbsentSameBytes"

func TestRetryContract(t *testing.T) {
	contract.Run(t, func(*testing.T) objstore.Store {
		return objstore.NewCounter(objstore.Retry(mem.New(mem.Options{}), objstore.RetryConfig{}, clock.System{}, seeded()))
	}, recognised)
}

// A store with faults that Retry hides behaves like one without.
func TestRetryContractWithFaults(t *testing.T) {
	chaos := mem.Chaos(1, mem.Rates{Unavailable: 0.1, SlowDown: 0.05, LostRequest: 0.05, LostAnswer: 0.1})
	cfg := objstore.RetryConfig{Attempts: 30, Wait: time.Microsecond, MaxWait: time.Microsecond, ThrottledWait: time.Microsecond}
	contract.Run(t, func(*testing.T) objstore.Store {
		return objstore.Retry(mem.New(mem.Options{Hook: chaos}), cfg, clock.System{}, seeded())
	}, recognised,
		// A winner whose answer was lost may have been replaced.
		"RaceMatch", "RaceIncrement")
}

func TestRetryReads(t *testing.T) {
	bubble(t, testRetry, func(r *rig) {
		r.mem.Poke("k", []byte("v"))
		r.mem.SetHook(script(mem.Unavailable(), mem.SlowDown(), mem.LostAnswer()))
		start := time.Now()
		obj, err := r.s.Get(r.ctx, "k", objstore.Range{})
		if err != nil || string(obj.Data) != "v" {
			r.Errorf("Get: %q, %v", obj.Data, err)
		}
		r.requests("4 GET")
		// Waits of 50–100 ms, then 400–800 (twice 400, throttled), then 200–400.
		if d := time.Since(start); d < 650*time.Millisecond || d > 1304*time.Millisecond {
			r.Errorf("took %v", d)
		}
	})
	bubble(t, testRetry, func(r *rig) { // answers are not retried
		for range 3 {
			_, err := r.s.Get(r.ctx, "k", objstore.Range{})
			r.is(err, objstore.ErrNotFound)
		}
		r.mem.SetHook(script(mem.Fault{Refuse: objstore.ErrDenied}))
		_, err := r.s.List(r.ctx, "", "", 0)
		r.is(err, objstore.ErrDenied)
		r.requests("3 GET, 1 LIST")
	})
	bubble(t, testRetry, func(r *rig) { // the budget of attempts ends
		r.mem.SetHook(func(mem.Request) mem.Fault { return mem.Unavailable() })
		_, err := r.s.Head(r.ctx, "k")
		r.is(err, objstore.ErrUnavailable)
		r.requests("4 HEAD")
	})
	bubble(t, testRetry, func(r *rig) { // each attempt has its time
		r.mem.Poke("k", []byte("v"))
		r.mem.SetHook(script(mem.Fault{Hang: true}, mem.Fault{Hang: true}))
		start := time.Now()
		page, err := r.s.List(r.ctx, "", "", 0)
		if err != nil || len(page.Objects) != 1 {
			r.Errorf("List: %v, %v", page, err)
		}
		r.requests("3 LIST")
		if d := time.Since(start); d < 20*time.Second || d > 21*time.Second {
			r.Errorf("took %v", d)
		}
	})
}

func TestRetryTime(t *testing.T) {
	short := testRetry
	short.Budget, short.Attempts = 25*time.Second, 100
	bubble(t, short, func(r *rig) { // the budget of time ends
		r.mem.SetHook(func(mem.Request) mem.Fault { return mem.Fault{Hang: true} })
		start := time.Now()
		_, err := r.s.Get(r.ctx, "k", objstore.Range{Length: 1})
		r.is(err, objstore.ErrUnavailable)
		if d := time.Since(start); d < 20*time.Second || d > 25*time.Second {
			r.Errorf("took %v", d)
		}
	})
	bubble(t, testRetry, func(r *rig) { // the caller's deadline ends all
		r.mem.SetHook(func(mem.Request) mem.Fault { return mem.Fault{Hang: true} })
		ctx, cancel := context.WithTimeout(r.ctx, 3*time.Second)
		defer cancel()
		start := time.Now()
		_, err := r.s.PutIfAbsent(ctx, "k", data)
		r.is(err, objstore.ErrUnknownOutcome)
		r.is(err, context.DeadlineExceeded)
		if d := time.Since(start); d != 3*time.Second {
			r.Errorf("took %v", d)
		}
		r.requests("1 PUT-if-absent")
	})
	bubble(t, testRetry, func(r *rig) { // also in a wait
		r.mem.SetHook(func(mem.Request) mem.Fault { return mem.SlowDown() })
		ctx, cancel := context.WithTimeout(r.ctx, 150*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err := r.s.Get(ctx, "k", objstore.Range{})
		r.is(err, objstore.ErrThrottled)
		if d := time.Since(start); d != 150*time.Millisecond {
			r.Errorf("took %v", d)
		}
	})
	slow := testRetry
	slow.MinRate = 1000
	bubble(t, slow, func(r *rig) { // many bytes take longer
		r.mem.SetHook(script(mem.Fault{Delay: 14 * time.Second}))
		_, err := r.s.PutIfAbsent(r.ctx, "k", data)
		if err != nil {
			r.Error(err)
		}
		r.requests("1 PUT-if-absent")
	})
}

func TestRetryDelete(t *testing.T) {
	bubble(t, testRetry, func(r *rig) {
		r.mem.Poke("k", []byte("v"))
		r.mem.SetHook(script(mem.LostAnswer(), mem.SlowDown()))
		if err := r.s.Delete(r.ctx, []string{"k"}); err != nil {
			r.Error(err)
		}
		r.requests("3 DELETE")
		if err := r.s.Delete(r.ctx, nil); err != nil {
			r.Error(err)
		}
		r.requests("3 DELETE")
	})
}
