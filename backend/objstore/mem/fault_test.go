package mem_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/mem"
)

var blob = objstore.Blob{[]byte("data")}

func is(t *testing.T, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("got %v, want: %v", err, kind)
	}
}

func there(t *testing.T, s *mem.Store, key string, want bool) {
	t.Helper()
	if _, ok := s.Peek(key); ok != want {
		t.Errorf("%s there: %v, want %v", key, ok, want)
	}
}

func always(f mem.Fault) func(mem.Request) mem.Fault { return func(mem.Request) mem.Fault { return f } }

func TestFaults(t *testing.T) {
	ctx := t.Context()
	for name, c := range map[string]struct {
		fault  mem.Fault
		err    error
		stored bool
	}{
		"none":         {mem.Fault{}, nil, true},
		"slow down":    {mem.SlowDown(), objstore.ErrThrottled, false},
		"unavailable":  {mem.Unavailable(), objstore.ErrUnavailable, false},
		"lost request": {mem.LostRequest(), objstore.ErrUnknownOutcome, false},
		"lost answer":  {mem.LostAnswer(), objstore.ErrUnknownOutcome, true},
		"denied":       {mem.Fault{Refuse: objstore.ErrDenied}, objstore.ErrDenied, false},
	} {
		s := mem.New(mem.Options{Hook: always(c.fault)})
		_, err := s.PutIfAbsent(ctx, "k", blob)
		if c.err == nil && err != nil || c.err != nil && !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
		there(t, s, "k", c.stored)
		unsure := errors.Is(err, objstore.ErrUnknownOutcome)
		if wantUnsure := errors.Is(c.err, objstore.ErrUnknownOutcome) || errors.Is(c.err, objstore.ErrThrottled); unsure != wantUnsure {
			t.Errorf("%s: %v: unknown outcome: %v, want %v", name, err, unsure, wantUnsure)
		}
		_, err = s.Get(ctx, "k", objstore.Range{})
		if errors.Is(err, objstore.ErrUnknownOutcome) != (name == "lost request") {
			t.Errorf("%s: a read gave %v", name, err)
		}
	}
}

func TestDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mem.New(mem.Options{Latency: time.Second})
		s.SetHook(always(mem.Fault{Delay: 2 * time.Second, AnswerDelay: 4 * time.Second}))
		start := time.Now()
		go func() {
			time.Sleep(3*time.Second + 1)
			there(t, s, "k", true)
		}()
		_, err := s.PutIfAbsent(t.Context(), "k", blob)
		is(t, err, nil)
		if d := time.Since(start); d != 7*time.Second {
			t.Errorf("took %v", d)
		}
		// Giving up before and after the effect.
		for wait, stored := range map[time.Duration]bool{time.Second: false, 5 * time.Second: true} {
			s.Remove("k")
			ctx, cancel := context.WithTimeout(t.Context(), wait)
			_, err := s.PutIfAbsent(ctx, "k", blob)
			cancel()
			is(t, err, objstore.ErrUnknownOutcome)
			is(t, err, context.DeadlineExceeded)
			there(t, s, "k", stored)
		}
	})
}

func TestHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, refuse := range []error{nil, objstore.ErrUnavailable} {
			s := mem.New(mem.Options{Hook: always(mem.Fault{Hang: true, Refuse: refuse})})
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			_, err := s.PutIfAbsent(ctx, "k", blob)
			cancel()
			is(t, err, objstore.ErrUnknownOutcome)
			there(t, s, "k", refuse == nil)
		}
	})
}

func TestLateAndAgain(t *testing.T) {
	clk := clock.NewFake(time.Unix(0, 0))
	s := mem.New(mem.Options{Clock: clk, Log: true, Hook: always(mem.Fault{Late: time.Minute, Again: time.Minute})})
	data := []byte("as it was")
	_, err := s.PutIfAbsent(t.Context(), "k", objstore.Blob{data})
	is(t, err, objstore.ErrUnknownOutcome)
	copy(data, "XXXXX")
	clk.Advance(59 * time.Second)
	there(t, s, "k", false)
	clk.Advance(time.Second)
	got, _ := s.Peek("k")
	if string(got) != "as it was" {
		t.Errorf("stored %q", got)
	}
	s.Remove("k") // expunged, and the duplicate brings it back
	clk.Advance(time.Minute)
	there(t, s, "k", true)
	if clk.Pending() != 0 {
		t.Error("repeats more than once")
	}
	var kinds []mem.EventKind
	for _, e := range s.Events() {
		kinds = append(kinds, e.Kind)
	}
	if want := []mem.EventKind{mem.Start, mem.End, mem.Effect, mem.Effect}; !reflect.DeepEqual(kinds, want) {
		t.Errorf("events %v, want %v", kinds, want)
	}
	// A read is never late.
	if _, err := s.Get(t.Context(), "k", objstore.Range{}); err != nil {
		t.Error(err)
	}
	// A late replacement still has its condition.
	s.SetHook(nil)
	info, _ := s.Head(t.Context(), "k")
	s.SetHook(always(mem.Fault{Late: time.Minute}))
	_, err = s.PutIfMatch(t.Context(), "k", objstore.Blob{[]byte("late")}, info.ETag)
	is(t, err, objstore.ErrUnknownOutcome)
	s.SetHook(nil)
	_, err = s.PutIfMatch(t.Context(), "k", objstore.Blob{[]byte("in time")}, info.ETag)
	is(t, err, nil)
	clk.Advance(time.Hour)
	if got, _ := s.Peek("k"); string(got) != "in time" {
		t.Errorf("stored %q", got)
	}
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		s := mem.New(mem.Options{Hook: always(mem.Fault{Wait: gate})})
		done := make(chan error)
		go func() {
			_, err := s.PutIfAbsent(t.Context(), "k", blob)
			done <- err
		}()
		synctest.Wait()
		there(t, s, "k", false)
		close(gate)
		is(t, <-done, nil)
		there(t, s, "k", true)
	})
}

func TestRequestsAreDescribed(t *testing.T) {
	s := mem.New(mem.Options{Log: true})
	pod := s.As("pod-1")
	tag, _ := pod.PutIfAbsent(t.Context(), "a", blob)
	_, _ = pod.PutIfMatch(t.Context(), "a", blob, tag)
	_, _ = s.Get(t.Context(), "b", objstore.Range{Offset: 1, Length: 2})
	_, _ = s.List(t.Context(), "p/", "p/x", 7)
	_ = s.Delete(t.Context(), []string{"a", "b"})
	want := []mem.Request{
		{Seq: 1, Actor: "pod-1", Op: objstore.OpPutIfAbsent, Key: "a", Size: 4},
		{Seq: 2, Actor: "pod-1", Op: objstore.OpPutIfMatch, Key: "a", Size: 4, ETag: tag},
		{Seq: 3, Op: objstore.OpGet, Key: "b", Range: objstore.Range{Offset: 1, Length: 2}},
		{Seq: 4, Op: objstore.OpList, Key: "p/", StartAfter: "p/x", Limit: 7},
		{Seq: 5, Op: objstore.OpDelete, Key: "a", Keys: []string{"a", "b"}},
	}
	var got []mem.Request
	var text []string
	for _, e := range s.Events() {
		if e.Kind == mem.Start {
			got = append(got, e.Request)
		}
		if e.Kind == mem.End {
			_, line, _ := strings.Cut(e.String(), " ")
			text = append(text, line)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	wantText := []string{
		"#1 end    pod-1 PUT-if-absent a", "#2 end    pod-1 PUT-if-match a", `#3 end    GET b: object store: GET "b": object not found`,
		"#4 end    LIST p/ after p/x", "#5 end    DELETE a and 1 more",
	}
	if !reflect.DeepEqual(text, wantText) {
		t.Errorf("got %q", text)
	}
	s.ResetEvents()
	if len(s.Events()) != 0 {
		t.Error("events are still there")
	}
}

// The claim's rounds as the request budget wants them seen: GET root, then
// PUT claim beside GET segments and LIST, then PUT mail.
func TestRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mem.New(mem.Options{Latency: 10 * time.Millisecond, Log: true})
		start := time.Now()
		ctx := t.Context()
		_, _ = s.Get(ctx, "root", objstore.Range{})
		done := make(chan struct{})
		for _, f := range []func(){
			func() { _, _ = s.PutIfAbsent(ctx, "root", blob) },
			func() { _, _ = s.Get(ctx, "index", objstore.Range{}) },
			func() { _, _ = s.List(ctx, "mail/", "", 0) },
		} {
			go func() {
				f()
				done <- struct{}{}
			}()
		}
		for range 3 {
			<-done
		}
		_, _ = s.PutIfAbsent(ctx, "mail/1", blob)
		rounds := mem.Rounds(s.Events())
		if len(rounds) != 3 || len(rounds[0]) != 1 || len(rounds[1]) != 3 || len(rounds[2]) != 1 {
			t.Errorf("rounds: %v", rounds)
		}
		if d := time.Since(start); d != 30*time.Millisecond {
			t.Errorf("took %v", d)
		}
	})
	if r := mem.Rounds(nil); len(r) != 0 {
		t.Errorf("rounds of nothing: %v", r)
	}
}

// The same seed does the same, whatever the order in which actors come.
func TestChaosRepeats(t *testing.T) {
	rates := mem.Rates{Unavailable: 0.1, SlowDown: 0.1, LostRequest: 0.1, LostAnswer: 0.1, Hang: 0.1, Late: 0.1, Again: 0.2, Delay: time.Second, LateBy: time.Hour}
	type of struct {
		actor, key string
		n          int
	}
	run := func(seed uint64, actors []string) map[of]mem.Fault {
		hook := mem.Chaos(seed, rates)
		got := map[of]mem.Fault{}
		for _, a := range actors {
			for _, key := range []string{"x", "y"} {
				for n := range 50 {
					got[of{a, key, n}] = hook(mem.Request{Actor: a, Key: key, Op: objstore.OpPutIfAbsent})
				}
			}
		}
		return got
	}
	one := run(1, []string{"a", "b"})
	if !reflect.DeepEqual(one, run(1, []string{"b", "a"})) {
		t.Error("the same seed gives other faults")
	}
	if reflect.DeepEqual(one, run(2, []string{"a", "b"})) {
		t.Error("another seed gives the same faults")
	}
	var refused, lost, hung, late, again int
	for _, f := range one {
		count := func(n *int, yes bool) {
			if yes {
				*n++
			}
		}
		count(&refused, f.Refuse != nil && !f.Hang)
		count(&lost, f.Lose != nil)
		count(&hung, f.Hang)
		count(&late, f.Late > 0)
		count(&again, f.Again > 0)
	}
	for what, n := range map[string]int{"refused": refused, "lost": lost, "hung": hung, "late": late, "again": again} {
		if n == 0 || n > 120 {
			t.Errorf("%s: %d of 200", what, n)
		}
	}
}
