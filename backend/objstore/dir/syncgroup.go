package dir

import "sync"

// syncGroup lets those who want one directory synced at the same time share
// the work: one sync serves everyone who asked before it started.
type syncGroup struct {
	mu      sync.Mutex
	wake    sync.Cond // on mu, when a sync ended
	running bool
	// Syncs are numbered from 1.
	started, finished uint64
	failed            uint64 // the last one that failed, and why
	err               error
}

// do returns once a call of sync that started after do was called has ended.
func (g *syncGroup) do(sync func() error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.wake.L == nil {
		g.wake.L = &g.mu
	}
	want := g.started + 1
	for g.finished < want {
		if g.running {
			g.wake.Wait()
			continue
		}
		g.started++
		n := g.started
		g.running = true
		g.mu.Unlock()
		err := sync()
		g.mu.Lock()
		g.running, g.finished = false, n
		if err != nil {
			g.failed, g.err = n, err
		}
		g.wake.Broadcast()
	}
	if g.failed >= want {
		// A later success doesn't bring back what a failed sync dropped.
		return g.err
	}
	return nil
}
