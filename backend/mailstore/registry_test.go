package mailstore

import (
	"context"
	"errors"
	"fmt"
	gosync "sync"
	"testing"
	"time"

	"mailbackend.io/backend/objstore/mem"
	"mailbackend.io/backend/uidset"
)

// TestOneLoadForAll: however many ask.
func TestOneLoadForAll(t *testing.T) {
	inRig(t, func(r *rig) {
		r.deliver("u", 1)
		r.stop()
		r.start()
		requests, rounds := r.cost(func() {
			var wg gosync.WaitGroup
			for i := range 20 {
				wg.Add(1)
				go func() {
					defer wg.Done()
					ctx := r.ctx
					if i%2 == 0 { // some don't wait for it
						var cancel context.CancelFunc
						ctx, cancel = context.WithTimeout(ctx, latency/2)
						defer cancel()
					}
					u, err := r.s.Open(ctx, "u")
					if i%2 == 0 {
						if !errors.Is(err, ErrUnavailable) {
							t.Errorf("gave up waiting: %v", err)
						}
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					u.Close()
				}()
			}
			wg.Wait()
		})
		if rounds > 2 {
			t.Errorf("%s in %d rounds", requests, rounds)
		}
		u := r.open("u")
		r.wantShow(r.sel(u, "INBOX"), "1 mail 1")
		u.Close()
	})
}

func TestLoadFails(t *testing.T) {
	inRig(t, func(r *rig) {
		r.objects.SetHook(func(mem.Request) mem.Fault { return mem.Unavailable() })
		_, err := r.s.Open(r.ctx, "u")
		r.wantErr("open", err, ErrUnavailable)
		r.wantErr("deliver", r.s.Deliver(r.ctx, Delivery{User: "u", Body: mailBody(1)}), ErrUnavailable)
		if st := r.s.Stats(); st.Users != 0 || st.Active != 0 || st.Sessions != 0 {
			t.Errorf("stats %+v", st)
		}
		r.objects.SetHook(nil)
		r.deliver("u", 1)
		_, err = r.s.Open(r.ctx, "")
		r.wantErr("open nobody", err, ErrCannot)
	})
}

// TestActiveUsers: exactly those with mail or a session within the window.
func TestActiveUsers(t *testing.T) {
	inRig(t, func(r *rig) {
		active := func(want int) {
			t.Helper()
			if st := r.s.Stats(); st.Active != want {
				t.Errorf("after %v: %+v, want %d active", time.Now().Format("15:04:05"), st, want)
			}
		}
		active(0)
		r.deliver("a", 1)
		r.pass(5 * time.Minute)
		r.deliver("b", 1)
		u := r.open("c")
		active(3)
		r.pass(10*time.Minute - time.Second)
		active(3)
		r.pass(time.Second)
		active(2) // a
		r.deliver("a", 2)
		active(3)
		r.pass(5 * time.Minute)
		active(2) // b
		r.pass(time.Hour)
		active(1) // a session is active as long as it lasts
		u.Close()
		r.pass(15*time.Minute - time.Second)
		active(1)
		r.pass(time.Second)
		active(0)
		if st := r.s.Stats(); st.Users != 3 || st.Loaded != 0 {
			t.Errorf("stats %+v", st)
		}
	})
}

// TestIdleUserIsAStub: its claim is kept, so a delivery costs one PUT.
func TestIdleUserIsAStub(t *testing.T) {
	inRig(t, func(r *rig) {
		u := r.open("u")
		r.append(u, "INBOX", 1)
		r.store(r.sel(u, "INBOX"), AddFlags, `\Seen`, 1)
		u.Close()
		if st := r.s.Stats(); st.Loaded != 1 {
			t.Errorf("stats %+v", st)
		}
		r.pass(time.Hour)
		if st := r.s.Stats(); st.Loaded != 0 || st.Users != 1 {
			t.Errorf("stats %+v", st)
		}
		// The last commit is old: root is read beside the PUT.
		r.wantCost("delivery", "GET root 1, PUT mail 1", 1, func() { r.deliver("u", 2) })
		u = r.open("u")
		defer u.Close()
		r.wantShow(r.sel(u, "INBOX"), `1 mail 1 \Seen; 2 mail 2`)
	})
}

func TestMaxStubs(t *testing.T) {
	withRig(t, Config{MaxStubs: 3}, func(r *rig) {
		for i := range 6 {
			r.deliver(fmt.Sprintf("u%d", i), 1)
			r.pass(time.Second)
		}
		if st := r.s.Stats(); st.Users != 3 {
			t.Errorf("stats %+v", st)
		}
		for i := range 6 {
			r.s.mu.Lock()
			_, kept := r.s.users[fmt.Sprintf("u%d", i)]
			r.s.mu.Unlock()
			if kept != (i >= 3) {
				t.Errorf("u%d kept: %v", i, kept)
			}
		}
		// Those who have sessions stay, however many.
		var open []*User
		for i := range 5 {
			open = append(open, r.open(fmt.Sprintf("u%d", i)))
			r.pass(time.Second)
		}
		if st := r.s.Stats(); st.Users != 5 || st.Sessions != 5 {
			t.Errorf("stats %+v", st)
		}
		for _, u := range open {
			r.wantShow(r.sel(u, "INBOX"), "1 mail 1")
			u.Close()
		}
	})
}

func TestSessionLimits(t *testing.T) {
	used := uint64(0)
	cfg := Config{MaxSessions: 4, MaxUserSessions: 2, MaxLoadedUsers: 2, MemoryLimit: 100, MemoryUsed: func() uint64 { return used }}
	withRig(t, cfg, func(r *rig) {
		a1, a2 := r.open("a"), r.open("a")
		_, err := r.s.Open(r.ctx, "a")
		r.wantErr("third of a user", err, ErrLimit)
		b := r.open("b")
		_, err = r.s.Open(r.ctx, "c")
		r.wantErr("third user", err, ErrUnavailable)
		r.deliver("c", 1) // mail is not refused
		b.Close()
		c := r.open("c") // b is unloaded for it
		if st := r.s.Stats(); st.Loaded != 2 || st.Users != 3 {
			t.Errorf("stats %+v", st)
		}
		_ = r.open("c")
		_, err = r.s.Open(r.ctx, "c")
		r.wantErr("fifth session", err, ErrUnavailable)
		a1.Close()
		a2.Close()
		used = 101
		_, err = r.s.Open(r.ctx, "c")
		r.wantErr("no memory", err, ErrUnavailable)
		c.Close()
	})
}

// TestEvict ends sessions and releases; the user can be loaded again at once.
func TestEvict(t *testing.T) {
	inRig(t, func(r *rig) {
		r.must(r.s.Evict(r.ctx, "nobody"))
		u := r.open("u")
		r.append(u, "INBOX", 1)
		m := r.sel(u, "INBOX")
		r.store(m, AddFlags, `\Seen`, 1)
		ended := make(chan error, 1)
		u.OnDone(func() { ended <- u.Err() })
		r.must(r.s.Evict(r.ctx, "u"))
		r.wantErr("session", <-ended, ErrUnavailable)
		<-u.Done()
		_, err := m.SetFlags(r.ctx, FlagChange{UIDs: uidset.Of(1), Mode: AddFlags, Flags: []string{`\Flagged`}})
		r.wantErr("STORE of the ended session", err, ErrUnavailable)
		u2 := r.open("u")
		r.wantShow(r.sel(u2, "INBOX"), `1 mail 1 \Seen`)
		if err := u2.Err(); err != nil {
			t.Errorf("new session: %v", err)
		}
		u.Close()
		u2.Close()
	})
}

// TestDeliverDuringEvict: mail that comes meanwhile is stored, after a new claim.
func TestDeliverDuringEvict(t *testing.T) {
	inRig(t, func(r *rig) {
		r.deliver("u", 1)
		var wg gosync.WaitGroup
		for n := range 5 {
			wg.Add(2)
			go func() {
				defer wg.Done()
				if err := r.s.Evict(r.ctx, "u"); err != nil {
					t.Errorf("evict: %v", err)
				}
			}()
			go func() {
				defer wg.Done()
				time.Sleep(time.Duration(n) * latency / 2)
				if err := r.s.Deliver(r.ctx, Delivery{User: "u", Body: mailBody(n)}); err != nil {
					t.Errorf("deliver: %v", err)
				}
			}()
		}
		wg.Wait()
		u := r.open("u")
		defer u.Close()
		if n := r.sel(u, "INBOX").View().Len(); n != 6 {
			t.Errorf("%d mails", n)
		}
	})
}

// TestOvertaken: another backend claims the user; sessions end as soon as this
// one finds out, and a new session claims it back.
func TestOvertaken(t *testing.T) {
	inRig(t, func(r *rig) {
		u := r.open("u")
		defer u.Close()
		r.append(u, "INBOX", 1)
		m := r.sel(u, "INBOX")
		other := r.backend("other", nil)
		u2, err := other.Open(r.ctx, "u")
		r.must(err)
		m2 := r.sel(u2, "INBOX")
		r.wantShow(m2, "1 mail 1")
		r.store(m, AddFlags, `\Seen`, 1)
		r.pass(r.s.cfg.UploadInterval)
		<-u.Done()
		r.wantErr("session", u.Err(), ErrOvertaken)
		_, err = u.Append(r.ctx, "INBOX", []NewMessage{{Body: mailBody(2)}})
		r.wantErr("APPEND", err, ErrOvertaken)
		if st := r.s.Stats(); st.Users != 0 {
			t.Errorf("stats %+v", st)
		}
		u3 := r.open("u")
		defer u3.Close()
		r.wantShow(r.sel(u3, "INBOX"), "1 mail 1")
		u2.Close()
		r.must(other.Shutdown(r.ctx))
	})
}

func TestShutdownRefuses(t *testing.T) {
	inRig(t, func(r *rig) {
		u := r.open("u")
		r.stop()
		<-u.Done()
		u.Close()
		r.start()
		s := r.s
		r.stop()
		_, err := s.Open(r.ctx, "u")
		r.wantErr("open", err, ErrUnavailable)
		r.wantErr("deliver", s.Deliver(r.ctx, Delivery{User: "u", Body: mailBody(1)}), ErrUnavailable)
		r.must(s.Shutdown(r.ctx))
	})
}

// TestShutdownWithoutStore: it ends, says what it could not do, and nothing
// that was acknowledged is lost.
func TestShutdownWithoutStore(t *testing.T) {
	inRig(t, func(r *rig) {
		u := r.open("u")
		r.append(u, "INBOX", 1)
		u.Close()
		r.objects.SetHook(func(mem.Request) mem.Fault { return mem.Unavailable() })
		ctx, cancel := context.WithTimeout(r.ctx, time.Minute)
		defer cancel()
		r.wantErr("shutdown", r.s.Shutdown(ctx), ErrUnavailable)
		r.closeCache()
		r.objects.SetHook(nil)
		r.start()
		u = r.open("u")
		defer u.Close()
		r.wantShow(r.sel(u, "INBOX"), "1 mail 1")
	})
}
