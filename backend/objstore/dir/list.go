package dir

import (
	"context"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"mailbackend.io/backend/objstore"
)

// List implements objstore.Store. It reads the names of the directories that
// can hold a wanted key, and looks at the files of the answer only.
func (s *Store) List(ctx context.Context, prefix, startAfter string, limit int) (objstore.Page, error) {
	if err := objstore.CheckPrefix(prefix); err != nil {
		return objstore.Page{}, objstore.Fail(objstore.OpList, prefix, err)
	}
	if limit <= 0 || limit > objstore.MaxList {
		limit = objstore.MaxList
	}
	l := listing{ctx: ctx, s: s, after: startAfter, limit: limit}
	for {
		if err := l.walk(prefix); err != nil {
			return objstore.Page{}, fail(objstore.OpList, prefix, err)
		}
		if len(l.page.Objects) > 0 || !l.page.More {
			return l.page, nil
		}
		// All that was found first was deleted before it was looked at:
		// the caller would not know where to go on.
		l.page.More = false
	}
}

type listing struct {
	ctx   context.Context
	s     *Store
	after string
	limit int
	page  objstore.Page
}

// walk adds the keys below prefix, in order, until the page is full.
func (l *listing) walk(prefix string) error {
	if err := context.Cause(l.ctx); err != nil {
		return err
	}
	path := strings.TrimSuffix(prefix, "/")
	if path == "" {
		path = "."
	}
	fd, err := openat(l.s.root, path, unix.O_DIRECTORY|unix.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err == unix.ENOENT || err == unix.ENOTDIR || err == unix.ELOOP {
		return nil // never was, or was removed just now
	}
	if err != nil {
		return err
	}
	defer closeFD(fd)
	n, err := l.read(fd, prefix)
	if err != nil {
		return err
	}
	for _, e := range n.entries {
		if len(l.page.Objects) == l.limit {
			l.page.More = true
		}
		if l.page.More {
			return nil
		}
		if e.dir {
			err = l.walk(prefix + e.name + "/")
		} else {
			err = l.add(fd, prefix, e.name)
		}
		if err != nil {
			return err
		}
	}
	l.page.More = l.page.More || n.cut
	return nil
}

// read returns the directory's first entries that can hold wanted keys.
func (l *listing) read(fd int, prefix string) (*names, error) {
	want := l.limit + 1
	n := &names{files: want}
	// after, as seen from this directory.
	after, ok := strings.CutPrefix(l.after, prefix)
	if !ok {
		if l.after > prefix {
			return n, nil // everything here comes before it
		}
		after = ""
	}
	state, still := l.s.stateOf(fd)
	if still {
		if known := l.s.ahead.get(prefix, state, after, want); known != nil {
			return known, nil
		}
		n.files += readAhead
	}
	err := readNames(fd, func(name []byte, kind byte) {
		if name[0] == '.' && (prefix == "" || string(name) == "." || string(name) == "..") {
			return
		}
		dir := kind == unix.DT_DIR
		if kind == unix.DT_UNKNOWN {
			dir = isDir(fd, string(name))
		} else if !dir && kind != unix.DT_REG {
			return
		}
		if dir && !dirBefore(name, after) || !dir && string(name) > after {
			n.add(name, dir)
		}
	})
	n.sort()
	if err == nil && still {
		l.s.ahead.put(prefix, state, after, want, n)
	}
	return n, err
}

// add puts a file onto the page, if it is an object that is wanted.
func (l *listing) add(fd int, prefix, name string) error {
	key := prefix + name
	if key <= l.after || objstore.CheckKey(key) != nil {
		return nil
	}
	var st unix.Stat_t
	err := unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW)
	if err == unix.ENOENT || err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil
	}
	if err != nil {
		return err
	}
	l.page.Objects = append(l.page.Objects, objstore.Info{Key: key, Size: st.Size, Modified: time.Unix(st.Mtim.Unix())})
	return nil
}
