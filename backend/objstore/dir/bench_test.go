package dir_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/dir"
)

// benchDir is on a disk: a temporary directory may be in memory, where nothing
// is durable.
func benchOpen(b *testing.B) *dir.Store {
	path := os.Getenv("BENCH_DIR")
	if path == "" {
		path = b.TempDir()
	} else {
		var err error
		if path, err = os.MkdirTemp(path, "objstore-bench-"); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { os.RemoveAll(path) })
	}
	s, err := dir.Open(context.Background(), path, dir.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

func cpuTime() int64 {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return r.Utime.Nano() + r.Stime.Nano()
}

// parallel runs b.N calls of f on some goroutines, and reports calls and CPU.
func parallel(b *testing.B, workers int, f func(i int64) error) {
	var next atomic.Int64
	var wg sync.WaitGroup
	cpu := cpuTime()
	b.ReportAllocs()
	b.ResetTimer()
	for range workers {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if err := f(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
	b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N)/1000, "cpu-µs/call")
}

func mailKey(i, users int64) string {
	u := max(i, -i) % users
	return fmt.Sprintf("p/%02x/user%d@example.org/0123456789abcdef/mail/%010d", u, u, i)
}

func BenchmarkPut(b *testing.B) {
	data := objstore.Blob{make([]byte, 500), make([]byte, 2500)}
	for _, c := range []struct{ writers, users int }{{1, 100}, {8, 100}, {32, 100}, {8, 1}} {
		b.Run(fmt.Sprintf("3KB/writers=%d/users=%d", c.writers, c.users), func(b *testing.B) {
			s := benchOpen(b)
			put := func(i int64) error {
				_, err := s.PutIfAbsent(context.Background(), mailKey(i, int64(c.users)), data)
				return err
			}
			for i := range c.users { // their directories
				if err := put(-int64(i) - 1); err != nil {
					b.Fatal(err)
				}
			}
			parallel(b, c.writers, put)
		})
	}
}

func BenchmarkReplace(b *testing.B) {
	s := benchOpen(b)
	tag, err := s.PutIfAbsent(context.Background(), "p/u/root", nil)
	if err != nil {
		b.Fatal(err)
	}
	data := make([]byte, 1000)
	parallel(b, 1, func(i int64) (err error) {
		tag, err = s.PutIfMatch(context.Background(), "p/u/root", objstore.Blob{fmt.Append(data[:0], i), data[20:]}, tag)
		return err
	})
}

func BenchmarkGet(b *testing.B) {
	s := benchOpen(b)
	for i := range int64(1000) {
		if _, err := s.PutIfAbsent(context.Background(), mailKey(i, 10), objstore.Blob{make([]byte, 3000)}); err != nil {
			b.Fatal(err)
		}
	}
	parallel(b, 2, func(i int64) error {
		_, err := s.Get(context.Background(), mailKey(i%1000, 10), objstore.Range{})
		return err
	})
}

// BenchmarkList lists a folder of 100,000: from its last mail on, its first page,
// and all its pages.
func BenchmarkList(b *testing.B) {
	path := b.TempDir()
	const mails = 100_000
	if err := os.MkdirAll(path+"/u/mail", 0o700); err != nil {
		b.Fatal(err)
	}
	for i := range mails {
		if err := os.WriteFile(fmt.Sprintf("%s/u/mail/%010d", path, i), nil, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	long := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path+"/u/mail", long, long); err != nil {
		b.Fatal(err)
	}
	s, err := dir.Open(context.Background(), path, dir.Options{})
	if err != nil {
		b.Fatal(err)
	}
	list := func(after string) (objstore.Page, error) {
		return s.List(context.Background(), "u/mail/", after, 0)
	}
	b.Run("tail", func(b *testing.B) {
		parallel(b, 1, func(int64) error {
			_, err := list(fmt.Sprintf("u/mail/%010d", mails-10))
			return err
		})
	})
	b.Run("first-page", func(b *testing.B) {
		parallel(b, 1, func(int64) error {
			_, err := list("")
			return err
		})
	})
	b.Run("all-pages", func(b *testing.B) {
		parallel(b, 1, func(int64) error {
			page, err := list("")
			for err == nil && page.More {
				page, err = list(page.Objects[len(page.Objects)-1].Key)
			}
			return err
		})
	})
}
