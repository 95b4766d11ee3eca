package dir

import (
	"sort"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// readAhead is how many names beyond a full page are kept, so that listing a
// directory of a million page by page doesn't read a million names per page.
const readAhead = 1 << 16

// settled is how long a directory must have been unchanged for its times to
// tell of every further change: file systems round them, to 10 ms at most.
const settled = time.Second

// dirState changes with every change of a directory.
type dirState struct {
	inode        uint64
	mtime, ctime unix.Timespec
}

// ahead remembers the names that followed the last page of a large directory,
// sorted, none of them a directory's.
type ahead struct {
	mu      sync.Mutex
	prefix  string
	state   dirState
	after   string // the names are those greater than this, all of them or
	entries []entry
	cut     bool // up to the last one
}

// stateOf returns a directory's state, and whether it is fit to be remembered.
func (s *Store) stateOf(fd int) (dirState, bool) {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return dirState{}, false
	}
	changed := max(st.Mtim.Nano(), st.Ctim.Nano())
	return dirState{st.Ino, st.Mtim, st.Ctim}, s.clock.Now().UnixNano()-changed > int64(settled)
}

// get returns what was remembered of the names after that one, or nil if it
// doesn't hold any more or isn't enough for want of them.
func (a *ahead) get(prefix string, state dirState, after string, want int) *names {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.entries == nil || a.prefix != prefix || a.state != state || after < a.after {
		return nil
	}
	rest := a.entries[sort.Search(len(a.entries), func(i int) bool { return a.entries[i].name > after }):]
	if a.cut && len(rest) < want {
		return nil
	}
	n := &names{entries: rest, cut: a.cut}
	if len(rest) <= want {
		a.entries = nil // the last page
	}
	return n
}

// put remembers n, the names after that one, if more than want of them are
// there.
func (a *ahead) put(prefix string, state dirState, after string, want int, n *names) {
	if len(n.entries) <= want {
		return
	}
	for _, e := range n.entries {
		if e.dir {
			return
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.prefix, a.state, a.after, a.entries, a.cut = prefix, state, after, n.entries, n.cut
}
