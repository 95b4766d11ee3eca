package mailstore

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mailbackend.io/backend/message"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/mem"
	"mailbackend.io/backend/uidset"
)

// TestDeliveryReachesSessions: as soon as it is stored, without time passing.
func TestDeliveryReachesSessions(t *testing.T) {
	inRig(t, func(r *rig) {
		u1, u2 := r.open("u"), r.open("u")
		defer u1.Close()
		defer u2.Close()
		m1, m2 := r.sel(u1, "INBOX"), r.sel(u2, "INBOX")
		called := make(chan struct{}, 10)
		m1.Notify(func() { called <- struct{}{} })
		news := m2.Changed()
		r.deliver("u", 1)
		stored := time.Now()
		<-called
		<-news
		if waited := time.Since(stored); waited > 0 {
			t.Errorf("told after %v", waited)
		}
		r.wantShow(m1, "1 mail 1")
		r.wantShow(m2, "1 mail 1")
		m1.Notify(nil)
		r.store(m2, AddFlags, `\Seen`, 1)
		<-news
		r.pass(0)
		if len(called) > 0 {
			t.Error("called after Notify(nil)")
		}
	})
}

func TestRecent(t *testing.T) {
	inRig(t, func(r *rig) {
		recent := func(m *Mailbox) string { m.View(); s := m.Recent(); return s.String() }
		r.deliver("u", 1)
		r.deliver("u", 2)
		u := r.open("u")
		defer u.Close()
		st, err := u.Status(r.ctx, "INBOX")
		r.must(err)
		if st.Recent != 2 {
			t.Errorf("%d recent", st.Recent)
		}
		examined, err := u.Select(r.ctx, "INBOX", true)
		r.must(err)
		first := r.sel(u, "INBOX")
		second := r.sel(u, "INBOX")
		r.deliver("u", 3)
		for name, c := range map[string]struct {
			m    *Mailbox
			want string
		}{"examined": {examined, "1:2"}, "first": {first, "1:3"}, "second": {second, ""}} {
			if got := recent(c.m); got != c.want {
				t.Errorf("%s: recent %q, want %q", name, got, c.want)
			}
		}
		first.Close()
		second.Close()
		r.deliver("u", 4)
		if got := recent(examined); got != "1:2,4" {
			t.Errorf("examined: recent %q", got)
		}
		third := r.sel(u, "INBOX")
		if got := recent(third); got != "4" {
			t.Errorf("third: recent %q", got)
		}
		examined.Close()
		third.Close()
		u.Close()
		r.stop()
		r.start()
		u = r.open("u")
		if got := recent(r.sel(u, "INBOX")); got != "" {
			t.Errorf("after a restart: recent %q", got)
		}
	})
}

func TestStatus(t *testing.T) {
	inRig(t, func(r *rig) {
		u := r.open("u")
		defer u.Close()
		r.append(u, "Sent", 1, 2, 3)
		m := r.sel(u, "Sent")
		r.store(m, AddFlags, `\Seen`, 1)
		r.store(m, AddFlags, `\Deleted`, 3)
		var all []Status
		r.wantCost("STATUS of every mailbox", "", 0, func() {
			for _, b := range u.Mailboxes() {
				st, err := u.Status(r.ctx, b.Name)
				r.must(err)
				if st.MailboxID != b.ID || st.UIDValidity != b.UIDValidity {
					t.Errorf("%s: %+v", b.Name, st)
				}
				if b.Name == "Sent" {
					all = append(all, st)
				} else if st.Messages != 0 || st.UIDNext != 1 {
					t.Errorf("%s: %+v", b.Name, st)
				}
			}
		})
		_, err := m.Expunge(r.ctx, uidset.Of(1, 2, 3))
		r.must(err)
		u.Close()
		for restart := range 3 { // the same, released, crashed
			u := r.open("u")
			st, err := u.Status(r.ctx, "Sent")
			r.must(err)
			size := uint64(len(mailText(1)))
			if st.Messages != 2 || st.Unseen != 1 || st.Deleted != 0 || st.Size != 2*size || st.DeletedSize != 0 || st.UIDNext < 4 || st.HighestModSeq < all[0].HighestModSeq {
				t.Errorf("restart %d: %+v after %+v", restart, st, all)
			}
			all = append(all, st)
			u.Close()
			if restart == 0 {
				r.stop()
				r.start()
			} else if restart == 1 {
				r.crash()
				r.start()
			}
		}
		if st := all[0]; st.Deleted != 1 || st.DeletedSize == 0 || st.Messages != 3 || st.UIDNext != 4 {
			t.Errorf("%+v", st)
		}
	})
}

func TestReadOnlyAndClosed(t *testing.T) {
	inRig(t, func(r *rig) {
		u := r.open("u")
		r.append(u, "INBOX", 1)
		m, err := u.Select(r.ctx, "INBOX", true)
		r.must(err)
		_, err = m.SetFlags(r.ctx, FlagChange{UIDs: uidset.Of(1), Flags: []string{`\Seen`}})
		r.wantErr("STORE", err, ErrReadOnly)
		_, err = m.Expunge(r.ctx, uidset.Of(1))
		r.wantErr("EXPUNGE", err, ErrReadOnly)
		_, err = m.Move(r.ctx, uidset.Of(1), "Trash")
		r.wantErr("MOVE", err, ErrReadOnly)
		_, err = m.Copy(r.ctx, uidset.Of(1), "Trash")
		r.must(err)
		_, err = m.Message(r.ctx, 7)
		r.wantErr("a message that isn't there", err, ErrMessageGone)
		u.Close()
		u.Close()
		m.Close()
		_, err = m.Message(r.ctx, 1)
		r.wantErr("after Close", err, ErrClosed)
		_, err = u.Select(r.ctx, "INBOX", true)
		r.wantErr("after Close", err, ErrClosed)
		if st := r.s.Stats(); st.Sessions != 0 || st.Active != 1 {
			t.Errorf("stats %+v", st)
		}
	})
}

func TestMaildropLock(t *testing.T) {
	inRig(t, func(r *rig) {
		u1, u2 := r.open("u"), r.open("u")
		release, err := u1.LockMaildrop()
		r.must(err)
		_, err = u2.LockMaildrop()
		r.wantErr("second lock", err, ErrInUse)
		release()
		_, err = u2.LockMaildrop()
		r.must(err)
		release() // not ours any more
		_, err = u1.LockMaildrop()
		r.wantErr("after a second release", err, ErrInUse)
		u2.Close()
		_, err = u1.LockMaildrop()
		r.must(err)
		u1.Close()
	})
}

func TestAppend(t *testing.T) {
	withRig(t, Config{MaxMessageSize: 1000, MaxMultiAppend: 3, QuotaBytes: 2000}, func(r *rig) {
		u := r.open("u")
		defer u.Close()
		date := time.Date(2001, 2, 3, 4, 5, 6, 0, time.FixedZone("", 3600))
		res, err := u.Append(r.ctx, "INBOX", []NewMessage{{Body: mailBody(1), Flags: []string{`\Seen`, "$Key", `\Recent`}, InternalDate: date}})
		r.must(err)
		m := r.sel(u, "INBOX")
		r.wantShow(m, `1 mail 1 \Seen $Key`)
		if rec := m.View().At(0); rec.InternalDate != date.Unix() || rec.SaveDate == 0 || int(rec.Size) != len(mailText(1)) {
			t.Errorf("record %+v", rec)
		}
		if info, _ := u.Lookup("INBOX"); res.UIDValidity != info.UIDValidity {
			t.Errorf("result %+v", res)
		}
		try := func(what, name string, want error, bodies ...*message.Body) {
			var msgs []NewMessage
			for _, b := range bodies {
				msgs = append(msgs, NewMessage{Body: b})
			}
			r.wantCost(what, "", 0, func() {
				_, err := u.Append(r.ctx, name, msgs)
				r.wantErr(what, err, want)
			})
		}
		large := message.NewBody(bytes.Repeat([]byte("x"), 1001), message.DefaultLimits())
		half := message.NewBody(bytes.Repeat([]byte("x"), 900), message.DefaultLimits())
		try("to nowhere", "nowhere", ErrNoMailbox, mailBody(2))
		try("too large", "INBOX", ErrTooLarge, mailBody(2), large)
		try("too many", "INBOX", ErrLimit, mailBody(2), mailBody(3), mailBody(4), mailBody(5))
		try("over quota", "Sent", ErrQuota, half, half, half)
		if got := fmt.Sprint(r.append(u, "INBOX", 2, 3, 4)); got != "[2 3 4]" {
			t.Errorf("UIDs %s", got)
		}
	})
}

// TestMultiAppendIsAllOrNothing: RFC 3502.
func TestMultiAppendIsAllOrNothing(t *testing.T) {
	inRig(t, func(r *rig) {
		u := r.open("u")
		defer u.Close()
		m := r.sel(u, "INBOX")
		var puts atomic.Int32
		r.objects.SetHook(func(q mem.Request) mem.Fault {
			if isMailPut(q) && puts.Add(1) == 3 {
				return mem.Fault{Refuse: objstore.ErrDenied}
			}
			return mem.Fault{}
		})
		ctx, cancel := context.WithTimeout(r.ctx, time.Minute)
		defer cancel()
		_, err := u.Append(ctx, "INBOX", []NewMessage{{Body: mailBody(1)}, {Body: mailBody(2)}, {Body: mailBody(3)}, {Body: mailBody(4)}})
		if err == nil {
			t.Fatal("no error")
		}
		r.objects.SetHook(nil)
		r.pass(time.Hour)
		r.wantShow(m, "")
		r.append(u, "INBOX", 5)
		if got := r.show(m); !strings.HasSuffix(got, "mail 5") || strings.Contains(got, ";") {
			t.Errorf("shows %s", got)
		}
	})
}
