package mem

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/objstore"
)

// Request is what a Hook and the log are told of a request.
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

// Fault is what befalls a request; the zero value is nothing. In the order in
// which things happen:
type Fault struct {
	// Wait holds the request until the channel is closed or its caller
	// gives up.
	Wait <-chan struct{}
	// Delay passes before the effect, beside Options.Latency. A caller
	// that gives up in Wait or Delay takes the effect with it.
	Delay time.Duration
	// Late, if positive and the request is a write, takes the effect out of the request's course: it
	// happens that much after the arrival, whether the caller is still
	// there or not. The caller is answered Lose, or ErrUnknownOutcome if
	// that is nil.
	Late time.Duration
	// Refuse is answered instead of the effect, which doesn't take place.
	Refuse error
	// Again, if positive, repeats the effect of a write that much after the first.
	Again time.Duration
	// AnswerDelay passes between the effect and the answer.
	AnswerDelay time.Duration
	// Lose is answered instead of what the effect gave.
	Lose error
	// Hang keeps the caller waiting until its context ends: with Refuse a
	// timeout before the effect, else one after it.
	Hang bool
}

// SlowDown refuses a request as a busy S3 server does.
func SlowDown() Fault { return Fault{Refuse: objstore.ErrThrottled} }

// Unavailable refuses a request as an unreachable server does.
func Unavailable() Fault { return Fault{Refuse: objstore.ErrUnavailable} }

// LostAnswer lets a request take effect and its connection break before the
// answer.
func LostAnswer() Fault { return Fault{Lose: errReset} }

// LostRequest breaks a request's connection before it had any effect; its
// caller can't tell it from LostAnswer.
func LostRequest() Fault {
	return Fault{Refuse: fmt.Errorf("%w: %w", objstore.ErrUnknownOutcome, errReset)}
}

var errReset = errors.New("injected: connection reset")

// effect is what a request does to the table, with the store's lock held.
type effect func(*table) error

// do is the course of every request.
func (a *actor) do(ctx context.Context, req Request, do effect) error {
	if err := context.Cause(ctx); err != nil {
		return objstore.Fail(req.Op, req.Key, err) // not sent
	}
	s := a.store
	req.Actor = a.name
	hook := s.start(&req)
	var f Fault
	if hook != nil {
		f = hook(req)
	}
	if !req.Op.Write() {
		f.Late, f.Again = 0, 0 // a read has no effect to come late
	}
	err := s.run(ctx, req, f, do)
	if err != nil {
		err = objstore.Fail(req.Op, req.Key, err)
	}
	s.end(req, err)
	return err
}

// run returns the answer as the caller gets it.
func (s *Store) run(ctx context.Context, req Request, f Fault, do effect) error {
	if f.Late > 0 {
		s.clock.AfterFunc(f.Late, func() { _ = s.act(req, f, do) })
	}
	if f.Wait != nil {
		select {
		case <-f.Wait:
		case <-ctx.Done():
			return gaveUp(ctx, req.Op)
		}
	}
	if err := s.sleep(ctx, req.Op, s.latency+f.Delay); err != nil {
		return err
	}
	var answer error
	switch {
	case f.Refuse != nil:
		answer = f.Refuse
		if req.Op.Write() && errors.Is(answer, objstore.ErrThrottled) {
			// A 503 to a write: it promises nothing.
			answer = unanswered(req.Op, answer)
		}
	case f.Late > 0:
		answer = unanswered(req.Op, f.Lose)
	default:
		answer = s.act(req, f, do)
		if f.Lose != nil {
			answer = unanswered(req.Op, f.Lose)
		}
	}
	if err := s.sleep(ctx, req.Op, f.AnswerDelay); err != nil {
		return err
	}
	if f.Hang {
		<-ctx.Done()
		return gaveUp(ctx, req.Op)
	}
	return answer
}

// act lets the effect take place, and again if the fault wants it.
func (s *Store) act(req Request, f Fault, do effect) error {
	s.mu.Lock()
	err := do(&s.table)
	s.note(Event{Kind: Effect, Request: req, Err: err})
	s.mu.Unlock()
	if f.Again > 0 {
		again := f.Again
		f.Again = 0
		s.clock.AfterFunc(again, func() { _ = s.act(req, f, do) })
	}
	return err
}

func (s *Store) sleep(ctx context.Context, op objstore.Op, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	if clock.Sleep(ctx, s.clock, d) != nil {
		return gaveUp(ctx, op)
	}
	return nil
}

// gaveUp is the answer of a caller whose context ended.
func gaveUp(ctx context.Context, op objstore.Op) error {
	return unanswered(op, context.Cause(ctx))
}

// unanswered is the error of a request that got no answer.
func unanswered(op objstore.Op, cause error) error {
	kind := objstore.ErrUnavailable
	if op.Write() {
		kind = objstore.ErrUnknownOutcome
	}
	if cause == nil {
		return kind
	}
	return fmt.Errorf("%w: %w", kind, cause)
}
