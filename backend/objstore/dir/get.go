package dir

import (
	"context"
	"time"

	"golang.org/x/sys/unix"

	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/internal/content"
)

// Get implements objstore.Store. The ETag is that of the bytes read, so it is
// given only if these are all.
func (s *Store) Get(ctx context.Context, key string, r objstore.Range) (objstore.Object, error) {
	if err := check(ctx, objstore.OpGet, key); err != nil {
		return objstore.Object{}, err
	}
	data, st, err := readAt(s.root, key, r)
	if err != nil {
		return objstore.Object{}, failGet(objstore.OpGet, key, err)
	}
	obj := objstore.Object{Info: info(key, st), Data: data}
	if int64(len(data)) == st.Size {
		obj.ETag = content.Tag(objstore.Blob{data})
	}
	return obj, nil
}

// Head implements objstore.Store. It reads the object, as the ETag comes from
// its content.
func (s *Store) Head(ctx context.Context, key string) (objstore.Info, error) {
	if err := check(ctx, objstore.OpHead, key); err != nil {
		return objstore.Info{}, err
	}
	data, st, err := readAt(s.root, key, objstore.Range{})
	if err != nil {
		return objstore.Info{}, failGet(objstore.OpHead, key, err)
	}
	i := info(key, st)
	i.ETag = content.Tag(objstore.Blob{data})
	return i, nil
}

// tagAt is the ETag of a file.
func (s *Store) tagAt(dir int, name string) (objstore.ETag, error) {
	data, _, err := readAt(dir, name, objstore.Range{})
	if err != nil {
		return "", err
	}
	return content.Tag(objstore.Blob{data}), nil
}

// failGet is fail for a read: a directory is no object, nor is anything below
// a file.
func failGet(op objstore.Op, key string, err error) error {
	if err == unix.ENOTDIR || err == unix.EISDIR || err == unix.ELOOP {
		err = unix.ENOENT
	}
	return fail(op, key, err)
}

// readAt reads a range of a file, which is one version: files are never
// written once they have a name.
func readAt(dir int, path string, r objstore.Range) ([]byte, *unix.Stat_t, error) {
	fd, err := openat(dir, path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	defer closeFD(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, nil, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, nil, unix.ENOENT
	}
	off, n := content.Bounds(st.Size, r)
	data := make([]byte, n)
	got, err := pread(fd, data, off)
	if err != nil {
		return nil, nil, err
	}
	if int64(got) < n {
		return nil, nil, unix.EIO // shorter than its size says
	}
	return data, &st, nil
}

func info(key string, st *unix.Stat_t) objstore.Info {
	return objstore.Info{Key: key, Size: st.Size, Modified: time.Unix(st.Mtim.Unix())}
}
