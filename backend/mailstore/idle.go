package mailstore

import (
	"container/list"
	"time"

	"mailbackend.io/backend/clock"
)

// idleUsers are the users that nobody uses now, most recently used in front.
// All of it is under Store.mu.
type idleUsers struct {
	recent list.List   // last use within Config.ActiveWindow
	old    list.List   // last use before that
	timer  clock.Timer // fires when the last of recent grows old
}

// idlePlace is where an entry is in these lists.
type idlePlace struct {
	in   *list.List
	elem *list.Element
	last time.Time // of the last use
}

// rest puts an entry that came out of use, at now, in front. Called with s.mu
// held.
func (s *Store) rest(e *entry, now time.Time) {
	e.idle = idlePlace{in: &s.idle.recent, elem: s.idle.recent.PushFront(e), last: now}
	s.armIdle()
}

// restAgain puts back an entry that was idle since last. Called with s.mu held.
func (s *Store) restAgain(e *entry, last time.Time) {
	now := s.clk.Now()
	switch {
	case last.IsZero():
		s.rest(e, now)
	case now.Before(last.Add(s.cfg.ActiveWindow)):
		e.idle = idlePlace{in: &s.idle.recent, elem: s.idle.recent.PushBack(e), last: last}
		s.armIdle()
	default:
		e.idle = idlePlace{in: &s.idle.old, elem: s.idle.old.PushFront(e), last: last}
	}
}

// wake takes an entry out of the idle lists. Called with s.mu held.
func (s *Store) wake(e *entry) {
	if e.idle.elem != nil {
		e.idle.in.Remove(e.idle.elem)
		e.idle = idlePlace{}
	}
}

// armIdle starts the timer for the next user to grow old. Called with s.mu
// held.
func (s *Store) armIdle() {
	last := s.idle.recent.Back()
	if last == nil || s.idle.timer != nil || s.closing {
		return
	}
	at := last.Value.(*entry).idle.last.Add(s.cfg.ActiveWindow)
	s.idle.timer = s.clk.AfterFunc(at.Sub(s.clk.Now()), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.idle.timer = nil
		s.expireIdle()
		s.armIdle()
	})
}

// expireIdle moves users that are not active any more to the old ones, and
// drops their indexes from memory. Called with s.mu held.
func (s *Store) expireIdle() {
	now := s.clk.Now()
	var old []*entry
	defer func() { s.unload(old...) }()
	for last := s.idle.recent.Back(); last != nil; last = s.idle.recent.Back() {
		e := last.Value.(*entry)
		if now.Before(e.idle.last.Add(s.cfg.ActiveWindow)) {
			return
		}
		s.idle.recent.Remove(last)
		e.idle.in, e.idle.elem = &s.idle.old, s.idle.old.PushFront(e)
		old = append(old, e)
	}
}

// unloadOldest makes room for one more loaded user; false if there is none to
// unload. Called with s.mu held.
func (s *Store) unloadOldest() bool {
	for _, l := range []*list.List{&s.idle.old, &s.idle.recent} {
		for el := l.Back(); el != nil; el = el.Prev() {
			if e := el.Value.(*entry); e.loaded {
				s.unload(e)
				return true
			}
		}
	}
	return false
}

// unload drops from memory what idle users have there, dirty indexes after their
// upload. It does so in the background, but counts at once. Called with s.mu held.
func (s *Store) unload(es ...*entry) {
	if len(es) == 0 {
		return
	}
	for _, e := range es {
		s.setLoaded(e, false)
		e.pins++
	}
	s.running.Add(1)
	go func() {
		defer s.running.Done()
		for _, e := range es {
			s.unloadNow(e)
		}
	}()
}

func (s *Store) unloadNow(e *entry) {
	e.mu.Lock()
	e.tree, e.treeOf = nil, nil
	e.mu.Unlock()
	clean := e.acct.Unload()
	_, changed := e.acct.ChangedAt()
	s.mu.Lock()
	defer s.mu.Unlock()
	e.pins--
	if !clean && changed && e.state == ready && e.uses == 0 {
		e.up.unload = true
		s.enqueue(e)
	}
}

// trimStubs starts to release the least recently used users beyond
// Config.MaxStubs. Called with s.mu held.
func (s *Store) trimStubs() {
	excess := len(s.users) - s.cfg.MaxStubs - s.releases
	for _, l := range []*list.List{&s.idle.old, &s.idle.recent} {
		for el := l.Back(); el != nil && excess > 0 && s.releases < s.cfg.MaxReleases && !s.closing; {
			e := el.Value.(*entry)
			el = el.Prev()
			if e.pins > 0 {
				continue
			}
			excess--
			s.releases++
			s.startRelease(e)
			s.running.Add(1)
			go func() {
				defer s.running.Done()
				s.evictStub(e)
			}()
		}
	}
}
