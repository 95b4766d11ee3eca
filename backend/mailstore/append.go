package mailstore

import (
	"context"
	"fmt"
	"time"

	"mailbackend.io/backend/message"
	"mailbackend.io/backend/sync"
	"mailbackend.io/backend/uidset"
)

// NewMessage is a message to append.
type NewMessage struct {
	Body *message.Body
	// Flags are system flags (`\Seen`) and keywords, in any case. \Recent
	// and unknown system flags are ignored.
	Flags []string
	// InternalDate; zero means now.
	InternalDate time.Time
}

// AppendResult is APPENDUID (RFC 4315).
type AppendResult struct {
	UIDValidity uint32
	// UIDs are those of the messages, in their order.
	UIDs []uint32
}

// Set is the UIDs as a set.
func (r AppendResult) Set() uidset.Set { return uidset.Of(r.UIDs...) }

// Append stores messages, all or none (RFC 3502). ErrNoMailbox, ErrTooLarge,
// ErrLimit, ErrQuota.
func (u *User) Append(ctx context.Context, name string, msgs []NewMessage) (AppendResult, error) {
	if err := u.check("append"); err != nil {
		return AppendResult{}, err
	}
	e, cfg := u.e, &u.e.s.cfg
	f, err := e.find(ctx, name)
	if err != nil {
		return AppendResult{}, err
	}
	if len(msgs) > cfg.MaxMultiAppend {
		return AppendResult{}, fmt.Errorf("append of %d messages to mailbox %q: %w", len(msgs), name, ErrLimit)
	}
	mails := make([]sync.NewMail, len(msgs))
	names := keywordNames{}
	var size int64
	for i, m := range msgs {
		if mails[i], err = newMail(m.Body, nil, m.Flags, cfg); err != nil {
			return AppendResult{}, fmt.Errorf("append to mailbox %q: %w", name, err)
		}
		mails[i].InternalDate = m.InternalDate
		size += m.Body.Size()
		names.add(mails[i].Keywords)
	}
	if err := names.fit(f.View(), cfg.MaxMailboxKeywords); err != nil {
		return AppendResult{}, fmt.Errorf("append to mailbox %q: %w", name, err)
	}
	if err := e.checkQuota(size); err != nil {
		return AppendResult{}, fmt.Errorf("append to mailbox %q: %w", name, err)
	}
	res := AppendResult{UIDValidity: f.UIDValidity()}
	switch len(mails) {
	case 0:
	case 1:
		uid, err := f.Append(ctx, mails[0])
		if err != nil {
			return AppendResult{}, failed("append to mailbox", name, err)
		}
		res.UIDs = []uint32{uid}
	default:
		if res.UIDs, err = f.AppendMany(ctx, mails); err != nil {
			return AppendResult{}, failed("append to mailbox", name, err)
		}
	}
	e.s.noteChange(e)
	return res, nil
}

// newMail checks a mail against the limits.
func newMail(b *message.Body, prefix []byte, flags []string, cfg *Config) (sync.NewMail, error) {
	if size := b.Size() + int64(len(prefix)); size > cfg.MaxMessageSize {
		return sync.NewMail{}, fmt.Errorf("message of %d bytes, at most %d are allowed: %w", size, cfg.MaxMessageSize, ErrTooLarge)
	}
	fl, keywords, err := parseFlags(flags, cfg)
	if err != nil {
		return sync.NewMail{}, err
	}
	return sync.NewMail{Body: b, Prefix: prefix, Flags: fl, Keywords: keywords}, nil
}

// checkQuota fails with ErrQuota if size more octets don't fit.
func (e *entry) checkQuota(size int64) error {
	limit := e.s.cfg.QuotaBytes
	if limit <= 0 {
		return nil
	}
	used := uint64(size)
	root := e.acct.Root()
	for i := range root.Mailboxes {
		if f, ok := e.acct.Folder(root.Mailboxes[i].ID); ok {
			used += f.Status().Counts.Size
		}
	}
	if used > uint64(limit) {
		return fmt.Errorf("%d octets of %d: %w", used, limit, ErrQuota)
	}
	return nil
}
