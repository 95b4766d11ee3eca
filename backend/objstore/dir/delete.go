package dir

import (
	"context"
	"strings"

	"golang.org/x/sys/unix"

	"mailbackend.io/backend/objstore"
)

// Delete implements objstore.Store. What is removed stays removed after a crash.
func (s *Store) Delete(ctx context.Context, keys []string) error {
	if err := objstore.CheckDelete(keys); err != nil {
		return err
	}
	for len(keys) > 0 {
		path, _ := split(keys[0])
		n := 1
		for n < len(keys) && inDir(keys[n], path) {
			n++
		}
		if err := context.Cause(ctx); err != nil {
			return objstore.Fail(objstore.OpDelete, keys[0], err)
		}
		if err := s.deleteIn(ctx, path, keys[:n]); err != nil {
			return objstore.Fail(objstore.OpDelete, keys[0], fail(objstore.OpDelete, keys[0], err))
		}
		keys = keys[n:]
	}
	return nil
}

// inDir tells whether key's directory is path.
func inDir(key, path string) bool {
	dir, _ := split(key)
	return dir == path
}

// deleteIn removes the objects of these keys, all of the directory path.
func (s *Store) deleteIn(ctx context.Context, path string, keys []string) error {
	for {
		d, err := s.dirs.acquire(path, false)
		if err == unix.ENOENT || err == unix.ENOTDIR {
			return nil
		}
		if err != nil {
			return err
		}
		n, err := s.unlinkAll(ctx, d, keys)
		if err == nil && n > 0 {
			err = s.syncDir(d)
		}
		stale := err == nil && n == 0 && removed(d.fd)
		if stale {
			s.dirs.drop(d)
		}
		s.dirs.release(d)
		if stale {
			continue // the path may be another directory by now
		}
		if n > 0 {
			s.prune(path)
		}
		return err
	}
}

// unlinkAll removes names and counts those that were there.
func (s *Store) unlinkAll(ctx context.Context, d *openDir, keys []string) (n int, err error) {
	if err := s.lockDir(ctx, d); err != nil {
		return 0, err
	}
	defer s.unlockDir(d)
	for _, key := range keys {
		if err := s.traced("unlink"); err != nil {
			return n, err
		}
		_, name := split(key)
		switch err := unix.Unlinkat(d.fd, name, 0); err {
		case nil:
			n++
		case unix.ENOENT, unix.EISDIR, unix.EPERM:
			// Not there, or a directory: no object. EPERM is also what
			// an immutable file gives.
			if err == unix.EPERM && !isDir(d.fd, name) {
				return n, err
			}
		default:
			return n, err
		}
	}
	return n, nil
}

func isDir(dir int, name string) bool {
	var st unix.Stat_t
	err := unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW)
	return err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR
}

// prune removes a directory that is empty, and those above that are empty then.
// A put that meets a removed one makes it anew.
func (s *Store) prune(path string) {
	for path != "" {
		if unix.Unlinkat(s.root, path, unix.AT_REMOVEDIR) != nil {
			return // not empty, mostly
		}
		s.dirs.forget(path)
		path = path[:max(strings.LastIndexByte(path, '/'), 0)]
	}
}
