package mailstore

import (
	"testing"

	"mailbackend.io/backend/uidset"
)

// TestRequestBudget is the table of docs/architecture.md on what each action
// may cost: requests by kind, and rounds that follow one another.
func TestRequestBudget(t *testing.T) {
	inRig(t, func(r *rig) {
		r.wantCost("first delivery of a new user", "GET root 1, LIST root 1, PUT mail 1, PUT root 1", 4, func() { r.deliver("u", 1) })
		r.wantCost("delivery, claimed", "PUT mail 1", 1, func() { r.deliver("u", 2) })
		r.stop()
		r.start()
		r.wantCost("delivery, not claimed", "GET root 1, LIST mail 1, PUT mail 1, PUT root 1", 3, func() { r.deliver("u", 3) })
		r.stop()
		r.dir = ""
		r.start()
		var m *Mailbox
		r.wantCost("login and SELECT, not loaded, no cache", "GET index 2, GET root 1, LIST mail 1, PUT root 1", 2, func() {
			m = r.sel(r.open("u"), "INBOX")
		})
		r.wantCost("login and SELECT, loaded", "", 0, func() { r.sel(r.open("u"), "INBOX") })
		r.wantCost("STATUS", "", 0, func() {
			for _, b := range m.u.Mailboxes() {
				_, err := m.u.Status(r.ctx, b.Name)
				r.must(err)
			}
		})
		r.wantCost("summaries, first time", "GET index 2", 1, func() { r.summaries(m) })
		var uids []uint32
		r.wantCost("STORE", "", 0, func() { r.store(m, AddFlags, `\Seen`, 1, 2, 3) })
		r.wantCost("FETCH BODY[] of 3", "GET mail 3", 1, func() {
			uids = allUIDs(m)
			m.Prefetch(uids)
			for _, uid := range uids {
				r.read(m, uid)
			}
		})
		r.wantCost("COPY of 3, read already", "PUT mail 3", 1, func() {
			_, err := m.Copy(r.ctx, m.View().UIDs(), "Archive")
			r.must(err)
		})
		r.wantCost("MOVE of 2", "DELETE mail 1, PUT mail 2", 2, func() {
			_, err := m.Move(r.ctx, uidset.Of(uids[:2]...), "Trash")
			r.must(err)
		})
		r.wantCost("EXPUNGE", "DELETE mail 1", 1, func() {
			_, err := m.Remove(r.ctx, uidset.Of(uids[2]))
			r.must(err)
		})
		r.wantRequests("the interval", "PUT index 1, PUT root 1", func() { r.pass(r.s.cfg.UploadInterval) })
	})
}

// TestRequestBudgetAfterCrash: the LIST follows the claim; mails that it finds
// are read, all at one time, and then the identifiers that tell whether they are
// known under another UID.
func TestRequestBudgetAfterCrash(t *testing.T) {
	inRig(t, func(r *rig) {
		login := func(want int) {
			t.Helper()
			if _, rounds := r.cost(func() {
				u := r.open("u")
				r.sel(u, "INBOX")
				u.Close()
			}); rounds != want {
				t.Errorf("%d rounds, want %d", rounds, want)
			}
		}
		r.dir = ""
		r.deliver("u", 1)
		r.stop()
		r.start()
		r.deliver("u", 2)
		r.deliver("u", 3)
		r.crash()
		r.start()
		login(5)
		r.crash()
		r.start()
		login(3)
		u := r.open("u")
		defer u.Close()
		r.wantShow(r.sel(u, "INBOX"), "1 mail 1; 66 mail 2; 67 mail 3")
	})
}

// TestLargeCopyCommitsOnce: the range is extended once per window.
func TestLargeCopyCommitsOnce(t *testing.T) {
	inRig(t, func(r *rig) {
		r.uncached()
		u := r.open("u")
		defer u.Close()
		var ns []int
		for n := 1; n <= 200; n++ {
			ns = append(ns, n)
		}
		r.append(u, "INBOX", ns...)
		m := r.sel(u, "INBOX")
		r.wantCost("COPY of 200", "GET mail 200, PUT index 1, PUT mail 200, PUT root 2", 1+2*(200/16+1), func() {
			_, err := m.Copy(r.ctx, m.View().UIDs(), "Archive")
			r.must(err)
		})
	})
}

func (r *rig) summaries(m *Mailbox) {
	r.t.Helper()
	n := 0
	for item, err := range m.Summaries(r.t.Context(), allUIDs(m)) {
		r.must(err)
		if !item.Summary.Valid() {
			r.t.Errorf("no summary of %d", item.UID)
		}
		n++
	}
	if n != m.View().Len() {
		r.t.Errorf("%d summaries of %d messages", n, m.View().Len())
	}
}

func allUIDs(m *Mailbox) []uint32 {
	var uids []uint32
	for _, rec := range m.View().All() {
		uids = append(uids, rec.UID)
	}
	return uids
}
