package sim

import (
	"time"
)

// shrinkRuns bounds the histories that are run to make one smaller.
const shrinkRuns = 400

// shrink looks for a shorter history on simpler terms that violates the same
// invariant. It returns how many it ran.
func shrink(w *worker, j job, invariant string) (job, int) {
	runs := 0
	deadline := time.Now().Add(40 * time.Second)
	fails := func(j job) bool {
		if runs >= shrinkRuns || time.Now().After(deadline) {
			return false
		}
		runs++
		return w.run(j).Invariant == invariant
	}
	j.Trace = false
	if invariant == "no-hang" {
		return j, 0
	}
	simpler := []func(*Config){
		func(c *Config) { c.CrashPoints, c.PausePoints = 0, 0 },
		func(c *Config) { c.Calm, c.Storm = 0, 0 },
		func(c *Config) { c.Calm = 0 },
		func(c *Config) { c.Interval = 0 },
		func(c *Config) { c.CrashPoints = 0 },
		func(c *Config) { c.PausePoints = 0 },
		func(c *Config) { c.Cache = false },
	}
	for _, f := range simpler {
		try := j
		f(&try.Config)
		if try.Config != j.Config && fails(try) {
			j = try
		}
	}
	for size := len(j.Steps) / 2; size > 0; size /= 2 {
		for at := 0; at < len(j.Steps); {
			try := j
			try.Steps = without(j.Steps, at, size)
			if fails(try) {
				j = try
			} else {
				at += size
			}
		}
	}
	for i := range j.Steps {
		for _, gap := range []time.Duration{0, time.Millisecond, time.Second} {
			try := j
			try.Steps = append([]Step(nil), j.Steps...)
			if try.Steps[i].Gap <= gap {
				continue
			}
			try.Steps[i].Gap = gap
			if fails(try) {
				j = try
				break
			}
		}
	}
	return j, runs
}

// without leaves steps out, but not the time they took.
func without(steps []Step, at, n int) []Step {
	out := append([]Step(nil), steps[:at]...)
	end := min(at+n, len(steps))
	var gap time.Duration
	for _, s := range steps[at:end] {
		gap += s.Gap
	}
	for i, s := range steps[end:] {
		if i == 0 {
			s.Gap += gap
		}
		out = append(out, s)
	}
	return out
}
