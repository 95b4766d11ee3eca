package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"syscall"

	"mailbackend.io/backend/format"
)

// maxEntry bounds one entry of a log.
const maxEntry = 64 << 20

// Log is a mailbox's local log: entries since the last confirmed commit, in
// files numbered by rotation. Safe for concurrent use.
type Log struct {
	u       *User
	mailbox string
}

// Log returns the append-only log of a mailbox. It does no I/O. ErrName.
func (u *User) Log(mailbox string) (*Log, error) {
	if _, err := logName(mailbox, 0); err != nil {
		return nil, err
	}
	return &Log{u: u, mailbox: mailbox}, nil
}

// openLog is the state of a mailbox's log while its user is in use. All of it
// is under the entry's mu.
type openLog struct {
	mailbox string
	// current is the rotation that is appended to. It is a number that no
	// file had when the log was opened, so that a torn tail which a former
	// process left is never appended to.
	current uint64
	size    int64     // of the current file
	file    *openFile // the current file, nil if not open
	files   []uint64  // rotations that have a file, ascending
}

// path is the file of a rotation.
func (l *openLog) path(e *entry, rotation uint64) string {
	name, err := logName(l.mailbox, rotation)
	if err != nil {
		panic("cache: log of a name that User.Log refused") // checked there
	}
	return e.path + "/" + name
}

// Append adds an entry with one write(2). When it returned nil the entry
// survives the death of the process. After an error the entry is not in the
// log. ErrFull: the user has nothing here yet and there is no room.
func (l *Log) Append(data []byte) error {
	if len(data) > maxEntry {
		return fmt.Errorf("%w: log entry of %d bytes", format.ErrTooLarge, len(data))
	}
	buf := entryPool.Get().(*[]byte)
	defer func() {
		if cap(*buf) <= maxPooledEntry {
			entryPool.Put(buf)
		}
	}()
	frame := format.Seal((*buf)[:0], logMagic, version, data)
	*buf = frame
	c := l.u.c
	return l.u.do(func(e *entry) error {
		n := int64(len(frame))
		if err := c.reserve(e, logKind, n); err != nil {
			return err
		}
		err := c.appendLog(e, l.mailbox, frame)
		if errors.Is(err, syscall.ENOSPC) {
			c.evict(n)
			err = c.appendLog(e, l.mailbox, frame)
		}
		if err != nil {
			c.unreserve(n)
		}
		return err
	})
}

const maxPooledEntry = 64 << 10

var entryPool = sync.Pool{New: func() any { return new([]byte) }}

// appendLog writes a frame, whose bytes are reserved, to the current file.
func (c *Cache) appendLog(e *entry, mailbox string, frame []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	l, err := c.openLog(e, mailbox)
	if err != nil {
		return err
	}
	if err := c.openCurrent(e, l); err != nil {
		return err
	}
	defer c.files.release(l.file)
	if _, err = l.file.f.Write(frame); err != nil {
		return errors.Join(wrap("append to", l.path(e, l.current), err), c.cutBack(e, l))
	}
	l.size += int64(len(frame))
	c.settle(e, logKind, int64(len(frame)), int64(len(frame)))
	return nil
}

// cutBack removes what a failed write left behind. If that fails too, later
// entries go to another file, so that nothing follows the torn one.
func (c *Cache) cutBack(e *entry, l *openLog) error {
	err := l.file.f.Truncate(l.size)
	if err == nil {
		return nil
	}
	if info, err := l.file.f.Stat(); err == nil {
		c.account(e, logKind, info.Size-l.size)
	}
	c.rotate(l)
	return wrap("cut back", e.path, err)
}

// openLog returns the state of a mailbox's log, reading the directory if the
// user has log files that are not known yet. e.mu is held.
func (c *Cache) openLog(e *entry, mailbox string) (*openLog, error) {
	if e.logs == nil {
		logs, err := c.findLogs(e)
		if err != nil {
			return nil, err
		}
		e.logs = logs
	}
	l := e.logs[mailbox]
	if l == nil {
		l = &openLog{mailbox: mailbox}
		e.logs[mailbox] = l
	}
	if l.current == 0 {
		l.current = c.rotation.Add(1)
	}
	return l, nil
}

func (c *Cache) findLogs(e *entry) (map[string]*openLog, error) {
	logs := map[string]*openLog{}
	c.mu.Lock()
	none := e.bytes[logKind] == 0
	c.mu.Unlock()
	if none {
		return logs, nil
	}
	files, err := c.fs.ReadDir(e.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, wrap("list", e.path, err)
	}
	for _, f := range files {
		p, ok := parseName(f.Name)
		if !ok || p.kind != logKind {
			continue
		}
		mailbox, ok := unescape(p.mailbox)
		if !ok {
			continue
		}
		l := logs[mailbox]
		if l == nil {
			l = &openLog{mailbox: mailbox}
			logs[mailbox] = l
		}
		l.files = append(l.files, p.rotation)
	}
	for _, l := range logs {
		slices.Sort(l.files)
	}
	return logs, nil
}

// openCurrent makes l.file the open current file, protected from being closed
// until files.release. e.mu is held.
func (c *Cache) openCurrent(e *entry, l *openLog) error {
	if l.file != nil && c.files.use(l.file) {
		return nil
	}
	path := l.path(e, l.current)
	f, err := c.fs.Append(path)
	for try := 0; errors.Is(err, fs.ErrNotExist) && try < dirTries; try++ {
		if err := c.makeDir(e); err != nil {
			return err
		}
		f, err = c.fs.Append(path)
	}
	if err != nil {
		return wrap("open", path, err)
	}
	if err := c.nameDir(e); err != nil {
		return errors.Join(err, f.Close())
	}
	if n := len(l.files); n == 0 || l.files[n-1] != l.current {
		l.files = append(l.files, l.current)
	}
	l.file = c.files.add(f)
	return nil
}

// rotate starts another file. e.mu is held.
func (c *Cache) rotate(l *openLog) {
	if l.file != nil {
		c.files.close(l.file)
		l.file = nil
	}
	l.current, l.size = c.rotation.Add(1), 0
}

// forgetLogs closes the log of a mailbox, or all ("") of the user, and forgets
// what is known of its files. e.mu is held.
func (c *Cache) forgetLogs(e *entry, mailbox string) {
	for name, l := range e.logs {
		if mailbox != "" && name != mailbox {
			continue
		}
		if l.file != nil {
			c.files.close(l.file)
		}
		delete(e.logs, name)
	}
	if mailbox == "" {
		e.logs = nil
	}
}

// Rotate makes later Appends go to a new file and returns its number, for
// DropBefore once everything before it is uploaded. Numbers ascend, but only
// within this process.
func (l *Log) Rotate() (rotation uint64, err error) {
	c := l.u.c
	err = l.u.do(func(e *entry) error {
		e.mu.Lock()
		defer e.mu.Unlock()
		open, err := c.openLog(e, l.mailbox)
		if err != nil {
			return err
		}
		c.rotate(open)
		rotation = open.current
		return nil
	})
	return rotation, err
}

// DropBefore removes the entries that were appended before the Rotate which
// returned rotation. After an error some of them may still be there; the next
// DropBefore removes them too.
func (l *Log) DropBefore(rotation uint64) error {
	c := l.u.c
	err := l.u.do(func(e *entry) error {
		e.mu.Lock()
		defer e.mu.Unlock()
		open, err := c.openLog(e, l.mailbox)
		if err != nil {
			return err
		}
		var kept []uint64
		var failed []error
		for _, r := range open.files {
			if r >= rotation {
				kept = append(kept, r)
				continue
			}
			name, err := logName(l.mailbox, r)
			if err == nil {
				err = c.removeLocked(e, name, logKind)
			}
			if err != nil {
				kept = append(kept, r)
				failed = append(failed, err)
			}
		}
		open.files = kept
		return errors.Join(failed...)
	})
	c.evictOver()
	return err
}

// Size is how many bytes the user's log of the mailbox takes.
func (l *Log) Size() (int64, error) {
	var size int64
	c := l.u.c
	err := l.u.do(func(e *entry) error {
		e.mu.Lock()
		defer e.mu.Unlock()
		open, err := c.openLog(e, l.mailbox)
		if err != nil {
			return err
		}
		for _, r := range open.files {
			info, err := c.fs.Stat(open.path(e, r))
			if err != nil {
				return wrap("stat", open.path(e, r), err)
			}
			size += info.Size
		}
		return nil
	})
	return size, err
}
