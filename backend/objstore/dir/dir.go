// Package dir is an object store on a directory of a local file system: each
// object is a file at its key's path with the object's bytes, durable when the
// put returns. Several processes may share one directory. It does no retries
// and, being local, does not interrupt a system call at a deadline.
package dir

import (
	"context"

	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/objstore"
)

// Options of a store; zero fields take the defaults named.
type Options struct {
	// OpenDirs is how many directories are kept open. Default 256.
	OpenDirs int
	// Clock times the polling for another process's lock. Default: the
	// machine's.
	Clock clock.Clock
}

// Store implements objstore.Store.
type Store struct{ objstore.Store }

// Open returns the store in directory path, which it creates if needed, and
// removes the temporary files of processes that are gone.
func Open(ctx context.Context, path string, o Options) (*Store, error) { panic("soon") }

// Close releases the directories; no method may be called after it.
func (s *Store) Close() error { panic("soon") }
