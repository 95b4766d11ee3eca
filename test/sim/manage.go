package sim

import (
	"fmt"
	"time"

	"mailbackend.io/backend/sync"
)

func doCreate(o *operation) error {
	name := fmt.Sprint("box", o.s.N)
	var id sync.MailboxID
	tried := map[sync.MailboxID]bool{}
	err := o.a.Commit(o.ctx, func(r *sync.Root) (err error) {
		id, err = r.Create(sync.NewMailbox{Name: name})
		tried[id] = true
		return err
	})
	l := o.w.led
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil && o.toldLocked() {
		o.w.note("%s says that %q is created as %s", o.q.name, name, id)
		b := l.boxLocked(id)
		b.created, b.name = true, name
	}
	return err
}

// toldLocked is told without waiting: for those who hold a lock.
func (o *operation) toldLocked() bool { return !o.q.isDead() && o.w.ctx.Err() == nil }

// other picks a mailbox that may be renamed and deleted.
func (o *operation) other() *sync.Mailbox {
	root := o.a.Root()
	if len(root.Mailboxes) == 0 {
		return nil
	}
	m := &root.Mailboxes[o.s.N%len(root.Mailboxes)]
	if m.Name == sync.Inbox {
		return nil
	}
	return m
}

func doRename(o *operation) error {
	m := o.other()
	if m == nil {
		return nil
	}
	id, name := m.ID, fmt.Sprint("box", o.r.IntN(1000))
	l := o.w.led
	l.mu.Lock()
	b := l.boxLocked(id)
	b.names[name] = true
	b.asked++
	mine, alone := b.asked, b.asking == 0
	b.asking++
	l.mu.Unlock()
	err := o.a.Commit(o.ctx, func(r *sync.Root) error {
		m := r.ByID(id)
		switch {
		case m == nil:
			return sync.ErrNoMailbox
		case r.ByName(name) != nil:
			return sync.ErrExists
		}
		m.Name = name
		return nil
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	b.asking--
	if err == nil && o.toldLocked() {
		o.w.note("%s says that %s is renamed to %q", o.q.name, id, name)
		b.name = name
		if alone && b.asked == mine {
			delete(b.names, name) // nobody else's can come behind it
		}
	}
	return err
}

func doDelete(o *operation) error {
	m := o.other()
	if m == nil {
		return nil
	}
	id := m.ID
	l := o.w.led
	l.mu.Lock()
	l.boxLocked(id).deleting = true
	l.mu.Unlock()
	o.w.note("%s deletes %s", o.q.name, id)
	err := o.a.Commit(o.ctx, func(r *sync.Root) error { return r.Delete(id) })
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil && o.toldLocked() {
		o.w.note("%s says that %s is deleted", o.q.name, id)
		b := l.boxLocked(id)
		if !b.deleted {
			b.deleted, b.deletedAt = true, time.Now()
		}
	}
	return err
}
