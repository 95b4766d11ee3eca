package cache

import (
	"errors"
	"io/fs"
	"sync"

	"mailbackend.io/backend/format"
)

// entry is what the cache keeps in memory of one user.
type entry struct {
	name   string
	path   string // the user's directory
	hashed bool   // the directory's name does not tell the user

	mu   sync.Mutex          // taken before Cache.mu
	logs map[string]*openLog // by mailbox; read from the directory when first asked for

	// Under Cache.mu:
	newer, older *entry // in Cache.recent
	refs         int    // operations under way
	pins         int
	dirty        bool // as SetDirty told
	hasDir       bool // the directory may exist
	// bytes are the sizes of the user's files by kind. Changed only with mu
	// held as well.
	bytes [kinds]int64
}

// Called with Cache.mu held.

func (e *entry) isDirty() bool { return e.dirty || e.bytes[logKind] > 0 }
func (e *entry) evictable() bool {
	return e.pins == 0 && !e.isDirty()
}
func (e *entry) total() int64 {
	var n int64
	for _, b := range e.bytes {
		n += b
	}
	return n
}

// served tells a user whom the cache serves already from a new one.
func (e *entry) served() bool { return e.pins > 0 || e.dirty || e.total() > 0 }

func (c *Cache) newEntry(user string) *entry {
	dir, hashed := userDir(user)
	return &entry{name: user, path: c.usersDir() + "/" + dir, hashed: hashed}
}

// acquire begins an operation on a user, who is now the most recently used.
func (c *Cache) acquire(user string) (*entry, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, ErrClosed
	}
	e := c.users[user]
	if e == nil {
		e = c.newEntry(user)
		c.users[user] = e
	} else {
		c.recent.remove(e)
	}
	c.recent.push(e)
	e.refs++
	c.ops++
	return e, nil
}

// release ends an operation. The last one forgets a user who has nothing here.
func (c *Cache) release(e *entry) {
	c.mu.Lock()
	forget := e.refs == 1 && c.forgettable(e)
	if !forget || !e.hasDir {
		if forget {
			c.drop(e)
		}
		c.endOp(e)
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	c.removeDir(e)
}

func (c *Cache) forgettable(e *entry) bool {
	return e.pins == 0 && !e.dirty && e.bytes == [kinds]int64{}
}

func (c *Cache) drop(e *entry) {
	c.recent.remove(e)
	delete(c.users, e.name)
}

func (c *Cache) endOp(e *entry) {
	e.refs--
	if c.ops--; c.ops == 0 {
		c.idle.Broadcast()
	}
}

// removeDir ends the operation of a user without files by removing the
// directory. Another operation may have come in between: it finds the directory
// gone and makes it again, or has put something there, and then it stays.
func (c *Cache) removeDir(e *entry) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c.mu.Lock()
	still := c.forgettable(e)
	if still {
		e.hasDir = false
	}
	c.mu.Unlock()
	if still {
		c.forgetLogs(e, "")
		if err := c.fs.Remove(e.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			c.o.Log.Debug("cache directory stays", "dir", e.path, "error", err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.refs == 1 && c.forgettable(e) && !e.hasDir {
		c.drop(e)
	}
	c.endOp(e)
}

// makeDir creates the user's directory.
func (c *Cache) makeDir(e *entry) error {
	c.mu.Lock()
	e.hasDir = true
	c.mu.Unlock()
	return wrap("create", e.path, c.fs.MkdirAll(e.path))
}

// nameDir writes the file that tells whose directory it is, if its name does
// not and the file is not there. e.mu is held.
func (c *Cache) nameDir(e *entry) error {
	if !e.hashed {
		return nil
	}
	path := e.path + "/name"
	if _, err := c.fs.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return wrap("stat", path, err)
	}
	content := format.Seal(nil, nameMagic, version, []byte(e.name))
	if err := c.replace(c.tempPath(e), path, content); err != nil {
		return err
	}
	c.account(e, metaKind, int64(len(content)))
	return nil
}

// account adds n bytes to a user's and to the sum of all. e.mu is held.
func (c *Cache) account(e *entry, kind Kind, n int64) {
	c.settle(e, kind, 0, n)
}

// settle turns reserved bytes into n bytes of a file. e.mu is held.
func (c *Cache) settle(e *entry, kind Kind, reserved, n int64) {
	c.mu.Lock()
	e.bytes[kind] += n
	c.used += n - reserved
	if kind < logKind || n < 0 {
		c.changes++
	}
	c.mu.Unlock()
}

// unreserve gives back what reserve took.
func (c *Cache) unreserve(n int64) {
	c.mu.Lock()
	c.used -= n
	c.mu.Unlock()
}

// reserve takes n bytes of the budget for a file of the given kind, evicting
// others as needed. No lock is held. Bodies never exceed the budget; summaries,
// records and the first files of a new user may take the grace; logs and metas
// of those who are being served always find room, until the disk itself is full.
func (c *Cache) reserve(e *entry, kind Kind, n int64) error {
	for tried := false; ; tried = true {
		c.mu.Lock()
		over := c.used + n - c.budget
		allowed := int64(0) // past the budget
		if kind != Body {
			allowed = c.grace
		}
		always := kind >= logKind && e.served()
		hopeless := tried || c.stuck == c.changes || n > c.budget+allowed
		if over <= 0 || hopeless && (over <= allowed || always) {
			c.used += n
			c.mu.Unlock()
			return nil
		}
		c.mu.Unlock()
		if hopeless {
			return ErrFull
		}
		c.evict(over)
	}
}

// lru is a list of entries in the order of their use.
type lru struct{ root entry }

func (l *lru) init() { l.root.newer, l.root.older = &l.root, &l.root }

// push adds e as the most recently used.
func (l *lru) push(e *entry) {
	e.newer, e.older = &l.root, l.root.older
	e.newer.older, e.older.newer = e, e
}

func (l *lru) remove(e *entry) {
	e.newer.older, e.older.newer = e.older, e.newer
	e.newer, e.older = nil, nil
}

// oldest is the least recently used entry; next(e) the next more recent one;
// both nil at the end.
func (l *lru) oldest() *entry { return l.next(&l.root) }
func (l *lru) next(e *entry) *entry {
	if e.newer == &l.root {
		return nil
	}
	return e.newer
}
