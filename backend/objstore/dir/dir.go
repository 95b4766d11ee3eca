// Package dir is an object store on a directory of a local file system: each
// object is a file at its key's path that holds the object's bytes and nothing
// else, so that any tool can read, copy and back it up.
//
//	<path>/<key>     one object; a file appears whole or not at all
//	<path>/.tmp/     replacements being written; normally empty
//
// What keeps it safe:
//
//  1. A file is written without a name and synced before it gets its name, so
//     a crash leaves no part of an object (put.go).
//  2. A put returns after the directory, and every directory above that this
//     process hasn't yet seen synced, is on disk (dirs.go).
//  3. link(2) refuses an existing name: PutIfAbsent needs no lock.
//  4. PutIfMatch and Delete hold a flock(2) on the object's directory: several
//     processes may share a store (lock.go). Reads never lock.
//  5. Names that CheckKey refuses are never objects; ".tmp" starts with a dot.
//     A file there that no living process holds a flock on is removed at Open.
//
// Being local it does not interrupt a system call when a deadline passes; it
// looks at the context before it starts and while it waits for a lock. It makes
// no retries, and no check that the file system is local: network file systems
// that lack flock or link semantics are for objstore.Probe to find out.
package dir

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/objstore"
)

// Options of a store; zero fields take the defaults named.
type Options struct {
	// OpenDirs is how many directories are kept open, each with a file
	// descriptor; those in use come on top. Default 256.
	OpenDirs int
	// Clock times the polling for another process's lock. Default: the
	// machine's.
	Clock clock.Clock
}

// Store implements objstore.Store.
type Store struct {
	root  int // file descriptor of the directory
	path  string
	clock clock.Clock
	dirs  dirCache
	ahead ahead

	// noAnonymous is set once the file system turned out to have no
	// unnamed files.
	noAnonymous atomic.Bool
	tempSeq     atomic.Uint64

	tempMu sync.Mutex // around opening tempFD
	tempFD int        // the .tmp directory, -1 until it is needed

	// trace, if set by a test, is told of every system call that matters
	// for safety, and may fail it.
	trace func(call string) error
}

// Open returns the store in directory path, which it creates if needed, and
// removes the temporary files of processes that are gone.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if o.OpenDirs <= 0 {
		o.OpenDirs = 256
	}
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	if err := makeRoot(path); err != nil {
		return nil, fmt.Errorf("object store in %s: %w", path, err)
	}
	root, err := openat(unix.AT_FDCWD, path, unix.O_DIRECTORY|unix.O_RDONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("object store in %s: %w", path, err)
	}
	spread(root)
	s := &Store{root: root, path: path, clock: o.Clock, tempFD: -1}
	s.dirs.init(s, o.OpenDirs)
	if err := s.sweep(); err != nil {
		_ = s.Close() // nothing was written yet
		return nil, fmt.Errorf("object store in %s: temporary files: %w", path, err)
	}
	return s, nil
}

// Close releases the directories; no method may be running or called after it.
func (s *Store) Close() error {
	s.dirs.closeAll()
	s.tempMu.Lock()
	defer s.tempMu.Unlock()
	if s.tempFD >= 0 {
		closeFD(s.tempFD)
		s.tempFD = -1
	}
	return unix.Close(s.root)
}

// makeRoot creates path and what is missing above it, durably.
func makeRoot(path string) error {
	if fi, err := os.Stat(path); err == nil {
		if !fi.IsDir() {
			return unix.ENOTDIR
		}
		return nil
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := makeRoot(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	d, err := os.Open(parent)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// split returns the directory and the name of a key; the directory of a key
// without a slash is "", the root.
func split(key string) (dir, name string) {
	i := strings.LastIndexByte(key, '/')
	return key[:max(i, 0)], key[i+1:]
}

// check is what every request does first.
func check(ctx context.Context, op objstore.Op, key string) error {
	if err := objstore.CheckKey(key); err != nil {
		return objstore.Fail(op, key, err)
	}
	if err := context.Cause(ctx); err != nil {
		return objstore.Fail(op, key, err)
	}
	return nil
}

// fail turns an error of the file system into one of the contract.
func fail(op objstore.Op, key string, err error) error {
	var kind error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOENT):
		return objstore.Fail(op, key, objstore.ErrNotFound)
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM), errors.Is(err, unix.EROFS):
		kind = objstore.ErrDenied
	case errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.EISDIR), errors.Is(err, unix.ENAMETOOLONG):
		kind = objstore.ErrBadKey
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT), errors.Is(err, unix.EIO), errors.Is(err, unix.ENOMEM),
		errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE), errors.Is(err, unix.ESTALE):
		kind = objstore.ErrUnavailable
	}
	return objstore.Fail(op, key, kind, err)
}

// traced lets a test see and fail a system call.
func (s *Store) traced(call string) error {
	if s.trace == nil {
		return nil
	}
	return s.trace(call)
}
