// Package crash kills mailbackend with -9 at random moments under load and
// compares what was acknowledged with what is there afterwards.
package crash

import (
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mailbackend.io/test/harness"
)

var (
	cuts = flag.Int("cuts", 200, "how often the process is killed")
	keep = flag.String("keep", "", "keep the store of a failed run in this `DIRECTORY`")
	seed = flag.Uint64("seed", uint64(time.Now().UnixNano()), "seed of the random moments")
)

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	harness.RemoveBinary()
	os.Exit(code)
}

// uploadInterval is the shortest that the configuration takes. staleness is
// how old a committed flag may be after a crash that took the cache along: one
// interval, plus the time that an upload may take on a busy machine.
const (
	uploadInterval = time.Second
	staleness      = uploadInterval + 10*time.Second
)

// users of the load.
var users = []string{"ada", "bob", "cyd"}

// TestKill: no acknowledged mail lost, none twice unless its client was told
// 4xx or nothing, UIDs and UIDVALIDITY unchanged, flags as told (the cache
// survives) or at most one interval old (the cache is lost), expunged mails
// stay expunged.
func TestKill(t *testing.T) {
	t.Logf("seed %d, %d cuts: go test ./test/crash -seed %[1]d -cuts %[2]d", *seed, *cuts)
	rng := rand.New(rand.NewPCG(*seed, 1))
	dir := t.TempDir()
	if *keep != "" {
		dir = *keep
	}
	l := newLedger()
	start := func() *harness.Process {
		return harness.Start(t, harness.Options{Dir: dir, Args: []string{"--upload-interval", uploadInterval.String()}})
	}
	p := start()
	for cut := 1; cut <= *cuts; cut++ {
		load := startLoad(p, l, rng.Uint64())
		load.runFor(time.Duration(rng.IntN(600)) * time.Millisecond)
		p.Kill()
		crashed := time.Now()
		load.wait()
		cold := rng.IntN(3) == 0
		if cold {
			if err := os.RemoveAll(filepath.Join(dir, "cache")); err != nil {
				t.Fatal(err)
			}
		}
		p = start()
		oldest := crashed
		if cold {
			oldest = crashed.Add(-staleness)
		}
		if err := l.check(p, oldest); err != nil {
			t.Fatalf("cut %d of %d, cache lost: %v, seed %d: %v\nserver log:\n%s", cut, *cuts, cold, *seed, err, tail(p.Log(), 4000))
		}
	}
	p.Stop()
	l.report(t)
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }
