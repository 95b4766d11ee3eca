package sync

import (
	"context"
	"fmt"
	"log/slog"
	gosync "sync"
	"time"

	"mailbackend.io/backend/cache"
	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/uidset"
)

// Account is a claimed user. It ends when it is overtaken, released or
// abandoned; every goroutine it started ends with it. Safe for concurrent use.
type Account struct {
	e      *Engine
	user   string
	prefix string      // of the user's keys
	files  *cache.User // nil without a cache
	onDue  func(*Account)
	log    *slog.Logger

	epoch uint64
	// replay: a former process's local logs are to be replayed.
	replay bool
	// beside: the LISTs may run beside the claim, as the last holder released.
	beside bool
	// claimed is closed when the claim is confirmed.
	claimed chan struct{}

	// ctx ends with the account; its cause is Err.
	ctx    context.Context
	cancel context.CancelCauseFunc
	wg     gosync.WaitGroup

	uploading semaphore // held during an upload
	dirty     dirtySet
	bodies    bodyWriter

	mu gosync.Mutex
	// The fields below are under mu. Lock order: a Folder's mu may be held
	// when mu is taken, never the other way round.

	// idleCtx is for work that a release does not wait for: it ends when the
	// account is frozen, and there is another when it goes on.
	idleCtx    context.Context
	idleCancel context.CancelCauseFunc
	// state only ever goes from active to frozen and back, and to ended.
	state accountState
	// inflight counts operations that were let in and are not answered yet.
	inflight int
	// quiet, if not nil, is closed when nothing is in flight and no commit
	// is under way.
	quiet chan struct{}
	// root is the last confirmed root; nil in a stub, which keeps encoded.
	root    *Root
	encoded []byte
	etag    objstore.ETag
	// confirmed is when the request started that last showed the claim to hold.
	confirmed time.Time
	folders   map[MailboxID]*Folder
	// queue are the changes that wait for the committer.
	queue      []*change
	committing bool
	// unresolved counts the mails whose outcome is unknown.
	unresolved int
	// logless: the local logs lack something.
	logless bool
	// garbage are keys that the confirmed root names no longer.
	garbage []string
	timers  map[clock.Timer]struct{}
	// handled are mails of deleted mailboxes that live on in INBOX.
	handled map[MailboxID]uidset.Set
}

type accountState uint8

const (
	active accountState = iota
	frozen              // being released: nothing new is let in
	ended
)

// newAccount returns an account whose claim, root, is not confirmed yet.
func (e *Engine) newAccount(user string, root *Root, onDue func(*Account)) *Account {
	a := &Account{
		e: e, user: user, prefix: UserPrefix(e.cfg.Prefix, user), onDue: onDue,
		log:   e.log.With("user", user, "epoch", root.Epoch),
		epoch: root.Epoch, claimed: make(chan struct{}), root: root,
		folders: map[MailboxID]*Folder{}, uploading: newSemaphore(),
	}
	if e.cache != nil {
		a.files = e.cache.User(user)
	}
	a.ctx, a.cancel = context.WithCancelCause(context.Background())
	a.idleCtx, a.idleCancel = context.WithCancelCause(a.ctx)
	return a
}

// User is the user's name.
func (a *Account) User() string { return a.user }

// Epoch is the claim's number.
func (a *Account) Epoch() uint64 { return a.epoch }

// Done is closed when the account has ended.
func (a *Account) Done() <-chan struct{} { return a.ctx.Done() }

// OnEnd calls f in a goroutine of its own once the account has ended. No
// goroutine waits meanwhile.
func (a *Account) OnEnd(f func()) { context.AfterFunc(a.ctx, f) }

// Err is nil until Done is closed, then ErrOvertaken or ErrReleased.
func (a *Account) Err() error { return context.Cause(a.ctx) }

// Wait returns when the account has ended and all its goroutines have.
func (a *Account) Wait() {
	<-a.ctx.Done()
	a.wg.Wait()
}

// Abandon ends the account at once, without any request: as a crash would.
func (a *Account) Abandon() { a.end(fmt.Errorf("account of %q: %w", a.user, ErrReleased)) }

// end ends the account. From when it returned on, nothing is published or
// acknowledged any more. Only the first reason counts.
func (a *Account) end(reason error) {
	a.mu.Lock()
	if a.state == ended {
		a.mu.Unlock()
		return
	}
	a.state = ended
	for t := range a.timers {
		t.Stop()
	}
	a.timers = nil
	folders := a.allFolders()
	a.cancel(reason) // under mu, so that whoever sees the state sees Err
	a.mu.Unlock()
	for _, f := range folders {
		f.seal()
	}
}

// allFolders lists the folders in memory. a.mu is held.
func (a *Account) allFolders() []*Folder {
	fs := make([]*Folder, 0, len(a.folders))
	for _, f := range a.folders {
		fs = append(fs, f)
	}
	sortFolders(fs)
	return fs
}

func (a *Account) liveFolders() []*Folder {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.allFolders()
}

// enter lets an operation in, unless the account is frozen or has ended.
// Operations that were let in call leave once they are answered.
func (a *Account) enter() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch a.state {
	case frozen:
		return fmt.Errorf("account of %q: %w", a.user, ErrFrozen)
	case ended:
		return a.Err()
	}
	a.inflight++
	return nil
}

func (a *Account) leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.inflight--
	a.noteQuiet()
}

// noteQuiet wakes a release if nothing is under way. a.mu is held.
func (a *Account) noteQuiet() {
	if a.quiet != nil && a.inflight == 0 && !a.committing {
		close(a.quiet)
		a.quiet = nil
	}
}

// spawn runs f in a goroutine that Wait waits for. f must end soon after
// a.ctx did. It does nothing once the account has ended.
func (a *Account) spawn(f func()) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state == ended {
		return false
	}
	a.wg.Go(f)
	return true
}

// after spawns f once d has passed, unless the account ends before.
func (a *Account) after(d time.Duration, f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state == ended {
		return
	}
	if a.timers == nil {
		a.timers = map[clock.Timer]struct{}{}
	}
	var t clock.Timer
	ready := make(chan struct{})
	t = a.e.clk.AfterFunc(d, func() {
		<-ready // t is set
		a.mu.Lock()
		delete(a.timers, t)
		a.mu.Unlock()
		a.spawn(f)
	})
	a.timers[t] = struct{}{}
	close(ready)
}

// idle is the context of work in the background that a release ends.
func (a *Account) idle() context.Context {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.idleCtx
}

// sleep waits for d or the account's end.
func (a *Account) sleep(d time.Duration) error { return clock.Sleep(a.ctx, a.e.clk, d) }

// Root is the last confirmed root; it must not be changed. Counts and UIDNEXT
// of a mailbox are newer in Folder.Status.
func (a *Account) Root() *Root {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.currentRoot()
}

// currentRoot is Root with a.mu held.
func (a *Account) currentRoot() *Root {
	if a.root == nil {
		r, err := decodeRoot(a.encoded, a.e.cfg.MaxRoot)
		if err != nil {
			// These bytes were encoded or decoded by this process.
			panic("sync: root of a stub: " + err.Error())
		}
		a.root = r
	}
	return a.root
}

// mailbox is root's entry of a mailbox; nil if there is none any more.
func (a *Account) mailbox(id MailboxID) *Mailbox { return a.Root().ByID(id) }

// Folder returns a mailbox of the account; false if root doesn't name it. It
// costs no request.
func (a *Account) Folder(id MailboxID) (*Folder, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if f, ok := a.folders[id]; ok {
		return f, true
	}
	m := a.currentRoot().ByID(id)
	if m == nil {
		return nil, false
	}
	f := newFolder(a, m)
	a.folders[id] = f
	return f, true
}

// Unload drops from memory what can be had again: indexes of folders without
// changes and without subscribers. The claim stays. It reports whether nothing
// but a stub is left.
func (a *Account) Unload() bool {
	small := true
	for _, f := range a.liveFolders() {
		if !f.unload() {
			small = false
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.encoded != nil {
		a.root = nil
	}
	return small && a.inflight == 0
}

// dirtySet are the folders that have something in no segment: what the cache
// has of the user must not be evicted. It has a lock of its own, because the cache
// may have something to evict when the last folder leaves it.
type dirtySet struct {
	mu gosync.Mutex
	// at tells how often a folder had become dirty when it entered.
	at map[MailboxID]uint64
}

// setDirty notes that a folder became dirty the n-th time.
func (a *Account) setDirty(id MailboxID, n uint64) {
	if a.files == nil {
		return
	}
	a.dirty.mu.Lock()
	if a.dirty.at == nil {
		a.dirty.at = map[MailboxID]uint64{}
	}
	a.dirty.at[id] = n
	first := len(a.dirty.at) == 1
	if first {
		a.files.SetDirty(true)
	}
	a.dirty.mu.Unlock()
	if first {
		a.keepMeta()
	}
}

// setClean notes that a folder is clean, unless it became dirty once more than
// n times.
func (a *Account) setClean(id MailboxID, n uint64) {
	if a.files == nil {
		return
	}
	a.dirty.mu.Lock()
	defer a.dirty.mu.Unlock()
	if a.dirty.at[id] != n {
		return
	}
	if delete(a.dirty.at, id); len(a.dirty.at) == 0 {
		a.files.SetDirty(false)
	}
}

// semaphore lets one in at a time.
type semaphore chan struct{}

func newSemaphore() semaphore { return make(semaphore, 1) }

func (s semaphore) acquire(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s semaphore) release() { <-s }
