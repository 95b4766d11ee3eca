package mailstore

import (
	"context"
	gosync "sync"
)

// prefetch reads mails ahead of one session, in the order in which it said
// that it will want them. A nil prefetch has nothing.
type prefetch struct {
	m      *Mailbox
	ctx    context.Context
	cancel context.CancelFunc

	mu gosync.Mutex
	// The following are under mu.
	queue  []uint32 // not yet begun
	window []*ahead // begun or done, not yet taken, in order
	bytes  int64    // of window
	ended  bool
}

// ahead is one mail read ahead. data and err are set before done is closed.
type ahead struct {
	uid  uint32
	size int64
	done chan struct{}
	data []byte
	err  error
}

// Prefetch tells that the messages uids will be read in this order, so that
// they are read ahead in parallel, a bounded number of bytes at a time. A
// further call replaces the one before; nil ends it. uids must not be changed
// afterwards.
func (m *Mailbox) Prefetch(uids []uint32) {
	var p *prefetch
	if len(uids) > 0 {
		p = &prefetch{m: m, queue: uids}
		p.ctx, p.cancel = context.WithCancel(context.Background())
	}
	m.mu.Lock()
	old := m.ahead
	if m.closed {
		old = p
	} else {
		m.ahead = p
	}
	m.mu.Unlock()
	old.stop()
	if p != nil {
		p.fill()
	}
}

// takeAhead returns a mail that was read ahead, waiting for it if that is under
// way; nil if it was not.
func (m *Mailbox) takeAhead(ctx context.Context, uid uint32) ([]byte, error) {
	m.mu.Lock()
	p := m.ahead
	m.mu.Unlock()
	if p == nil {
		return nil, nil
	}
	a := p.take(uid)
	p.fill()
	if a == nil {
		return nil, nil
	}
	select {
	case <-a.done:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if a.err != nil {
		return nil, nil // the reader tries again and has the error then
	}
	return a.data, nil
}

// take takes a mail out of the window, and gives up those before it: the
// session has gone past them.
func (p *prefetch) take(uid uint32) *ahead {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, a := range p.window {
		if a.uid == uid {
			for _, past := range p.window[:i+1] {
				p.release(past)
			}
			p.window = append(p.window[:0], p.window[i+1:]...)
			return a
		}
	}
	for i, q := range p.queue {
		if i >= p.m.u.e.s.cfg.PrefetchMessages {
			break
		}
		if q == uid { // not begun: the reader does it, and goes on from there
			p.queue = p.queue[i+1:]
			break
		}
	}
	return nil
}

// release gives back what a mail of the window holds. Called with p.mu held.
func (p *prefetch) release(a *ahead) {
	p.bytes -= a.size
	p.m.u.e.s.reads.give(a.size)
}

// fill begins as many mails as the window holds.
func (p *prefetch) fill() {
	s := p.m.u.e.s
	v := p.m.View()
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.ended && len(p.queue) > 0 && len(p.window) < s.cfg.PrefetchMessages {
		uid := p.queue[0]
		var size int64
		if i, ok := v.Find(uid); ok {
			size = int64(v.At(i).Size)
		}
		if size == 0 || size > min(s.cfg.PrefetchBytes, s.cfg.WholeRead) {
			p.queue = p.queue[1:] // gone, empty, or for the reader itself
			continue
		}
		if p.bytes+size > s.cfg.PrefetchBytes || !s.reads.take(size) {
			return
		}
		p.queue = p.queue[1:]
		p.bytes += size
		a := &ahead{uid: uid, size: size, done: make(chan struct{})}
		p.window = append(p.window, a)
		go func() {
			defer close(a.done)
			a.data, a.err = s.bodies.get(p.ctx, p.m.key(a.uid), p.m.loader(a.uid))
		}()
	}
}

// stop gives everything up.
func (p *prefetch) stop() {
	if p == nil {
		return
	}
	p.cancel()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	for _, a := range p.window {
		p.release(a)
	}
	p.window, p.queue = nil, nil
}
