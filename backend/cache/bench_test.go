package cache_test

import (
	"context"
	"fmt"
	"testing"

	"mailbackend.io/backend/cache"
)

func BenchmarkAppend(b *testing.B) {
	c, err := cache.Open(context.Background(), cache.Options{Dir: b.TempDir(), BootID: boot})
	must(b, err)
	logs := make([]*cache.Log, 100)
	for i := range logs {
		u := c.User(fmt.Sprint("user", i))
		u.Pin()
		logs[i] = logOf(b, u, "inbox")
	}
	entry := fill(300, 'x')
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		must(b, logs[i%100].Append(entry))
	}
}

func BenchmarkPutBody(b *testing.B) {
	c, err := cache.Open(context.Background(), cache.Options{Dir: b.TempDir(), BootID: boot, Budget: 20 << 20})
	must(b, err)
	body := fill(5000, 'x')
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		must(b, c.User(fmt.Sprint("user", i%100)).Put("inbox", fmt.Sprint(i), cache.Body, body))
	}
}

func BenchmarkGetBody(b *testing.B) {
	c, err := cache.Open(context.Background(), cache.Options{Dir: b.TempDir(), BootID: boot})
	must(b, err)
	u := c.User("alice")
	must(b, u.Put("inbox", "1", cache.Body, fill(5000, 'x')))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := u.Get("inbox", "1", cache.Body); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen scans the directories of 10,000 users with three files each.
func BenchmarkOpen(b *testing.B) {
	o := cache.Options{Dir: b.TempDir(), BootID: boot}
	c, err := cache.Open(context.Background(), o)
	must(b, err)
	for i := range 10_000 {
		for j := range 3 {
			must(b, c.User(fmt.Sprint("user", i)).Put("inbox", fmt.Sprint(j), cache.Records, nil))
		}
	}
	must(b, c.Close())
	for b.Loop() {
		c, err := cache.Open(context.Background(), o)
		must(b, err)
		must(b, c.Close())
	}
}
