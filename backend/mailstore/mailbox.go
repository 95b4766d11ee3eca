package mailstore

import (
	"context"
	"fmt"
	gosync "sync"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/sync"
	"mailbackend.io/backend/uidset"
)

// Mailbox is a session's handle on a selected mailbox.
type Mailbox struct {
	u        *User
	b        *box
	readOnly bool
	recent   uidset.Set // under box.mu

	mu gosync.Mutex
	// The following are under mu.
	closed  bool
	notify  func()
	news    chan struct{} // made by Changed
	ahead   *prefetch
	ids     map[uint32]index.IDs // of the last messages asked for
	renamed string               // last name seen
}

// Select opens a mailbox. With readOnly (EXAMINE) it can't be changed through
// the handle and \Recent is not taken. The caller closes it. ErrNoMailbox.
func (u *User) Select(ctx context.Context, name string, readOnly bool) (*Mailbox, error) {
	if err := u.check("select mailbox"); err != nil {
		return nil, err
	}
	f, err := u.e.find(ctx, name)
	if err != nil {
		return nil, err
	}
	b, err := u.e.openBox(ctx, f)
	if err != nil {
		return nil, failed("select mailbox", name, err)
	}
	m := &Mailbox{u: u, b: b, readOnly: readOnly, renamed: name}
	b.attach(m)
	u.mu.Lock()
	if u.closed {
		u.mu.Unlock()
		m.Close()
		return nil, fmt.Errorf("select mailbox %q: %w", name, ErrClosed)
	}
	if u.open == nil {
		u.open = map[*Mailbox]struct{}{}
	}
	u.open[m] = struct{}{}
	u.mu.Unlock()
	return m, nil
}

// Name is the mailbox's present name: another session may have renamed it.
func (m *Mailbox) Name() string {
	root := m.u.e.acct.Root()
	m.mu.Lock()
	defer m.mu.Unlock()
	if b := root.ByID(m.b.f.ID()); b != nil {
		m.renamed = b.Name
	}
	return m.renamed
}

// ID is the MAILBOXID (RFC 8474).
func (m *Mailbox) ID() string { return string(m.b.f.ID()) }

// UIDValidity never changes for a handle.
func (m *Mailbox) UIDValidity() uint32 { return m.b.f.UIDValidity() }

// UIDNext is what to tell clients: at least View().UIDNext(), and never less
// than what any client was told.
func (m *Mailbox) UIDNext() uint32 { return max(m.b.f.Status().UIDNext, m.View().UIDNext()) }

// ReadOnly is how it was selected.
func (m *Mailbox) ReadOnly() bool { return m.readOnly }

// View is the present state. It never goes back.
func (m *Mailbox) View() *index.View { return m.b.view() }

// Notify calls fn after each change of View and when the mailbox was deleted,
// from any goroutine; fn must not block. A further call replaces fn; nil ends
// it. A change before the call is not told; one at the same time may be told
// to the former fn.
func (m *Mailbox) Notify(fn func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.notify = fn
	}
}

// Changed receives after View has changed, or the mailbox was deleted. Several
// changes may be one signal. It is Notify for who would rather wait on a channel.
func (m *Mailbox) Changed() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.news == nil {
		m.news = make(chan struct{}, 1)
	}
	return m.news
}

// signal tells the session that there is news.
func (m *Mailbox) signal() {
	m.mu.Lock()
	fn := m.notify
	if m.news != nil {
		select {
		case m.news <- struct{}{}:
		default:
		}
	}
	m.mu.Unlock()
	if fn != nil {
		fn()
	}
}

// Deleted reports whether the mailbox was deleted by another session; further
// commands fail with ErrNoMailbox.
func (m *Mailbox) Deleted() bool { return m.b.deleted.Load() }

// Recent are the UIDs that are \Recent in this session (RFC 3501 section
// 2.3.2): the session was the first to be told. Expunged ones may be among
// them. It covers at least the messages of what View returned before.
func (m *Mailbox) Recent() uidset.Set {
	m.b.mu.Lock()
	defer m.b.mu.Unlock()
	return m.recent.Clone()
}

// Close gives the handle back. It may be called twice.
func (m *Mailbox) Close() {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return
	}
	m.closed = true
	m.notify, m.ids = nil, nil
	ahead := m.ahead
	m.ahead = nil
	m.mu.Unlock()
	ahead.stop()
	m.u.mu.Lock()
	delete(m.u.open, m)
	m.u.mu.Unlock()
	m.b.detach(m)
	m.u.e.closeBox(m.b)
}

// check fails if the handle can't be used for op.
func (m *Mailbox) check(op string, write bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closed:
		return fmt.Errorf("%s in mailbox %q: %w", op, m.renamed, ErrClosed)
	case m.b.deleted.Load():
		return fmt.Errorf("%s in mailbox %q: deleted: %w", op, m.renamed, ErrNoMailbox)
	case write && m.readOnly:
		return fmt.Errorf("%s in mailbox %q: %w", op, m.renamed, ErrReadOnly)
	}
	return nil
}

// folder is the mailbox's.
func (m *Mailbox) folder() *sync.Folder { return m.b.f }

// key names a message of the mailbox among all of the store.
func (m *Mailbox) key(uid uint32) bodyKey { return bodyKey{m.u.e.name, m.b.f.ID(), uid} }
