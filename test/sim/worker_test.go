package sim

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	gosync "sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// Histories run in processes of their own with one processor each: that makes
// them repeat themselves nearly always, and one that panics or hangs is a failure
// like another.

var workerFlag = flag.Bool("sim.worker", false, "be a worker of TestSim")

var liveFlag = flag.Bool("sim.live", false, "with -sim.trace, in this process: print at once")

// job is what a worker is told to do.
type job struct {
	Config Config
	Steps  []Step
	Trace  bool
}

// result_ is its answer.
type result_ struct {
	Invariant, Text, Trace string
	Requests, Acked        int
}

const answerMark = "SIM-ANSWER "

// TestWorker runs the histories that its standard input asks for.
func TestWorker(t *testing.T) {
	if !*workerFlag {
		return
	}
	in := json.NewDecoder(bufio.NewReader(os.Stdin))
	for {
		var j job
		if err := in.Decode(&j); err != nil {
			if err != io.EOF {
				t.Fatal(err)
			}
			return
		}
		b, err := json.Marshal(runJob(t, j))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("\n%s%s\n", answerMark, b)
	}
}

func runJob(t *testing.T, j job) (r result_) {
	var mu gosync.Mutex
	var trace strings.Builder
	var o Options
	if j.Trace {
		o.Trace = func(line string) {
			mu.Lock()
			defer mu.Unlock()
			trace.WriteString(line)
			trace.WriteByte('\n')
			if *liveFlag {
				fmt.Fprintln(os.Stderr, line)
			}
		}
	}
	synctest.Test(t, func(*testing.T) {
		out := Run(j.Config, j.Steps, o)
		r.Requests, r.Acked = out.Requests, out.Acked
		if v := out.Violation; v != nil {
			r.Invariant, r.Text = v.Invariant, v.String()
		}
	})
	r.Trace = trace.String()
	return r
}

// historyLimit is how long one history may take before it counts as hanging.
const historyLimit = 30 * time.Second

// worker is a process that runs histories.
type worker struct {
	t      *testing.T
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	errors *bytes.Buffer
}

func newWorker(t *testing.T) *worker { return &worker{t: t} }

func (w *worker) start() error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	w.cmd = exec.Command(exe, "-test.run=^TestWorker$", "-test.timeout=0", "-sim.worker")
	w.cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GOTRACEBACK=all")
	w.errors = &bytes.Buffer{}
	w.cmd.Stderr = w.errors
	if w.in, err = w.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	w.out = bufio.NewReaderSize(out, 1<<20)
	return w.cmd.Start()
}

func (w *worker) close() {
	if w.cmd == nil {
		return
	}
	_ = w.in.Close()
	_ = w.cmd.Wait()
	w.cmd = nil
}

// run runs one history.
func (w *worker) run(j job) result_ {
	if w.cmd == nil {
		if err := w.start(); err != nil {
			w.t.Fatal(err)
		}
	}
	cmd := w.cmd
	hung := false
	timer := time.AfterFunc(historyLimit, func() { hung = true; _ = cmd.Process.Signal(syscall.SIGQUIT) })
	defer timer.Stop()
	_ = json.NewEncoder(w.in).Encode(j)
	var other strings.Builder
	for {
		line, err := w.out.ReadString('\n')
		if answer, ok := strings.CutPrefix(line, answerMark); ok {
			var r result_
			if err := json.Unmarshal([]byte(answer), &r); err != nil {
				w.t.Fatal(err)
			}
			return r
		}
		other.WriteString(line)
		if err == nil {
			continue
		}
		_ = cmd.Wait()
		w.cmd = nil
		r := result_{Invariant: "no-panic", Text: tail(other.String()) + tail(w.errors.String())}
		if hung {
			r.Invariant = "no-hang"
		}
		return r
	}
}

// tail keeps the beginning and the end of what a process said.
func tail(s string) string {
	const n = 6000
	if len(s) > 2*n {
		s = s[:n] + "\n…\n" + s[len(s)-n:]
	}
	return s
}
