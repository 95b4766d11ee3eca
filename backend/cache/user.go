package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"time"

	"mailbackend.io/backend/format"
)

// touchAfter is how old a file's time is before its use renews it: eviction
// knows the order of use to about an hour, at no cost for most reads.
const touchAfter = time.Hour

// User is a handle on one user's files. Safe for concurrent use; cheap to make
// and drop, all handles of one user see the same.
type User struct {
	c    *Cache
	name string
}

// do runs f as an operation on the user.
func (u *User) do(f func(e *entry) error) error {
	e, err := u.c.acquire(u.name)
	if err != nil {
		return err
	}
	defer u.c.release(e)
	return f(e)
}

// Put stores an immutable file, replacing one of the same name. ErrFull: there
// is no room; nothing was stored, which is no more than a later miss. The names
// may hold any bytes; ErrName if both together exceed about 60 to 190 of them,
// depending on how many have to be escaped.
func (u *User) Put(mailbox, name string, kind Kind, data []byte) error {
	if kind < Body || kind > Records {
		return fmt.Errorf("%w: kind %d", ErrName, kind)
	}
	file, err := fileName(kind, mailbox, name)
	if err != nil {
		return err
	}
	head := appendHeader(nil, kind, mailbox, name, data)
	return u.do(func(e *entry) error {
		return u.c.store(e, file, kind, head, data)
	})
}

// store writes a file aside and puts it into its place.
func (c *Cache) store(e *entry, file string, kind Kind, head, data []byte) error {
	size := int64(len(head) + len(data))
	if err := c.reserve(e, kind, size); err != nil {
		return err
	}
	temp := c.tempPath(e)
	err := c.writeTemp(e, temp, head, data)
	if errors.Is(err, syscall.ENOSPC) {
		// The disk is smaller than the budget says: make room on it.
		c.evict(size)
		err = c.writeTemp(e, temp, head, data)
	}
	if err != nil {
		c.unreserve(size)
		return err
	}
	path := e.path + "/" + file
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := c.nameDir(e); err != nil {
		c.unreserve(size)
		return errors.Join(err, c.fs.Remove(temp))
	}
	var replaced int64
	if old, err := c.fs.Stat(path); err == nil {
		replaced = old.Size
	}
	if err := c.fs.Rename(temp, path); err != nil {
		c.unreserve(size)
		return errors.Join(wrap("write", path, err), c.fs.Remove(temp))
	}
	c.settle(e, kind, size, size-replaced)
	return nil
}

func (c *Cache) tempPath(e *entry) string {
	return fmt.Sprintf("%s/t.%d", e.path, c.temp.Add(1))
}

// writeTemp writes a new file, making the user's directory if it is not there.
// Nothing stays behind after an error.
func (c *Cache) writeTemp(e *entry, temp string, head, data []byte) error {
	f, err := c.fs.Create(temp)
	for try := 0; errors.Is(err, fs.ErrNotExist) && try < dirTries; try++ {
		if err := c.makeDir(e); err != nil {
			return err
		}
		f, err = c.fs.Create(temp)
	}
	if err != nil {
		return wrap("create", temp, err)
	}
	if err = errors.Join(writeData(f, head, data), f.Close()); err != nil {
		return errors.Join(wrap("write", temp, err), c.fs.Remove(temp))
	}
	return nil
}

// dirTries is how often a directory is made that an eviction removes again
// before something is in it.
const dirTries = 10

// Get returns what Put stored. ErrMiss.
func (u *User) Get(mailbox, name string, kind Kind) ([]byte, error) {
	return u.GetRange(mailbox, name, kind, 0, -1)
}

// GetRange returns the bytes off..off+n-1 of what Put stored, cut at its end
// (n < 0: up to its end), reading and verifying only the 64 KiB blocks that hold
// them. ErrMiss.
func (u *User) GetRange(mailbox, name string, kind Kind, off, n int64) ([]byte, error) {
	file, err := fileName(kind, mailbox, name)
	if err != nil {
		return nil, err
	}
	if off < 0 {
		return nil, fmt.Errorf("cache: read %s: offset %d", file, off)
	}
	var data []byte
	err = u.do(func(e *entry) (err error) {
		data, err = u.c.read(e, file, kind, mailbox, name, off, n)
		return err
	})
	return data, err
}

func (c *Cache) read(e *entry, file string, kind Kind, mailbox, name string, off, n int64) ([]byte, error) {
	path := e.path + "/" + file
	f, err := c.fs.Open(path)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) { // not the file's fault, perhaps: it stays
			c.o.Log.Warn("cache file not readable", "user", e.name, "file", file, "error", err)
		}
		return nil, ErrMiss
	}
	defer f.Close()
	info, err := f.Stat()
	var data []byte
	if err == nil {
		data, err = readRange(f, info.Size, kind, mailbox, name, off, n)
	}
	if err != nil {
		c.dropDamaged(e, file, kind, err)
		return nil, ErrMiss
	}
	if now := c.o.Clock.Now(); now.Sub(info.Modified) > touchAfter {
		_ = c.fs.Touch(path, now) // at worst it is evicted early
	}
	return data, nil
}

// dropDamaged removes a file that can't be read.
func (c *Cache) dropDamaged(e *entry, file string, kind Kind, why error) {
	err := c.remove(e, file, kind)
	c.o.Log.Warn("damaged cache file removed", "user", e.name, "file", file, "why", why, "error", err)
}

// remove removes one file, if it is there.
func (c *Cache) remove(e *entry, file string, kind Kind) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return c.removeLocked(e, file, kind)
}

// removeLocked is remove with e.mu held.
func (c *Cache) removeLocked(e *entry, file string, kind Kind) error {
	path := e.path + "/" + file
	info, err := c.fs.Stat(path)
	if err == nil {
		err = c.fs.Remove(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return wrap("remove", path, err)
	}
	c.account(e, kind, -info.Size)
	return nil
}

// Has tells whether a file is there, without reading it.
func (u *User) Has(mailbox, name string, kind Kind) bool {
	file, err := fileName(kind, mailbox, name)
	if err != nil {
		return false
	}
	err = u.do(func(e *entry) error {
		_, err := u.c.fs.Stat(e.path + "/" + file)
		return err
	})
	return err == nil
}

// Remove removes a file; it is no error if there is none.
func (u *User) Remove(mailbox, name string, kind Kind) error {
	file, err := fileName(kind, mailbox, name)
	if err != nil {
		return err
	}
	return u.do(func(e *entry) error { return u.c.remove(e, file, kind) })
}

// RemoveMailbox removes all files and the log of a mailbox.
func (u *User) RemoveMailbox(mailbox string) error {
	escaped := string(escape(nil, mailbox))
	return u.removeIf(mailbox, func(file string, p parsedName) bool {
		return p.kind != metaKind && p.mailbox == escaped
	})
}

// RemoveAll removes everything of the user, dirty or not. It does not change
// what SetDirty and Pin told.
func (u *User) RemoveAll() error {
	return u.removeIf("", func(file string, p parsedName) bool { return file != "name" })
}

// removeIf removes the files that which picks, and forgets the open log of
// mailbox ("": all).
func (u *User) removeIf(mailbox string, which func(file string, p parsedName) bool) error {
	c := u.c
	err := u.do(func(e *entry) error {
		e.mu.Lock()
		defer e.mu.Unlock()
		c.forgetLogs(e, mailbox)
		files, err := c.fs.ReadDir(e.path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return wrap("list", e.path, err)
		}
		var failed []error
		named := slices.ContainsFunc(files, func(f FileInfo) bool { return f.Name == "name" })
		kept := 0
		for _, f := range files {
			p, ok := parseName(f.Name)
			if !ok || !which(f.Name, p) {
				kept++
				continue
			}
			failed = append(failed, c.removeLocked(e, f.Name, p.kind))
		}
		if named && kept == 1 { // nothing but the name
			failed = append(failed, c.removeLocked(e, "name", metaKind))
		}
		return errors.Join(failed...)
	})
	c.evictOver() // others may have become evictable
	return err
}

// SetMeta replaces the user's small state (the root's epoch and the like) as
// one: a crash leaves the old or the new.
func (u *User) SetMeta(data []byte) error {
	if len(data) > maxMeta {
		return fmt.Errorf("%w: meta of %d bytes", format.ErrTooLarge, len(data))
	}
	sealed := format.Seal(nil, metaMagic, version, data)
	return u.do(func(e *entry) error { return u.c.store(e, "meta", metaKind, sealed, nil) })
}

// Meta returns what SetMeta stored. ErrMiss.
func (u *User) Meta() ([]byte, error) {
	var data []byte
	err := u.do(func(e *entry) error {
		b, err := u.c.readAll(e.path + "/meta")
		if errors.Is(err, fs.ErrNotExist) {
			return ErrMiss
		}
		var f format.Frame
		if err == nil {
			f, err = format.Open(b, metaMagic, version, maxMeta)
		}
		if err != nil {
			u.c.dropDamaged(e, "meta", metaKind, err)
			return ErrMiss
		}
		data = f.Payload
		return nil
	})
	return data, err
}

// Pin keeps the user's records and logs from eviction until as many Unpins.
func (u *User) Pin() {
	_ = u.do(func(e *entry) error {
		u.c.mu.Lock()
		e.pins++
		u.c.mu.Unlock()
		return nil
	})
}

// Unpin undoes one Pin.
func (u *User) Unpin() {
	_ = u.do(func(e *entry) error {
		u.c.mu.Lock()
		last := e.pins == 1
		e.pins = max(0, e.pins-1)
		u.c.mu.Unlock()
		if last {
			e.mu.Lock()
			u.c.forgetLogs(e, "")
			e.mu.Unlock()
		}
		return nil
	})
	u.c.evictOver()
}

// SetDirty tells whether the user has local changes that are not uploaded:
// records and logs are then never evicted. A log that holds entries makes its
// user dirty whatever was told: after Open those are the users that a former
// process left behind.
func (u *User) SetDirty(dirty bool) {
	_ = u.do(func(e *entry) error {
		u.c.mu.Lock()
		e.dirty = dirty
		u.c.mu.Unlock()
		return nil
	})
	if !dirty {
		u.c.evictOver()
	}
}

// Size is how many bytes the user's files take.
func (u *User) Size() int64 {
	u.c.mu.Lock()
	defer u.c.mu.Unlock()
	if e := u.c.users[u.name]; e != nil {
		return e.total()
	}
	return 0
}

// LogMailboxes lists the mailboxes whose logs hold entries.
func (u *User) LogMailboxes() ([]string, error) {
	var names []string
	err := u.do(func(e *entry) error {
		files, err := u.c.fs.ReadDir(e.path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		for _, f := range files {
			if p, ok := parseName(f.Name); ok && p.kind == logKind && f.Size > 0 {
				if mailbox, ok := unescape(p.mailbox); ok {
					names = append(names, mailbox)
				}
			}
		}
		return wrap("list", e.path, err)
	})
	slices.SortFunc(names, strings.Compare)
	return slices.Compact(names), err
}
