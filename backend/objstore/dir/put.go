package dir

import (
	"context"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/internal/content"
)

// PutIfAbsent implements objstore.Store.
func (s *Store) PutIfAbsent(ctx context.Context, key string, data objstore.Blob) (objstore.ETag, error) {
	const op = objstore.OpPutIfAbsent
	if err := check(ctx, op, key); err != nil {
		return "", err
	}
	path, name := split(key)
	t := temp{fd: -1}
	defer func() {
		if t.fd >= 0 {
			s.discard(t)
		}
	}()
	// Repeated only if a Delete removed the directory at the same time.
	for {
		d, err := s.dirs.acquire(path, true)
		if err != nil {
			return "", failPut(op, key, err)
		}
		if t.fd < 0 {
			t, err = s.newTemp(d, data, false)
		}
		if err == nil {
			err = s.link(t, d, name)
		}
		if err == nil {
			err = s.stored(d)
			s.dirs.release(d)
			if err != nil {
				return "", objstore.Fail(op, key, objstore.ErrUnknownOutcome, err)
			}
			return content.Tag(data), nil
		}
		// ENOENT; ext4 says EPERM where there is no name to create.
		gone := (err == unix.ENOENT || err == unix.EPERM) && removed(d.fd)
		if gone {
			s.dirs.drop(d)
		}
		s.dirs.release(d)
		switch {
		case gone && ctx.Err() == nil:
		case err == unix.EEXIST:
			retry, err := s.occupied(key)
			if !retry {
				return "", objstore.Fail(op, key, err)
			}
		default:
			return "", failPut(op, key, err)
		}
	}
}

// link makes t the object of that name, unless there is one.
func (s *Store) link(t temp, d *openDir, name string) error {
	if err := s.traced("link"); err != nil {
		return err
	}
	if t.name == "" {
		err := unix.Linkat(unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(t.fd), d.fd, name, unix.AT_SYMLINK_FOLLOW)
		if err == unix.ENOENT && !removed(d.fd) {
			s.noAnonymous.Store(true) // for the next one
			return fmt.Errorf("is /proc mounted? %w", unix.EIO)
		}
		return err
	}
	dir, err := s.openTemp()
	if err != nil {
		return err
	}
	return unix.Linkat(dir, t.name, d.fd, name, 0)
}

// stored returns when what was just put into d will survive a crash.
func (s *Store) stored(d *openDir) error {
	if err := s.syncDir(d); err != nil {
		return err
	}
	return s.dirs.ensureLinked(d)
}

// occupied looks at what is in the way of a new object: an object, or a
// directory, which goes if it is empty; then the put may be tried again.
func (s *Store) occupied(key string) (retry bool, err error) {
	var st unix.Stat_t
	if err := unix.Fstatat(s.root, key, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return true, nil // gone again
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return false, objstore.ErrPrecondition
	}
	if err := unix.Unlinkat(s.root, key, unix.AT_REMOVEDIR); err == nil || err == unix.ENOENT {
		s.dirs.forget(key)
		return true, nil
	}
	return false, fmt.Errorf("%w: it is the directory of other objects", objstore.ErrBadKey)
}

// failPut is fail for a put, to which "no such file" is no answer.
func failPut(op objstore.Op, key string, err error) error {
	if err == unix.ENOENT {
		return objstore.Fail(op, key, objstore.ErrUnavailable, err)
	}
	return fail(op, key, err)
}

// PutIfMatch implements objstore.Store.
func (s *Store) PutIfMatch(ctx context.Context, key string, data objstore.Blob, etag objstore.ETag) (objstore.ETag, error) {
	const op = objstore.OpPutIfMatch
	if err := check(ctx, op, key); err != nil {
		return "", err
	}
	path, name := split(key)
	t := temp{fd: -1}
	defer func() {
		if t.fd >= 0 {
			s.discard(t)
		}
	}()
	for {
		d, err := s.dirs.acquire(path, false)
		if err == unix.ENOENT || err == unix.ENOTDIR {
			return "", objstore.Fail(op, key, objstore.ErrPrecondition)
		}
		if err != nil {
			return "", fail(op, key, err)
		}
		// A first look, so that what is refused costs no write.
		err = s.matches(d, name, etag)
		if err == nil && t.fd < 0 {
			t, err = s.newTemp(d, data, true)
		}
		if err == nil {
			err = s.replace(ctx, &t, d, name, etag)
		}
		if err == nil {
			err = s.stored(d)
			s.dirs.release(d)
			if err != nil {
				return "", objstore.Fail(op, key, objstore.ErrUnknownOutcome, err)
			}
			return content.Tag(data), nil
		}
		stale := err == errNoObject && removed(d.fd)
		if stale {
			s.dirs.drop(d)
		}
		s.dirs.release(d)
		switch {
		case stale: // the path may be another directory by now
		case err == errNoObject, err == errOtherVersion:
			return "", objstore.Fail(op, key, objstore.ErrPrecondition, err)
		default:
			return "", failPut(op, key, err)
		}
	}
}

var (
	errNoObject     = fmt.Errorf("there is no object")
	errOtherVersion = fmt.Errorf("it is another version")
)

// matches tells whether the object of that name is the version etag.
func (s *Store) matches(d *openDir, name string, etag objstore.ETag) error {
	switch now, err := s.tagAt(d.fd, name); {
	case err == unix.ENOENT:
		return errNoObject
	case err != nil:
		return err
	case now != etag:
		return errOtherVersion
	}
	return nil
}

// replace renames t over the object of that name if that is the version etag.
// Nobody else changes it meanwhile.
func (s *Store) replace(ctx context.Context, t *temp, d *openDir, name string, etag objstore.ETag) error {
	if err := s.lockDir(ctx, d); err != nil {
		return err
	}
	defer s.unlockDir(d)
	if err := s.matches(d, name, etag); err != nil {
		return err
	}
	if err := s.traced("rename"); err != nil {
		return err
	}
	dir, err := s.openTemp()
	if err != nil {
		return err
	}
	if err := unix.Renameat(dir, t.name, d.fd, name); err != nil {
		return err
	}
	closeFD(t.fd)
	t.fd = -1
	return nil
}
