// Package objstore is the contract that mailbackend has with object storage:
// the few operations that every S3 server offers with strong consistency, and
// no others. There is no plain overwrite, no conditional copy and no
// conditional delete. Adapters live below it (s3, dir, mem); Retry, Counter
// and Probe wrap any of them. It knows nothing of mail.
package objstore

import (
	"context"
	"time"
)

// ETag names one version of an object. Opaque; never empty for what Get of a
// whole object, Head, PutIfAbsent or PutIfMatch returned.
type ETag string

// Range is the bytes Offset..Offset+Length-1 of an object. Length ≤ 0 means to
// the end. The zero Range is the whole object. A range that reaches past the
// end is cut; one that starts at or past the end of the object gives no bytes
// and no error.
type Range struct{ Offset, Length int64 }

// Info is what is known of an object without its bytes.
type Info struct {
	Key  string
	Size int64
	// ETag may be empty in list results and in ranged Gets.
	ETag ETag
	// Modified is the server's clock at the object's creation; used for the
	// age of garbage only, never for correctness.
	Modified time.Time
}

// Object is the answer of Get: Data is what was asked for, Info.Size the size
// of the whole object.
type Object struct {
	Info
	Data []byte
}

// Blob is the content of an object to be put, as pieces that are stored one
// behind the other, so that recipients of one mail can share its body. The
// pieces must not change until the put returned.
type Blob [][]byte

// Len is the number of bytes.
func (b Blob) Len() int64 {
	var n int64
	for _, p := range b {
		n += int64(len(p))
	}
	return n
}

// Page is one answer of List.
type Page struct {
	// Objects in ascending byte order of their keys.
	Objects []Info
	// More tells that a further List with StartAfter set to the last key
	// may find more.
	More bool
}

// MaxDelete is how many keys one Delete takes: one S3 request.
const MaxDelete = 1000

// MaxList is how many objects one List returns at the most.
const MaxList = 1000

// IdentityBytes is how many leading bytes of an object must tell it from every
// other object that was ever put under its key: each format writes a random id
// of its own that early. Retry relies on it to tell its own write from another's.
const IdentityBytes = 4096

// Store is an object store with strong consistency: what a Put, Delete or List
// that was answered saw or did is seen by every request that starts afterwards,
// from wherever. All methods are safe for concurrent use, respect the context's
// deadline, and return errors that wrap one of the sentinels of errors.go where
// that is what happened. Keys and prefixes are as CheckKey and CheckPrefix want
// them; others give ErrBadKey.
//
// A write that fails with neither ErrUnknownOutcome nor the context's error
// changed nothing and never will.
type Store interface {
	// Get reads an object or a range of it. ErrNotFound.
	Get(ctx context.Context, key string, r Range) (Object, error)
	// Head is Get without the bytes. ErrNotFound.
	Head(ctx context.Context, key string) (Info, error)
	// PutIfAbsent creates an object (If-None-Match: *).
	// ErrPrecondition: another object has the key. ErrUnknownOutcome: it
	// may or may not have been stored, now or later.
	PutIfAbsent(ctx context.Context, key string, data Blob) (ETag, error)
	// PutIfMatch replaces an object whose current version is etag
	// (If-Match). ErrPrecondition: it is another version or is gone.
	// ErrUnknownOutcome as above.
	PutIfMatch(ctx context.Context, key string, data Blob, etag ETag) (ETag, error)
	// Delete removes up to MaxDelete keys in one request; keys without an
	// object are fine. On an error any of them may be gone; it is safe to
	// repeat.
	Delete(ctx context.Context, keys []string) error
	// List returns the objects whose keys start with prefix and are
	// greater than startAfter (which may be empty), at most limit of them
	// (0 or more than MaxList means MaxList). prefix ends in "/" or is empty.
	// One call is one request.
	List(ctx context.Context, prefix, startAfter string, limit int) (Page, error)
}
