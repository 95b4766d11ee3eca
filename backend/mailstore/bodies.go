package mailstore

import (
	"container/list"
	"context"
	"errors"
	gosync "sync"

	"mailbackend.io/backend/sync"
)

// bodyKey names a stored mail. It never names another: UIDs and mailbox ids
// are not used twice.
type bodyKey struct {
	user string
	box  sync.MailboxID
	uid  uint32
}

// bodies are the mail objects that were read lately, as they are stored
// (compressed), least recently used out first; and those being read, so that
// two who want one mail read it once.
type bodies struct {
	limit int64

	mu gosync.Mutex
	// The following are under mu.
	used    int64
	lru     list.List // of *bodyEntry, most recently used in front
	byKey   map[bodyKey]*list.Element
	reading map[bodyKey]*reading
}

type bodyEntry struct {
	key  bodyKey
	data []byte
}

// reading is a read under way. data and err are set before done is closed.
type reading struct {
	done chan struct{}
	data []byte
	err  error
}

func newBodies(limit int64) *bodies {
	return &bodies{limit: limit, byKey: map[bodyKey]*list.Element{}, reading: map[bodyKey]*reading{}}
}

// hit returns a mail that is in memory, or nil.
func (b *bodies) hit(key bodyKey) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.hitLocked(key)
}

func (b *bodies) hitLocked(key bodyKey) []byte {
	el := b.byKey[key]
	if el == nil {
		return nil
	}
	b.lru.MoveToFront(el)
	return el.Value.(*bodyEntry).data
}

// get returns a mail, reading it with load unless it is there or another is
// reading it.
func (b *bodies) get(ctx context.Context, key bodyKey, load func(context.Context) ([]byte, error)) ([]byte, error) {
	for {
		b.mu.Lock()
		if data := b.hitLocked(key); data != nil {
			b.mu.Unlock()
			return data, nil
		}
		r := b.reading[key]
		if r == nil {
			r = &reading{done: make(chan struct{})}
			b.reading[key] = r
			b.mu.Unlock()
			r.data, r.err = load(ctx)
			b.finish(key, r)
			return r.data, r.err
		}
		b.mu.Unlock()
		select {
		case <-r.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if !errors.Is(r.err, context.Canceled) && !errors.Is(r.err, context.DeadlineExceeded) {
			return r.data, r.err
		}
		// The other gave up, which is no reason to: read it oneself.
	}
}

// finish publishes a read and keeps the mail.
func (b *bodies) finish(key bodyKey, r *reading) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.reading, key)
	close(r.done)
	size := int64(len(r.data))
	if r.err != nil || size > b.limit/4 {
		return
	}
	b.byKey[key] = b.lru.PushFront(&bodyEntry{key, r.data})
	b.used += size
	for b.used > b.limit {
		last := b.lru.Back()
		old := b.lru.Remove(last).(*bodyEntry)
		delete(b.byKey, old.key)
		b.used -= int64(len(old.data))
	}
}

func (b *bodies) size() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

// budget bounds the bytes held in flight. Who gets nothing goes on in small
// pieces instead of waiting: a client that reads slowly must not hold up others.
type budget struct {
	mu   gosync.Mutex
	left int64
}

// take takes n bytes if there are so many.
func (b *budget) take(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left < n {
		return false
	}
	b.left -= n
	return true
}

// give gives back what was taken.
func (b *budget) give(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left += n
}
