package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/mem"
	"mailbackend.io/backend/sync"
)

// Config is what a history runs on. It follows from the seed.
type Config struct {
	Seed    uint64
	Pods    int
	Clients int
	// Cache: pods have a local cache.
	Cache bool
	Sync  sync.Config
	Retry objstore.RetryConfig
	// Storm is how bad the weather is during a storm: one of weathers.
	Storm int
	// Calm is the weather otherwise.
	Calm int
	// Interval is the upload interval of the pods; 0: they upload only when a
	// step says so.
	Interval time.Duration
	// CrashPoints is the probability that a request kills its process
	// before it is sent or after it was answered; PausePoints that it stops
	// the process there for longer than any timeout.
	CrashPoints, PausePoints float64
}

// weathers are the rates of faults, from none to an outage.
var weathers = []mem.Rates{
	{Delay: 20 * time.Millisecond},
	{Unavailable: 0.02, SlowDown: 0.02, LostAnswer: 0.03, LostRequest: 0.02, Late: 0.01, Again: 0.02, Delay: 50 * time.Millisecond, LateBy: 20 * time.Minute},
	{SlowDown: 0.6, Delay: 200 * time.Millisecond, LateBy: time.Minute},
	{LostAnswer: 0.2, LostRequest: 0.15, Hang: 0.05, Late: 0.15, Again: 0.1, Delay: 2 * time.Second, LateBy: 30 * time.Minute},
	{Hang: 0.1, Late: 0.1, Again: 0.2, Delay: 8 * time.Second, LateBy: 40 * time.Minute},
	{Unavailable: 0.9, Hang: 0.05, Delay: 3 * time.Second},
}

// pick returns one of what it is given.
func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// NewConfig makes the configuration of a seed.
func NewConfig(seed uint64) Config {
	r := rand.New(rand.NewPCG(seed, 1))
	c := Config{
		Seed:    seed,
		Pods:    pick(r, 1, 2, 2, 3, 3, 4),
		Clients: 3,
		Cache:   r.IntN(3) > 0,
		Storm:   1 + r.IntN(len(weathers)-1),
		Calm:    pick(r, 0, 0, 1, 1, 3),
		Retry: objstore.RetryConfig{
			Attempts: pick(r, 1, 2, 4), Budget: 20 * time.Second, Attempt: 4 * time.Second,
			MinRate: 1 << 30, Largest: 1,
			Wait: 50 * time.Millisecond, MaxWait: time.Second,
		},
		Interval:    pick(r, 0, 0, time.Minute, 5*time.Minute),
		CrashPoints: pick(r, 0, 0, 0.002, 0.01),
		PausePoints: pick(r, 0, 0, 0.002, 0.01),
	}
	c.Sync = sync.Config{
		UIDRange:           pick[uint32](r, 1, 1, 2, 2, 3, 8, 64),
		ModSeqRange:        pick[uint64](r, 2, 3, 8, 1<<20),
		MaxRescanMailCount: pick(r, 1, 2, 3, 10),
		ConfirmAge:         pick(r, time.Second, time.Minute, 15*time.Minute),
		OpenRangeAge:       pick(r, 10*time.Minute, 2*time.Hour, 24*time.Hour),
		RelistFirst:        pick(r, time.Second, time.Minute),
		RetryFirst:         100 * time.Millisecond,
		RetryMax:           pick(r, time.Second, 30*time.Second),
		MaxUnresolved:      pick(r, 2, 64),
		GarbageBatch:       pick(r, 1, 3, 16),
		MaxParallel:        pick(r, 1, 4),
	}
	if c.Sync.OpenRangeAge < 4*c.Sync.ConfirmAge {
		// Else a holder that was overtaken finds that out too late.
		c.Sync.OpenRangeAge = 4 * c.Sync.ConfirmAge
	}
	return c
}

// String is a line for a failure message.
func (c Config) String() string {
	s := &c.Sync
	return fmt.Sprintf("seed %d: pods %d, cache %v, calm %d, storm %d, interval %s, crash points %g, pause points %g, attempts %d; UIDRange %d, ModSeqRange %d, MaxRescanMailCount %d, ConfirmAge %s, OpenRangeAge %s, RelistFirst %s, RetryMax %s, MaxUnresolved %d, GarbageBatch %d, MaxParallel %d",
		c.Seed, c.Pods, c.Cache, c.Calm, c.Storm, c.Interval, c.CrashPoints, c.PausePoints, c.Retry.Attempts,
		s.UIDRange, s.ModSeqRange, s.MaxRescanMailCount, s.ConfirmAge, s.OpenRangeAge, s.RelistFirst, s.RetryMax, s.MaxUnresolved, s.GarbageBatch, s.MaxParallel)
}
