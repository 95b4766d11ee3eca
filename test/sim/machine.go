package sim

import (
	"context"
	"errors"
	"io"
	"time"

	"mailbackend.io/backend/cache"
	"mailbackend.io/backend/cache/memfs"
	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/objstore"
)

// This file is what a process sees of its machine: clock, object store and file
// system that stop with it.

// procClock is a clock that may be wrong, whose timers don't fire while the
// process is stopped, and never once it is dead.
type procClock struct{ q *process }

func (c procClock) Now() time.Time {
	c.q.mu.Lock()
	defer c.q.mu.Unlock()
	return time.Now().Add(c.q.skew)
}

func (c procClock) AfterFunc(d time.Duration, f func()) clock.Timer {
	return time.AfterFunc(d, func() {
		if c.q.gate() {
			f()
		}
	})
}

// procStore sends requests of a process. A request on its way goes on when its
// process dies or its caller gives up, or not.
type procStore struct {
	q    *process
	next objstore.Store
}

// request is the course of every request; do must leave its result where the
// caller finds it once it returned.
func (s procStore) request(ctx context.Context, op objstore.Op, key string, do func(context.Context) error) error {
	q := s.q
	if !q.gate() {
		return q.hang()
	}
	if err := context.Cause(ctx); err != nil {
		return objstore.Fail(op, key, err)
	}
	q.point()
	if !q.gate() {
		return q.hang()
	}
	goesOn := q.coin()
	ictx, cancel := context.WithCancelCause(q.w.ctx)
	answer := make(chan error, 1)
	go func() {
		defer cancel(nil)
		answer <- do(ictx)
	}()
	var err error
	select {
	case err = <-answer:
	case <-ctx.Done():
		if !goesOn {
			cancel(context.Cause(ctx))
			err = <-answer
			break
		}
		kind := objstore.ErrUnavailable
		if op.Write() {
			kind = objstore.ErrUnknownOutcome
		}
		err = objstore.Fail(op, key, kind, context.Cause(ctx))
	case <-q.died:
		if !goesOn {
			cancel(errDied)
		}
		return q.hang()
	}
	q.point()
	if !q.gate() {
		return q.hang()
	}
	return err
}

var errDied = errors.New("simulated: the process died")

func (q *process) coin() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.rnd.IntN(2) == 0
}

// result is what a request gives; a caller that gave up does not read it.
func result[T any](ctx context.Context, s procStore, op objstore.Op, key string, do func(context.Context) (T, error)) (T, error) {
	var got T
	err := s.request(ctx, op, key, func(ctx context.Context) error {
		x, err := do(ctx)
		if err == nil {
			got = x
		}
		return err
	})
	if err != nil {
		var none T
		return none, err
	}
	return got, nil
}

func (s procStore) Get(ctx context.Context, key string, r objstore.Range) (objstore.Object, error) {
	return result(ctx, s, objstore.OpGet, key, func(ctx context.Context) (objstore.Object, error) { return s.next.Get(ctx, key, r) })
}

func (s procStore) Head(ctx context.Context, key string) (objstore.Info, error) {
	return result(ctx, s, objstore.OpHead, key, func(ctx context.Context) (objstore.Info, error) { return s.next.Head(ctx, key) })
}

func (s procStore) PutIfAbsent(ctx context.Context, key string, data objstore.Blob) (objstore.ETag, error) {
	return result(ctx, s, objstore.OpPutIfAbsent, key, func(ctx context.Context) (objstore.ETag, error) { return s.next.PutIfAbsent(ctx, key, data) })
}

func (s procStore) PutIfMatch(ctx context.Context, key string, data objstore.Blob, etag objstore.ETag) (objstore.ETag, error) {
	return result(ctx, s, objstore.OpPutIfMatch, key, func(ctx context.Context) (objstore.ETag, error) {
		return s.next.PutIfMatch(ctx, key, data, etag)
	})
}

func (s procStore) Delete(ctx context.Context, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	return s.request(ctx, objstore.OpDelete, keys[0], func(ctx context.Context) error { return s.next.Delete(ctx, keys) })
}

func (s procStore) List(ctx context.Context, prefix, startAfter string, limit int) (objstore.Page, error) {
	return result(ctx, s, objstore.OpList, prefix, func(ctx context.Context) (objstore.Page, error) {
		return s.next.List(ctx, prefix, startAfter, limit)
	})
}

// procFS is a file system that a dead process can't change any more. It never
// waits, as it is used under locks: a process stops at other points.
type procFS struct {
	q  *process
	fs *memfs.FS
}

func (f procFS) alive() error {
	if f.q.isDead() {
		return errDied
	}
	return nil
}

func (f procFS) file(open func(string) (cache.File, error), path string) (cache.File, error) {
	if err := f.alive(); err != nil {
		return nil, err
	}
	file, err := open(path)
	if err != nil {
		return nil, err
	}
	return procFile{f, file}, nil
}

func (f procFS) Create(path string) (cache.File, error) { return f.file(f.fs.Create, path) }
func (f procFS) Append(path string) (cache.File, error) { return f.file(f.fs.Append, path) }
func (f procFS) Open(path string) (cache.File, error)   { return f.file(f.fs.Open, path) }

func (f procFS) MkdirAll(dir string) error {
	return f.do(func() error { return f.fs.MkdirAll(dir) })
}
func (f procFS) Rename(from, to string) error {
	return f.do(func() error { return f.fs.Rename(from, to) })
}
func (f procFS) Remove(path string) error { return f.do(func() error { return f.fs.Remove(path) }) }
func (f procFS) RemoveAll(path string) error {
	return f.do(func() error { return f.fs.RemoveAll(path) })
}
func (f procFS) Touch(path string, t time.Time) error {
	return f.do(func() error { return f.fs.Touch(path, t) })
}
func (f procFS) Stat(path string) (cache.FileInfo, error)     { return f.fs.Stat(path) }
func (f procFS) ReadDir(dir string) ([]cache.FileInfo, error) { return f.fs.ReadDir(dir) }
func (f procFS) Lock(path string) (io.Closer, error)          { return f.fs.Lock(path) }
func (f procFS) Type(path string) (uint32, error)             { return f.fs.Type(path) }

func (f procFS) do(change func() error) error {
	if err := f.alive(); err != nil {
		return err
	}
	return change()
}

// procFile is an open file of a process.
type procFile struct {
	fs procFS
	cache.File
}

func (f procFile) Write(b []byte) (int, error) {
	if err := f.fs.alive(); err != nil {
		return 0, err
	}
	return f.File.Write(b)
}

func (f procFile) Truncate(size int64) error {
	if err := f.fs.alive(); err != nil {
		return err
	}
	return f.File.Truncate(size)
}
