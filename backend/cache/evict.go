package cache

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
)

// phases is the order in which kinds are evicted. Bodies and summaries are
// copies of what the object store has, whoever they belong to; records, logs and
// metas go together, and only those of a user who is neither pinned nor dirty.
var phases = []struct {
	kind     Kind
	idleOnly bool
}{
	{Body, false},
	{Summary, true},
	{Records, true},
	{Summary, false},
}

// slack is what an eviction frees beyond what is needed, so that the next one
// is not due with the next file.
func slack(budget int64) int64 { return min(budget/64, 64<<20) }

// evictOver brings the cache back into its budget, as far as something may be
// evicted, after a change that may have made it so. No lock is held.
func (c *Cache) evictOver() {
	c.mu.Lock()
	c.changes++
	over := c.used - c.budget
	c.mu.Unlock()
	if over > 0 {
		c.evict(over)
	}
}

// evict frees at least need bytes if there are as many that may go.
func (c *Cache) evict(need int64) {
	c.evictMu.Lock()
	defer c.evictMu.Unlock()
	c.mu.Lock()
	changes := c.changes
	want := need + slack(c.budget)
	c.mu.Unlock()
	var freed int64
	for phase := range phases {
		if freed >= want {
			break
		}
		for _, e := range c.victims(phase, want-freed) {
			if freed < want {
				freed += c.evictUser(e, phase, want-freed)
			}
			c.release(e)
		}
	}
	c.evicted.Add(freed)
	if freed < need {
		c.mu.Lock()
		c.stuck = changes
		c.mu.Unlock()
	}
}

// victims picks the users to evict from, least recently used first, and begins
// an operation on each.
func (c *Cache) victims(phase int, need int64) []*entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	var picked []*entry
	for e := c.recent.oldest(); e != nil && need > 0; e = c.recent.next(e) {
		n := c.prey(e, phase)
		if n <= 0 {
			continue
		}
		e.refs++
		c.ops++
		picked = append(picked, e)
		need -= n
	}
	return picked
}

// prey is how many bytes of a user a phase may evict. mu is held.
func (c *Cache) prey(e *entry, phase int) int64 {
	p := phases[phase]
	switch {
	case p.idleOnly && !e.evictable():
		return 0
	case p.kind == Records:
		return e.total()
	}
	return e.bytes[p.kind]
}

// evictUser removes a user's files of the phase's kind, the longest unused
// first, until need bytes are freed, or with Records all that the user has. It
// returns what was freed.
func (c *Cache) evictUser(e *entry, phase int, need int64) (freed int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c.mu.Lock()
	ok := c.prey(e, phase) > 0 // a pin or a write may have come in between
	c.mu.Unlock()
	if !ok {
		return 0
	}
	if phases[phase].kind == Records {
		c.forgetLogs(e, "") // there may be empty ones
	}
	files, err := c.fs.ReadDir(e.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.o.Log.Warn("cache directory not readable", "user", e.name, "error", err)
		return 0
	}
	slices.SortFunc(files, func(a, b FileInfo) int {
		if d := a.Modified.Compare(b.Modified); d != 0 {
			return d
		}
		return strings.Compare(a.Name, b.Name)
	})
	kind := phases[phase].kind
	var left [kinds]int64 // what the directory holds afterwards
	for _, f := range files {
		p, ok := parseName(f.Name)
		if !ok {
			continue // being written, and reserved
		}
		if kind == Records || p.kind == kind && freed < need {
			if err := c.fs.Remove(e.path + "/" + f.Name); err == nil || errors.Is(err, fs.ErrNotExist) {
				freed += f.Size
				continue
			}
		}
		left[p.kind] += f.Size
	}
	c.correct(e, left)
	return freed
}

// correct sets a user's accounting to what the directory holds: what was
// removed, and whatever someone else did there, is no longer counted. e.mu is
// held.
func (c *Cache) correct(e *entry, bytes [kinds]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used -= e.total()
	e.bytes = bytes
	c.used += e.total()
}
