package objstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/mem"
)

func (r *rig) tagOf(key string) objstore.ETag {
	r.Helper()
	info, err := r.mem.Head(r.ctx, key)
	if err != nil {
		r.Fatal(err)
	}
	return info.ETag
}

func TestRetryLostAnswer(t *testing.T) {
	bubble(t, testRetry, func(r *rig) {
		r.mem.SetHook(script(mem.LostAnswer()))
		tag, err := r.s.PutIfAbsent(r.ctx, "k", data)
		if err != nil || tag != r.tagOf("k") {
			r.Errorf("PutIfAbsent: %q, %v", tag, err)
		}
		r.requests("1 GET, 2 PUT-if-absent")
		if !r.outcome.Tainted() || r.outcome.Unanswered() != 1 {
			r.Error("the lost answer was not noted")
		}
	})
	bubble(t, testRetry, func(r *rig) {
		r.mem.Poke("k", []byte("first"))
		tag := r.tagOf("k")
		r.mem.SetHook(script(mem.LostAnswer(), mem.SlowDown(), mem.Fault{Hang: true}))
		tag, err := r.s.PutIfMatch(r.ctx, "k", data, tag)
		if err != nil || tag != r.tagOf("k") {
			r.Errorf("PutIfMatch: %q, %v", tag, err)
		}
		r.requests("1 GET, 4 PUT-if-match")
		if r.outcome.Unanswered() != 3 {
			r.Errorf("unanswered: %d", r.outcome.Unanswered())
		}
	})
	// An earlier call's write: the first attempt of this one meets it.
	bubble(t, testRetry, func(r *rig) {
		r.mem.Poke("k", []byte(strings.Join([]string{string(data[0]), string(data[1])}, "")))
		if _, err := r.s.PutIfAbsent(r.ctx, "k", data); err != nil {
			r.Error(err)
		}
		r.requests("1 GET, 1 PUT-if-absent")
		if r.outcome.Tainted() {
			r.Error("tainted without an unanswered attempt")
		}
	})
}

func TestRetryLostRace(t *testing.T) {
	others := map[string]string{
		"other bytes":               "theirs",
		"same length":               "yours" + strings.Repeat("x", 5000),
		"same but longer":           "mine " + strings.Repeat("x", 5001),
		"differs in identity bytes": "mine " + strings.Repeat("x", 4090) + "y" + strings.Repeat("x", 909),
		"empty":                     "",
	}
	for name, other := range others {
		bubble(t, testRetry, func(r *rig) {
			r.mem.Poke("k", []byte(other))
			_, err := r.s.PutIfAbsent(r.ctx, "k", data)
			r.is(err, objstore.ErrPrecondition)
			r.isNot(err, objstore.ErrUnknownOutcome)
			// Also after an attempt that was never answered.
			r.mem.SetHook(script(mem.LostRequest()))
			_, err = r.s.PutIfMatch(r.ctx, "k", data, "former")
			r.is(err, objstore.ErrPrecondition)
			r.requests("2 GET, 1 PUT-if-absent, 2 PUT-if-match")
			got, _ := r.mem.Peek("k")
			if string(got) != other {
				r.Errorf("%s: object was changed", name)
			}
		})
	}
}

func TestRetryUnknown(t *testing.T) {
	bubble(t, testRetry, func(r *rig) { // never an answer
		r.mem.SetHook(func(mem.Request) mem.Fault { return mem.LostRequest() })
		_, err := r.s.PutIfAbsent(r.ctx, "k", data)
		r.is(err, objstore.ErrUnknownOutcome)
		r.requests("4 PUT-if-absent")
		if r.outcome.Unanswered() != 4 {
			r.Errorf("unanswered: %d", r.outcome.Unanswered())
		}
	})
	bubble(t, testRetry, func(r *rig) { // refused connections promise that nothing was sent
		r.mem.SetHook(func(mem.Request) mem.Fault { return mem.Unavailable() })
		_, err := r.s.PutIfAbsent(r.ctx, "k", data)
		r.is(err, objstore.ErrUnavailable)
		r.isNot(err, objstore.ErrUnknownOutcome)
		if r.outcome.Tainted() {
			r.Error("tainted without an attempt that was sent")
		}
	})
	bubble(t, testRetry, func(r *rig) { // but only if none was sent before
		r.mem.SetHook(script(mem.LostAnswer(), mem.Unavailable(), mem.Unavailable(), mem.Unavailable()))
		_, err := r.s.PutIfAbsent(r.ctx, "k", data)
		r.is(err, objstore.ErrUnknownOutcome)
		r.holds("k", "mine")
	})
	bubble(t, testRetry, func(r *rig) { // nor does a denial undo it
		r.mem.SetHook(script(mem.LostAnswer(), mem.Fault{Refuse: objstore.ErrDenied}))
		_, err := r.s.PutIfAbsent(r.ctx, "k", data)
		r.is(err, objstore.ErrUnknownOutcome)
		r.is(err, objstore.ErrDenied)
	})
	bubble(t, testRetry, func(r *rig) { // refused, and what is there can't be read
		r.mem.Poke("k", []byte("theirs"))
		r.mem.SetHook(func(q mem.Request) mem.Fault {
			if q.Op == objstore.OpGet {
				return mem.Unavailable()
			}
			return mem.Fault{}
		})
		_, err := r.s.PutIfAbsent(r.ctx, "k", data)
		r.is(err, objstore.ErrUnknownOutcome)
		r.requests("4 GET, 1 PUT-if-absent")
	})
}

// Stored, answer lost, removed by another before the second attempt's refusal
// is read back: can't be told from another's object that came and went.
func TestRetryGoneBeforeReadBack(t *testing.T) {
	for _, lost := range []bool{true, false} {
		bubble(t, testRetry, func(r *rig) {
			r.mem.Poke("k", []byte("there"))
			puts := 0
			r.mem.SetHook(func(q mem.Request) mem.Fault {
				if q.Op == objstore.OpGet {
					r.mem.Remove("k")
					return mem.Fault{}
				}
				if puts++; puts == 1 && lost {
					return mem.LostAnswer()
				}
				return mem.Fault{}
			})
			_, err := r.s.PutIfAbsent(r.ctx, "k", data)
			if lost {
				r.is(err, objstore.ErrUnknownOutcome)
			} else {
				r.is(err, objstore.ErrPrecondition)
				r.isNot(err, objstore.ErrUnknownOutcome)
			}
		})
	}
}

// A delayed PUT lands after its caller was told so; repeating the call settles it.
func TestRetryLatePut(t *testing.T) {
	bubble(t, testRetry, func(r *rig) {
		r.mem.SetHook(script(mem.Fault{Late: time.Hour, Hang: true}))
		ctx, cancel := context.WithTimeout(r.ctx, 2*time.Second)
		defer cancel()
		_, err := r.s.PutIfAbsent(ctx, "k", data)
		r.is(err, objstore.ErrUnknownOutcome)
		if _, ok := r.mem.Peek("k"); ok {
			r.Error("the late PUT is already there")
		}
		time.Sleep(2 * time.Hour)
		r.holds("k", "mine")
		if _, err := r.s.PutIfAbsent(r.ctx, "k", data); err != nil {
			r.Error(err)
		}
	})
}

// noTag hides the ETags of ranged Gets, as dir does.
type noTag struct{ objstore.Store }

func (s noTag) Get(ctx context.Context, key string, r objstore.Range) (objstore.Object, error) {
	obj, err := s.Store.Get(ctx, key, r)
	if r != (objstore.Range{}) {
		obj.ETag = ""
	}
	return obj, err
}

func TestRetryReadBackWithoutTag(t *testing.T) {
	for _, successor := range []string{"", "mine " + strings.Repeat("x", 4999) + "z"} {
		bubble(t, testRetry, func(r *rig) {
			r.s = objstore.Retry(noTag{r.counter}, testRetry, clock.System{}, seeded())
			gets := 0
			lose := script(mem.LostAnswer())
			r.mem.SetHook(func(q mem.Request) mem.Fault {
				if q.Op != objstore.OpGet {
					return lose(q)
				}
				if gets++; gets == 2 && successor != "" {
					// Replaced between the two reads by one that looks alike.
					r.mem.Poke("k", []byte(successor))
				}
				return mem.Fault{}
			})
			tag, err := r.s.PutIfAbsent(r.ctx, "k", data)
			r.requests("2 GET, 2 PUT-if-absent")
			if successor != "" {
				r.is(err, objstore.ErrPrecondition)
			} else if err != nil || tag != r.tagOf("k") {
				r.Errorf("PutIfAbsent: %q, %v", tag, err)
			}
		})
	}
}

// Whatever the faults: success means stored, refusal and plain failure mean not
// stored by this call.
func TestRetryTellsTheTruth(t *testing.T) {
	cfg := testRetry
	cfg.Attempts = 3
	bubble(t, cfg, func(r *rig) {
		r.mem.SetHook(mem.Chaos(7, mem.Rates{Unavailable: 0.1, SlowDown: 0.1, LostRequest: 0.1, LostAnswer: 0.1, Hang: 0.1, Late: 0.1,
			Again: 0.1, Delay: 100 * time.Millisecond, LateBy: time.Minute}))
		counts := map[string]int{}
		for i := range 300 {
			key := "k" + strings.Repeat("i", i%50) + "/" + string(rune('a'+i/50))
			_, err := r.s.PutIfAbsent(r.ctx, key, data)
			_, there := r.mem.Peek(key)
			switch {
			case err == nil:
				counts["stored"]++
				if !there {
					r.Errorf("%s: reported as stored, is not there", key)
				}
			case errors.Is(err, objstore.ErrUnknownOutcome):
				counts["unknown"]++
			case errors.Is(err, objstore.ErrUnavailable):
				counts["not stored"]++
				time.Sleep(2 * time.Minute)
				if _, there := r.mem.Peek(key); there {
					r.Errorf("%s: reported as not stored (%v), is there", key, err)
				}
			default:
				r.Errorf("%s: %v", key, err)
			}
		}
		r.Log(counts)
		if counts["stored"] < 200 || counts["unknown"] == 0 {
			r.Errorf("the faults don't reach what they should: %v", counts)
		}
	})
}
