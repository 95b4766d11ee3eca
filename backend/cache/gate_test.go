package cache_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"mailbackend.io/backend/cache"
	"mailbackend.io/backend/cache/memfs"
)

// gateFS lets a test stop in the middle of an operation.
type gateFS struct {
	*memfs.FS
	before func(op memfs.Op, path string)
}

func (g *gateFS) Open(path string) (cache.File, error) {
	g.before(memfs.Open, path)
	return g.FS.Open(path)
}

func (g *gateFS) Create(path string) (cache.File, error) {
	g.before(memfs.Create, path)
	return g.FS.Create(path)
}

func (g *gateFS) Remove(path string) error {
	g.before(memfs.Remove, path)
	return g.FS.Remove(path)
}

func newGate(t *testing.T) (*env, *gateFS) {
	t.Helper()
	e := newEnv(t, 1<<20)
	must(t, e.Close())
	g := &gateFS{FS: e.fs, before: func(memfs.Op, string) {}}
	o := e.options(boot, 1<<20)
	o.FS = g
	c, err := cache.Open(context.Background(), o)
	must(t, err)
	e.Cache = c
	return e, g
}

// TestEvictedWhileInUse: the open file of an empty log does not outlive the
// eviction of its user, even while another operation keeps the user known.
func TestEvictedWhileInUse(t *testing.T) {
	e, g := newGate(t)
	u := e.User("alice")
	must(t, u.Put("inbox", "1", cache.Records, fill(100, 'x')))
	e.fs.SetFault(func(op memfs.Op, _ string, n int) (int, error) {
		if op == memfs.Write {
			return 0, syscall.EIO
		}
		return n, nil
	})
	if err := logOf(t, u, "inbox").Append([]byte("fails")); !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	e.fs.SetFault(nil)
	reading, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error)
	g.before = func(op memfs.Op, path string) {
		if op == memfs.Open && strings.HasSuffix(path, "b.inbox.2") {
			close(reading)
			<-goOn
		}
	}
	go func() {
		_, err := u.Get("inbox", "2", cache.Body)
		done <- err
	}()
	<-reading
	e.SetBudget(1, 1)
	if n := e.stored(); n != 0 {
		t.Fatalf("%d bytes left", n)
	}
	e.SetBudget(1<<20, 0)
	appendTo(t, u, "inbox", "kept")
	close(goOn)
	if err := <-done; !errors.Is(err, cache.ErrMiss) {
		t.Fatal(err)
	}
	if got := replay(t, u, "inbox"); fmt.Sprint(got) != "[kept]" {
		t.Fatalf("%q", got)
	}
	e.checkAccounting()
}

// TestForgottenWhileInUse: a user who comes back while the last file's
// directory is being removed is still the same user.
func TestForgottenWhileInUse(t *testing.T) {
	e, g := newGate(t)
	u := e.User("alice")
	must(t, u.Put("inbox", "1", cache.Records, fill(100, 'x')))
	removing, goOn, creating := make(chan struct{}), make(chan struct{}), make(chan struct{})
	g.before = func(op memfs.Op, path string) {
		switch {
		case op == memfs.Remove && strings.HasSuffix(path, "/alice"):
			close(removing)
			<-goOn
		case op == memfs.Create && strings.Contains(path, "/alice/t."):
			select {
			case <-creating:
			default:
				close(creating)
			}
		}
	}
	removed, stored := make(chan error), make(chan error)
	go func() { removed <- u.Remove("inbox", "1", cache.Records) }()
	<-removing
	go func() { stored <- u.Put("inbox", "2", cache.Records, fill(100, 'y')) }()
	<-creating
	close(goOn)
	must(t, <-removed)
	must(t, <-stored)
	if got := e.Usage(); got.Users != 1 {
		t.Fatalf("%d users known", got.Users)
	}
	if _, err := u.Get("inbox", "2", cache.Records); err != nil {
		t.Fatal(err)
	}
	e.checkAccounting()
}
