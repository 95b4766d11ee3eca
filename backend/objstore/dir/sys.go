package dir

import (
	"golang.org/x/sys/unix"

	"mailbackend.io/backend/objstore"
)

// The system calls that a signal may interrupt, repeated until they weren't.

func openat(dir int, path string, flags int, mode uint32) (int, error) {
	for {
		fd, err := unix.Openat(dir, path, flags|unix.O_CLOEXEC, mode)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// closeFD drops a descriptor whose data is synced or not wanted any more.
func closeFD(fd int) { _ = unix.Close(fd) }

func fsync(fd int) error {
	for {
		if err := unix.Fsync(fd); err != unix.EINTR {
			return err
		}
	}
}

// pread fills b from offset off; it returns less only at the end of the file.
func pread(fd int, b []byte, off int64) (int, error) {
	n := 0
	for n < len(b) {
		m, err := unix.Pread(fd, b[n:], off+int64(n))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return n, err
		case m == 0:
			return n, nil
		default:
			n += m
		}
	}
	return n, nil
}

// removed tells that fd is a directory that was removed.
func removed(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Nlink == 0
}

// pieces is what is left of a Blob being written.
type pieces struct {
	blob objstore.Blob
	skip int // bytes of blob[0] that are written
}

// wrote takes n bytes off.
func (p *pieces) wrote(n int) {
	for len(p.blob) > 0 && p.skip+n >= len(p.blob[0]) {
		n -= len(p.blob[0]) - p.skip
		p.blob, p.skip = p.blob[1:], 0
	}
	p.skip += n
}

func fdatasync(fd int) error {
	for {
		if err := unix.Fdatasync(fd); err != unix.EINTR {
			return err
		}
	}
}

// writeAll writes a blob to an empty file.
func writeAll(fd int, data objstore.Blob) error {
	const most = 1024 // IOV_MAX
	p := pieces{blob: data}
	p.wrote(0) // empty ones at the start
	for len(p.blob) > 0 {
		var n int
		var err error
		if p.skip > 0 || len(p.blob) == 1 {
			n, err = unix.Write(fd, p.blob[0][p.skip:])
		} else {
			n, err = unix.Writev(fd, p.blob[:min(len(p.blob), most)])
		}
		if err != nil && err != unix.EINTR {
			return err
		}
		p.wrote(max(n, 0))
	}
	return nil
}

// spreadLevels is how many levels of directories below the root are spread, too:
// keys start with a prefix and a hash of the user.
const spreadLevels = 2

// spread marks a directory as the top of a hierarchy (chattr +T) on ext4, whose
// allocator then puts each directory in it where the disk has room, and all
// below it nearby. Otherwise everything lands in the group of the store's own
// parent, such as /tmp, and creating a file there can cost forty times as much:
// without a journal, ext4 walks over every inode freed in the last minutes. It
// is a hint; not getting it is no error.
func spread(dir int) {
	const topDir = 0x00020000 // FS_TOPDIR_FL
	var st unix.Statfs_t
	if unix.Fstatfs(dir, &st) != nil || st.Type != unix.EXT4_SUPER_MAGIC {
		return
	}
	flags, err := unix.IoctlGetInt(dir, unix.FS_IOC_GETFLAGS)
	if err == nil && flags&topDir == 0 {
		_ = unix.IoctlSetPointerInt(dir, unix.FS_IOC_SETFLAGS, flags|topDir)
	}
}
