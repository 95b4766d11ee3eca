package mailstore

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"mailbackend.io/backend/sync"
)

// Create makes a mailbox and returns its MAILBOXID. A trailing separator is
// ignored (RFC 9051 6.3.4). Missing parents become \NonExistent names, not
// mailboxes. ErrExists, ErrCannot, ErrUseAttr, ErrLimit.
func (u *User) Create(ctx context.Context, name string, specialUse []string) (id string, err error) {
	if err := u.check("create mailbox"); err != nil {
		return "", err
	}
	cfg := &u.e.s.cfg
	name, err = CanonicalName(strings.TrimSuffix(name, string(Separator)), cfg.nameLimits())
	if err != nil {
		return "", err
	}
	box := sync.NewMailbox{Name: name}
	for _, attr := range specialUse {
		use, err := CanonicalSpecialUse(attr)
		if err != nil {
			return "", fmt.Errorf("create mailbox %q: %w", name, err)
		}
		if !slices.Contains(box.SpecialUse, use) {
			box.SpecialUse = append(box.SpecialUse, use)
		}
	}
	err = u.e.acct.Commit(ctx, func(r *sync.Root) error {
		if len(r.Mailboxes) >= cfg.MaxMailboxes {
			return fmt.Errorf("%d mailboxes: %w", len(r.Mailboxes), ErrLimit)
		}
		for i := range r.Mailboxes {
			for _, use := range r.Mailboxes[i].SpecialUse {
				if slices.Contains(box.SpecialUse, use) {
					return fmt.Errorf("%q has the special use %s already: %w", r.Mailboxes[i].Name, use, ErrUseAttr)
				}
			}
		}
		made, err := r.Create(box)
		id = string(made)
		return err
	})
	if err != nil {
		return "", failed("create mailbox", name, err)
	}
	return id, nil
}

// Delete removes a mailbox and its mails. If it has children its name stays
// as \NonExistent (RFC 9051 6.3.5). ErrNoMailbox (also for a \NonExistent
// name), ErrCannot for INBOX.
func (u *User) Delete(ctx context.Context, name string) error {
	if err := u.check("delete mailbox"); err != nil {
		return err
	}
	canonical, err := CanonicalName(name, u.e.s.cfg.nameLimits())
	if err != nil {
		return fmt.Errorf("delete mailbox %q: %w", name, ErrNoMailbox)
	}
	if canonical == Inbox {
		return fmt.Errorf("delete mailbox %q: %w", name, ErrCannot)
	}
	err = u.e.acct.Commit(ctx, func(r *sync.Root) error {
		m := r.ByName(canonical)
		if m == nil {
			return ErrNoMailbox
		}
		return r.Delete(m.ID)
	})
	return failed("delete mailbox", canonical, err)
}

// Subscribe subscribes (on) or unsubscribes a name, existing or not.
// Unsubscribing a name that is not subscribed is fine. ErrCannot, ErrLimit.
func (u *User) Subscribe(ctx context.Context, name string, on bool) error {
	if err := u.check("subscribe mailbox"); err != nil {
		return err
	}
	cfg := &u.e.s.cfg
	canonical, err := CanonicalName(strings.TrimSuffix(name, string(Separator)), cfg.nameLimits())
	if err != nil {
		if !on {
			return nil // no such name can be subscribed
		}
		return err
	}
	if slices.Contains(u.e.acct.Root().Subscriptions, canonical) == on {
		return nil
	}
	err = u.e.acct.Commit(ctx, func(r *sync.Root) error {
		if on && len(r.Subscriptions) >= cfg.MaxSubscriptions {
			return fmt.Errorf("%d subscriptions: %w", len(r.Subscriptions), ErrLimit)
		}
		r.Subscribe(canonical, on)
		return nil
	})
	return failed("subscribe mailbox", canonical, err)
}
