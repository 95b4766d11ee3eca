package mailstore

import (
	"context"
	"errors"
	"fmt"

	"mailbackend.io/backend/message"
	"mailbackend.io/backend/sync"
)

// Delivery is one mail for one recipient.
type Delivery struct {
	User string
	// Mailbox is the name; "" means INBOX. A mailbox that does not exist
	// means INBOX too: a detail in an address loses no mail.
	Mailbox string
	// Body is shared by all recipients of the mail.
	Body *message.Body
	// Prefix are the trace header lines of this recipient that go in
	// front, each with its CRLF.
	Prefix []byte
	// Flags as in NewMessage.
	Flags []string
}

// Deliver stores one mail and returns once the object store has it. It loads
// the user if need be, but downloads no index. ErrTooLarge and ErrQuota are
// permanent, all other errors temporary.
func (s *Store) Deliver(ctx context.Context, d Delivery) error {
	m, err := newMail(d.Body, d.Prefix, d.Flags, &s.cfg)
	if err != nil {
		return fmt.Errorf("deliver to user %q: %w", d.User, err)
	}
	for range loadAttempts {
		err = s.deliver(ctx, d, m)
		if !errors.Is(err, sync.ErrFrozen) || ctx.Err() != nil {
			break
		}
		// The user is being released: nothing was tried. The next
		// acquire waits for the end of that, or Shutdown makes it fail.
	}
	return err
}

func (s *Store) deliver(ctx context.Context, d Delivery, m sync.NewMail) error {
	name, err := CanonicalName(d.Mailbox, s.cfg.nameLimits())
	if err != nil {
		name = Inbox
	}
	e, err := s.acquire(ctx, d.User, sync.LoadOptions{Scan: []string{name}}, forDelivery)
	if err != nil {
		return err
	}
	defer s.done(e, forDelivery)
	if err := e.checkQuota(d.Body.Size() + int64(len(d.Prefix))); err != nil {
		return fmt.Errorf("deliver to user %q: %w", d.User, err)
	}
	f, err := e.find(ctx, name)
	if errors.Is(err, ErrNoMailbox) {
		f, err = e.find(ctx, Inbox)
	}
	if err != nil {
		return fmt.Errorf("deliver to user %q: %w", d.User, err)
	}
	_, err = f.Append(ctx, m)
	if err != nil {
		return failed("deliver to user", d.User, err)
	}
	s.noteChange(e)
	return nil
}
