// Package cache is the pod's local cache on SSD or tmpfs: one directory per
// user, plain files, appended without fsync, counted byte-exactly against a
// budget. It can be lost at any time. It knows users, mailboxes and file kinds,
// but not what is in the files.
package cache

import (
	"context"
	"errors"
	"log/slog"

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

// Kind is what a file holds; kinds are evicted in their order, Body first.
type Kind uint8

// The kinds.
const (
	// Body is (a part of) a mail object. The bodies of any user may go.
	Body Kind = iota + 1
	// Summary is a summary segment. Goes after all bodies.
	Summary
	// Records is a records segment. Goes last, and only of users who are
	// neither dirty nor pinned.
	Records
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
)

// Cache is an open cache directory. Safe for concurrent use.
type Cache struct{}

// Open takes the directory for this process. Files of another boot are deleted
// before it returns; those of this boot are scanned, so that accounting is
// exact. ErrNetworkFS, ErrLocked.
func Open(ctx context.Context, o Options) (*Cache, error) { panic("cache: Open") }

// Previous is the instance that wrote the files which survived, if any did.
func (c *Cache) Previous() (instance string, ok bool) { panic("cache: Previous") }

// Close marks the cache clean and gives the directory free. Operations after
// it fail with ErrClosed.
func (c *Cache) Close() error { panic("cache: Close") }

// Usage is what the cache holds.
type Usage struct {
	Bytes, Bodies, Summaries, Records, Logs int64 // bytes as stored; Logs includes metas
	Budget, Grace                           int64
	Users, Dirty, Pinned                    int
	Evicted                                 int64 // bytes evicted since Open
}

// Usage tells what the cache holds.
func (c *Cache) Usage() Usage { panic("cache: Usage") }

// Full tells that Budget and Grace are used up: a user who has nothing here
// should be refused with a temporary error.
func (c *Cache) Full() bool { panic("cache: Full") }

// DirtyUsers lists the users whose logs hold something or for whom SetDirty was
// called: after Open those that a former process left behind.
func (c *Cache) DirtyUsers() []string { panic("cache: DirtyUsers") }

// User returns the files of a user, of any name. It does no I/O.
func (c *Cache) User(user string) *User { panic("cache: User") }

// User is a handle on one user's files. Safe for concurrent use; cheap to make
// and drop, all handles of one user see the same.
type User struct{}

// Put stores an immutable file, replacing one of the same name. ErrFull: there
// is no room; nothing was stored, which is no more than a later miss.
func (u *User) Put(mailbox, name string, kind Kind, data []byte) error { panic("cache: Put") }

// Get returns what Put stored. ErrMiss.
func (u *User) Get(mailbox, name string, kind Kind) ([]byte, error) { panic("cache: Get") }

// GetRange returns the bytes off..off+n-1 of what Put stored, cut at its end,
// reading and verifying only the 64 KiB blocks that hold them. ErrMiss.
func (u *User) GetRange(mailbox, name string, kind Kind, off, n int64) ([]byte, error) {
	panic("cache: GetRange")
}

// Has tells whether a file is there, without reading it.
func (u *User) Has(mailbox, name string, kind Kind) bool { panic("cache: Has") }

// Remove removes a file; it is no error if there is none.
func (u *User) Remove(mailbox, name string, kind Kind) error { panic("cache: Remove") }

// RemoveMailbox removes all files and the log of a mailbox.
func (u *User) RemoveMailbox(mailbox string) error { panic("cache: RemoveMailbox") }

// RemoveAll removes everything of the user, dirty or not.
func (u *User) RemoveAll() error { panic("cache: RemoveAll") }

// SetMeta replaces the user's small state (the root's epoch and the like) as
// one: a crash leaves the old or the new.
func (u *User) SetMeta(data []byte) error { panic("cache: SetMeta") }

// Meta returns what SetMeta stored. ErrMiss.
func (u *User) Meta() ([]byte, error) { panic("cache: Meta") }

// Pin keeps the user's records and logs from eviction until as many Unpins.
func (u *User) Pin() { panic("cache: Pin") }

// Unpin undoes one Pin.
func (u *User) Unpin() { panic("cache: Unpin") }

// SetDirty tells whether the user has local changes that are not uploaded:
// records and logs are then never evicted. After Open the users whose logs hold
// entries are dirty.
func (u *User) SetDirty(dirty bool) { panic("cache: SetDirty") }

// Size is how many bytes the user's files take.
func (u *User) Size() int64 { panic("cache: Size") }

// Log returns the append-only log of a mailbox.
func (u *User) Log(mailbox string) (*Log, error) { panic("cache: Log") }

// LogMailboxes lists the mailboxes whose logs hold entries.
func (u *User) LogMailboxes() ([]string, error) { panic("cache: LogMailboxes") }

// Log is a mailbox's local log: entries since the last confirmed commit, in
// files numbered by rotation. Safe for concurrent use.
type Log struct{}

// Append adds an entry with one write(2). When it returned nil the entry
// survives the death of the process. After an error the entry is not in the log.
func (l *Log) Append(entry []byte) error { panic("cache: Append") }

// Replayed tells what Replay found.
type Replayed struct {
	Entries int
	// Torn is how many bytes of an unfinished last write were cut off: an
	// entry whose Append never returned nil.
	Torn int64
}

// Replay calls f for every entry in the order of the Appends; entry is valid
// during the call. An error of f ends it and is returned. ErrDamaged: what f got
// so far is good, but entries behind are lost.
func (l *Log) Replay(f func(entry []byte) error) (Replayed, error) { panic("cache: Replay") }

// Rotate makes later Appends go to a new file and returns its number, for
// DropBefore once everything before it is uploaded.
func (l *Log) Rotate() (rotation uint64, err error) { panic("cache: Rotate") }

// DropBefore removes the entries that were appended before the Rotate which
// returned rotation.
func (l *Log) DropBefore(rotation uint64) error { panic("cache: DropBefore") }

// Size is how many bytes the log takes.
func (l *Log) Size() int64 { panic("cache: Size") }
