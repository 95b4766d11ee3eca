package sync

import (
	"context"
)

// job is work that several callers may wait for, each as long as it likes. It
// runs under the account's context: a caller who leaves does not end it.
type job struct {
	done chan struct{}
	err  error // set before done is closed
}

// start runs f as a job.
func (a *Account) start(f func(context.Context) error) *job {
	j := &job{done: make(chan struct{})}
	started := a.spawn(func() {
		defer close(j.done)
		j.err = f(a.ctx)
	})
	if !started {
		j.err = a.Err()
		close(j.done)
	}
	return j
}

// wait returns the job's error, or that of ctx.
func (j *job) wait(ctx context.Context) error {
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// failed tells that the job ended with an error: another may try.
func (j *job) failed() bool {
	select {
	case <-j.done:
		return j.err != nil
	default:
		return false
	}
}
