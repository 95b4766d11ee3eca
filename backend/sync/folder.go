package sync

import (
	"fmt"
	"slices"
	"strings"
	gosync "sync"
	"sync/atomic"
	"time"

	"mailbackend.io/backend/cache"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/uidset"
)

// Folder is one mailbox of an Account. Safe for concurrent use. Its operations
// fail with the account's Err once that has ended.
type Folder struct {
	a        *Account
	id       MailboxID
	validity uint32

	// shown is what View returns; nil unless the folder is open.
	shown atomic.Pointer[index.View]

	// tidying is held by whoever handles late mail or judges the folder by a
	// LIST: one at a time.
	tidying semaphore

	mu gosync.Mutex
	// The fields below are under mu.

	// sealed: nothing is published any more.
	sealed bool
	// gone: the mailbox was deleted, or is by a commit under way.
	gone bool

	// own is the claim's range of UIDs as far as it is confirmed; next is
	// the next to hand out.
	//
	// Invariant: own.start ≤ next, and next ≤ own.end but for what was never
	// handed out.
	own  uidRange
	next uint32
	// lastModSeq is the last modseq handed out, modEnd the last reserved
	// and confirmed.
	lastModSeq, modEnd uint64
	// wantUIDs and wantModSeqs are what callers wait for beyond the usual range.
	wantUIDs    uint32
	wantModSeqs uint64
	extending   bool
	// gate, if not nil, keeps all others from publishing until it is closed:
	// a commit is under way that expunges what is still shown.
	gate chan struct{}
	// slots are the UIDs that were handed out and are not published yet.
	//
	// Invariant: their UIDs ascend. Everything below the first of them (or
	// next, if there is none) is settled and published.
	slots []*slot
	// tainted are UIDs that have an attempt which was never answered, or
	// whose expunge needs an earlier commit for another reason; noted are
	// those that the confirmed root names in an open range.
	tainted, noted uidset.Set
	// told is the highest UIDNEXT that may have been told.
	told        uint32
	firstRecent uint32
	nameHint    string

	// box is nil unless the folder is open or about to be.
	box *index.Mailbox
	// ready: what box shows may be shown to others.
	ready bool
	// segments and dirs go with box: the segments it was made of, or that
	// an upload made of it, and the directories of their ids and summaries
	// by name.
	segments []index.SegmentInfo
	dirs     map[string]index.Directory
	// uploaded is the modseq up to which the segments have everything. Of
	// open folders.
	uploaded uint64
	// raiseFloor, if not 0, is a modseq floor that root is yet to be told.
	raiseFloor uint64
	// dirtied counts how often the folder became dirty.
	dirtied uint64
	// pend is what the segments don't have; up what an upload under way is
	// about to give them.
	pend, up *changes

	// fetch, scan and open are what the first access does, each at most once
	// at a time.
	fetch, scan, open *job
	hot               map[string][]byte // what fetch read, by segment
	// scanned: the LIST after the claim was done. found is what it found
	// below own and nobody has judged yet.
	scanned bool
	found   []listed
	// resolved: what the LIST found has been judged with the index loaded,
	// or there was nothing.
	resolved bool
	// checked: the LIST of the whole folder after a takeover was done.
	checked bool
	// replay: the local log is to be replayed at the first access.
	replay bool
	// relist is the interval at which open ranges are listed; 0: not yet.
	relist time.Duration
	// late is to be handled in the background.
	late []listed
	// log is opened at first use.
	log *cache.Log

	subscribers []*subscriber
}

// changes are what the segments of a folder don't have yet.
type changes struct {
	// appends ascend in the order in which they were published. Their
	// flags may be older than the view's.
	appends []index.Op
	byUID   map[uint32]int // position in appends
	// removals are OpExpunge and OpMissing.
	removals []index.Op
	// handled are mails of deleted mailboxes that appends are copies of.
	handled []handled
	// other: there is more than appends.
	other bool
	// since is the time of the first change that is no delivery.
	since time.Time
}

func (c *changes) empty() bool { return c == nil || len(c.appends) == 0 && !c.other }

// append finds a message that was appended.
func (c *changes) find(uid uint32) *index.Op {
	if c == nil {
		return nil
	}
	if i, ok := c.byUID[uid]; ok {
		return &c.appends[i]
	}
	return nil
}

// add takes the ops in.
func (c *changes) add(ops []index.Op, now time.Time) {
	for i := range ops {
		switch ops[i].Kind {
		case index.OpAppend:
			if c.byUID == nil {
				c.byUID = map[uint32]int{}
			}
			if _, ok := c.byUID[ops[i].UID]; ok {
				continue // replayed from the log and published here
			}
			c.byUID[ops[i].UID] = len(c.appends)
			c.appends = append(c.appends, ops[i])
			continue
		case index.OpExpunge, index.OpMissing:
			c.removals = append(c.removals, ops[i])
		}
		if !c.other {
			c.other, c.since = true, now
		}
	}
}

// join puts what is in c, the older, and newer into one.
func (c *changes) join(newer *changes) *changes {
	if newer == nil {
		return c
	}
	c.add(newer.appends, newer.since)
	c.removals = append(c.removals, newer.removals...)
	c.handled = append(c.handled, newer.handled...)
	if newer.other && !c.other {
		c.other, c.since = true, newer.since
	}
	return c
}

// newFolder makes the folder of root's entry m. It takes over no work yet.
func newFolder(a *Account, m *Mailbox) *Folder {
	f := &Folder{
		a: a, id: m.ID, validity: m.UIDValidity, tidying: newSemaphore(),
		own: m.uids, next: m.uids.start, lastModSeq: max(m.modseqs.start, m.HighestModSeq), modEnd: m.modseqs.end,
		told: m.UIDNext, firstRecent: m.FirstRecent, nameHint: m.Name,
	}
	if m.scanFrom == 1 && m.uids.start == 1 && m.floor == 1 && len(m.segments) == 0 {
		// Created under this claim: nobody else can have stored anything.
		f.scanned, f.resolved = true, true
	}
	return f
}

// ID is the mailbox's.
func (f *Folder) ID() MailboxID { return f.id }

// UIDValidity never changes.
func (f *Folder) UIDValidity() uint32 { return f.validity }

// View is the present state; nil unless the folder is open.
func (f *Folder) View() *index.View { return f.shown.Load() }

// String names the folder in errors.
func (f *Folder) String() string { return fmt.Sprintf("mailbox %s of %q", f.id, f.a.user) }

// Status are a mailbox's figures.
type Status struct {
	Counts        index.Counts
	UIDNext       uint32
	HighestModSeq uint64
	// Exact is false if the folder was not looked at since it was taken
	// over from a holder that did not release it: Open it for exact figures.
	Exact bool
}

// Status costs no request.
func (f *Folder) Status() Status {
	m := f.a.mailbox(f.id)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.box != nil {
		v := f.box.View()
		return Status{Counts: v.Counts(), UIDNext: max(f.told, v.UIDNext()), HighestModSeq: v.HighestModSeq(), Exact: true}
	}
	if m == nil {
		return Status{UIDNext: f.told, HighestModSeq: f.lastModSeq}
	}
	s := Status{Counts: m.Counts, UIDNext: f.told, HighestModSeq: max(m.HighestModSeq, m.floor)}
	for _, c := range []*changes{f.up, f.pend} {
		if c == nil {
			continue
		}
		s.Counts = addCounts(s.Counts, c.appends)
		for i := range c.appends {
			s.HighestModSeq = max(s.HighestModSeq, c.appends[i].ModSeq)
		}
		for i := range c.removals {
			s.HighestModSeq = max(s.HighestModSeq, c.removals[i].ModSeq)
		}
	}
	s.Exact = (f.resolved || len(m.fresh) == 0) && m.checkBelow == 0 && !f.replay && len(f.found) == 0
	return s
}

// addCounts counts messages that were appended to a mailbox.
func addCounts(c index.Counts, appends []index.Op) index.Counts {
	for i := range appends {
		op := &appends[i]
		c.Messages++
		c.Size += uint64(op.Size)
		if op.Flags&index.Seen == 0 {
			c.Unseen++
		}
		if op.Flags&index.Deleted != 0 {
			c.Deleted++
			c.DeletedSize += uint64(op.Size)
		}
	}
	return c
}

// FirstRecent is the lowest UID that no session was told as \Recent yet.
func (f *Folder) FirstRecent() uint32 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.firstRecent
}

// SetFirstRecent raises FirstRecent. It is stored with the next commit and
// makes nothing dirty.
func (f *Folder) SetFirstRecent(uid uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.firstRecent = max(f.firstRecent, uid)
}

type subscriber struct{ fn func(*index.View) }

// Subscribe calls fn without locks after each change of View, and with nil
// when the mailbox was deleted. Calls may come from several goroutines at once
// and out of order: View is the newest. fn must not block.
func (f *Folder) Subscribe(fn func(*index.View)) (cancel func()) {
	s := &subscriber{fn}
	f.mu.Lock()
	defer f.mu.Unlock()
	// Copied on change: whoever tells the news holds no lock.
	f.subscribers = append(slices.Clip(f.subscribers), s)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.subscribers = slices.DeleteFunc(slices.Clone(f.subscribers), func(x *subscriber) bool { return x == s })
		if len(f.subscribers) == 0 {
			f.subscribers = nil
		}
	}
}

// seal ends the publishing. When it returned, nothing is published any more.
func (f *Folder) seal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sealed = true
	f.slots = nil
}

// dropBox drops the index from memory. f.mu is held. The caller calls the
// result without it: the cache may have something to evict then.
func (f *Folder) dropBox() (unpin func()) {
	unpin = func() {}
	if f.ready && f.a.files != nil {
		unpin = f.a.files.Unpin
	}
	f.box, f.ready, f.segments, f.dirs, f.hot, f.fetch = nil, false, nil, nil, nil, nil
	f.shown.Store(nil)
	return unpin
}

// unload drops the index if it can be had again. It reports whether the folder
// is small now.
func (f *Folder) unload() bool {
	unpin := func() {}
	defer func() { unpin() }() // after mu
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sealed {
		return true
	}
	busy := len(f.subscribers) > 0 || f.up != nil || f.open != nil || len(f.late) > 0 ||
		f.pend != nil && f.pend.other // only the index has all that changed
	if busy {
		return false
	}
	unpin = f.dropBox()
	return f.pend.empty() && len(f.slots) == 0
}

// dirtyLocked tells whether anything of the folder is in no segment. f.mu is held.
func (f *Folder) dirtyLocked() bool {
	return !f.gone && (!f.pend.empty() || f.up != nil || f.replay)
}

// horizon is the UID below which everything is settled and published.
func (f *Folder) horizon() uint32 {
	if len(f.slots) > 0 {
		return f.slots[0].uid
	}
	return f.next
}

func sortFolders(fs []*Folder) {
	slices.SortFunc(fs, func(a, b *Folder) int { return strings.Compare(string(a.id), string(b.id)) })
}
