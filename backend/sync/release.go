package sync

import (
	"context"
	"fmt"
)

// Release settles what is in flight, uploads everything and gives the claim
// back. From its start on new operations fail with ErrFrozen. If the release
// could not be sent before ctx ended, the account goes on as before and Release
// returns an error while Err stays nil; once it was sent the account has ended,
// whatever the outcome: "once the release is sent, nothing is accepted, given
// out, published or acknowledged under that claim".
func (a *Account) Release(ctx context.Context) error {
	if err := a.freeze(); err != nil {
		return err
	}
	defer a.thaw()
	if err := a.settleAll(ctx); err != nil {
		return fmt.Errorf("release of %q: what is in flight is not settled: %w", a.user, err)
	}
	if err := a.upload(ctx, a.pick((*Folder).dirtyLocked), true, a.commitRelease); err != nil {
		return fmt.Errorf("release of %q: %w", a.user, err)
	}
	a.removeGarbage(ctx, 1)
	return nil
}

// freeze stops new operations.
func (a *Account) freeze() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch a.state {
	case ended:
		return a.Err()
	case frozen:
		return fmt.Errorf("account of %q: %w", a.user, ErrFrozen)
	}
	a.state = frozen
	a.idleCancel(ErrFrozen)
	return nil
}

// thaw lets the account go on if it has not ended.
func (a *Account) thaw() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state == frozen {
		a.state = active
		a.idleCtx, a.idleCancel = context.WithCancelCause(a.ctx)
	}
}

// settleAll waits until nothing is in flight: no operation, no unresolved mail,
// no commit, and everything that was stored is published.
func (a *Account) settleAll(ctx context.Context) error {
	for {
		if err := a.awaitQuiet(ctx); err != nil {
			return err
		}
		unpublished := false
		for _, f := range a.liveFolders() {
			f.mu.Lock()
			unpublished = unpublished || len(f.slots) > 0
			f.mu.Unlock()
		}
		if !unpublished {
			return nil
		}
		// Settled, but without a modseq: a commit gives them some.
		if err := a.commit(ctx, noChange, nil); err != nil {
			return err
		}
	}
}

// awaitQuiet waits until no operation and no commit is under way.
func (a *Account) awaitQuiet(ctx context.Context) error {
	for {
		a.mu.Lock()
		if a.state == ended {
			a.mu.Unlock()
			return a.Err()
		}
		if a.inflight == 0 && !a.committing {
			a.mu.Unlock()
			return nil
		}
		if a.quiet == nil {
			a.quiet = make(chan struct{})
		}
		quiet := a.quiet
		a.mu.Unlock()
		select {
		case <-quiet:
		case <-a.ctx.Done():
			return a.Err()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// commitRelease is the last commit of a claim: it carries the upload and empties
// the holder. The account has ended when the PUT is sent.
func (a *Account) commitRelease(ctx context.Context, apply func(*Root) error, outcome func(error)) error {
	err := a.sendRelease(ctx, apply)
	outcome(err)
	return err
}

func (a *Account) sendRelease(ctx context.Context, apply func(*Root) error) error {
	// Opening a folder for the upload may have started something.
	if err := a.settleAll(ctx); err != nil {
		return err
	}
	a.mu.Lock()
	base, etag := a.currentRoot(), a.etag
	a.mu.Unlock()
	c := &change{done: make(chan error, 1), apply: func(r *Root) error {
		r.Holder = Holder{}
		return apply(r)
	}}
	next, kept, err := a.buildRoot(base, []*change{c})
	if err != nil {
		return err
	}
	if len(kept) == 0 {
		return <-c.done
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx) // not sent: the account goes on
	}
	a.end(fmt.Errorf("account of %q: %w", a.user, ErrReleased))
	return a.putRoot(ctx, base, next, etag)
}
