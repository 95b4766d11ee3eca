package dir

import (
	"encoding/binary"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// readNames calls f with every entry of the directory whose name is at most
// 255 bytes, in no order; name is valid during the call only. kind is that of
// the entry: unix.DT_REG, DT_DIR, DT_UNKNOWN…
func readNames(fd int, f func(name []byte, kind byte)) error {
	const header = 19 // d_ino, d_off, d_reclen, d_type
	buf := make([]byte, 64<<10)
	for {
		n, err := unix.Getdents(fd, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return err
		}
		for b := buf[:n]; len(b) > header; {
			size := int(binary.NativeEndian.Uint16(b[16:]))
			if size <= header || size > len(b) {
				return unix.EIO
			}
			name := b[header:size]
			for i, c := range name {
				if c == 0 {
					name = name[:i]
					break
				}
			}
			f(name, b[18])
			b = b[size:]
		}
	}
}

// names collects the first entries of a directory, in the order of the keys
// below them, with bounded memory however many there are.
type names struct {
	// files is how many entries that aren't directories are wanted.
	files   int
	entries []entry
	// cut tells that there are more, all after the file last.
	cut  bool
	last string
}

// entry is a name in a directory.
type entry struct {
	name string
	dir  bool
}

// compare orders entries as their keys are: those of a directory start with its
// name and a slash.
func (e entry) compare(o entry) int {
	if !e.dir && !o.dir {
		return strings.Compare(e.name, o.name)
	}
	a, b := e.name, o.name
	if e.dir {
		a += "/"
	}
	if o.dir {
		b += "/"
	}
	return strings.Compare(a, b)
}

func (n *names) add(name []byte, dir bool) {
	if n.cut && !dir && string(name) > n.last {
		return // the usual case in a large directory, at no cost
	}
	n.entries = append(n.entries, entry{name: string(name), dir: dir})
	if len(n.entries) > 4*n.files+1000 {
		n.sort()
	}
}

// sort orders the entries and drops what comes after the last wanted file.
func (n *names) sort() {
	slices.SortFunc(n.entries, entry.compare)
	files := 0
	for i, e := range n.entries {
		if e.dir {
			continue
		}
		if files++; files == n.files && i+1 < len(n.entries) {
			clear(n.entries[i+1:])
			n.entries, n.cut, n.last = n.entries[:i+1], true, e.name
			return
		}
	}
}

// dirBefore tells that all keys below a directory of this name come before
// after, which is seen from the same place.
func dirBefore(name []byte, after string) bool {
	if len(after) < len(name) || string(name) != after[:len(name)] {
		return string(name) < after
	}
	return len(after) > len(name) && after[len(name)] > '/'
}
