package mailstore

import (
	"context"
	"errors"
	"fmt"
	gosync "sync"
	"testing"

	"mailbackend.io/backend/sync"
)

func key(uid uint32) bodyKey { return bodyKey{"user", sync.MailboxID("box"), uid} }

func loadBytes(n int) func(context.Context) ([]byte, error) {
	return func(context.Context) ([]byte, error) { return make([]byte, n), nil }
}

func TestBodiesEvictLeastRecentlyUsed(t *testing.T) {
	b := newBodies(100)
	get := func(uid uint32, size int) {
		t.Helper()
		if _, err := b.get(t.Context(), key(uid), loadBytes(size)); err != nil {
			t.Fatal(err)
		}
	}
	for uid := uint32(1); uid <= 4; uid++ {
		get(uid, 25)
	}
	b.hit(key(1))
	get(5, 20)
	for uid, want := range map[uint32]bool{1: true, 2: false, 3: true, 4: true, 5: true} {
		if got := b.hit(key(uid)) != nil; got != want {
			t.Errorf("mail %d in memory: %v", uid, got)
		}
	}
	if b.size() != 95 {
		t.Errorf("size %d, want 95", b.size())
	}
	get(6, 26) // more than a quarter: not kept
	if b.hit(key(6)) != nil || b.size() != 95 {
		t.Errorf("a large mail was kept; size %d", b.size())
	}
}

func TestBodiesReadOnce(t *testing.T) {
	b := newBodies(100)
	started, goOn := make(chan struct{}), make(chan struct{})
	loads := 0
	load := func(context.Context) ([]byte, error) {
		loads++
		close(started)
		<-goOn
		return []byte("mail"), nil
	}
	var wg gosync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			data, err := b.get(t.Context(), key(1), load)
			if string(data) != "mail" || err != nil {
				t.Errorf("got %q, %v", data, err)
			}
		}()
	}
	<-started
	close(goOn)
	wg.Wait()
	if loads != 1 {
		t.Errorf("%d reads", loads)
	}
}

// TestBodiesReaderGivesUp: another who wants the same mail reads it then.
func TestBodiesReaderGivesUp(t *testing.T) {
	b := newBodies(100)
	ctx, cancel := context.WithCancel(t.Context())
	started := make(chan struct{})
	first := make(chan error)
	go func() {
		_, err := b.get(ctx, key(1), func(ctx context.Context) ([]byte, error) {
			close(started)
			<-ctx.Done()
			return nil, fmt.Errorf("read: %w", ctx.Err())
		})
		first <- err
	}()
	<-started
	second := make(chan error)
	go func() {
		data, err := b.get(t.Context(), key(1), loadBytes(4))
		if err == nil && len(data) != 4 {
			err = errors.New("wrong bytes")
		}
		second <- err
	}()
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("first: %v", err)
	}
	if err := <-second; err != nil {
		t.Errorf("second: %v", err)
	}
}

func TestBudget(t *testing.T) {
	b := budget{left: 10}
	if !b.take(6) || b.take(5) || !b.take(4) {
		t.Error("took what is not there, or not what is")
	}
	b.give(5)
	if !b.take(5) {
		t.Error("what was given back can't be taken")
	}
}

func TestLife(t *testing.T) {
	l := newLife()
	called := make(chan int, 3)
	l.onEnd(func() { called <- 1 })
	stop := l.onEnd(func() { called <- 2 })
	stop()
	if l.reason() != nil {
		t.Error("a reason before the end")
	}
	l.end(ErrOvertaken)
	l.end(ErrUnavailable)
	if got := <-called; got != 1 {
		t.Errorf("call of %d", got)
	}
	l.onEnd(func() { called <- 3 })
	if got := <-called; got != 3 {
		t.Errorf("call of %d", got)
	}
	<-l.done
	if !errors.Is(l.reason(), ErrOvertaken) {
		t.Errorf("reason %v", l.reason())
	}
}
