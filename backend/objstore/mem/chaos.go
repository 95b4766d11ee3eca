package mem

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/zeebo/xxh3"
)

// Rates are the probabilities, from 0 to 1, of what Chaos does to a request.
// At most one of the first six happens to a request, in the order of the
// fields; their sum should stay below 1.
type Rates struct {
	// Unavailable, SlowDown, LostRequest, LostAnswer as the functions of
	// these names; Hang waits for the caller to give up, after the effect
	// in half of the cases; Late lets the effect come late.
	Unavailable, SlowDown, LostRequest, LostAnswer, Hang, Late float64
	// Again repeats the effect later, whatever else happens.
	Again float64
	// Delay is the longest delay before the effect and, again, before the
	// answer; LateBy the longest one of Late and Again.
	Delay, LateBy time.Duration
}

// Chaos returns a Hook that does harm at random, but always the same for a
// seed: what happens to a request depends on the seed, its actor, kind and key
// and on how many requests like it there were, not on what others do between.
func Chaos(seed uint64, r Rates) func(Request) Fault {
	type kind struct{ what, key string }
	var mu sync.Mutex
	seen := map[kind]uint64{}
	return func(req Request) Fault {
		k := kind{req.Actor + "\x00" + strconv.Itoa(int(req.Op)), req.Key + "\x00" + req.StartAfter}
		mu.Lock()
		n := seen[k]
		seen[k]++
		mu.Unlock()
		rnd := rand.New(rand.NewPCG(xxh3.HashStringSeed(k.what, seed), xxh3.HashStringSeed(k.key, seed+n)))
		return r.pick(rnd)
	}
}

func (r Rates) pick(rnd *rand.Rand) Fault {
	var f Fault
	at := rnd.Float64()
	hit := func(p float64) bool {
		at -= p
		return at < 0
	}
	upTo := func(d time.Duration) time.Duration {
		if d <= 0 {
			return 0
		}
		return time.Duration(rnd.Int64N(int64(d))) + 1
	}
	switch {
	case hit(r.Unavailable):
		f = Unavailable()
	case hit(r.SlowDown):
		f = SlowDown()
	case hit(r.LostRequest):
		f = LostRequest()
	case hit(r.LostAnswer):
		f = LostAnswer()
	case hit(r.Hang):
		f.Hang = true
		if rnd.IntN(2) == 0 {
			f.Refuse = errReset
		}
	case hit(r.Late):
		f.Late = upTo(r.LateBy)
		f.Hang = rnd.IntN(2) == 0
	}
	if rnd.Float64() < r.Again {
		f.Again = upTo(r.LateBy)
	}
	f.Delay, f.AnswerDelay = upTo(r.Delay), upTo(r.Delay)
	return f
}
