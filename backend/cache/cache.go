// Package cache is the pod's local cache on SSD or tmpfs: one directory per
// user, plain files, appended without fsync, counted byte-exactly against a
// budget. It can be lost at any time. It knows users, mailboxes and file kinds,
// but not what is in the files, and never talks to the object store.
//
//	<dir>/lock                      flock(2): one process per cache
//	<dir>/state                     frame MBcs: boot id, instance, clean
//	<dir>/users/<h2>/<user>/        escaped name, or ~<sha256> if that is long
//	    name                        frame MBcn: the user's name, with ~ only
//	    meta                        frame MBcm: the caller's small state
//	    b.<mailbox>.<name>          a body     ┐
//	    s.<mailbox>.<name>          a summary  ├ frame MBcf, then the data
//	    r.<mailbox>.<name>          records    ┘
//	    l.<mailbox>.<rotation>      log: frames MBcl, one per entry
//	    t.<n>                       being written; removed by Open
//
// Frames are those of package format. A data file is one frame that describes
// the data, then the data as it is:
//
//	┌─────────────────────────────────────────────────────────────┬───────────┐
//	│ frame MBcf: kind u8, mailbox, name, size, crc32c per 64 KiB │ the data  │
//	└─────────────────────────────────────────────────────────────┴───────────┘
//
// Nothing is ever synced: what a process wrote survives its death in the
// kernel's buffers, and what does not survive the death of the machine is
// deleted by the boot id. Checksums find what is neither.
package cache

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"mailbackend.io/backend/clock"
)

// Options configure a Cache.
type Options struct {
	// Dir is the cache's own directory; created if absent.
	Dir string
	// Budget is how many bytes the files of all users may take. Default
	// DefaultBudget.
	Budget int64
	// Grace is how many bytes past Budget may be taken by what can't be
	// evicted. Past both, users who have nothing here yet are refused.
	// Default: a quarter of Budget.
	Grace int64
	// BootID names this boot of the machine
	// (/proc/sys/kernel/random/boot_id). Files of another boot are deleted;
	// an empty id never matches.
	BootID string
	// Instance names this run of this pod; a later process on the same boot
	// is told it by Previous.
	Instance string
	// MaxOpenFiles bounds the log files kept open. Default DefaultMaxOpenFiles.
	MaxOpenFiles int
	// AllowNetworkFS opens the cache on a network file system all the same.
	AllowNetworkFS bool
	Clock          clock.Clock  // default the system's
	FS             FS           // default the operating system's
	Log            *slog.Logger // default none
}

// Defaults of Options.
const (
	DefaultBudget       = 1 << 30
	DefaultMaxOpenFiles = 2048
)

func (o Options) withDefaults() Options {
	if o.Budget <= 0 {
		o.Budget = DefaultBudget
	}
	if o.Grace <= 0 {
		o.Grace = o.Budget / 4
	}
	if o.MaxOpenFiles <= 0 {
		o.MaxOpenFiles = DefaultMaxOpenFiles
	}
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	if o.FS == nil {
		o.FS = OS{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Kind is what a file holds; kinds are evicted in their order, Body first.
type Kind uint8

// The kinds.
const (
	// Body is (a part of) a mail object. The bodies of any user may go.
	Body Kind = iota + 1
	// Summary is a summary segment. Goes after all bodies; those of pinned
	// or dirty users only when nothing else is left.
	Summary
	// Records is a records segment. Goes with everything else of a user who
	// is neither dirty nor pinned.
	Records

	logKind  // entries of logs
	metaKind // meta and name files
	kinds    // their number, plus one
)

// Errors that callers branch on.
var (
	// ErrMiss: not in the cache, or damaged and removed just now.
	ErrMiss = errors.New("not in the cache")
	// ErrFull: no room for this, and nothing left that may be evicted.
	ErrFull = errors.New("cache is full")
	// ErrDamaged: a log is damaged other than by a torn last write.
	ErrDamaged = errors.New("local log is damaged")
	// ErrNetworkFS: Dir is on a network file system.
	ErrNetworkFS = errors.New("cache directory is on a network file system")
	// ErrLocked: another process has the cache open.
	ErrLocked = errors.New("cache directory is in use by another process")
	// ErrClosed: the cache was closed.
	ErrClosed = errors.New("cache is closed")
	// ErrName: a mailbox or file name that is empty or too long for a file.
	ErrName = errors.New("name can't be a file's")
)

// Cache is an open cache directory. Safe for concurrent use.
//
// Locks, in the order in which they are taken: evictMu, entry.mu, mu. Files of
// a user appear, change their size and vanish only under the entry's mu.
type Cache struct {
	o        Options
	fs       FS
	lock     interface{ Close() error }
	previous string
	survived bool // files of a former process on this boot were kept
	wasClean bool

	temp     atomic.Uint64 // last number of a t.<n> file
	rotation atomic.Uint64 // last number of a log file, of any user
	evicted  atomic.Int64
	files    openFiles

	evictMu sync.Mutex // one eviction at a time

	mu     sync.Mutex
	users  map[string]*entry
	recent lru // Invariant: holds exactly the entries of users
	// used is the bytes of all files, plus what is reserved for writes
	// under way. Invariant: with none under way, the sum of users' bytes.
	used   int64
	budget int64
	grace  int64
	// changes counts what may have made something evictable; stuck is its
	// value when an eviction last found too little, so that it is not tried
	// again before something changed.
	changes, stuck uint64
	ops            int // operations under way
	idle           *sync.Cond
	closed         bool
}

// Open takes the directory for this process. Files of another boot are deleted
// before it returns; those of this boot are scanned, so that accounting is
// exact. ErrNetworkFS, ErrLocked.
func Open(ctx context.Context, o Options) (*Cache, error) {
	o = o.withDefaults()
	c := &Cache{o: o, fs: o.FS, users: map[string]*entry{}, budget: o.Budget, grace: o.Grace, changes: 1}
	c.idle = sync.NewCond(&c.mu)
	c.recent.init()
	c.files.limit = o.MaxOpenFiles
	if err := c.fs.MkdirAll(o.Dir); err != nil {
		return nil, wrap("create", o.Dir, err)
	}
	if err := c.checkFS(); err != nil {
		return nil, err
	}
	lock, err := c.fs.Lock(o.Dir + "/lock")
	if err != nil {
		return nil, wrap("lock", o.Dir, err)
	}
	c.lock = lock
	if err := c.recover(ctx); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return c, nil
}

// Previous is the instance that wrote the files which survived, if any did.
// It is the last process that opened the cache, whether or not it went on to
// use a given user's files (and an earlier one if the disk was too full to note
// it): who must know whose a user's files are writes that into the user's Meta.
func (c *Cache) Previous() (instance string, ok bool) { return c.previous, c.survived }

// WasClean tells that the previous process closed the cache.
func (c *Cache) WasClean() bool { return c.wasClean }

// Close waits for the operations under way, marks the cache clean and gives the
// directory free. Operations after it fail with ErrClosed.
func (c *Cache) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return ErrClosed
	}
	c.closed = true
	for c.ops > 0 {
		c.idle.Wait()
	}
	c.mu.Unlock()
	err := c.files.closeAll()
	return errors.Join(err, c.writeState(true), c.lock.Close())
}

// Usage is what the cache holds.
type Usage struct {
	Bytes, Bodies, Summaries, Records, Logs int64 // bytes as stored; Logs includes metas
	Budget, Grace                           int64
	Users, Dirty, Pinned                    int   // Users are those known: with files, pinned or dirty
	Evicted                                 int64 // bytes evicted since Open
}

// Usage tells what the cache holds.
func (c *Cache) Usage() Usage {
	c.mu.Lock()
	defer c.mu.Unlock()
	u := Usage{Bytes: c.used, Budget: c.budget, Grace: c.grace, Users: len(c.users), Evicted: c.evicted.Load()}
	for _, e := range c.users {
		u.Bodies += e.bytes[Body]
		u.Summaries += e.bytes[Summary]
		u.Records += e.bytes[Records]
		u.Logs += e.bytes[logKind] + e.bytes[metaKind]
		if e.isDirty() {
			u.Dirty++
		}
		if e.pins > 0 {
			u.Pinned++
		}
	}
	return u
}

// Full tells that Budget and all but the last sixteenth of Grace are used up,
// with nothing left to evict: a user who has nothing here should be refused with
// a temporary error.
func (c *Cache) Full() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.used >= c.budget+c.grace-c.grace/16
}

// SetBudget replaces Options.Budget and Grace (0: a quarter of budget), and
// evicts what is over at once.
func (c *Cache) SetBudget(budget, grace int64) {
	if grace <= 0 {
		grace = budget / 4
	}
	c.mu.Lock()
	c.budget, c.grace = budget, grace
	c.changes++
	c.mu.Unlock()
	c.evictOver()
}

// DirtyUsers lists the users whose logs hold something or for whom SetDirty was
// called, in no particular order: after Open those that a former process left
// behind.
func (c *Cache) DirtyUsers() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []string
	for _, e := range c.users {
		if e.isDirty() {
			names = append(names, e.name)
		}
	}
	return names
}

// User returns the files of a user, of any name. It does no I/O.
func (c *Cache) User(user string) *User { return &User{c: c, name: user} }
