package dir_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/dir"
)

// record returns a trace function and what it saw.
func record(s *dir.Store) *[]string {
	var calls []string
	s.SetTrace(func(call string) error {
		calls = append(calls, call)
		return nil
	})
	return &calls
}

// The order of system calls is what makes an object whole and lasting: data
// before the name, the name before the answer.
func TestOrderOfCalls(t *testing.T) {
	s, _ := open(t, dir.Options{})
	calls := record(s)
	expect := func(what string, want ...string) {
		t.Helper()
		if got := strings.Join(*calls, ", "); got != strings.Join(want, ", ") {
			t.Errorf("%s: %s", what, got)
		}
		*calls = nil
	}
	tag := put(t, s, "p/u/root", "1")
	expect("first put below new directories", "write", "sync file", "link", "sync directory p/u", "sync directory p", "sync directory ")
	put(t, s, "p/u/other", "1")
	expect("further put", "write", "sync file", "link", "sync directory p/u")
	put(t, s, "p/u/m/mail/1", "1")
	expect("put below a new directory", "write", "sync file", "link", "sync directory p/u/m/mail", "sync directory p/u/m", "sync directory p/u")
	if _, err := s.PutIfMatch(t.Context(), "p/u/root", objstore.Blob{[]byte("2")}, tag); err != nil {
		t.Fatal(err)
	}
	expect("replacement", "write", "sync file", "rename", "sync directory p/u")
	if err := s.Delete(t.Context(), []string{"p/u/m/mail/1", "p/u/m/mail/2"}); err != nil {
		t.Fatal(err)
	}
	expect("delete", "unlink", "unlink", "sync directory p/u/m/mail")
	put(t, s, "p/u/m/mail/3", "1")
	expect("put below a directory that is new again", "write", "sync file", "link", "sync directory p/u/m/mail", "sync directory p/u/m", "sync directory p/u")
	_, err := s.PutIfMatch(t.Context(), "p/u/root", nil, tag)
	is(t, err, objstore.ErrPrecondition)
	expect("refused")
}

func TestFailingCalls(t *testing.T) {
	for _, c := range []struct {
		call    string
		errno   error
		kind    error
		unknown bool
	}{
		{"write", unix.ENOSPC, objstore.ErrUnavailable, false},
		{"write", unix.EDQUOT, objstore.ErrUnavailable, false},
		{"sync file", unix.EIO, objstore.ErrUnavailable, false},
		{"link", unix.EROFS, objstore.ErrDenied, false},
		{"rename", unix.EACCES, objstore.ErrDenied, false},
		{"rename", unix.EIO, objstore.ErrUnavailable, false},
		{"sync directory", unix.EIO, objstore.ErrUnknownOutcome, true},
	} {
		for _, named := range []bool{false, true} {
			s, path := open(t, dir.Options{})
			if named {
				s.ForceNamed()
			}
			tag := put(t, s, "u/root", "first")
			s.SetTrace(func(call string) error {
				if strings.HasPrefix(call, c.call) {
					return c.errno
				}
				return nil
			})
			_, err := s.PutIfMatch(t.Context(), "u/root", objstore.Blob{[]byte("second")}, tag)
			check := func() {
				t.Helper()
				is(t, err, c.kind)
				is(t, err, c.errno)
				if errors.Is(err, objstore.ErrUnknownOutcome) != c.unknown {
					t.Errorf("%s: %v: unknown outcome: want %v", c.call, err, c.unknown)
				}
			}
			if c.call != "link" {
				check()
			}
			if c.call != "rename" {
				_, err = s.PutIfAbsent(t.Context(), "u/new", objstore.Blob{[]byte("new")})
				check()
			}
			s.SetTrace(nil)
			if !c.unknown {
				obj, err := s.Get(t.Context(), "u/root", objstore.Range{})
				if err != nil || c.call != "link" && string(obj.Data) != "first" {
					t.Errorf("%s: root is %q, %v", c.call, obj.Data, err)
				}
				if c.call != "rename" {
					_, err = s.Head(t.Context(), "u/new")
					is(t, err, objstore.ErrNotFound)
				}
			}
			if left, _ := os.ReadDir(path + "/.tmp"); len(left) != 0 {
				t.Errorf("%s: %d temporary files are left", c.call, len(left))
			}
		}
	}
}

// Failed deletes may be repeated.
func TestFailingDelete(t *testing.T) {
	s, _ := open(t, dir.Options{})
	for _, k := range []string{"u/1", "u/2", "v/1"} {
		put(t, s, k, "x")
	}
	for _, call := range []string{"unlink", "sync directory"} {
		n := 0
		s.SetTrace(func(c string) error {
			if n++; n > 1 && strings.HasPrefix(c, call) {
				return unix.EIO
			}
			return nil
		})
		is(t, s.Delete(t.Context(), []string{"u/1", "u/2", "v/1"}), objstore.ErrUnavailable)
	}
	s.SetTrace(nil)
	if err := s.Delete(t.Context(), []string{"u/1", "u/2", "v/1"}); err != nil {
		t.Fatal(err)
	}
	page, err := s.List(t.Context(), "", "", 0)
	if err != nil || len(page.Objects) != 0 {
		t.Errorf("List: %v, %v", page, err)
	}
}

// Concurrent puts into one directory share its syncs.
func TestDirectorySyncsAreShared(t *testing.T) {
	s, _ := open(t, dir.Options{})
	put(t, s, "u/mail/first", "")
	const writers = 20
	var syncs, links atomic.Int32
	hold := make(chan struct{})
	s.SetTrace(func(call string) error {
		switch call {
		case "link":
			if links.Add(1) == writers {
				close(hold)
			}
		case "sync directory u/mail":
			if syncs.Add(1) == 1 {
				<-hold // until all others are about to ask
			}
		}
		return nil
	})
	done := make(chan error, writers)
	for i := range writers {
		go func() {
			_, err := s.PutIfAbsent(context.Background(), "u/mail/"+string(rune('a'+i)), nil)
			done <- err
		}()
	}
	for range writers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if n := syncs.Load(); n < 2 || n > writers/2 {
		t.Errorf("%d syncs for %d puts", n, writers)
	}
}

// A sync that failed is nobody's success.
func TestFailedSyncIsEveryonesFailure(t *testing.T) {
	s, _ := open(t, dir.Options{})
	put(t, s, "u/mail/first", "")
	s.SetTrace(func(call string) error {
		if strings.HasPrefix(call, "sync dir") {
			return unix.EIO
		}
		return nil
	})
	const writers = 8
	done := make(chan error, writers)
	for i := range writers {
		go func() {
			_, err := s.PutIfAbsent(context.Background(), "u/mail/"+string(rune('a'+i)), nil)
			done <- err
		}()
	}
	for range writers {
		is(t, <-done, objstore.ErrUnknownOutcome)
	}
}

// Another process's lock is waited for, as long as the context allows.
func TestLockedByAnother(t *testing.T) {
	s, path := open(t, dir.Options{Clock: clock.System{}})
	tag := put(t, s, "u/root", "1")
	fd, err := unix.Open(path+"/u", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Flock(fd, unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = s.PutIfMatch(ctx, "u/root", objstore.Blob{[]byte("2")}, tag)
	is(t, err, context.DeadlineExceeded)
	is(t, s.Delete(ctx, []string{"u/root"}), context.DeadlineExceeded)
	// Puts of new objects and reads don't care.
	put(t, s, "u/new", "1")
	done := make(chan error)
	go func() {
		_, err := s.PutIfMatch(t.Context(), "u/root", objstore.Blob{[]byte("2")}, tag)
		done <- err
	}()
	select {
	case err := <-done:
		t.Fatalf("PutIfMatch didn't wait: %v", err)
	case <-time.After(5 * time.Millisecond):
	}
	if err := unix.Flock(fd, unix.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestSweep(t *testing.T) {
	s, path := open(t, dir.Options{})
	tag := put(t, s, "root", "1")
	if _, err := s.PutIfMatch(t.Context(), "root", nil, tag); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"1.1", "999999.12", "odd name"} {
		if err := os.WriteFile(path+"/.tmp/"+name, []byte("half a root"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// One is being written by a living process.
	alive, err := os.Create(path + "/.tmp/2.1")
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	if err := unix.Flock(int(alive.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	second := openAt(t, path, dir.Options{})
	if got, want := files(t, path), ".tmp/ .tmp/2.1 root"; got != want {
		t.Errorf("files %s, want %s", got, want)
	}
	page, err := second.List(t.Context(), "", "", 0)
	if err != nil || len(page.Objects) != 1 {
		t.Errorf("List: %+v, %v", page, err)
	}
	// Somebody tidies up too much.
	if err := os.RemoveAll(path + "/.tmp"); err != nil {
		t.Fatal(err)
	}
	info, err := s.Head(t.Context(), "root")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutIfMatch(t.Context(), "root", objstore.Blob{[]byte("3")}, info.ETag); err != nil {
		t.Error(err)
	}
}
