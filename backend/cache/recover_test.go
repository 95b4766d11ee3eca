package cache_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"mailbackend.io/backend/cache"
)

func TestBoots(t *testing.T) {
	e := newEnv(t, 1<<20)
	if _, ok := e.Previous(); ok {
		t.Fatal("a new cache has a previous instance")
	}
	put := func() {
		must(t, e.User("alice").Put("inbox", "1", cache.Records, []byte("records")))
		appendTo(t, e.User("alice"), "inbox", "flag")
	}
	put()
	// The process dies: everything is still there.
	e.crash(boot, 1<<20)
	if instance, ok := e.Previous(); !ok || instance != "pod-1" || e.WasClean() {
		t.Fatalf("after a crash: %q, %v, clean %v", instance, ok, e.WasClean())
	}
	if got := replay(t, e.User("alice"), "inbox"); fmt.Sprint(got) != "[flag]" || !e.User("alice").Has("inbox", "1", cache.Records) {
		t.Fatalf("after a crash: log %q", got)
	}
	must(t, e.Close())
	e.open(boot, 1<<20)
	if !e.WasClean() || !e.User("alice").Has("inbox", "1", cache.Records) {
		t.Fatal("after a clean end")
	}
	// Another boot, an unknown one, or a damaged state: nothing is left.
	damage := map[string]func() string{
		"other boot": func() string { return "other" },
		"no boot id": func() string { return "" },
		"flipped bit in state": func() string {
			e.fs.FlipBit("/var/cache/state", 90)
			return boot
		},
		"empty state": func() string {
			e.fs.Edit("/var/cache/state", func([]byte) []byte { return nil })
			return boot
		},
		"no state": func() string { must(t, e.fs.Remove("/var/cache/state")); return boot },
	}
	for name, f := range damage {
		put()
		e.crash(f(), 1<<20)
		if _, ok := e.Previous(); ok || e.stored() != 0 || e.Usage().Bytes != 0 || e.Usage().Users != 0 {
			t.Fatalf("%s: %d bytes left", name, e.stored())
		}
		e.crash(boot, 1<<20)
	}
}

func TestLock(t *testing.T) {
	e := newEnv(t, 1<<20)
	if _, err := cache.Open(context.Background(), e.options(boot, 1<<20)); !errors.Is(err, cache.ErrLocked) {
		t.Fatalf("second process: %v", err)
	}
	must(t, e.Close())
	if err := e.Close(); !errors.Is(err, cache.ErrClosed) {
		t.Fatal(err)
	}
	if err := e.User("alice").Put("inbox", "1", cache.Body, nil); !errors.Is(err, cache.ErrClosed) {
		t.Fatalf("put after Close: %v", err)
	}
	if _, err := e.User("alice").Get("inbox", "1", cache.Body); !errors.Is(err, cache.ErrClosed) {
		t.Fatalf("get after Close: %v", err)
	}
	e.open(boot, 1<<20)
}

func TestNetworkFS(t *testing.T) {
	for magic, name := range map[uint32]string{0x6969: "NFS", 0xff534d42: "CIFS", 0x00c36400: "CephFS", 0x65735546: "FUSE", 0x5346414f: "AFS"} {
		e := newEnv(t, 1<<20)
		must(t, e.User("alice").Put("inbox", "1", cache.Body, nil))
		must(t, e.Close())
		e.fs.SetType(magic)
		_, err := cache.Open(context.Background(), e.options("other boot", 1<<20))
		if !errors.Is(err, cache.ErrNetworkFS) || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "/var/cache") {
			t.Fatalf("%s: %v", name, err)
		}
		if e.stored() == 0 {
			t.Fatal("a refused cache was emptied")
		}
		o := e.options(boot, 1<<20)
		o.AllowNetworkFS = true
		c, err := cache.Open(context.Background(), o)
		must(t, err)
		must(t, c.Close())
	}
	for _, magic := range []uint32{0xef53, 0x58465342, 0x01021994, 0x9123683e, 0x794c7630, 0} { // ext4 xfs tmpfs btrfs overlay
		e := newEnv(t, 1<<20)
		must(t, e.Close())
		e.fs.SetType(magic)
		e.open(boot, 1<<20)
	}
}

// TestScanSweeps: what does not belong into the cache is removed, what does is
// accounted.
func TestScanSweeps(t *testing.T) {
	e := newEnv(t, 1<<20)
	long := strings.Repeat("long", 100)
	must(t, e.User("alice").Put("inbox", "1", cache.Body, fill(10, 'x')))
	must(t, e.User(long).Put("inbox", "1", cache.Body, fill(10, 'x')))
	must(t, e.User("victim of damage"+long).Put("inbox", "1", cache.Body, fill(10, 'x')))
	e.checkAccounting()
	var alice, damaged string
	for _, p := range e.fs.Paths() {
		dir := p[:strings.LastIndexByte(p, '/')]
		if strings.HasSuffix(dir, "/alice") {
			alice = dir
		}
		if strings.HasSuffix(p, "/name") {
			b := readFile(t, e, p)
			if strings.Contains(b, "victim") {
				damaged = p
			}
		}
	}
	e.fs.FlipBit(damaged, 200)
	for _, p := range []string{alice + "/t.7", alice + "/x.y.z", alice + "/l.inbox.zz", alice + "/foo", alice + "/l.inbox.0000000000000007",
		"/var/cache/users/00/alice/b.inbox.1", "/var/cache/users/zz/%zz/b.inbox.1", "/var/cache/users/zz/~abc/b.inbox.1"} {
		must(t, e.fs.MkdirAll(p[:strings.LastIndexByte(p, '/')]))
		f, err := e.fs.Create(p)
		must(t, err)
		if !strings.Contains(p, "/l.") {
			_, err = f.Write([]byte("garbage"))
			must(t, err)
		}
	}
	must(t, e.fs.MkdirAll(alice+"/dir"))
	must(t, e.fs.MkdirAll("/var/cache/users/aa/empty"))
	e.crash(boot, 1<<20)
	e.checkAccounting()
	if !e.User("alice").Has("inbox", "1", cache.Body) || !e.User(long).Has("inbox", "1", cache.Body) || e.Usage().Users != 2 {
		t.Fatalf("left: %q", e.fs.Paths())
	}
	if n := len(e.fs.Paths()); n != 4 { // state, alice's body, the long user's body and name
		t.Fatalf("left: %q", e.fs.Paths())
	}
}

func readFile(t failer, e *env, path string) string {
	t.Helper()
	f, err := e.fs.Open(path)
	must(t, err)
	b, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<20))
	must(t, err)
	return string(b)
}

func TestDamagedFileIsAMiss(t *testing.T) {
	e := newEnv(t, 1<<20)
	u := e.User("alice")
	must(t, u.Put("inbox", "1", cache.Records, []byte("data")))
	path := e.fs.Paths()[len(e.fs.Paths())-1]
	whole := readFile(t, e, path)
	for bit := range len(whole) * 8 {
		must(t, u.Put("inbox", "1", cache.Records, []byte("data")))
		e.fs.FlipBit(path, bit)
		if b, err := u.Get("inbox", "1", cache.Records); !errors.Is(err, cache.ErrMiss) {
			t.Fatalf("bit %d: %q, %v", bit, b, err)
		}
		if u.Has("inbox", "1", cache.Records) {
			t.Fatalf("bit %d: damaged file stays", bit)
		}
		e.checkAccounting()
	}
	for cut := range len(whole) {
		must(t, u.Put("inbox", "1", cache.Records, []byte("data")))
		e.fs.Edit(path, func(b []byte) []byte { return b[:cut] })
		e.crash(boot, 1<<20)
		u = e.User("alice")
		if b, err := u.Get("inbox", "1", cache.Records); !errors.Is(err, cache.ErrMiss) {
			t.Fatalf("cut at %d: %q, %v", cut, b, err)
		}
		e.checkAccounting()
	}
	// A file of another name is not taken for this one.
	must(t, u.Put("inbox", "1", cache.Records, []byte("data")))
	must(t, e.fs.Rename(path, strings.Replace(path, ".1", ".2", 1)))
	if b, err := u.Get("inbox", "2", cache.Records); !errors.Is(err, cache.ErrMiss) {
		t.Fatalf("renamed file: %q, %v", b, err)
	}
	must(t, u.SetMeta([]byte("meta")))
	for _, p := range e.fs.Paths() {
		if strings.HasSuffix(p, "/meta") {
			e.fs.FlipBit(p, 150)
		}
	}
	if b, err := u.Meta(); !errors.Is(err, cache.ErrMiss) {
		t.Fatalf("damaged meta: %q, %v", b, err)
	}
}
