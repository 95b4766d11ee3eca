package mem

import (
	"fmt"
	"strings"
	"time"
)

// EventKind is what an Event tells.
type EventKind uint8

// Start and End are the caller's view of a request; Effect is when it acted on
// the store: never, once or more often, perhaps after End.
const (
	Start EventKind = iota
	Effect
	End
)

// Event is one line of the log.
type Event struct {
	Kind    EventKind
	At      time.Time
	Request Request
	// Err is the answer's (End) or the effect's (Effect).
	Err error
}

// String is a line for a test's failure message.
func (e Event) String() string {
	kind := [...]string{"start", "effect", "end"}[e.Kind]
	line := fmt.Sprintf("%s #%d %-6s %s", e.At.Format("15:04:05.000"), e.Request.Seq, kind, e.Request)
	if e.Err != nil {
		line += ": " + strings.ReplaceAll(e.Err.Error(), "\n", ", ")
	}
	return line
}

// String is actor, kind and key.
func (r Request) String() string {
	text := r.Op.String() + " " + r.Key
	if len(r.Keys) > 1 {
		text += fmt.Sprintf(" and %d more", len(r.Keys)-1)
	}
	if r.StartAfter != "" {
		text += " after " + r.StartAfter
	}
	if r.Actor != "" {
		text = r.Actor + " " + text
	}
	return text
}

// Events are those since the start or the last ResetEvents, in order; none
// unless Options.Log is set.
func (s *Store) Events() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Event(nil), s.events...)
}

// ResetEvents forgets them.
func (s *Store) ResetEvents() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = nil
}

// Rounds groups the requests of a log into sequential rounds: a request is in
// the round after the last one that had ended when it started. The number of
// rounds is how many round trips a caller had to wait for, one after the other.
// Requests must take time for that to mean something (Options.Latency, best on
// the clock of a testing/synctest bubble). A request whose Start is missing is
// left out.
func Rounds(events []Event) [][]Request {
	var rounds [][]Request
	roundOf := map[uint64]int{}
	ended := -1
	for _, e := range events {
		seq := e.Request.Seq
		switch e.Kind {
		case Start:
			n := ended + 1
			roundOf[seq] = n
			if n == len(rounds) {
				rounds = append(rounds, nil)
			}
			rounds[n] = append(rounds[n], e.Request)
		case End:
			if n, ok := roundOf[seq]; ok {
				ended = max(ended, n)
			}
		}
	}
	return rounds
}

// start numbers and logs a request, and returns the hook that decides on it.
func (s *Store) start(req *Request) func(Request) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	req.Seq = s.seq
	s.note(Event{Kind: Start, Request: *req})
	return s.hook
}

func (s *Store) end(req Request, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note(Event{Kind: End, Request: req, Err: err})
}

// note appends to the log; the lock is held.
func (s *Store) note(e Event) {
	if !s.logging && s.watch == nil {
		return
	}
	e.At = s.clock.Now()
	if s.logging {
		s.events = append(s.events, e)
	}
	if s.watch != nil {
		s.watch(e)
	}
}
