package memfs

import (
	"io"
	"io/fs"
	"syscall"

	"mailbackend.io/backend/cache"
)

// file is an open file. Writes append, which is all that the cache does.
type file struct {
	m    *FS
	n    *node
	path string
}

// Write implements cache.File.
func (f *file) Write(b []byte) (int, error) {
	m := f.m
	m.mu.Lock()
	defer m.mu.Unlock()
	take, err := m.check(Write, f.path, len(b))
	if free := m.capacity - m.used; m.capacity > 0 && int64(take) > free {
		take = int(max(free, 0))
		err = &fs.PathError{Op: "write", Path: f.path, Err: syscall.ENOSPC}
	}
	f.n.data = append(f.n.data, b[:take]...)
	f.n.modified = m.clk.Now()
	if !f.n.gone {
		m.used += int64(take)
	}
	return take, err
}

// ReadAt implements cache.File.
func (f *file) ReadAt(b []byte, off int64) (int, error) {
	m := f.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.check(Read, f.path, len(b)); err != nil {
		return 0, err
	}
	if off >= int64(len(f.n.data)) {
		return 0, io.EOF
	}
	n := copy(b, f.n.data[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// Truncate implements cache.File.
func (f *file) Truncate(size int64) error {
	m := f.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.check(Truncate, f.path, int(size)); err != nil {
		return err
	}
	if size < int64(len(f.n.data)) {
		if !f.n.gone {
			m.used -= int64(len(f.n.data)) - size
		}
		f.n.data = f.n.data[:size:size]
	}
	return nil
}

// Stat implements cache.File.
func (f *file) Stat() (cache.FileInfo, error) {
	m := f.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.check(Stat, f.path, 0); err != nil {
		return cache.FileInfo{}, err
	}
	return f.n.info(f.path), nil
}

// Close implements cache.File.
func (f *file) Close() error { return nil }
