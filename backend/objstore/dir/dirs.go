package dir

import (
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// openDir is a directory that is kept open. Holding it pins its identity: as
// long as it has links it is the directory of that path, since nobody renames
// directories, and once it was removed it stays so.
type openDir struct {
	path string
	fd   int

	// lock is held, as one token, around flock: the kernel's lock belongs
	// to the descriptor, which all goroutines share.
	lock chan struct{}

	// linked: its entry in its parent, and all of theirs, are on disk.
	linked atomic.Bool

	sync syncGroup

	// Under the cache's lock.
	refs       int
	dropped    bool // no longer in the cache
	newer, old *openDir
}

// dirCache keeps the directories open that were used last.
type dirCache struct {
	s    *Store
	most int

	mu     sync.Mutex
	byPath map[string]*openDir
	// ends is the ring's anchor: ends.old is the most recently used one,
	// ends.newer the least.
	ends openDir
	// linked remembers directories that need not be open for which
	// openDir.linked holds; at most maxLinked.
	linked map[string]dirID
}

// maxLinked bounds that memory to some megabytes.
const maxLinked = 1 << 15

// dirID tells a directory from a later one of the same path.
type dirID struct {
	inode   uint64
	sec     int64
	nanosec uint32
}

func (c *dirCache) init(s *Store, most int) {
	c.s, c.most = s, most
	c.byPath = make(map[string]*openDir)
	c.linked = make(map[string]dirID)
	c.ends.newer, c.ends.old = &c.ends, &c.ends
}

// acquire returns the directory of that path, to be released. Without create a
// missing one gives ENOENT.
func (c *dirCache) acquire(path string, create bool) (*openDir, error) {
	c.mu.Lock()
	d := c.byPath[path]
	if d != nil {
		d.refs++
		c.unlink(d)
		c.linkFirst(d)
	}
	c.mu.Unlock()
	if d != nil {
		return d, nil
	}
	fd, err := c.open(path, create)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := c.byPath[path]; d != nil { // another was faster
		closeFD(fd)
		d.refs++
		return d, nil
	}
	d = &openDir{path: strings.Clone(path), fd: fd, refs: 1, lock: make(chan struct{}, 1)}
	c.byPath[d.path] = d
	c.linkFirst(d)
	for old := c.ends.newer; len(c.byPath) > c.most && old != &c.ends; {
		next := old.newer
		if old.refs == 0 {
			c.remove(old)
			closeFD(old.fd)
		}
		old = next
	}
	return d, nil
}

// release ends the use that acquire began.
func (c *dirCache) release(d *openDir) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d.refs--; d.refs == 0 && d.dropped {
		closeFD(d.fd)
	}
}

// drop takes a directory that was removed out of the cache; its users go on
// with a descriptor that finds nothing.
func (c *dirCache) drop(d *openDir) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !d.dropped {
		c.remove(d)
	}
}

// forget is drop for a path that may not be open.
func (c *dirCache) forget(path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.linked, path)
	if d := c.byPath[path]; d != nil && removed(d.fd) {
		c.remove(d)
		if d.refs == 0 {
			closeFD(d.fd)
		}
	}
}

func (c *dirCache) closeAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range c.byPath {
		c.remove(d)
		closeFD(d.fd)
	}
}

func (c *dirCache) remove(d *openDir) {
	delete(c.byPath, d.path)
	c.unlink(d)
	d.dropped = true
}

func (c *dirCache) unlink(d *openDir) {
	d.newer.old, d.old.newer = d.old, d.newer
	d.newer, d.old = nil, nil
}

func (c *dirCache) linkFirst(d *openDir) {
	d.newer, d.old = &c.ends, c.ends.old
	d.old.newer, c.ends.old = d, d
}

// open opens a directory below the root, and makes it and those above if asked
// to. Others may remove empty ones at any time.
func (c *dirCache) open(path string, create bool) (int, error) {
	if path == "" {
		return openat(c.s.root, ".", unix.O_DIRECTORY|unix.O_RDONLY, 0)
	}
	for {
		fd, err := openat(c.s.root, path, unix.O_DIRECTORY|unix.O_RDONLY|unix.O_NOFOLLOW, 0)
		if err != unix.ENOENT || !create {
			return fd, err
		}
		if err := c.make(path); err != nil {
			return -1, err
		}
	}
}

func (c *dirCache) make(path string) error {
	for {
		err := unix.Mkdirat(c.s.root, path, 0o700)
		if err == nil && strings.Count(path, "/") < spreadLevels {
			if fd, err := c.open(path, false); err == nil {
				spread(fd)
				closeFD(fd)
			}
		}
		if err == nil || err == unix.EEXIST {
			return nil // if it isn't a directory, opening it says so
		}
		if err != unix.ENOENT && err != unix.EINTR {
			return err
		}
		parent, _ := split(path)
		if parent == "" {
			return err // the root itself is gone
		}
		if err := c.make(parent); err != nil {
			return err
		}
	}
}

// ensureLinked returns once the directory's entry in its parent is on disk, and
// that one's in its own: a file in it survives only then. The caller has just
// stored a file in it.
func (c *dirCache) ensureLinked(d *openDir) error {
	if d.linked.Load() {
		return nil
	}
	if err := c.linkUp(d.path, d.fd); err != nil {
		return err
	}
	d.linked.Store(true)
	return nil
}

// linkUp is ensureLinked for any open directory.
func (c *dirCache) linkUp(path string, fd int) error {
	if path == "" {
		return nil
	}
	id := identify(fd)
	c.mu.Lock()
	known, ok := c.linked[path]
	c.mu.Unlock()
	if ok && known == id && id != (dirID{}) {
		return nil
	}
	parent, _ := split(path)
	up, err := c.open(parent, false)
	if err == unix.ENOENT && removed(fd) {
		return nil // what was stored here has been deleted since
	}
	if err != nil {
		return err
	}
	defer closeFD(up)
	if err := c.s.traced("sync directory " + parent); err != nil {
		return err
	}
	if err := fsync(up); err != nil {
		return err
	}
	if err := c.linkUp(parent, up); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for old := range c.linked {
		if len(c.linked) < maxLinked {
			break
		}
		delete(c.linked, old)
	}
	c.linked[strings.Clone(path)] = id
	return nil
}

// identify gives an inode number and birth: the number alone is used again. On
// a file system that knows no birth it has to do.
func identify(fd int) dirID {
	var st unix.Statx_t
	if unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_INO|unix.STATX_BTIME, &st) != nil {
		return dirID{}
	}
	return dirID{st.Ino, st.Btime.Sec, st.Btime.Nsec}
}

// syncDir brings the entries of a directory to disk.
func (s *Store) syncDir(d *openDir) error {
	return d.sync.do(func() error {
		if err := s.traced("sync directory " + d.path); err != nil {
			return err
		}
		return fsync(d.fd)
	})
}
