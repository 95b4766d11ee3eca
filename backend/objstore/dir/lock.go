package dir

import (
	"context"
	"time"

	"golang.org/x/sys/unix"

	"mailbackend.io/backend/clock"
)

// Waits between two attempts to get a lock that another process holds. It holds
// it for microseconds, unless it was stopped.
const (
	lockPollMin = 100 * time.Microsecond
	lockPollMax = 20 * time.Millisecond
)

// lockDir excludes every other PutIfMatch and Delete in the directory, of this
// and of other processes. unlockDir ends it.
func (s *Store) lockDir(ctx context.Context, d *openDir) error {
	select {
	case d.lock <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for wait := lockPollMin; ; wait = min(2*wait, lockPollMax) {
		err := unix.Flock(d.fd, unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return nil
		}
		if err == unix.EWOULDBLOCK {
			err = clock.Sleep(ctx, s.clock, wait)
		}
		if err != nil && err != unix.EINTR {
			<-d.lock
			return err
		}
	}
}

func (s *Store) unlockDir(d *openDir) {
	_ = unix.Flock(d.fd, unix.LOCK_UN) // fails for a bad descriptor only
	<-d.lock
}

// flock tries to lock a file of one's own.
func flock(fd int) bool {
	for {
		err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
		if err != unix.EINTR {
			return err == nil
		}
	}
}
