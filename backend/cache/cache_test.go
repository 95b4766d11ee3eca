package cache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mailbackend.io/backend/cache"
	"mailbackend.io/backend/cache/memfs"
	"mailbackend.io/backend/clock"
)

const boot = "11111111-2222-3333-4444-555555555555"

// failer is what testing.TB and rapid.T have in common.
type failer interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

type env struct {
	t   failer
	fs  *memfs.FS
	clk *clock.Fake
	*cache.Cache
}

func newEnv(t failer, budget int64) *env {
	t.Helper()
	clk := clock.NewFake(time.Unix(1_700_000_000, 0))
	e := &env{t: t, fs: memfs.New(clk), clk: clk}
	e.open(boot, budget)
	return e
}

func (e *env) options(bootID string, budget int64) cache.Options {
	return cache.Options{Dir: "/var/cache", Budget: budget, BootID: bootID, Instance: "pod-1", FS: e.fs, Clock: e.clk}
}

func (e *env) open(bootID string, budget int64) {
	e.t.Helper()
	c, err := cache.Open(context.Background(), e.options(bootID, budget))
	if err != nil {
		e.t.Fatal(err)
	}
	e.Cache = c
}

// crash kills the process and starts another.
func (e *env) crash(bootID string, budget int64) {
	e.t.Helper()
	e.fs.KillProcess()
	e.open(bootID, budget)
}

// stored sums up the files of all users as the file system has them.
func (e *env) stored() int64 {
	e.t.Helper()
	var n int64
	for _, p := range e.fs.Paths() {
		if strings.Contains(p, "/users/") {
			info, err := e.fs.Stat(p)
			if err != nil {
				e.t.Fatal(err)
			}
			n += info.Size
		}
	}
	return n
}

func (e *env) checkAccounting() {
	e.t.Helper()
	u := e.Usage()
	if got := e.stored(); u.Bytes != got {
		e.t.Fatalf("%d bytes accounted, %d stored: %q", u.Bytes, got, e.fs.Paths())
	}
	if sum := u.Bodies + u.Summaries + u.Records + u.Logs; sum != u.Bytes {
		e.t.Fatalf("kinds add up to %d of %d bytes", sum, u.Bytes)
	}
}

func must(t failer, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func fill(n int, c byte) []byte { return bytes.Repeat([]byte{c}, n) }

func TestPutGet(t *testing.T) {
	e := newEnv(t, 10<<20)
	u := e.User("alice")
	for _, n := range []int{0, 1, 100, 65535, 65536, 65537, 300_000} {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(i * 7 >> 3)
		}
		must(t, u.Put("m1", fmt.Sprint(n), cache.Body, data))
		got, err := u.Get("m1", fmt.Sprint(n), cache.Body)
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%d bytes: got %d, %v", n, len(got), err)
		}
		for _, r := range [][2]int{{0, 10}, {n / 2, 10}, {n - 1, 10}, {n, 10}, {n + 5, 1}, {65530, 20}, {0, n}, {1, 1 << 40}, {3, 0}} {
			off, want := r[0], []byte(nil)
			if off < 0 {
				continue
			}
			if off < n {
				want = data[off:min(n, off+r[1])]
			}
			got, err := u.GetRange("m1", fmt.Sprint(n), cache.Body, int64(off), int64(r[1]))
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%d bytes, range %v: got %d, %v", n, r, len(got), err)
			}
		}
	}
	for _, miss := range []func() ([]byte, error){
		func() ([]byte, error) { return u.Get("m1", "1", cache.Summary) },
		func() ([]byte, error) { return u.Get("m2", "1", cache.Body) },
		func() ([]byte, error) { return u.Get("m1", "2", cache.Body) },
		func() ([]byte, error) { return e.User("bob").Get("m1", "1", cache.Body) },
	} {
		if _, err := miss(); !errors.Is(err, cache.ErrMiss) {
			t.Fatalf("what was never put: %v", err)
		}
	}
	must(t, u.Put("m1", "1", cache.Body, []byte("replaced")))
	if got, err := u.Get("m1", "1", cache.Body); err != nil || string(got) != "replaced" {
		t.Fatalf("%q, %v", got, err)
	}
	e.checkAccounting()
	must(t, u.Remove("m1", "1", cache.Body))
	must(t, u.Remove("m1", "1", cache.Body))
	if u.Has("m1", "1", cache.Body) || !u.Has("m1", "100", cache.Body) {
		t.Fatal("Has is wrong")
	}
	e.checkAccounting()
	if err := u.Put("m1", strings.Repeat("x", 300), cache.Body, nil); !errors.Is(err, cache.ErrName) {
		t.Fatalf("name of 300 bytes: %v", err)
	}
	if _, err := u.Log(strings.Repeat("x", 300)); !errors.Is(err, cache.ErrName) {
		t.Fatalf("log of a name of 300 bytes: %v", err)
	}
}

func TestRemoveMailboxAndAll(t *testing.T) {
	e := newEnv(t, 10<<20)
	u, other := e.User("alice"), e.User("bob")
	for _, mailbox := range []string{"a", "a.b", "A", ""} {
		must(t, u.Put(mailbox, "1", cache.Body, fill(10, 'x')))
		must(t, u.Put(mailbox, "2", cache.Records, fill(10, 'x')))
		appendTo(t, u, mailbox, "entry")
	}
	must(t, u.SetMeta([]byte("meta")))
	must(t, other.Put("a", "1", cache.Body, fill(10, 'x')))
	must(t, u.RemoveMailbox("a"))
	for _, mailbox := range []string{"a", "a.b", "A", ""} {
		if want := mailbox != "a"; u.Has(mailbox, "1", cache.Body) != want || u.Has(mailbox, "2", cache.Records) != want {
			t.Fatalf("mailbox %q after RemoveMailbox(a)", mailbox)
		}
	}
	if names, err := u.LogMailboxes(); err != nil || fmt.Sprintf("%q", names) != `["" "A" "a.b"]` {
		t.Fatalf("logs of %q, %v", names, err)
	}
	if entries := replay(t, u, "a"); len(entries) != 0 {
		t.Fatalf("log of a removed mailbox: %q", entries)
	}
	appendTo(t, u, "a", "again")
	if entries := replay(t, u, "a"); fmt.Sprint(entries) != "[again]" {
		t.Fatalf("log of a mailbox that came again: %q", entries)
	}
	e.checkAccounting()
	must(t, u.RemoveAll())
	if _, err := u.Meta(); !errors.Is(err, cache.ErrMiss) || u.Size() != 0 {
		t.Fatalf("after RemoveAll: meta %v, %d bytes", err, u.Size())
	}
	if !other.Has("a", "1", cache.Body) {
		t.Fatal("another user's file is gone")
	}
	e.checkAccounting()
	if n := e.Usage().Users; n != 1 {
		t.Fatalf("%d users known", n)
	}
}

func TestMeta(t *testing.T) {
	e := newEnv(t, 1<<20)
	u := e.User("alice")
	if _, err := u.Meta(); !errors.Is(err, cache.ErrMiss) {
		t.Fatal(err)
	}
	for _, s := range []string{"first", "", strings.Repeat("long", 1000)} {
		must(t, u.SetMeta([]byte(s)))
		if got, err := u.Meta(); err != nil || string(got) != s {
			t.Fatalf("%q, %v", got, err)
		}
		e.checkAccounting()
	}
	// A crash while it is replaced leaves the old one.
	e.fs.SetFault(func(op memfs.Op, path string, n int) (int, error) {
		if op == memfs.Rename || op == memfs.Remove {
			return 0, errors.New("the process is dead")
		}
		return n, nil
	})
	if err := u.SetMeta([]byte("new")); err == nil {
		t.Fatal("SetMeta succeeded")
	}
	e.fs.SetFault(nil)
	e.crash(boot, 1<<20)
	if got, err := e.User("alice").Meta(); err != nil || len(got) != 4000 {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	e.checkAccounting()
}

// TestIsolation: no two names ever share a file, whatever they are.
func TestIsolation(t *testing.T) {
	name := rapid.OneOf(
		rapid.SampledFrom([]string{"", ".", "..", "/", "a/b", "../bob", "a%2fb", "%", "%2e", "~", "A", "a", "a.b", "a.b.c", "\x00", "meta", "name", "t.1",
			"ſ", "ß", "é", "e\u0301", strings.Repeat("u", 300), strings.Repeat("u", 299) + "U", strings.Repeat("/", 100)}),
		rapid.String(),
	)
	rapid.Check(t, func(rt *rapid.T) {
		e := newEnv(rt, 10<<20)
		want := map[[3]string]string{}
		for i := range rapid.IntRange(2, 20).Draw(rt, "files") {
			key := [3]string{name.Draw(rt, "user"), name.Draw(rt, "mailbox"), name.Draw(rt, "name")}
			value := fmt.Sprint(i)
			switch err := e.User(key[0]).Put(key[1], key[2], cache.Body, []byte(value)); {
			case errors.Is(err, cache.ErrName):
			case err != nil:
				rt.Fatal(err)
			default:
				want[key] = value
			}
		}
		check := func(when string) {
			for key, value := range want {
				if got, err := e.User(key[0]).Get(key[1], key[2], cache.Body); err != nil || string(got) != value {
					rt.Fatalf("%s: %q is %q instead of %q, %v", when, key, got, value, err)
				}
			}
			for _, p := range e.fs.Paths() {
				if !strings.HasPrefix(p, "var/cache/") || strings.Contains(p, "/../") {
					rt.Fatalf("file outside: %q", p)
				}
			}
			e.checkAccounting()
		}
		check("before")
		e.crash(boot, 10<<20)
		check("after a crash")
	})
}

// TestDeliveryCost: an append to a known log is one write and nothing else.
func TestDeliveryCost(t *testing.T) {
	e := newEnv(t, 1<<20)
	u := e.User("alice")
	u.Pin()
	appendTo(t, u, "inbox", "first")
	e.fs.ResetOps()
	for range 10 {
		appendTo(t, u, "inbox", "delivery")
	}
	for op, want := range map[memfs.Op]int{memfs.Write: 10, memfs.Append: 0, memfs.Create: 0, memfs.Stat: 0, memfs.ReadDir: 0, memfs.Mkdir: 0, memfs.Rename: 0, memfs.Read: 0, memfs.Touch: 0} {
		if got := e.fs.Ops(op); got != want {
			t.Errorf("%d × %s for 10 deliveries, want %d", got, op, want)
		}
	}
}
