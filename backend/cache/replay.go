package cache

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"mailbackend.io/backend/format"
)

// Replayed tells what Replay found.
type Replayed struct {
	Entries int
	// Torn is how many bytes of an unfinished last write were left out: an
	// entry whose Append never returned nil.
	Torn int64
}

// Replay calls f for every entry in the order of the Appends; entry is valid
// during the call, and f may use the log. An error of f ends it and is returned.
// Entries that are appended meanwhile may or may not be among them.
// ErrDamaged: what f got so far is good, but entries behind it are lost.
func (l *Log) Replay(f func(entry []byte) error) (Replayed, error) {
	var told Replayed
	c := l.u.c
	err := l.u.do(func(e *entry) error {
		paths, err := c.logPaths(e, l.mailbox)
		if err != nil {
			return err
		}
		for _, path := range paths {
			b, err := c.readAll(path)
			if errors.Is(err, fs.ErrNotExist) {
				continue // dropped meanwhile
			}
			if err != nil {
				return fmt.Errorf("%w: read %s: %w", ErrDamaged, path, err)
			}
			torn, err := eachEntry(b, func(entry []byte) error {
				told.Entries++
				return f(entry)
			})
			told.Torn += torn
			if err != nil {
				return wrap("replay", path, err)
			}
		}
		return nil
	})
	return told, err
}

// logPaths are the files of a mailbox's log in order.
func (c *Cache) logPaths(e *entry, mailbox string) ([]string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l, err := c.openLog(e, mailbox)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, r := range l.files {
		paths = append(paths, l.path(e, r))
	}
	return paths, nil
}

// eachEntry calls f for the entries of a log file's bytes. torn is the size of
// an unfinished frame at the end.
func eachEntry(b []byte, f func(entry []byte) error) (torn int64, err error) {
	for off := 0; off < len(b); {
		rest := b[off:]
		if isTorn(rest) {
			return int64(len(rest)), nil
		}
		frame, err := format.Open(rest, logMagic, version, maxEntry)
		if err != nil {
			return 0, fmt.Errorf("%w at byte %d: %w", ErrDamaged, off, err)
		}
		if err := f(frame.Payload); err != nil {
			return 0, err
		}
		off += frame.Size
	}
	return 0, nil
}

// entryHeader is the size of a frame without codecs beyond its payload.
const entryHeader = 18

// isTorn tells whether b is the beginning of a frame whose end is missing: what
// a write that was cut short leaves. Everything that is there must be as Append
// writes it, so that a flipped bit does not pass for a torn write; the length
// is there twice, which tells most of those in it.
func isTorn(b []byte) bool {
	start := append(logMagic[:], version, 0)
	if n := min(len(b), len(start)); string(b[:n]) != string(start[:n]) {
		return false
	}
	if len(b) < 14 {
		return true
	}
	size := binary.LittleEndian.Uint32(b[6:])
	return size == binary.LittleEndian.Uint32(b[10:]) && size <= maxEntry && len(b) < entryHeader+int(size)
}
