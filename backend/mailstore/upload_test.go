package mailstore

import (
	"context"
	"fmt"
	"testing"
	"time"

	"mailbackend.io/backend/objstore/mem"
)

// TestDeliveriesAreUploadedAtTheTenth is the rule for folders that only LMTP
// writes to: nothing but mails until there are ten.
func TestDeliveriesAreUploadedAtTheTenth(t *testing.T) {
	inRig(t, func(r *rig) {
		r.deliver("u", 1)
		for n := 2; n <= 9; n++ {
			r.wantCost(fmt.Sprintf("delivery %d", n), "PUT mail 1", 1, func() { r.deliver("u", n) })
		}
		r.wantNothing("ten minutes", func() { r.pass(10 * time.Minute) })
		r.wantCost("delivery 10", "PUT index 1, PUT mail 1, PUT root 1", 1, func() { r.deliver("u", 10) })
		for n := 11; n <= 19; n++ {
			r.wantCost(fmt.Sprintf("delivery %d", n), "PUT mail 1", 1, func() { r.deliver("u", n) })
		}
		r.wantCost("delivery 20", "PUT index 1, PUT mail 1, PUT root 1", 1, func() { r.deliver("u", 20) })
	})
}

// TestFlagsAreUploadedAtTheInterval: nothing before, one upload for all.
func TestFlagsAreUploadedAtTheInterval(t *testing.T) {
	inRig(t, func(r *rig) {
		u := r.open("u")
		defer u.Close()
		uids := r.append(u, "INBOX", 1, 2, 3)
		m := r.sel(u, "INBOX")
		r.wantCost("STORE", "", 0, func() { r.store(m, AddFlags, `\Seen`, uids...) })
		if st := r.s.Stats(); st.Dirty != 1 || time.Since(st.OldestDirty) != 100*latency {
			t.Errorf("stats %+v", st)
		}
		r.pass(time.Minute)
		r.wantCost("STORE", "", 0, func() { r.store(m, AddFlags, `\Flagged`, 1) })
		r.wantNothing("until 10 s before the interval", func() { r.pass(3*time.Minute + 50*time.Second) })
		r.wantRequests("the interval", "PUT index 1, PUT root 1", func() { r.pass(10 * time.Second) })
		if st := r.s.Stats(); st.Dirty != 0 || !st.OldestDirty.IsZero() {
			t.Errorf("stats %+v", st)
		}
		r.wantNothing("an hour without a change", func() { r.pass(time.Hour) })
		r.wantNothing("STORE without a change", func() {
			if res := r.store(m, AddFlags, `\Seen`, 1); !res.Changed.Empty() {
				t.Errorf("changed %v", res.Changed)
			}
			r.pass(time.Hour)
		})
		r.crash()
		r.start()
		u2 := r.open("u")
		r.wantShow(r.sel(u2, "INBOX"), `1 mail 1 \Seen \Flagged; 2 mail 2 \Seen; 3 mail 3 \Seen`)
		u2.Close()
	})
}

// TestShutdownUploadsEverything: deliveries, flags, several users.
func TestShutdownUploadsEverything(t *testing.T) {
	inRig(t, func(r *rig) {
		for i := range 5 {
			name := fmt.Sprintf("u%d", i)
			r.deliver(name, 1)
			u := r.open(name)
			r.store(r.sel(u, "INBOX"), AddFlags, `\Answered`, 1)
			u.Close()
			r.deliver(name, 2)
		}
		r.stop()
		r.dir = "" // and the cache is lost
		r.start()
		for i := range 5 {
			u := r.open(fmt.Sprintf("u%d", i))
			m := r.sel(u, "INBOX")
			r.wantShow(m, `1 mail 1 \Answered; 2 mail 2`)
			u.Close()
		}
	})
}

// TestFailedUploadIsTriedAgain: with growing pauses, until the store is back.
func TestFailedUploadIsTriedAgain(t *testing.T) {
	inRig(t, func(r *rig) {
		u := r.open("u")
		defer u.Close()
		r.append(u, "INBOX", 1)
		r.store(r.sel(u, "INBOX"), AddFlags, `\Seen`, 1)
		r.objects.SetHook(func(mem.Request) mem.Fault { return mem.Unavailable() })
		r.pass(time.Hour)
		if st := r.s.Stats(); st.Dirty != 1 {
			t.Errorf("stats %+v", st)
		}
		r.objects.SetHook(nil)
		r.wantRequests("the store is back", "DELETE index 1, PUT index 1, PUT root 1", func() { r.pass(r.s.cfg.UploadInterval) })
		if st := r.s.Stats(); st.Dirty != 0 {
			t.Errorf("stats %+v", st)
		}
	})
}

// TestUploadsAreBounded: many users due at one time take turns.
func TestUploadsAreBounded(t *testing.T) {
	withRig(t, Config{MaxUploads: 3}, func(r *rig) {
		const users = 20
		for i := range users {
			u := r.open(fmt.Sprintf("u%d", i))
			r.append(u, "INBOX", 1)
			r.store(r.sel(u, "INBOX"), AddFlags, `\Seen`, 1)
			u.Close()
		}
		r.objects.SetHook(func(mem.Request) mem.Fault { return mem.Fault{Delay: 20 * time.Second} })
		r.pass(r.s.cfg.UploadInterval)
		if st := r.s.Stats(); st.Uploading != 3 || st.Queued == 0 {
			t.Errorf("stats %+v", st)
		}
		r.objects.SetHook(nil)
		r.pass(r.s.cfg.UploadInterval)
		if st := r.s.Stats(); st.Uploading != 0 || st.Queued != 0 || st.Dirty != 0 {
			t.Errorf("stats %+v", st)
		}
	})
}

// TestMailboxCommandsAreCommittedAtOnce shows the cost of each.
func TestMailboxCommandsAreCommittedAtOnce(t *testing.T) {
	inRig(t, func(r *rig) {
		u := r.open("u")
		defer u.Close()
		ctx := context.Background()
		r.wantCost("CREATE", "PUT root 1", 1, func() {
			_, err := u.Create(ctx, "a", nil)
			r.must(err)
		})
		r.wantCost("RENAME", "PUT root 1", 1, func() { r.must(u.Rename(ctx, "a", "b")) })
		r.wantCost("SUBSCRIBE", "PUT root 1", 1, func() { r.must(u.Subscribe(ctx, "b", true)) })
		r.wantCost("SUBSCRIBE again", "", 0, func() { r.must(u.Subscribe(ctx, "b", true)) })
		r.cost(func() { r.must(u.Delete(ctx, "b")) })
		r.crash()
		r.dir = ""
		r.start()
		u2 := r.open("u")
		defer u2.Close()
		if got := names(u2); got != "INBOX* Archive* Drafts* Junk* Sent* Trash* (b)*" {
			t.Errorf("names %s", got)
		}
	})
}
