package cache_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mailbackend.io/backend/cache"
)

// TestOS runs the cache on the machine's own file system.
func TestOS(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	o := cache.Options{Dir: dir, BootID: boot, Instance: "pod-1", Budget: 100_000}
	open := func() *cache.Cache {
		t.Helper()
		c, err := cache.Open(context.Background(), o)
		must(t, err)
		return c
	}
	c := open()
	if _, err := cache.Open(context.Background(), o); !errors.Is(err, cache.ErrLocked) {
		t.Fatalf("second cache on one directory: %v", err)
	}
	u := c.User("alice@example.org")
	must(t, u.Put("inbox", "1", cache.Records, []byte("records")))
	must(t, u.SetMeta([]byte("meta")))
	appendTo(t, u, "inbox", "flag")
	for i := range 30 {
		must(t, c.User("bob").Put("inbox", fmt.Sprint(i), cache.Body, fill(5000, 'x')))
	}
	check := func(c *cache.Cache) {
		t.Helper()
		var stored int64
		must(t, filepath.Walk(filepath.Join(dir, "users"), func(_ string, info os.FileInfo, err error) error {
			if err == nil && !info.IsDir() {
				stored += info.Size()
			}
			return err
		}))
		if u := c.Usage(); u.Bytes != stored || stored > o.Budget {
			t.Fatalf("%d bytes accounted, %d stored, budget %d", u.Bytes, stored, o.Budget)
		}
	}
	check(c)
	must(t, c.Close())
	c = open()
	check(c)
	u = c.User("alice@example.org")
	if b, err := u.Get("inbox", "1", cache.Records); err != nil || string(b) != "records" {
		t.Fatalf("%q, %v", b, err)
	}
	if b, err := u.Meta(); err != nil || string(b) != "meta" {
		t.Fatalf("%q, %v", b, err)
	}
	if got := replay(t, u, "inbox"); fmt.Sprint(got) != "[flag]" {
		t.Fatalf("%q", got)
	}
	must(t, u.RemoveMailbox("inbox"))
	check(c)
	must(t, c.Close())
	o.BootID = "next boot"
	c = open()
	if u := c.Usage(); u.Bytes != 0 || u.Users != 0 {
		t.Fatalf("%+v", u)
	}
	check(c)
	must(t, c.Close())
	if _, err := os.Stat(filepath.Join(dir, "users")); err != nil {
		t.Fatal(err)
	}
}

func TestOSFile(t *testing.T) {
	dir := t.TempDir()
	fs := cache.OS{}
	f, err := fs.Append(dir + "/f")
	must(t, err)
	if _, err := f.Write([]byte("0123456789")); err != nil {
		t.Fatal(err)
	}
	must(t, f.Truncate(4))
	if _, err := f.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if info, err := f.Stat(); err != nil || info.Size != 5 {
		t.Fatalf("%+v, %v", info, err)
	}
	must(t, f.Close())
	when := time.Unix(1_600_000_000, 0)
	must(t, fs.Touch(dir+"/f", when))
	infos, err := fs.ReadDir(dir)
	if err != nil || len(infos) != 1 || infos[0].Name != "f" || !infos[0].Modified.Equal(when) || infos[0].Dir {
		t.Fatalf("%+v, %v", infos, err)
	}
	if magic, err := fs.Type(dir); err != nil {
		t.Fatalf("%#x, %v", magic, err)
	}
}
