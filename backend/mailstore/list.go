package mailstore

import (
	"context"
	"errors"
	"fmt"

	"mailbackend.io/backend/sync"
)

// Mailboxes lists all names: mailboxes, missing parents of mailboxes, and
// subscribed names, INBOX first, then in byte order of their levels (a parent
// comes right before its children). The slice is shared and must not be changed.
func (u *User) Mailboxes() []MailboxInfo { return u.e.names().infos }

// Subscriptions are the subscribed names, whether they exist or not, in the
// order of Mailboxes. The slice is shared and must not be changed.
func (u *User) Subscriptions() []string { return u.e.names().subs }

// Lookup finds one name of Mailboxes (INBOX in any case). It costs no walk.
func (u *User) Lookup(name string) (MailboxInfo, bool) {
	name, err := CanonicalName(name, u.e.s.cfg.nameLimits())
	if err != nil {
		return MailboxInfo{}, false
	}
	return u.e.names().lookup(name)
}

// names is the tree of the newest root.
func (e *entry) names() *tree {
	root := e.acct.Root()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.treeOf == root {
		return e.tree
	}
	boxes := make([]MailboxInfo, len(root.Mailboxes))
	for i := range root.Mailboxes {
		m := &root.Mailboxes[i]
		boxes[i] = MailboxInfo{Name: m.Name, ID: string(m.ID), UIDValidity: m.UIDValidity, SpecialUse: m.SpecialUse}
	}
	t := buildTree(boxes, root.Subscriptions)
	if e.acct.Root() == root {
		e.treeOf, e.tree = root, t
	}
	return t
}

// find returns the folder of a mailbox name as a client gave it. ErrNoMailbox.
func (e *entry) find(ctx context.Context, name string) (*sync.Folder, error) {
	canonical, err := CanonicalName(name, e.s.cfg.nameLimits())
	if err != nil {
		// No mailbox can have the name, so none has.
		return nil, fmt.Errorf("mailbox %q: %w", name, ErrNoMailbox)
	}
	info, ok := e.names().lookup(canonical)
	if (!ok || info.NonExistent) && canonical == Inbox {
		if err := e.createInbox(ctx); err != nil {
			return nil, err
		}
		info, ok = e.names().lookup(canonical)
	}
	if !ok || info.NonExistent {
		return nil, fmt.Errorf("mailbox %q: %w", name, ErrNoMailbox)
	}
	f, ok := e.acct.Folder(sync.MailboxID(info.ID))
	if !ok {
		return nil, fmt.Errorf("mailbox %q: deleted just now: %w", name, ErrNoMailbox)
	}
	return f, nil
}

// createInbox makes the INBOX of a user that has none, as a root may be that
// was rebuilt from what was left.
func (e *entry) createInbox(ctx context.Context) error {
	err := e.acct.Commit(ctx, func(r *sync.Root) error {
		_, err := r.Create(sync.NewMailbox{Name: Inbox})
		return err
	})
	if errors.Is(err, sync.ErrExists) {
		return nil
	}
	return failed("create mailbox", Inbox, err)
}
