// Package mem is an object store in memory for tests and the simulation: as
// strict as the contract, with the same content-derived ETags that S3 servers
// give, and with every fault of a real one on demand. Time passes on a
// clock.Clock only, and nothing is decided at random unless a Hook does
// (Chaos makes one from a seed). It keeps nothing beyond the process.
package mem

import (
	"context"
	"sync"
	"time"

	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/internal/content"
)

// Options of a store; the zero value is a fault-free store without latency.
type Options struct {
	// Clock is what delays and Info.Modified go by. Default: the machine's.
	Clock clock.Clock
	// Latency is how long every request takes before its effect.
	Latency time.Duration
	// Hook, if set, decides each request's fault. It is called without
	// locks held, in the goroutine of the request.
	Hook func(Request) Fault
	// Log keeps every event for Events and Rounds.
	Log bool
	// Watch, if set, is told every event as it happens. It is called with
	// the store's lock held and must not use the store.
	Watch func(Event)
}

// Store implements objstore.Store, for the actor without a name.
type Store struct {
	actor
	clock   clock.Clock
	latency time.Duration
	logging bool
	watch   func(Event)

	mu     sync.Mutex
	hook   func(Request) Fault
	seq    uint64
	events []Event
	table  table
}

// New returns an empty store.
func New(o Options) *Store {
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	s := &Store{clock: o.Clock, latency: o.Latency, hook: o.Hook, logging: o.Log, watch: o.Watch, table: newTable()}
	s.actor = actor{store: s}
	return s
}

// SetHook replaces Options.Hook for the requests that arrive from now on; nil
// ends all faults.
func (s *Store) SetHook(h func(Request) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = h
}

// As returns the same store as the actor of that name sees it: its requests
// carry the name.
func (s *Store) As(name string) objstore.Store { return &actor{store: s, name: name} }

// Keys are all keys in order. Keys, Peek, Poke and Remove are for tests: they
// are no requests.
func (s *Store) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.table.order.all()
}

// Peek returns an object's bytes, which must not be changed.
func (s *Store) Peek(key string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.table.objects[key]
	return o.data, ok
}

// Poke stores a copy of data unconditionally.
func (s *Store) Poke(key string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.table.put(key, newObject(objstore.Blob{data}, s.clock.Now()))
}

// Remove removes an object; it reports whether there was one.
func (s *Store) Remove(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.table.remove(key)
}

// actor is the Store seen by one backend.
type actor struct {
	store *Store
	name  string
}

// Get implements objstore.Store.
func (a *actor) Get(ctx context.Context, key string, r objstore.Range) (objstore.Object, error) {
	if err := objstore.CheckKey(key); err != nil {
		return objstore.Object{}, objstore.Fail(objstore.OpGet, key, err)
	}
	var got objstore.Object
	err := a.do(ctx, Request{Op: objstore.OpGet, Key: key, Range: r}, func(t *table) error {
		o, ok := t.objects[key]
		if !ok {
			return objstore.ErrNotFound
		}
		// The caller owns what it gets.
		data := append([]byte(nil), content.Cut(o.data, r)...)
		got = objstore.Object{Info: o.info(key), Data: data}
		return nil
	})
	if err != nil {
		return objstore.Object{}, err
	}
	return got, nil
}

// Head implements objstore.Store.
func (a *actor) Head(ctx context.Context, key string) (objstore.Info, error) {
	if err := objstore.CheckKey(key); err != nil {
		return objstore.Info{}, objstore.Fail(objstore.OpHead, key, err)
	}
	var got objstore.Info
	err := a.do(ctx, Request{Op: objstore.OpHead, Key: key}, func(t *table) error {
		o, ok := t.objects[key]
		if !ok {
			return objstore.ErrNotFound
		}
		got = o.info(key)
		return nil
	})
	if err != nil {
		return objstore.Info{}, err
	}
	return got, nil
}

// PutIfAbsent implements objstore.Store.
func (a *actor) PutIfAbsent(ctx context.Context, key string, data objstore.Blob) (objstore.ETag, error) {
	if err := objstore.CheckKey(key); err != nil {
		return "", objstore.Fail(objstore.OpPutIfAbsent, key, err)
	}
	o := newObject(data, a.store.clock.Now())
	req := Request{Op: objstore.OpPutIfAbsent, Key: key, Size: int64(len(o.data))}
	err := a.do(ctx, req, func(t *table) error {
		if _, ok := t.objects[key]; ok {
			return objstore.ErrPrecondition
		}
		return t.put(key, o)
	})
	if err != nil {
		return "", err
	}
	return o.etag, nil
}

// PutIfMatch implements objstore.Store.
func (a *actor) PutIfMatch(ctx context.Context, key string, data objstore.Blob, etag objstore.ETag) (objstore.ETag, error) {
	if err := objstore.CheckKey(key); err != nil {
		return "", objstore.Fail(objstore.OpPutIfMatch, key, err)
	}
	o := newObject(data, a.store.clock.Now())
	req := Request{Op: objstore.OpPutIfMatch, Key: key, Size: int64(len(o.data)), ETag: etag}
	err := a.do(ctx, req, func(t *table) error {
		if old, ok := t.objects[key]; !ok || old.etag != etag {
			return objstore.ErrPrecondition
		}
		return t.put(key, o)
	})
	if err != nil {
		return "", err
	}
	return o.etag, nil
}

// Delete implements objstore.Store.
func (a *actor) Delete(ctx context.Context, keys []string) error {
	if err := objstore.CheckDelete(keys); err != nil || len(keys) == 0 {
		return err
	}
	// The effect may come after the call returned.
	keys = append([]string(nil), keys...)
	return a.do(ctx, Request{Op: objstore.OpDelete, Key: keys[0], Keys: keys}, func(t *table) error {
		for _, k := range keys {
			t.remove(k)
		}
		return nil
	})
}

// List implements objstore.Store.
func (a *actor) List(ctx context.Context, prefix, startAfter string, limit int) (objstore.Page, error) {
	if err := objstore.CheckPrefix(prefix); err != nil {
		return objstore.Page{}, objstore.Fail(objstore.OpList, prefix, err)
	}
	if limit <= 0 || limit > objstore.MaxList {
		limit = objstore.MaxList
	}
	var page objstore.Page
	req := Request{Op: objstore.OpList, Key: prefix, StartAfter: startAfter, Limit: limit}
	err := a.do(ctx, req, func(t *table) error {
		page = t.list(prefix, startAfter, limit)
		return nil
	})
	if err != nil {
		return objstore.Page{}, err
	}
	return page, nil
}
