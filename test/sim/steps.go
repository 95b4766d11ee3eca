package sim

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Kind is what a step does.
type Kind string

// The kinds of step.
const (
	Append     Kind = "append"     // one mail, as a delivery or an APPEND does
	AppendMany Kind = "appendmany" // several, all or none
	Flags      Kind = "flags"
	Expunge    Kind = "expunge"
	Copy       Kind = "copy"
	Move       Kind = "move"
	Fetch      Kind = "fetch"   // objects, summaries, ids
	Session    Kind = "session" // a QRESYNC client selects, or is told news
	Hangup     Kind = "hangup"
	Create     Kind = "create"
	Rename     Kind = "rename"
	Delete     Kind = "delete"
	Upload     Kind = "upload"
	UploadAll  Kind = "uploadall"
	Unload     Kind = "unload"
	Release    Kind = "release"
	Crash      Kind = "crash"   // of the process; the next step on the pod starts another
	CrashAt    Kind = "crashat" // at one of its next requests
	Pause      Kind = "pause"
	Jump       Kind = "jump"  // of the pod's clock
	Evict      Kind = "evict" // everything that the cache may let go
	Storm      Kind = "storm"
	Calm       Kind = "calm"
)

// Step is one step of a history. What it does in detail follows from N and its
// Seed, whatever other steps do.
type Step struct {
	Gap  time.Duration // before it starts
	Kind Kind
	Pod  int
	N    int
	Seed uint64
}

func (s Step) String() string {
	return fmt.Sprintf("after %-12s %-10s pod %d, n %d, seed %d", s.Gap, s.Kind, s.Pod, s.N, s.Seed)
}

// kinds are the kinds with their weights.
var kinds = []struct {
	kind   Kind
	weight int
}{
	{Append, 26}, {AppendMany, 4}, {Flags, 18}, {Expunge, 8}, {Copy, 6}, {Move, 5}, {Fetch, 4},
	{Session, 18}, {Hangup, 3}, {Create, 3}, {Rename, 2}, {Delete, 2},
	{Upload, 7}, {UploadAll, 4}, {Unload, 4}, {Release, 4},
	{Crash, 5}, {CrashAt, 5}, {Pause, 5}, {Jump, 1}, {Evict, 1}, {Storm, 4}, {Calm, 4},
}

// NewSteps makes the history of a configuration.
func NewSteps(c Config) []Step {
	r := rand.New(rand.NewPCG(c.Seed, 2))
	total := 0
	for _, k := range kinds {
		total += k.weight
	}
	steps := make([]Step, 25+r.IntN(50))
	favourite := 0
	for i := range steps {
		if r.IntN(12) == 0 {
			favourite = r.IntN(c.Pods)
		}
		s := Step{Pod: favourite, N: r.IntN(1000), Seed: r.Uint64()}
		if r.IntN(4) == 0 {
			s.Pod = r.IntN(c.Pods)
		}
		n := r.IntN(total)
		for _, k := range kinds {
			if n -= k.weight; n < 0 {
				s.Kind = k.kind
				break
			}
		}
		upTo := func(d time.Duration) time.Duration { return time.Duration(r.Int64N(int64(d))) }
		switch r.IntN(10) {
		case 0, 1, 2, 3:
			s.Gap = upTo(20 * time.Millisecond)
		case 4, 5, 6:
			s.Gap = upTo(2 * time.Second)
		case 7, 8:
			s.Gap = upTo(2 * time.Minute)
		default:
			s.Gap = upTo(time.Hour)
		}
		steps[i] = s
	}
	return steps
}
