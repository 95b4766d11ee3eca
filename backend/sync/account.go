package sync

import (
	"context"
	"time"
)

// Account is a claimed user. It ends when it is overtaken, released or
// abandoned; every goroutine it started ends with it. Safe for concurrent use.
type Account struct{}

// User is the user's name.
func (a *Account) User() string { panic("sync: User") }

// Root is the last confirmed root; it must not be changed. Counts and UIDNEXT
// of a mailbox are newer in Folder.Status.
func (a *Account) Root() *Root { panic("sync: Root") }

// Commit changes root: change is given a copy of the newest root, and returns
// once the changed one is stored. change may be called again on a newer root and
// must not block; if it returns an error nothing is changed and Commit returns
// that error. Several Commits may share one PUT.
//
// Errors: ErrOvertaken, ErrReleased, ErrFrozen; ErrUnavailable or of ctx if the outcome
// is unknown (it may still take effect).
func (a *Account) Commit(ctx context.Context, change func(*Root) error) error {
	panic("sync: Commit")
}

// Folder returns a mailbox of the account; false if root doesn't name it. It
// costs no request.
func (a *Account) Folder(id MailboxID) (*Folder, bool) { panic("sync: Folder") }

// Dirty reports whether anything is not uploaded, deliveries included.
func (a *Account) Dirty() bool { panic("sync: Dirty") }

// Due reports whether a folder has so many deliveries that its index is to be
// uploaded now (Config.MaxRescanMailCount).
func (a *Account) Due() bool { panic("sync: Due") }

// ChangedAt is the time of the oldest change that is not uploaded and is more
// than a delivery; false if there is none. It starts the upload interval.
func (a *Account) ChangedAt() (time.Time, bool) { panic("sync: ChangedAt") }

// Upload uploads the index of each folder that has changes, or so many
// deliveries that it is due, with one commit for all.
func (a *Account) Upload(ctx context.Context) error { panic("sync: Upload") }

// UploadAll is Upload for every dirty folder, deliveries alone included.
func (a *Account) UploadAll(ctx context.Context) error { panic("sync: UploadAll") }

// Unload drops from memory what can be had again: indexes of folders without
// changes and subscribers. The claim stays. It reports whether nothing but a
// stub is left.
func (a *Account) Unload() bool { panic("sync: Unload") }

// Release settles what is in flight, uploads everything and gives the claim
// back. From its start on new operations fail with ErrFrozen. If the release
// could not be sent before ctx ended, the account goes on as before and Release
// returns an error while Err stays nil; once it was sent the account has ended,
// whatever the outcome.
func (a *Account) Release(ctx context.Context) error { panic("sync: Release") }

// Abandon ends the account at once, without any request: as a crash would.
func (a *Account) Abandon() { panic("sync: Abandon") }

// Done is closed when the account has ended.
func (a *Account) Done() <-chan struct{} { panic("sync: Done") }

// Err is nil until Done is closed, then ErrOvertaken or ErrReleased.
func (a *Account) Err() error { panic("sync: Err") }

// Wait returns when the account has ended and all its goroutines have.
func (a *Account) Wait() { panic("sync: Wait") }
