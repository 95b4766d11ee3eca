package cache

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"mailbackend.io/backend/format"
)

// found is a user's directory as scan met it.
type found struct {
	user     string
	bytes    [kinds]int64
	newest   time.Time
	rotation uint64
}

// scan recovers the accounting from the directories of a former process on
// this boot. What it can't account for is deleted.
func (c *Cache) scan(ctx context.Context) error {
	spread, err := c.fs.ReadDir(c.usersDir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return wrap("list", c.usersDir(), err)
	}
	var mu sync.Mutex
	var all []found
	err = parallel(ctx, spread, func(d FileInfo) error {
		users, err := c.scanSpread(ctx, d.Name)
		mu.Lock()
		all = append(all, users...)
		mu.Unlock()
		return err
	})
	if err != nil {
		return err
	}
	// The files' times stand in for the order of use.
	slices.SortFunc(all, func(a, b found) int {
		if d := a.newest.Compare(b.newest); d != 0 {
			return d
		}
		return strings.Compare(a.user, b.user)
	})
	for _, f := range all {
		e := c.newEntry(f.user)
		e.bytes, e.hasDir = f.bytes, true
		c.users[f.user] = e
		c.recent.push(e)
		c.used += e.total()
		c.rotation.Store(max(c.rotation.Load(), f.rotation))
	}
	return nil
}

// scanSpread scans the users below one spreading directory.
func (c *Cache) scanSpread(ctx context.Context, h2 string) ([]found, error) {
	path := c.usersDir() + "/" + h2
	dirs, err := c.fs.ReadDir(path)
	if err != nil {
		c.o.Log.Warn("cache directory not readable, deleted", "dir", path, "error", err)
		return nil, wrap("delete", path, c.fs.RemoveAll(path))
	}
	var users []found
	for _, d := range dirs {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		f, err := c.scanUser(h2 + "/" + d.Name)
		if err == nil {
			if f.bytes != [kinds]int64{} {
				users = append(users, f)
				continue
			}
			err = errEmpty
		}
		if !errors.Is(err, errEmpty) {
			c.o.Log.Warn("user's cache directory not usable, deleted", "dir", path+"/"+d.Name, "error", err)
		}
		if err := c.fs.RemoveAll(path + "/" + d.Name); err != nil {
			return nil, wrap("delete", path+"/"+d.Name, err)
		}
	}
	return users, nil
}

var (
	errForeign = errors.New("not a user's directory")
	errEmpty   = errors.New("no files")
)

// scanUser sums up one user's directory and removes what does not belong there.
func (c *Cache) scanUser(dir string) (found, error) {
	path := c.usersDir() + "/" + dir
	var f found
	files, err := c.fs.ReadDir(path)
	if err != nil {
		return f, err
	}
	if f.user, err = c.userOf(dir); err != nil {
		return f, err
	}
	for _, file := range files {
		p, ok := parseName(file.Name)
		if !ok || file.Dir || p.kind == logKind && file.Size == 0 {
			if err := c.fs.RemoveAll(path + "/" + file.Name); err != nil {
				return f, err
			}
			continue
		}
		f.bytes[p.kind] += file.Size
		f.rotation = max(f.rotation, p.rotation)
		if file.Modified.After(f.newest) {
			f.newest = file.Modified
		}
	}
	return f, nil
}

// userOf is the user whose directory dir is.
func (c *Cache) userOf(dir string) (string, error) {
	name := dir[3:]
	if !strings.HasPrefix(name, "~") {
		user, ok := unescape(name)
		if d, _ := userDir(user); !ok || d != dir {
			return "", errForeign
		}
		return user, nil
	}
	b, err := c.readAll(c.usersDir() + "/" + dir + "/name")
	if err != nil {
		return "", err
	}
	frame, err := format.Open(b, nameMagic, version, maxState)
	if err != nil {
		return "", err
	}
	user := string(frame.Payload)
	if d, _ := userDir(user); d != dir {
		return "", errForeign
	}
	return user, nil
}

// parallel calls f for every item, a few at a time, and returns the first error.
func parallel(ctx context.Context, items []FileInfo, f func(FileInfo) error) error {
	var wg sync.WaitGroup
	var once sync.Once
	var failed error
	slots := make(chan struct{}, recoverBy)
	for _, item := range items {
		if ctx.Err() != nil {
			once.Do(func() { failed = context.Cause(ctx) })
			break
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := f(item); err != nil {
				once.Do(func() { failed = err })
			}
		})
	}
	wg.Wait()
	return failed
}
