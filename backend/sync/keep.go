package sync

import (
	gosync "sync"
	"sync/atomic"
)

// bodyWriter puts the bodies that one account read into the cache, behind the
// readers' backs: creating a file may take longer than reading an object did.
// What is not written yet is bounded by Config.KeepPending over all accounts;
// beyond it bodies are not kept.
type bodyWriter struct {
	mu      gosync.Mutex
	queue   []keptBody
	pending map[keptBody][]byte // what is queued or being written
	running bool
}

type keptBody struct {
	f   *Folder
	uid uint32
}

// pendingBytes counts what all accounts of an engine have queued.
type pendingBytes struct{ n atomic.Int64 }

func (p *pendingBytes) take(n, limit int64) bool {
	if p.n.Add(n) <= limit {
		return true
	}
	p.n.Add(-n)
	return false
}

// keepBody has a body written to the cache soon, or not at all. data must not
// be changed any more.
func (f *Folder) keepBody(uid uint32, data []byte) {
	a := f.a
	if a.files == nil || !a.e.keeping.take(int64(len(data)), a.e.cfg.KeepPending) {
		return
	}
	w := &a.bodies
	key := keptBody{f, uid}
	w.mu.Lock()
	if _, twice := w.pending[key]; twice {
		w.mu.Unlock()
		a.e.keeping.n.Add(-int64(len(data)))
		return
	}
	if w.pending == nil {
		w.pending = map[keptBody][]byte{}
	}
	w.queue, w.pending[key] = append(w.queue, key), data
	start := !w.running
	w.running = true
	w.mu.Unlock()
	if start && !a.spawn(a.writeBodies) {
		a.writeBodies() // the account has ended: this empties the queue
	}
}

// body returns a body from the cache or on its way there: bytes off..off+n-1.
func (f *Folder) body(uid uint32, off, n int64) ([]byte, bool) {
	if f.a.files == nil {
		return nil, false
	}
	w := &f.a.bodies
	w.mu.Lock()
	data, ok := w.pending[keptBody{f, uid}]
	w.mu.Unlock()
	if ok {
		return cut(data, off, n), true
	}
	if n <= 0 {
		n = 1 << 62
	}
	b, err := f.a.files.GetRange(string(f.id), formatUID(uid), bodyKind, off, n)
	return b, err == nil
}

// cut is bytes off..off+n-1 of b, as far as there are; n ≤ 0: to the end.
func cut(b []byte, off, n int64) []byte {
	b = b[min(max(off, 0), int64(len(b))):]
	if n > 0 && n < int64(len(b)) {
		b = b[:n]
	}
	return b
}

// writeBodies writes until the queue is empty. A message that was expunged
// meanwhile is not kept, and nothing is once the account has ended.
func (a *Account) writeBodies() {
	w := &a.bodies
	for {
		w.mu.Lock()
		if len(w.queue) == 0 {
			w.queue, w.running = nil, false
			w.mu.Unlock()
			return
		}
		next := w.queue[0]
		w.queue = w.queue[1:]
		data := w.pending[next]
		w.mu.Unlock()
		if a.ctx.Err() == nil && next.wanted() {
			next.f.keep(formatUID(next.uid), bodyKind, data)
		}
		w.mu.Lock()
		delete(w.pending, next)
		w.mu.Unlock()
		a.e.keeping.n.Add(-int64(len(data)))
	}
}

// wanted is false once the message was expunged; one that is not published yet
// is wanted.
func (k keptBody) wanted() bool {
	view := k.f.View()
	if view == nil {
		return false
	}
	_, there := view.Find(k.uid)
	return there || k.uid >= view.UIDNext()
}
