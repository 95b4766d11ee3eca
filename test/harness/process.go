// Package harness starts mailbackend as a process of its own and talks to it
// over loopback, for the black-box tests, the demo and the benchmarks. It knows
// the program's flags and protocols, and nothing of its insides.
package harness

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// TB is what the harness needs of a test; the demo has one of its own.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	Cleanup(func())
	TempDir() string
}

var build struct {
	once sync.Once
	path string
	err  error
}

// Binary builds mailbackend once per test process and returns its path.
func Binary(t TB) string {
	t.Helper()
	build.once.Do(func() {
		dir, err := os.MkdirTemp("", "mailbackend-test-")
		if err != nil {
			build.err = err
			return
		}
		build.path = filepath.Join(dir, "mailbackend")
		out, err := exec.Command("go", "build", "-o", build.path, "mailbackend.io/cmd/mailbackend").CombinedOutput()
		if err != nil {
			build.err = fmt.Errorf("%w: %s", err, out)
		}
	})
	if build.err != nil {
		t.Fatalf("build mailbackend: %v", build.err)
	}
	return build.path
}

// RemoveBinary deletes what Binary built; for TestMain.
func RemoveBinary() {
	if build.path != "" {
		os.RemoveAll(filepath.Dir(build.path))
	}
}

// Options of a Process.
type Options struct {
	// Binary is the program; empty: Binary builds it.
	Binary string
	// Dir is --dir; empty: a temporary directory.
	Dir string
	// Args are further arguments of `mailbackend dev`.
	Args []string
	// Env is added to the environment.
	Env []string
	// Addresses by protocol that are not to be free ports.
	Addresses map[string]string
	// Config, if set, is the YAML of `mailbackend serve`, which then runs
	// instead of dev, and Listeners is how many listeners it has.
	Config    string
	Listeners int
}

// Process is a running `mailbackend dev`.
type Process struct {
	Dir                     string
	IMAP, POP3, LMTP, Admin string // addresses; of several listeners the first
	// Bound are the addresses of all listeners by protocol, in order.
	Bound map[string][]string

	t    TB
	cmd  *exec.Cmd
	log  logBuffer
	done chan struct{} // closed when the process has ended
	err  error         // what Wait returned; read after done
}

// readyWithin bounds the wait for the listeners; exitWithin that for an end.
const (
	readyWithin = 60 * time.Second
	exitWithin  = 60 * time.Second
)

// Start runs `mailbackend dev` and waits until it listens. The process is
// killed at the test's end if it still runs.
func Start(t TB, o Options) *Process {
	t.Helper()
	if o.Binary == "" {
		o.Binary = Binary(t)
	}
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	p := &Process{Dir: o.Dir, Bound: map[string][]string{}, t: t, done: make(chan struct{})}
	args := o.arguments(t)
	p.cmd = exec.Command(o.Binary, append(args, o.Args...)...)
	p.cmd.Env = append(os.Environ(), o.Env...)
	p.cmd.Stderr = &p.log
	// The program must not outlive a test that was killed.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatalf("start mailbackend: %v", err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start mailbackend: %v", err)
	}
	ready := make(chan struct{})
	listeners := 4
	if o.Config != "" {
		listeners = o.Listeners
	}
	go p.readListeners(out, ready, listeners)
	t.Cleanup(func() {
		p.Kill()
	})
	timeout := time.NewTimer(readyWithin)
	defer timeout.Stop()
	select {
	case <-ready:
	case <-p.done:
		t.Fatalf("mailbackend ended before it listened: %v\n%s", p.err, p.Log())
	case <-timeout.C:
		p.Kill()
		t.Fatalf("mailbackend does not listen after %v\n%s", readyWithin, p.Log())
	}
	return p
}

// arguments are those of dev, or of serve with the configuration in a file.
func (o Options) arguments(t TB) []string {
	if o.Config != "" {
		file := filepath.Join(o.Dir, "config.yaml")
		if err := os.WriteFile(file, []byte(o.Config), 0o600); err != nil {
			t.Fatalf("%v", err)
		}
		return []string{"serve", "--config", file}
	}
	args := []string{"dev", "--dir", o.Dir}
	for _, proto := range []string{"imap", "pop3", "lmtp", "admin"} {
		addr := o.Addresses[proto]
		if addr == "" {
			addr = "127.0.0.1:0"
		}
		args = append(args, "--"+proto, addr)
	}
	return args
}

func (p *Process) readListeners(out io.Reader, ready chan struct{}, missing int) {
	sc := bufio.NewScanner(out)
	for sc.Scan() {
		f := strings.Fields(sc.Text())
		if len(f) != 3 || f[0] != "listening" {
			continue
		}
		p.Bound[f[1]] = append(p.Bound[f[1]], f[2])
		if to := map[string]*string{"imap": &p.IMAP, "pop3": &p.POP3, "lmtp": &p.LMTP, "admin": &p.Admin}[f[1]]; to != nil && *to == "" {
			*to = f[2]
		}
		if missing--; missing == 0 {
			close(ready)
		}
	}
	p.err = p.cmd.Wait()
	close(p.done)
}

// Kill ends the process as kill -9 does, and waits for its end.
func (p *Process) Kill() {
	p.cmd.Process.Kill()
	<-p.done
}

// Signal sends a signal.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Stop sends SIGTERM and waits; the process must exit with status 0.
func (p *Process) Stop() {
	p.t.Helper()
	if err := p.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatalf("SIGTERM: %v", err)
	}
	timeout := time.NewTimer(exitWithin)
	defer timeout.Stop()
	select {
	case <-p.done:
	case <-timeout.C:
		_ = p.Signal(syscall.SIGQUIT) // for its stacks in the log
		<-p.done
		p.t.Fatalf("mailbackend still runs %v after SIGTERM\n%s", exitWithin, p.Log())
	}
	if p.err != nil {
		p.t.Fatalf("mailbackend after SIGTERM: %v\n%s", p.err, p.Log())
	}
}

// Log is what the process wrote to standard error, its newest megabyte.
func (p *Process) Log() string { return p.log.String() }

// Requests are the process's object store requests by kind, since it started.
func (p *Process) Requests() map[string]int {
	p.t.Helper()
	counts, err := requests(p.Admin)
	if err != nil {
		p.t.Fatalf("metrics: %v", err)
	}
	return counts
}

// RequestsMetric counts requests to the object store.
const RequestsMetric = "mailbackend_objstore_requests_total"

func requests(admin string) (map[string]int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 10<<20))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New(resp.Status)
	}
	counts := map[string]int{}
	for line := range strings.Lines(string(body)) {
		var kind string
		var n float64
		rest, ok := strings.CutPrefix(line, RequestsMetric+`{kind="`)
		if !ok {
			continue
		}
		kind, rest, _ = strings.Cut(rest, `"} `)
		if _, err := fmt.Sscan(rest, &n); err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		counts[kind] = int(n)
	}
	if len(counts) == 0 {
		return nil, fmt.Errorf("no %s in /metrics", RequestsMetric)
	}
	return counts, nil
}

// logBuffer keeps the newest output.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

const maxLog = 1 << 20

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.b.Len() > 2*maxLog {
		l.b.Next(l.b.Len() - maxLog)
	}
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
