package cache_test

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"mailbackend.io/backend/cache"
	"mailbackend.io/backend/cache/memfs"
)

func logOf(t failer, u *cache.User, mailbox string) *cache.Log {
	t.Helper()
	l, err := u.Log(mailbox)
	must(t, err)
	return l
}

func appendTo(t failer, u *cache.User, mailbox, entry string) {
	t.Helper()
	must(t, logOf(t, u, mailbox).Append([]byte(entry)))
}

func replay(t failer, u *cache.User, mailbox string) []string {
	t.Helper()
	var entries []string
	told, err := logOf(t, u, mailbox).Replay(func(b []byte) error { entries = append(entries, string(b)); return nil })
	must(t, err)
	if told.Entries != len(entries) {
		t.Fatalf("%d entries told of %d", told.Entries, len(entries))
	}
	return entries
}

func TestLog(t *testing.T) {
	e := newEnv(t, 1<<20)
	u := e.User("alice")
	u.Pin()
	l := logOf(t, u, "inbox")
	appendTo(t, u, "inbox", "one")
	appendTo(t, u, "inbox", "")
	first, err := l.Rotate()
	must(t, err)
	appendTo(t, u, "inbox", "three")
	appendTo(t, u, "other", "elsewhere")
	second, err := l.Rotate()
	must(t, err)
	if second <= first {
		t.Fatalf("rotations %d, %d", first, second)
	}
	appendTo(t, u, "inbox", "four")
	if got := replay(t, u, "inbox"); fmt.Sprintf("%q", got) != `["one" "" "three" "four"]` {
		t.Fatalf("%q", got)
	}
	must(t, l.DropBefore(first))
	if got := replay(t, u, "inbox"); fmt.Sprintf("%q", got) != `["three" "four"]` {
		t.Fatalf("%q", got)
	}
	// Numbers stay good when the user's state is forgotten in between.
	u.Unpin()
	must(t, l.DropBefore(second))
	appendTo(t, u, "inbox", "five")
	if got := replay(t, u, "inbox"); fmt.Sprintf("%q", got) != `["four" "five"]` {
		t.Fatalf("%q", got)
	}
	e.crash(boot, 1<<20)
	u = e.User("alice")
	appendTo(t, u, "inbox", "six")
	if got := replay(t, u, "inbox"); fmt.Sprintf("%q", got) != `["four" "five" "six"]` {
		t.Fatalf("%q", got)
	}
	if size, err := logOf(t, u, "inbox").Size(); err != nil || size != 3*18+11 {
		t.Fatalf("size %d, %v", size, err)
	}
	stop := errors.New("stop")
	if told, err := logOf(t, u, "inbox").Replay(func([]byte) error { return stop }); !errors.Is(err, stop) || told.Entries != 1 {
		t.Fatalf("%+v, %v", told, err)
	}
	e.checkAccounting()
}

func TestDirtyAfterCrash(t *testing.T) {
	e := newEnv(t, 1<<20)
	appendTo(t, e.User("alice"), "inbox", "flag")
	must(t, e.User("bob").Put("inbox", "1", cache.Body, fill(10, 'x')))
	e.crash(boot, 1<<20)
	if got := e.DirtyUsers(); fmt.Sprint(got) != "[alice]" {
		t.Fatalf("dirty: %q", got)
	}
	l := logOf(t, e.User("alice"), "inbox")
	r, err := l.Rotate()
	must(t, err)
	must(t, l.DropBefore(r))
	if got := e.DirtyUsers(); len(got) != 0 {
		t.Fatalf("dirty: %q", got)
	}
	e.checkAccounting()
}

func logFile(t failer, e *env) string {
	t.Helper()
	var found string
	for _, p := range e.fs.Paths() {
		if strings.Contains(p, "/l.") {
			found = p
		}
	}
	if found == "" {
		t.Fatal("no log file")
	}
	return found
}

// TestTornTail cuts the log at every byte: what is whole is replayed, the rest
// told, and later entries follow.
func TestTornTail(t *testing.T) {
	entries := []string{"one", "twotwo", ""}
	ends := []int{0, 21, 45, 63}
	for cut := 0; cut <= ends[3]; cut++ {
		e := newEnv(t, 1<<20)
		for _, s := range entries {
			appendTo(t, e.User("alice"), "inbox", s)
		}
		e.fs.KillProcess()
		e.fs.Edit(logFile(t, e), func(b []byte) []byte { return b[:cut] })
		e.open(boot, 1<<20)
		u := e.User("alice")
		appendTo(t, u, "inbox", "later")
		var want []string
		torn := cut
		for i := range entries {
			if cut >= ends[i+1] {
				want, torn = append(want, entries[i]), cut-ends[i+1]
			}
		}
		want = append(want, "later")
		var got []string
		told, err := logOf(t, u, "inbox").Replay(func(b []byte) error { got = append(got, string(b)); return nil })
		if err != nil || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) || told.Torn != int64(torn) {
			t.Fatalf("cut at %d: %q, %+v, %v; want %q, torn %d", cut, got, told, err, want, torn)
		}
		e.checkAccounting()
	}
}

// TestFlippedBit: no flipped bit passes for an entry or for a torn tail.
func TestFlippedBit(t *testing.T) {
	entries := []string{"one", "twotwo", "three"}
	e := newEnv(t, 1<<20)
	for _, s := range entries {
		appendTo(t, e.User("alice"), "inbox", s)
	}
	path := logFile(t, e)
	info, err := e.fs.Stat(path)
	must(t, err)
	for bit := range int(info.Size) * 8 {
		e.fs.FlipBit(path, bit)
		n := 0
		told, err := logOf(t, e.User("alice"), "inbox").Replay(func(b []byte) error {
			if string(b) != entries[n] {
				t.Fatalf("bit %d: entry %d is %q", bit, n, b)
			}
			n++
			return nil
		})
		if !errors.Is(err, cache.ErrDamaged) || n >= len(entries) {
			t.Fatalf("bit %d: %d entries, %+v, %v", bit, n, told, err)
		}
		e.fs.FlipBit(path, bit)
	}
	if got := replay(t, e.User("alice"), "inbox"); len(got) != len(entries) {
		t.Fatalf("%q", got)
	}
}

// TestAppendFails: an append that fails at any byte leaves nothing behind, with
// and without a truncate that works.
func TestAppendFails(t *testing.T) {
	for _, truncates := range []bool{true, false} {
		for take := range 22 {
			e := newEnv(t, 1<<20)
			u := e.User("alice")
			u.Pin()
			appendTo(t, u, "inbox", "one")
			e.fs.SetFault(func(op memfs.Op, path string, n int) (int, error) {
				if op == memfs.Write || op == memfs.Truncate && !truncates {
					return take, syscall.EIO
				}
				return n, nil
			})
			if err := logOf(t, u, "inbox").Append([]byte("lost")); !errors.Is(err, syscall.EIO) {
				t.Fatal(err)
			}
			e.fs.SetFault(nil)
			e.checkAccounting()
			appendTo(t, u, "inbox", "two")
			if got := replay(t, u, "inbox"); fmt.Sprint(got) != "[one two]" {
				t.Fatalf("truncate %v, %d bytes written: %q", truncates, take, got)
			}
			e.checkAccounting()
			e.crash(boot, 1<<20)
			if got := replay(t, e.User("alice"), "inbox"); fmt.Sprint(got) != "[one two]" {
				t.Fatalf("truncate %v, %d bytes written, after a crash: %q", truncates, take, got)
			}
			e.checkAccounting()
		}
	}
}

// TestDiskFull: when the disk is smaller than the budget, others make room for a
// log; when nothing is left to evict, the append fails and nothing is torn.
func TestDiskFull(t *testing.T) {
	e := newEnv(t, 1<<20)
	u := e.User("alice")
	u.Pin()
	for i := range 10 {
		must(t, e.User("bob").Put("inbox", fmt.Sprint(i), cache.Body, fill(1000, 'x')))
	}
	e.fs.SetCapacity(e.stored() + 500)
	var want []string
	for i := 0; ; i++ {
		err := logOf(t, u, "inbox").Append(fill(100, byte('a'+i%26)))
		if errors.Is(err, syscall.ENOSPC) {
			break
		}
		must(t, err)
		want = append(want, string(fill(100, byte('a'+i%26))))
		e.checkAccounting()
	}
	if len(want) < 80 { // 10 bodies of 1 kB made room
		t.Fatalf("only %d entries", len(want))
	}
	if got := replay(t, u, "inbox"); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%d entries of %d", len(got), len(want))
	}
	if err := e.User("bob").Put("inbox", "new", cache.Body, fill(1000, 'y')); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("put on a full disk: %v", err)
	}
	e.checkAccounting()
	e.fs.SetCapacity(0)
	appendTo(t, u, "inbox", "room again")
	e.checkAccounting()
}

func TestOpenFilesBounded(t *testing.T) {
	clkEnv := newEnv(t, 1<<20)
	o := clkEnv.options(boot, 1<<20)
	must(t, clkEnv.Close())
	o.MaxOpenFiles = 3
	c, err := cache.Open(t.Context(), o)
	must(t, err)
	for round := range 3 {
		for i := range 10 {
			appendTo(t, c.User(fmt.Sprint("user", i)), "inbox", fmt.Sprint(round))
		}
	}
	for i := range 10 {
		if got := replay(t, c.User(fmt.Sprint("user", i)), "inbox"); fmt.Sprint(got) != "[0 1 2]" {
			t.Fatalf("user %d: %q", i, got)
		}
	}
}
