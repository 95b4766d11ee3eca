package dir

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"mailbackend.io/backend/objstore"
)

// tempDir holds files that have no key yet.
const tempDir = ".tmp"

// temp is a file that was written and synced and isn't an object yet.
type temp struct {
	fd int
	// name in tempDir; empty for a file without any name. A named one is
	// locked with flock as long as it is used.
	name string
}

// newTemp writes data to a new file; near is the directory whose neighbourhood
// on the disk suits it. With named it can be renamed over another, without, the
// file system forgets it by itself should the process die.
func (s *Store) newTemp(near *openDir, data objstore.Blob, named bool) (t temp, err error) {
	t.fd = -1
	if !named && !s.noAnonymous.Load() {
		t.fd, err = openat(near.fd, ".", unix.O_TMPFILE|unix.O_WRONLY, 0o600)
		switch err {
		case unix.EOPNOTSUPP, unix.EISDIR, unix.EINVAL:
			s.noAnonymous.Store(true)
			t.fd = -1
		}
		if err != nil && !s.noAnonymous.Load() {
			return t, err
		}
	}
	if t.fd < 0 {
		if t, err = s.createNamed(); err != nil {
			return t, err
		}
	}
	if err = s.traced("write"); err == nil {
		err = writeAll(t.fd, data)
	}
	if err == nil {
		if err = s.traced("sync file"); err == nil {
			err = fdatasync(t.fd)
		}
	}
	if err != nil {
		s.discard(t)
	}
	return t, err
}

// createNamed creates an empty, locked file in tempDir.
func (s *Store) createNamed() (temp, error) {
	for {
		dir, err := s.openTemp()
		if err != nil {
			return temp{fd: -1}, err
		}
		// Processes in containers may share their number: the name is a guess.
		name := strconv.Itoa(os.Getpid()) + "." + strconv.FormatUint(s.tempSeq.Add(1), 10)
		fd, err := openat(dir, name, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY, 0o600)
		switch err {
		case nil:
		case unix.EEXIST:
			continue
		case unix.ENOENT: // somebody removed the directory
			s.forgetTemp(dir)
			continue
		default:
			return temp{fd: -1}, err
		}
		// A sweep may have come between: then the lock is taken or the
		// name is gone.
		if flock(fd) && !removed(fd) {
			return temp{fd, name}, nil
		}
		closeFD(fd)
	}
}

// discard removes a file that did not become an object, and closes it.
func (s *Store) discard(t temp) {
	if t.name != "" {
		s.removeTemp(t.name)
	}
	closeFD(t.fd)
}

// removeTemp takes a name out of tempDir. What can't be removed is left to the
// next Open.
func (s *Store) removeTemp(name string) {
	if dir, err := s.openTemp(); err == nil {
		_ = unix.Unlinkat(dir, name, 0)
	}
}

// openTemp returns tempDir's descriptor, and makes it on the first use.
func (s *Store) openTemp() (int, error) {
	s.tempMu.Lock()
	defer s.tempMu.Unlock()
	if s.tempFD >= 0 {
		return s.tempFD, nil
	}
	err := unix.Mkdirat(s.root, tempDir, 0o700)
	if err != nil && err != unix.EEXIST {
		return -1, err
	}
	fd, err := openat(s.root, tempDir, unix.O_DIRECTORY|unix.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return -1, err
	}
	s.tempFD = fd
	return fd, nil
}

// forgetTemp makes the next use open the directory anew. The descriptor stays
// open: others may be using it.
func (s *Store) forgetTemp(fd int) {
	s.tempMu.Lock()
	defer s.tempMu.Unlock()
	if s.tempFD == fd {
		s.tempFD = -1
	}
}

// sweep removes what processes that are gone have left in tempDir.
func (s *Store) sweep() error {
	dir, err := openat(s.root, tempDir, unix.O_DIRECTORY|unix.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err == unix.ENOENT {
		return nil
	}
	if err != nil {
		return err
	}
	defer closeFD(dir)
	var names []string
	if err := readNames(dir, func(name []byte, kind byte) {
		if kind == unix.DT_REG || kind == unix.DT_UNKNOWN {
			names = append(names, string(name))
		}
	}); err != nil {
		return err
	}
	for _, name := range names {
		fd, err := openat(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
		if err == unix.ENOENT {
			continue
		}
		if err != nil {
			return err
		}
		if flock(fd) {
			err = unix.Unlinkat(dir, name, 0)
		}
		closeFD(fd)
		if err != nil && err != unix.ENOENT && err != unix.EISDIR {
			return err
		}
	}
	return nil
}
