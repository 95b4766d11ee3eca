package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"

	"mailbackend.io/backend/format"
)

// The magics and the version of the cache's formats.
var (
	stateMagic = format.Magic{'M', 'B', 'c', 's'}
	nameMagic  = format.Magic{'M', 'B', 'c', 'n'}
	metaMagic  = format.Magic{'M', 'B', 'c', 'm'}
	fileMagic  = format.Magic{'M', 'B', 'c', 'f'}
	logMagic   = format.Magic{'M', 'B', 'c', 'l'}
)

const (
	version   = 1
	maxState  = 64 << 10 // payload of state and name
	maxMeta   = 16 << 20 // payload of meta
	recoverBy = 8        // directories scanned or deleted at a time
)

// state is the content of the state file.
type state struct {
	bootID, instance string
	clean            bool
}

func (s state) encode() []byte {
	var w format.Writer
	w.String(s.bootID)
	w.String(s.instance)
	var clean byte
	if s.clean {
		clean = 1
	}
	w.Byte(clean)
	return format.Seal(nil, stateMagic, version, w.B)
}

func decodeState(b []byte) (state, error) {
	f, err := format.Open(b, stateMagic, version, maxState)
	if err != nil {
		return state{}, err
	}
	r := format.NewReader(f.Payload)
	s := state{bootID: r.String(), instance: r.String(), clean: r.Byte() == 1}
	return s, r.Err()
}

// recover deletes or scans what is there and writes the state of this process.
// A process that dies in between leaves the old state, so the next one starts
// over.
func (c *Cache) recover(ctx context.Context) error {
	b, err := c.readAll(c.statePath())
	var former state
	if err == nil {
		former, err = decodeState(b)
	}
	switch {
	case err == nil && c.o.BootID != "" && former.bootID == c.o.BootID:
		c.previous, c.survived, c.wasClean = former.instance, true, former.clean
		err = c.scan(ctx)
	default:
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			c.o.Log.Warn("cache state is not readable, cache deleted", "dir", c.o.Dir, "error", err)
		}
		err = c.wipe(ctx)
	}
	if err != nil {
		return err
	}
	if err := c.fs.MkdirAll(c.usersDir()); err != nil {
		return wrap("create", c.usersDir(), err)
	}
	err = c.writeState(false)
	if c.survived && errors.Is(err, syscall.ENOSPC) {
		// The disk was full when the former process died. Its state
		// file is as good for this boot; only the instance is not.
		c.evict(c.o.Budget / 16)
		if err = c.writeState(false); errors.Is(err, syscall.ENOSPC) {
			c.o.Log.Warn("cache disk is full, state file not renewed", "dir", c.o.Dir)
			return nil
		}
	}
	return err
}

func (c *Cache) statePath() string { return c.o.Dir + "/state" }
func (c *Cache) usersDir() string  { return c.o.Dir + "/users" }

func (c *Cache) writeState(clean bool) error {
	s := state{bootID: c.o.BootID, instance: c.o.Instance, clean: clean}
	return c.replace(c.statePath()+".new", c.statePath(), s.encode())
}

// wipe deletes the files of all users.
func (c *Cache) wipe(ctx context.Context) error {
	dirs, err := c.fs.ReadDir(c.usersDir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return wrap("list", c.usersDir(), err)
	}
	return parallel(ctx, dirs, func(d FileInfo) error {
		path := c.usersDir() + "/" + d.Name
		return wrap("delete", path, c.fs.RemoveAll(path))
	})
}

// replace writes a small file so that path holds the old or the new bytes.
func (c *Cache) replace(temp, path string, data []byte) error {
	f, err := c.fs.Create(temp)
	if err != nil {
		return wrap("create", temp, err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = c.fs.Rename(temp, path)
	}
	if err != nil {
		return errors.Join(wrap("write", path, err), c.fs.Remove(temp))
	}
	return nil
}

// readAll reads a whole file.
func (c *Cache) readAll(path string) ([]byte, error) {
	f, err := c.fs.Open(path)
	if err != nil {
		return nil, err
	}
	b, _, err := readOpen(f)
	return b, errors.Join(err, f.Close())
}

// readOpen reads an open file from its start to its end.
func readOpen(f File) ([]byte, FileInfo, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, info, err
	}
	b := make([]byte, info.Size)
	n, err := f.ReadAt(b, 0)
	if err != nil && !(errors.Is(err, io.EOF) && n == len(b)) {
		return nil, info, err
	}
	return b, info, nil
}

// wrap says what was done to what.
func wrap(verb, path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cache: %s %s: %w", verb, path, err)
}
