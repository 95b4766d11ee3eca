package cache

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// OS is the operating system's file system.
type OS struct{}

type osFile struct{ *os.File }

func (f osFile) Stat() (FileInfo, error) {
	i, err := f.File.Stat()
	if err != nil {
		return FileInfo{}, err
	}
	return info(i), nil
}

func info(i fs.FileInfo) FileInfo {
	return FileInfo{Name: i.Name(), Size: i.Size(), Modified: i.ModTime(), Dir: i.IsDir()}
}

func open(path string, flags int) (File, error) {
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// MkdirAll implements FS. Directories are the process's own (mode 0700).
func (OS) MkdirAll(dir string) error { return os.MkdirAll(dir, 0o700) }

// Create implements FS.
func (OS) Create(path string) (File, error) {
	return open(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
}

// Append implements FS.
func (OS) Append(path string) (File, error) {
	return open(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND)
}

// Open implements FS.
func (OS) Open(path string) (File, error) { return open(path, os.O_RDONLY) }

// Rename implements FS.
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// Remove implements FS.
func (OS) Remove(path string) error { return os.Remove(path) }

// RemoveAll implements FS.
func (OS) RemoveAll(path string) error { return os.RemoveAll(path) }

// Stat implements FS.
func (OS) Stat(path string) (FileInfo, error) {
	i, err := os.Lstat(path)
	if err != nil {
		return FileInfo{}, err
	}
	return info(i), nil
}

// ReadDir implements FS. A file that vanishes meanwhile is left out.
func (OS) ReadDir(dir string) ([]FileInfo, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	entries, err := d.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	infos := make([]FileInfo, 0, len(entries))
	for _, e := range entries {
		i, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		infos = append(infos, info(i))
	}
	return infos, nil
}

// Touch implements FS.
func (OS) Touch(path string, t time.Time) error { return os.Chtimes(path, time.Time{}, t) }

// Lock implements FS with flock(2).
func (OS) Lock(path string) (io.Closer, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrLocked
		}
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
