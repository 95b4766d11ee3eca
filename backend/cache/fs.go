package cache

import (
	"io"
	"time"
)

// FS is what the cache asks of a file system. Paths are absolute or relative to
// the working directory, with slashes. Errors are matched with errors.Is
// against fs.ErrNotExist and syscall.ENOSPC. Safe for concurrent use.
type FS interface {
	// MkdirAll creates a directory and its parents; it may exist.
	MkdirAll(dir string) error
	// Create opens a new or emptied file for writing.
	Create(path string) (File, error)
	// Append opens a file for appending, creating it if absent.
	Append(path string) (File, error)
	// Open opens a file for reading.
	Open(path string) (File, error)
	// Rename gives a file another name; a file of that name is replaced.
	Rename(from, to string) error
	// Remove removes a file or an empty directory.
	Remove(path string) error
	// RemoveAll removes a file or a directory with all it holds; it need
	// not exist.
	RemoveAll(path string) error
	// Stat describes a file.
	Stat(path string) (FileInfo, error)
	// ReadDir lists a directory in no particular order.
	ReadDir(dir string) ([]FileInfo, error)
	// Touch sets a file's modification time.
	Touch(path string, t time.Time) error
	// Lock creates path and takes an exclusive lock on it that ends with
	// Close or the process. ErrLocked if another has it.
	Lock(path string) (io.Closer, error)
	// Type is the file system's magic number as statfs(2) tells it; 0 if
	// there is none.
	Type(path string) (uint32, error)
}

// File is an open file.
type File interface {
	io.Writer
	io.ReaderAt
	io.Closer
	// Truncate cuts the file to size bytes.
	Truncate(size int64) error
	// Stat describes the file.
	Stat() (FileInfo, error)
}

// FileInfo describes a file or directory.
type FileInfo struct {
	Name     string // the last element of the path
	Size     int64
	Modified time.Time
	Dir      bool
}
