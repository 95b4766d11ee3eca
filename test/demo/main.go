// Command demo shows the main job on this machine: mails come in by LMTP, are
// read by IMAP, the process is killed, and another one on the same store with
// an empty cache has every mail, UID and flag that should be there. `make demo`
// runs it; it ends by itself.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"mailbackend.io/test/harness"
)

func main() {
	binary := flag.String("binary", "", "the mailbackend `PROGRAM`; empty: build it")
	mails := flag.Int("mails", 300, "how many mails to deliver")
	flag.Parse()
	d := &demo{binary: *binary, mails: *mails, started: time.Now()}
	err := d.run()
	if err == nil && os.Getenv("KEEP") != "" && os.Getenv("KEEP") != "0" {
		d.keep()
	}
	d.cleanup()
	if err != nil {
		fmt.Fprintln(os.Stderr, "\ndemo FAILED:", err)
		os.Exit(1)
	}
}

// demo is a run; it is the harness's TB.
type demo struct {
	binary  string
	mails   int
	started time.Time

	dir      string
	proc     *harness.Process
	cleanups []func()
	before   map[string]int // requests at the step's begin
	steps    []step
}

// uploadInterval is short, so that nobody waits five minutes for a demo.
const uploadInterval = 2 * time.Second

type failure struct{ error }

// Helper implements harness.TB.
func (d *demo) Helper() {}

// Fatalf implements harness.TB: it ends the run.
func (d *demo) Fatalf(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }

// Logf implements harness.TB.
func (d *demo) Logf(format string, args ...any) { fmt.Printf("    "+format+"\n", args...) }

// Cleanup implements harness.TB.
func (d *demo) Cleanup(f func()) { d.cleanups = append(d.cleanups, f) }

// TempDir implements harness.TB.
func (d *demo) TempDir() string { return d.dir }

func (d *demo) cleanup() {
	for i := len(d.cleanups) - 1; i >= 0; i-- {
		d.cleanups[i]()
	}
	if d.dir != "" {
		os.RemoveAll(d.dir)
	}
	harness.RemoveBinary()
}

func (d *demo) run() (err error) {
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(failure)
			if !ok {
				panic(r)
			}
			err = f.error
		}
	}()
	if d.dir, err = os.MkdirTemp("", "mailbackend-demo-"); err != nil {
		return err
	}
	story(d)
	d.summary()
	return nil
}

// start runs mailbackend on the demo's directory.
func (d *demo) start() {
	d.proc = harness.Start(d, harness.Options{
		Binary: d.binary, Dir: d.dir, Args: []string{"--upload-interval", uploadInterval.String()},
	})
	d.before = d.proc.Requests()
}

// keep leaves the server running until the user has seen enough.
func (d *demo) keep() {
	fmt.Printf(`
It is still running. Connect a mail client, user alice, password dev, no TLS:
    IMAP  %s
    POP3  %s
    LMTP  %s     (deliver: swaks --protocol LMTP --server %[3]s --to alice)
The store: %s (zstd -dc prints any mail in it)
Ctrl-C ends it.
`, d.proc.IMAP, d.proc.POP3, d.proc.LMTP, filepath.Join(d.dir, "objects"))
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	select {
	case <-stop:
		d.proc.Stop()
	case <-d.proc.Done():
		fmt.Println("mailbackend ended:", d.proc.Log())
	}
}
