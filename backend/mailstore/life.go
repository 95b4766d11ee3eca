package mailstore

import (
	gosync "sync"
)

// life is the time in which the sessions of a user may go on. It ends when the
// user is overtaken, moved away or the store shuts down.
type life struct {
	done chan struct{}

	mu gosync.Mutex
	// The following are under mu.
	err  error
	fns  map[uint64]func()
	next uint64
}

func newLife() *life { return &life{done: make(chan struct{})} }

// end ends it once; later errors are ignored.
func (l *life) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return
	}
	l.err = err
	close(l.done)
	for _, fn := range l.fns {
		go fn()
	}
	l.fns = nil
}

// reason is nil while it lasts.
func (l *life) reason() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// onEnd calls fn in a goroutine of its own at the end, at once if that was. No
// goroutine waits meanwhile.
func (l *life) onEnd(fn func()) (stop func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		go fn()
		return func() {}
	}
	if l.fns == nil {
		l.fns = map[uint64]func(){}
	}
	id := l.next
	l.next++
	l.fns[id] = fn
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.fns, id)
	}
}

// currentLife is the life that a new session shares.
func (e *entry) currentLife() *life { return e.life.Load() }
