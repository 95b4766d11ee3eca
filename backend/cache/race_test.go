package cache_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"mailbackend.io/backend/cache"
)

// TestConcurrentUse lets many goroutines share few users in a cache that is too
// small, then checks that accounting is exact and every log entry is there.
func TestConcurrentUse(t *testing.T) {
	e := newEnv(t, 100_000)
	seed := rand.Uint64()
	long := strings.Repeat("a name that is hashed ", 20)
	users := []string{"alice", "bob", "carol", long}
	var mu sync.Mutex
	appended := map[string]int{}
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(worker)))
			for i := range 300 {
				name := users[rng.IntN(len(users))]
				u := e.User(name)
				switch rng.IntN(9) {
				case 0, 1, 2:
					kind := []cache.Kind{cache.Body, cache.Summary, cache.Records}[rng.IntN(3)]
					if err := u.Put("inbox", fmt.Sprint(rng.IntN(20)), kind, fill(rng.IntN(9000), 'x')); err != nil && !errors.Is(err, cache.ErrFull) {
						t.Errorf("put: %v", err)
					}
				case 3, 4:
					if _, err := u.Get("inbox", fmt.Sprint(rng.IntN(20)), cache.Body); err != nil && !errors.Is(err, cache.ErrMiss) {
						t.Errorf("get: %v", err)
					}
				case 5:
					if name == "carol" {
						if err := u.RemoveAll(); err != nil {
							t.Errorf("remove: %v", err)
						}
						continue
					}
					l, err := u.Log("inbox")
					if err == nil {
						err = l.Append(fmt.Appendf(nil, "%d %d", worker, i))
					}
					if err == nil {
						mu.Lock()
						appended[name]++
						mu.Unlock()
					} else if !errors.Is(err, cache.ErrFull) {
						t.Errorf("append: %v", err)
					}
				case 6:
					u.Pin()
					u.Unpin()
				case 7:
					if err := u.SetMeta(fill(rng.IntN(100), 'm')); err != nil && !errors.Is(err, cache.ErrFull) {
						t.Errorf("meta: %v", err)
					}
				case 8:
					_ = u.Remove("inbox", fmt.Sprint(rng.IntN(20)), cache.Body)
					e.Usage()
				}
			}
		})
	}
	wg.Wait()
	e.checkAccounting()
	for name, n := range appended {
		if got := replay(t, e.User(name), "inbox"); len(got) != n {
			t.Errorf("seed %d: log of %.10q has %d entries, %d were appended", seed, name, len(got), n)
		}
	}
	e.crash(boot, 100_000)
	e.checkAccounting()
	for name, n := range appended {
		if got := replay(t, e.User(name), "inbox"); len(got) != n {
			t.Errorf("seed %d: after a crash the log of %.10q has %d entries, %d were appended", seed, name, len(got), n)
		}
	}
}
