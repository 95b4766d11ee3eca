// Package mem is an object store in memory for tests and the simulation: as
// strict as the contract, with the same content-derived ETags that S3 servers
// give, and with every fault of a real one on demand. Time passes on a
// clock.Clock only; nothing is decided at random in here. It keeps nothing
// beyond the process.
package mem

import (
	"context"
	"time"

	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/objstore"
)

// Options of a store; the zero value is a fault-free store without latency.
type Options struct {
	// Clock is what delays and Info.Modified go by. Default: the machine's.
	Clock clock.Clock
	// Latency is how long every request takes before its effect.
	Latency time.Duration
	// Hook, if set, decides each request's fault. It is called without
	// locks held, in the goroutine of the request, in the order of Request.Seq
	// only as far as callers run one after the other.
	Hook func(Request) Fault
	// Log keeps every event for Events and Rounds.
	Log bool
}

// Request is what a Hook is told of a request.
type Request struct {
	// Seq numbers requests from 1 in the order of their arrival.
	Seq uint64
	// Actor is the name given to As, empty for the store itself.
	Actor string
	Op    objstore.Op
	// Key is List's prefix, and the first key of a Delete.
	Key        string
	Keys       []string // Delete
	StartAfter string   // List
	Limit      int      // List
	Range      objstore.Range
	Size       int64 // bytes to be put
	ETag       objstore.ETag
}

// Fault is what befalls a request. The zero value is none. The parts happen in
// the order of the fields.
type Fault struct {
	// Wait holds the request until the channel is closed or its caller
	// gives up.
	Wait <-chan struct{}
	// Delay passes before the effect.
	Delay time.Duration
	// Refuse is answered, and the effect doesn't take place.
	Refuse error
	// Late, if positive, lets the effect take place only that much later,
	// whether its caller is still there or not. The caller is answered Lose,
	// or ErrUnknownOutcome if that is nil.
	Late time.Duration
	// Again, if positive, repeats the effect that much after the first.
	Again time.Duration
	// AnswerDelay passes between the effect and the answer.
	AnswerDelay time.Duration
	// Lose is answered instead of what the effect gave.
	Lose error
	// Hang keeps the caller waiting until its context ends.
	Hang bool
}

// Store implements objstore.Store.
type Store struct{}

// New returns an empty store.
func New(o Options) *Store { panic("soon") }

// As returns the same store as the actor of that name sees it.
func (s *Store) As(actor string) objstore.Store { panic("soon") }

// SetHook replaces Options.Hook for the requests that arrive from now on.
func (s *Store) SetHook(h func(Request) Fault) { panic("soon") }

// Event is one line of the log.
type Event struct {
	Kind    EventKind
	At      time.Time
	Request Request
	// Err is the answer's (End) or the effect's (Effect).
	Err error
}

// EventKind is what an Event tells.
type EventKind uint8

// The kinds: Start and End are the caller's view of a request, Effect is when
// it acted on the store (twice, once, or never).
const (
	Start EventKind = iota
	Effect
	End
)

// Events are those since the start or the last ResetEvents, in order.
func (s *Store) Events() []Event { panic("soon") }

// ResetEvents forgets them.
func (s *Store) ResetEvents() { panic("soon") }

// Rounds groups the requests of a log into sequential rounds: a request is in
// the round after the last one that had ended when it started. The number of
// rounds is how many round trips a caller had to wait for one after the other;
// it means something only if requests take time (Options.Latency).
func Rounds(events []Event) [][]Request { panic("soon") }

// Keys are all keys in order. Keys, Peek, Poke and Remove are for tests: they
// are no requests.
func (s *Store) Keys() []string { panic("soon") }

// Peek returns an object's bytes, which must not be changed.
func (s *Store) Peek(key string) ([]byte, bool) { panic("soon") }

// Poke stores bytes unconditionally.
func (s *Store) Poke(key string, data []byte) { panic("soon") }

// Remove removes an object; it reports whether there was one.
func (s *Store) Remove(key string) bool { panic("soon") }

// Get implements objstore.Store.
func (s *Store) Get(ctx context.Context, key string, r objstore.Range) (objstore.Object, error) {
	panic("soon")
}

// Head implements objstore.Store.
func (s *Store) Head(ctx context.Context, key string) (objstore.Info, error) { panic("soon") }

// PutIfAbsent implements objstore.Store.
func (s *Store) PutIfAbsent(ctx context.Context, key string, data objstore.Blob) (objstore.ETag, error) {
	panic("soon")
}

// PutIfMatch implements objstore.Store.
func (s *Store) PutIfMatch(ctx context.Context, key string, data objstore.Blob, etag objstore.ETag) (objstore.ETag, error) {
	panic("soon")
}

// Delete implements objstore.Store.
func (s *Store) Delete(ctx context.Context, keys []string) error { panic("soon") }

// List implements objstore.Store.
func (s *Store) List(ctx context.Context, prefix, startAfter string, limit int) (objstore.Page, error) {
	panic("soon")
}
