package mailstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"mailbackend.io/backend/sync"
)

// Rename renames a mailbox or a \NonExistent parent, and all below it (RFC
// 9051 6.3.6). Renaming INBOX moves its mails to a new mailbox and leaves its
// children alone. ErrNoMailbox, ErrExists, ErrCannot. Subscriptions stay as
// they are: they are to names.
func (u *User) Rename(ctx context.Context, from, to string) error {
	if err := u.check("rename mailbox"); err != nil {
		return err
	}
	lim := u.e.s.cfg.nameLimits()
	old, err := CanonicalName(strings.TrimSuffix(from, string(Separator)), lim)
	if err != nil {
		return fmt.Errorf("rename mailbox %q: %w", from, ErrNoMailbox)
	}
	name, err := CanonicalName(strings.TrimSuffix(to, string(Separator)), lim)
	if err != nil {
		return fmt.Errorf("rename mailbox %q: %w", from, err)
	}
	if old == Inbox {
		return u.renameInbox(ctx, name)
	}
	err = u.e.acct.Commit(ctx, func(r *sync.Root) error { return renameIn(r, old, name, lim) })
	return failed("rename mailbox", old, err)
}

// renameIn renames a canonical name and all below it within a root.
func renameIn(r *sync.Root, from, to string, lim NameLimits) error {
	var moved []int
	taken := make(map[string]bool, len(r.Mailboxes))
	for i := range r.Mailboxes {
		if name := r.Mailboxes[i].Name; name == from || isBelow(name, from) {
			moved = append(moved, i)
		} else {
			taken[name] = true
		}
	}
	switch {
	case len(moved) == 0:
		return ErrNoMailbox
	case from == to || taken[to]:
		return fmt.Errorf("to %q: %w", to, ErrExists)
	case isBelow(to, from):
		return fmt.Errorf("to %q, a name below itself: %w", to, ErrCannot)
	}
	for _, i := range moved {
		name := to + r.Mailboxes[i].Name[len(from):]
		if taken[name] {
			return fmt.Errorf("child to %q: %w", name, ErrExists)
		}
		if _, err := CanonicalName(name, lim); err != nil {
			return fmt.Errorf("child: %w", err)
		}
	}
	for _, i := range moved {
		m := &r.Mailboxes[i]
		m.Name = to + m.Name[len(from):]
	}
	return nil
}

// renameInbox moves what is in INBOX now to a new mailbox. If that fails
// half-way, some mails are in the new mailbox and the others still in INBOX:
// none is lost.
func (u *User) renameInbox(ctx context.Context, to string) error {
	if to == Inbox {
		return fmt.Errorf("rename mailbox %q: %w", to, ErrExists)
	}
	inbox, err := u.Select(ctx, Inbox, false)
	if err != nil {
		return fmt.Errorf("rename mailbox %q: %w", Inbox, err)
	}
	defer inbox.Close()
	if _, err := u.Create(ctx, to, nil); err != nil {
		return fmt.Errorf("rename mailbox %q: %w", Inbox, err)
	}
	moved, err := inbox.Move(ctx, inbox.View().UIDs(), to)
	if err == nil {
		return nil
	}
	if len(moved.Src) == 0 && !errors.Is(err, ErrOvertaken) {
		// As if it had not been tried; failing that, an empty mailbox stays.
		err = errors.Join(err, u.Delete(ctx, to))
	}
	return fmt.Errorf("rename mailbox %q: %d mails moved to %q: %w", Inbox, len(moved.Src), to, err)
}
