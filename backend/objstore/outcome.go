package objstore

import (
	"context"
	"sync/atomic"
)

// Outcome tells the caller of a PUT what its result can't: whether any attempt
// of it was never answered. Such an attempt may take effect later, even after
// the PUT was reported as stored and its object was deleted again. Put one into
// the context with WithOutcome; it may serve several PUTs, which it then speaks
// for together. Safe for concurrent use.
type Outcome struct{ unanswered atomic.Int64 }

// Tainted reports that at least one attempt was never answered.
func (o *Outcome) Tainted() bool { return o.unanswered.Load() > 0 }

// Unanswered is the number of attempts that were never answered.
func (o *Outcome) Unanswered() int64 { return o.unanswered.Load() }

type outcomeKey struct{}

// WithOutcome returns a context whose PUTs through Retry report to o.
func WithOutcome(ctx context.Context, o *Outcome) context.Context {
	return context.WithValue(ctx, outcomeKey{}, o)
}

// noteUnanswered counts an attempt without an answer.
func noteUnanswered(ctx context.Context) {
	if o, ok := ctx.Value(outcomeKey{}).(*Outcome); ok {
		o.unanswered.Add(1)
	}
}
