package mailstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	gosync "sync"
	"testing"
	"time"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/objstore/mem"
	"mailbackend.io/backend/uidset"
)

// follower is a session that is only told of changes, as an IMAP session is: it
// holds a view and advances it.
type follower struct {
	mu    gosync.Mutex
	m     *Mailbox
	shown *index.View
	err   error
}

func (f *follower) advance() {
	f.mu.Lock()
	defer f.mu.Unlock()
	shown, ch := index.Advance(f.shown, f.m.View(), false)
	if ch.Broken && f.err == nil {
		f.err = errors.New("a message turned up below the last one shown")
		return
	}
	f.shown = shown
}

// TestConcurrentSessions has many sessions change one user's mailboxes at one
// time while mail comes in and the user is moved away now and then. Nothing
// that was acknowledged is lost, and what sessions were told adds up to what is
// there.
func TestConcurrentSessions(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			withRig(t, Config{CopyMessages: 2, UploadInterval: 5 * time.Second}, func(r *rig) {
				if seed%2 == 1 {
					r.objects.SetHook(mem.Chaos(seed, mem.Rates{LostAnswer: 0.02, LostRequest: 0.02, SlowDown: 0.02}))
				}
				concurrent(r, seed)
			})
		})
	}
}

func concurrent(r *rig, seed uint64) {
	const sessions, deliverers, steps = 6, 3, 25
	var (
		wg        gosync.WaitGroup
		mu        gosync.Mutex
		delivered int
		followers []*follower
	)
	for i := range deliverers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := range steps {
				err := r.s.Deliver(r.ctx, Delivery{User: "u", Body: mailBody(i*steps + n)})
				if err != nil && !errors.Is(err, ErrUnavailable) {
					r.t.Errorf("deliver: %v", err)
				}
				if err == nil {
					mu.Lock()
					delivered++
					mu.Unlock()
				}
			}
		}()
	}
	for i := range sessions {
		wg.Add(1)
		go func() {
			defer wg.Done()
			rnd := rand.New(rand.NewPCG(seed, uint64(i)))
			for range steps / 5 {
				f, err := session(r, rnd)
				if err != nil && !errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrOvertaken) && !errors.Is(err, ErrMessageGone) {
					r.t.Errorf("session: %v", err)
				}
				if f != nil {
					mu.Lock()
					followers = append(followers, f)
					mu.Unlock()
				}
			}
		}()
	}
	wg.Add(1)
	go func() {
		defer wg.Done()
		for range 4 {
			time.Sleep(3 * time.Second)
			if err := r.s.Evict(r.ctx, "u"); err != nil && !errors.Is(err, ErrUnavailable) {
				r.t.Errorf("evict: %v", err)
			}
		}
	}()
	wg.Wait()
	r.objects.SetHook(nil)
	r.pass(time.Hour)
	for _, f := range followers {
		if f.err != nil {
			r.t.Error(f.err)
		}
	}
	there := 0
	u := r.open("u")
	defer u.Close()
	for _, name := range []string{Inbox, "Archive"} {
		m := r.sel(u, name)
		there += m.View().Len()
		for _, rec := range m.View().All() {
			r.read(m, rec.UID)
		}
	}
	if there < delivered {
		r.t.Errorf("%d mails are there, %d were delivered and none expunged", there, delivered)
	}
}

// session does some commands; it never expunges a mail that it has not copied.
func session(r *rig, rnd *rand.Rand) (*follower, error) {
	ctx, cancel := context.WithTimeout(r.ctx, time.Minute)
	defer cancel()
	u, err := r.s.Open(ctx, "u")
	if err != nil {
		return nil, err
	}
	defer u.Close()
	m, err := u.Select(ctx, []string{Inbox, "Archive"}[rnd.IntN(2)], false)
	if err != nil {
		return nil, err
	}
	f := &follower{m: m, shown: m.View()}
	m.Notify(f.advance)
	for range 5 {
		v := m.View()
		if v.Len() == 0 {
			time.Sleep(time.Second)
			continue
		}
		uid := v.UID(rnd.IntN(v.Len()))
		switch rnd.IntN(4) {
		case 0:
			_, err = m.SetFlags(ctx, FlagChange{UIDs: uidset.Of(uid), Mode: FlagMode(rnd.IntN(3)), Flags: []string{`\Seen`, "key"}})
		case 1:
			_, err = m.Move(ctx, uidset.Of(uid, uid+1), "Archive")
		case 2:
			_, err = u.Status(ctx, Inbox)
		case 3:
			var msg *Message
			if msg, err = m.Message(ctx, uid); err == nil {
				err = msg.ReadRange(ctx, failingWriter{nil}, 0, -1)
			}
		}
		if err != nil {
			break
		}
	}
	f.advance()
	m.Notify(nil)
	return f, err
}
