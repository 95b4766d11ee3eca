package main

import (
	"fmt"
	"os"

	"mailbackend.io/test/harness"
)

// scratch is a directory and what must be undone at the end; it is the
// harness's TB.
type scratch struct {
	dir      string
	cleanups []func()
}

func newScratch() (*scratch, error) {
	dir, err := os.MkdirTemp("", "mailbackend-bench-")
	if err != nil {
		return nil, err
	}
	// A peer's unprivileged processes must get through.
	return &scratch{dir: dir}, os.Chmod(dir, 0o755)
}

func (s *scratch) cleanup() {
	for i := len(s.cleanups) - 1; i >= 0; i-- {
		s.cleanups[i]()
	}
	os.RemoveAll(s.dir)
	harness.RemoveBinary()
}

// Helper implements harness.TB.
func (s *scratch) Helper() {}

// Fatalf implements harness.TB.
func (s *scratch) Fatalf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...)
	s.cleanup()
	os.Exit(1)
}

// Logf implements harness.TB.
func (s *scratch) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// Cleanup implements harness.TB.
func (s *scratch) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }

// TempDir implements harness.TB.
func (s *scratch) TempDir() string { return s.dir }

// target is a running server.
type target struct {
	name       string
	imap, lmtp string
	// imapTLS is the address of implicit TLS, empty if there is none.
	imapTLS string
	dir     string
	scratch *scratch
	// pids are the processes whose memory counts.
	pids func() ([]int, error)
	// restart ends the server gracefully and starts it again; cold without
	// any cache.
	restart func(cold bool) error
}
