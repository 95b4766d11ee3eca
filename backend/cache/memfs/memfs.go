// Package memfs is a file system in memory for tests of the cache and of what
// stands on it: it can fill up, fail, write short, and flip bits. It knows
// nothing of what is stored.
package memfs

import (
	"errors"
	"io"
	"io/fs"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"

	"mailbackend.io/backend/cache"
	"mailbackend.io/backend/clock"
)

// Op is an operation that a Fault is asked about.
type Op string

// The operations.
const (
	Mkdir    Op = "mkdir"
	Create   Op = "create"
	Append   Op = "append"
	Open     Op = "open"
	Read     Op = "read"
	Write    Op = "write"
	Truncate Op = "truncate"
	Rename   Op = "rename"
	Remove   Op = "remove"
	Stat     Op = "stat"
	ReadDir  Op = "readdir"
	Touch    Op = "touch"
)

// Fault is called before each operation. An error makes the operation fail; of
// a Write of n bytes the first take bytes are written all the same.
type Fault func(op Op, path string, n int) (take int, err error)

// FS implements cache.FS. The zero value is not usable; see New.
type FS struct {
	clk clock.Clock

	mu       sync.Mutex
	root     *node
	used     int64
	capacity int64
	fault    Fault
	magic    uint32
	locks    map[string]*lock
	ops      map[Op]int
}

type node struct {
	data     []byte
	modified time.Time
	children map[string]*node // nil: a file
	// opened in a directory that was removed, or removed itself
	gone bool
}

// New returns an empty file system without limits whose files' times are clk's.
func New(clk clock.Clock) *FS {
	return &FS{clk: clk, root: &node{children: map[string]*node{}}, locks: map[string]*lock{}, ops: map[Op]int{}, magic: 0x01021994}
}

// SetFault makes f decide about every operation from now on; nil: none fails.
func (m *FS) SetFault(f Fault) { m.mu.Lock(); m.fault = f; m.mu.Unlock() }

// SetCapacity bounds the bytes of all files together; 0: no bound. A write past
// it is cut short with ENOSPC.
func (m *FS) SetCapacity(n int64) { m.mu.Lock(); m.capacity = n; m.mu.Unlock() }

// SetType sets what Type tells. New: tmpfs.
func (m *FS) SetType(magic uint32) { m.mu.Lock(); m.magic = magic; m.mu.Unlock() }

// KillProcess takes all locks away, as the death of the process does.
func (m *FS) KillProcess() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.locks = map[string]*lock{}
}

// Ops counts the operations of a kind since the last ResetOps.
func (m *FS) Ops(op Op) int { m.mu.Lock(); defer m.mu.Unlock(); return m.ops[op] }

// ResetOps sets all counts to zero.
func (m *FS) ResetOps() { m.mu.Lock(); m.ops = map[Op]int{}; m.mu.Unlock() }

// Paths lists all files, sorted.
func (m *FS) Paths() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var paths []string
	var walk func(prefix string, n *node)
	walk = func(prefix string, n *node) {
		for name, child := range n.children {
			if child.children == nil {
				paths = append(paths, prefix+name)
			} else {
				walk(prefix+name+"/", child)
			}
		}
	}
	walk("", m.root)
	sort.Strings(paths)
	return paths
}

// Edit replaces a file's bytes by what f makes of them, as a broken disk does.
// It reports whether there is such a file.
func (m *FS) Edit(path string, f func([]byte) []byte) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.find("edit", path)
	if err != nil || n.children != nil {
		return false
	}
	b := f(append([]byte(nil), n.data...))
	m.used += int64(len(b) - len(n.data))
	n.data = b
	return true
}

// FlipBit flips one bit of a file, counted from its first byte's lowest.
func (m *FS) FlipBit(path string, bit int) bool {
	return m.Edit(path, func(b []byte) []byte {
		if bit/8 < len(b) {
			b[bit/8] ^= 1 << (bit % 8)
		}
		return b
	})
}

func (m *FS) check(op Op, path string, n int) (int, error) {
	m.ops[op]++
	if m.fault == nil {
		return n, nil
	}
	take, err := m.fault(op, path, n)
	if err != nil {
		return min(take, n), &fs.PathError{Op: string(op), Path: path, Err: err}
	}
	return n, nil
}

func split(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

func (m *FS) find(op, path string) (*node, error) {
	n := m.root
	for _, name := range split(path) {
		if n = n.children[name]; n == nil {
			return nil, &fs.PathError{Op: op, Path: path, Err: syscall.ENOENT}
		}
	}
	return n, nil
}

// parent is the directory of path, which must exist, and path's last element.
func (m *FS) parent(op, path string) (*node, string, error) {
	i := strings.LastIndexByte(path, '/')
	dir, err := m.find(op, path[:max(i, 0)])
	if err == nil && dir.children == nil {
		err = &fs.PathError{Op: op, Path: path, Err: syscall.ENOTDIR}
	}
	return dir, path[i+1:], err
}

// MkdirAll implements cache.FS.
func (m *FS) MkdirAll(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.check(Mkdir, dir, 0); err != nil {
		return err
	}
	n := m.root
	for _, name := range split(dir) {
		child := n.children[name]
		if child == nil {
			child = &node{children: map[string]*node{}, modified: m.clk.Now()}
			n.children[name] = child
		}
		if child.children == nil {
			return &fs.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
		}
		n = child
	}
	return nil
}

func (m *FS) open(op Op, path string) (cache.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.check(op, path, 0); err != nil {
		return nil, err
	}
	dir, name, err := m.parent("open", path)
	if err != nil {
		return nil, err
	}
	n := dir.children[name]
	switch {
	case n == nil && op == Open:
		return nil, &fs.PathError{Op: "open", Path: path, Err: syscall.ENOENT}
	case n == nil:
		n = &node{modified: m.clk.Now()}
		dir.children[name] = n
	case n.children != nil:
		return nil, &fs.PathError{Op: "open", Path: path, Err: syscall.EISDIR}
	case op == Create:
		m.used -= int64(len(n.data))
		n.data = nil
	}
	return &file{m: m, n: n, path: path}, nil
}

// Create implements cache.FS.
func (m *FS) Create(path string) (cache.File, error) { return m.open(Create, path) }

// Append implements cache.FS.
func (m *FS) Append(path string) (cache.File, error) { return m.open(Append, path) }

// Open implements cache.FS.
func (m *FS) Open(path string) (cache.File, error) { return m.open(Open, path) }

// Rename implements cache.FS.
func (m *FS) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.check(Rename, from, 0); err != nil {
		return err
	}
	fromDir, fromName, err := m.parent("rename", from)
	if err != nil {
		return err
	}
	toDir, toName, err := m.parent("rename", to)
	if err != nil {
		return err
	}
	n := fromDir.children[fromName]
	if n == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: syscall.ENOENT}
	}
	if old := toDir.children[toName]; old != nil && old != n {
		m.unlink(old)
	}
	delete(fromDir.children, fromName)
	toDir.children[toName] = n
	return nil
}

func (m *FS) unlink(n *node) {
	n.gone = true
	m.used -= int64(len(n.data))
	for _, child := range n.children {
		m.unlink(child)
	}
}

// Remove implements cache.FS.
func (m *FS) Remove(path string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.check(Remove, path, 0); err != nil {
		return err
	}
	dir, name, err := m.parent("remove", path)
	if err != nil {
		return err
	}
	n := dir.children[name]
	switch {
	case n == nil:
		return &fs.PathError{Op: "remove", Path: path, Err: syscall.ENOENT}
	case len(n.children) > 0:
		return &fs.PathError{Op: "remove", Path: path, Err: syscall.ENOTEMPTY}
	}
	m.unlink(n)
	delete(dir.children, name)
	return nil
}

// RemoveAll implements cache.FS.
func (m *FS) RemoveAll(path string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.check(Remove, path, 0); err != nil {
		return err
	}
	dir, name, err := m.parent("remove", path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if n := dir.children[name]; n != nil {
		m.unlink(n)
		delete(dir.children, name)
	}
	return nil
}

// Stat implements cache.FS.
func (m *FS) Stat(path string) (cache.FileInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.check(Stat, path, 0); err != nil {
		return cache.FileInfo{}, err
	}
	n, err := m.find("stat", path)
	if err != nil {
		return cache.FileInfo{}, err
	}
	return n.info(path), nil
}

func (n *node) info(path string) cache.FileInfo {
	return cache.FileInfo{Name: path[strings.LastIndexByte(path, '/')+1:], Size: int64(len(n.data)), Modified: n.modified, Dir: n.children != nil}
}

// ReadDir implements cache.FS.
func (m *FS) ReadDir(dir string) ([]cache.FileInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.check(ReadDir, dir, 0); err != nil {
		return nil, err
	}
	n, err := m.find("readdir", dir)
	if err != nil {
		return nil, err
	}
	infos := make([]cache.FileInfo, 0, len(n.children))
	for name, child := range n.children {
		infos = append(infos, child.info(name))
	}
	sort.Slice(infos, func(i, j int) bool { return infos[i].Name < infos[j].Name })
	return infos, nil
}

// Touch implements cache.FS.
func (m *FS) Touch(path string, t time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.check(Touch, path, 0); err != nil {
		return err
	}
	n, err := m.find("touch", path)
	if err == nil {
		n.modified = t
	}
	return err
}

// Type implements cache.FS.
func (m *FS) Type(string) (uint32, error) { m.mu.Lock(); defer m.mu.Unlock(); return m.magic, nil }

type lock struct {
	m    *FS
	path string
}

// Lock implements cache.FS.
func (m *FS) Lock(path string) (io.Closer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locks[path] != nil {
		return nil, cache.ErrLocked
	}
	m.locks[path] = &lock{m, path}
	return m.locks[path], nil
}

// Close gives the lock back.
func (l *lock) Close() error {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	if l.m.locks[l.path] == l {
		delete(l.m.locks, l.path)
	}
	return nil
}
