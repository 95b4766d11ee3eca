package sim

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	gosync "sync"
	"testing"
	"time"
)

var (
	nFlag     = flag.Int("sim.n", 2000, "how many histories")
	seedFlag  = flag.Uint64("sim.seed", 1, "the seed of the first")
	traceFlag = flag.Bool("sim.trace", false, "print everything that happens in the first history")
	untilFlag = flag.String("sim.until", "", "stop at the first violation of this invariant, and fail if there is none")
	moreFlag  = flag.Int("sim.failures", 1, "stop after so many failures")
)

// TestSim runs histories, as many at a time as there are processors.
func TestSim(t *testing.T) {
	start := time.Now()
	s := &search{t: t, next: *seedFlag, end: *seedFlag + uint64(*nFlag)}
	if testing.Short() && *nFlag == 2000 {
		s.end = s.next + 200
	}
	var wg gosync.WaitGroup
	for range runtime.NumCPU() {
		wg.Go(s.work)
	}
	wg.Wait()
	took := time.Since(start)
	t.Logf("%d histories, %d requests, %d mails acknowledged in %s: %.0f histories/s", s.done, s.requests, s.acked, took.Round(time.Millisecond), float64(s.done)/took.Seconds())
	if *untilFlag != "" {
		s.reportUntil()
		return
	}
	for _, f := range s.failures {
		t.Error(f)
	}
}

// search runs histories until enough failed.
type search struct {
	t  *testing.T
	mu gosync.Mutex

	next, end             uint64
	stop                  bool
	done, requests, acked int
	failures              []string
	violated              []found
}

// found is a violation that a history ended with.
type found struct {
	seed      uint64
	after     int
	invariant string
}

func (s *search) take() (uint64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop || s.next >= s.end {
		return 0, false
	}
	s.next++
	return s.next - 1, true
}

func (s *search) work() {
	w := newWorker(s.t)
	defer w.close()
	for {
		seed, ok := s.take()
		if !ok {
			return
		}
		cfg := NewConfig(seed)
		j := job{Config: cfg, Steps: NewSteps(cfg), Trace: *traceFlag && seed == *seedFlag}
		var r result_
		if *liveFlag {
			r = runJob(s.t, j)
		} else if r = w.run(j); j.Trace {
			fmt.Println(r.Trace)
		}
		s.note(w, j, r)
	}
}

func (s *search) note(w *worker, j job, r result_) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done++
	s.requests += r.Requests
	s.acked += r.Acked
	if r.Invariant == "" || s.stop {
		return
	}
	s.violated = append(s.violated, found{j.Config.Seed, s.done, r.Invariant})
	if *untilFlag != "" {
		s.stop = slices.Contains(strings.Split(*untilFlag, ","), r.Invariant)
		return
	}
	s.failures = append(s.failures, describe(w, j, r))
	s.stop = len(s.failures) >= *moreFlag
}

// reportUntil is for the test of the tests: a rule is broken on purpose, and the
// invariant that guards it must say so.
func (s *search) reportUntil() {
	for _, f := range s.violated {
		if slices.Contains(strings.Split(*untilFlag, ","), f.invariant) {
			fmt.Printf("CAUGHT %s seed %d after %d histories\n", f.invariant, f.seed, f.after)
			return
		}
	}
	s.t.Errorf("%d histories, and none violated %s; violated: %v", s.done, *untilFlag, s.violated)
}

// describe shrinks a failure and tells all that is needed to go on with it.
func describe(w *worker, j job, r result_) string {
	small, times := shrink(w, j, r.Invariant)
	var b strings.Builder
	fmt.Fprintf(&b, "INVARIANT %s\n%s\n", r.Invariant, r.Text)
	fmt.Fprintf(&b, "replay: go test ./test/sim -run TestSim -sim.n 1 -sim.seed %d -sim.trace\n", j.Config.Seed)
	fmt.Fprintf(&b, "%s\n", j.Config)
	fmt.Fprintf(&b, "smallest history found (%d of %d steps, after %d runs): %s\n", len(small.Steps), len(j.Steps), times, small.Config)
	for _, s := range small.Steps {
		fmt.Fprintf(&b, "  %s\n", s)
	}
	small.Trace = true
	if again := w.run(small); again.Invariant != "" {
		fmt.Fprintf(&b, "ends with %s: %s\n", again.Invariant, again.Text)
		if file, err := os.CreateTemp("", "sim-*.trace"); err == nil {
			fmt.Fprintln(file, again.Trace)
			fmt.Fprintf(&b, "what happened is in %s\n", file.Name())
			_ = file.Close()
		}
	}
	return b.String()
}
