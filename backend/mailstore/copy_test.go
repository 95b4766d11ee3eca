package mailstore

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/mem"
	"mailbackend.io/backend/uidset"
)

func TestCopyKeepsAndRenews(t *testing.T) {
	inRig(t, func(r *rig) {
		u := r.open("u")
		defer u.Close()
		date := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
		_, err := u.Append(r.ctx, "INBOX", []NewMessage{{Body: mailBody(1), Flags: []string{`\Seen`, "$Key"}, InternalDate: date}})
		r.must(err)
		r.append(u, "INBOX", 2)
		r.pass(time.Hour)
		m := r.sel(u, "INBOX")
		res, err := m.Copy(r.ctx, uidset.OfRanges(uidset.Range{First: 1, Last: 1000}), "Archive")
		r.must(err)
		dst := r.sel(u, "Archive")
		if info, _ := u.Lookup("Archive"); res.UIDValidity != info.UIDValidity || fmt.Sprint(res.Src, res.Dst) != "[1 2] [1 2]" {
			t.Errorf("result %+v", res)
		}
		r.wantShow(dst, `1 mail 1 \Seen $Key; 2 mail 2`)
		r.wantShow(m, `1 mail 1 \Seen $Key; 2 mail 2`)
		a, b := m.View().At(0), dst.View().At(0)
		if a.InternalDate != date.Unix() || b.InternalDate != a.InternalDate || b.SaveDate < a.SaveDate+3600 || a.Size != b.Size {
			t.Errorf("copied %+v to %+v", a, b)
		}
		ia, err := m.IDs(r.ctx, 1)
		r.must(err)
		ib, err := dst.IDs(r.ctx, 1)
		r.must(err)
		if ia.EmailID != ib.EmailID || ia.ThreadID != ib.ThreadID || ia.GUID == ib.GUID || ia.EmailID == (index.ID{}) {
			t.Errorf("ids %v to %v", ia, ib)
		}
		res, err = m.Copy(r.ctx, uidset.Of(2), "inbox")
		r.must(err)
		if fmt.Sprint(res.Src, res.Dst) != "[2] [3]" {
			t.Errorf("copy within a mailbox: %+v", res)
		}
		_, err = m.Copy(r.ctx, uidset.Of(2), "nowhere")
		r.wantErr("to nowhere", err, ErrNoMailbox)
		res, err = m.Copy(r.ctx, uidset.Of(77), "Archive")
		if err != nil || len(res.Src) != 0 {
			t.Errorf("of nothing: %+v, %v", res, err)
		}
	})
}

func isMailPut(q mem.Request) bool {
	return (q.Op == objstore.OpPutIfAbsent) && strings.Contains(q.Key, "/mail/")
}

// TestFailedCopyLeavesNothing: RFC 9051 section 6.4.7, over several windows.
func TestFailedCopyLeavesNothing(t *testing.T) {
	withRig(t, Config{CopyMessages: 2}, func(r *rig) {
		u := r.open("u")
		defer u.Close()
		r.append(u, "INBOX", 1, 2, 3, 4, 5)
		m, dst := r.sel(u, "INBOX"), r.sel(u, "Archive")
		var puts atomic.Int32
		r.objects.SetHook(func(q mem.Request) mem.Fault {
			if isMailPut(q) && puts.Add(1) == 5 {
				return mem.Fault{Refuse: objstore.ErrDenied}
			}
			return mem.Fault{}
		})
		ctx, cancel := context.WithTimeout(r.ctx, time.Minute)
		defer cancel()
		if _, err := m.Copy(ctx, m.View().UIDs(), "Archive"); err == nil {
			t.Fatal("no error")
		}
		r.objects.SetHook(nil)
		r.pass(time.Hour)
		r.wantShow(dst, "")
		r.wantShow(m, "1 mail 1; 2 mail 2; 3 mail 3; 4 mail 4; 5 mail 5")
	})
}

// TestFailedMoveLosesNothing: what was not moved is still there.
func TestFailedMoveLosesNothing(t *testing.T) {
	withRig(t, Config{CopyMessages: 2}, func(r *rig) {
		u := r.open("u")
		defer u.Close()
		r.append(u, "INBOX", 1, 2, 3, 4, 5)
		m, dst := r.sel(u, "INBOX"), r.sel(u, "Archive")
		var puts atomic.Int32
		r.objects.SetHook(func(q mem.Request) mem.Fault {
			if isMailPut(q) && puts.Add(1) >= 3 {
				return mem.Fault{Refuse: objstore.ErrDenied}
			}
			return mem.Fault{}
		})
		ctx, cancel := context.WithTimeout(r.ctx, time.Minute)
		defer cancel()
		res, err := m.Move(ctx, m.View().UIDs(), "Archive")
		if err == nil || fmt.Sprint(res.Src, res.Dst) != "[1 2] [1 2]" {
			t.Fatalf("%+v, %v", res, err)
		}
		r.objects.SetHook(nil)
		r.pass(time.Hour)
		r.wantShow(dst, "1 mail 1; 2 mail 2")
		r.wantShow(m, "3 mail 3; 4 mail 4; 5 mail 5")
		res, err = m.Move(r.ctx, m.View().UIDs(), "Archive")
		r.must(err)
		if fmt.Sprint(res.Src) != "[3 4 5]" {
			t.Errorf("%+v", res)
		}
		r.wantShow(m, "")
		if got := r.show(dst); strings.Count(got, "mail") != 5 {
			t.Errorf("shows %s", got)
		}
	})
}

func TestExpunge(t *testing.T) {
	inRig(t, func(r *rig) {
		u := r.open("u")
		defer u.Close()
		r.append(u, "INBOX", 1, 2, 3, 4)
		m := r.sel(u, "INBOX")
		r.store(m, AddFlags, `\Deleted`, 1, 3, 4)
		gone, err := m.Expunge(r.ctx, uidset.Of(1, 2, 3))
		r.must(err)
		if gone.String() != "1,3" {
			t.Errorf("expunged %v", gone)
		}
		for _, k := range r.objects.Keys() {
			if strings.HasSuffix(k, "0001") || strings.HasSuffix(k, "0003") {
				t.Errorf("object %s is still there", k)
			}
		}
		r.wantShow(m, `2 mail 2; 4 mail 4 \Deleted`)
		gone, err = m.Remove(r.ctx, uidset.Of(2, 9))
		r.must(err)
		if gone.String() != "2" {
			t.Errorf("removed %v", gone)
		}
	})
}

// TestFlagsChangedDuringMove: what another session does meanwhile is kept.
func TestFlagsChangedDuringMove(t *testing.T) {
	withRig(t, Config{CopyMessages: 1}, func(r *rig) {
		r.uncached()
		u := r.open("u")
		defer u.Close()
		r.append(u, "INBOX", 1, 2, 3)
		m, other := r.sel(u, "INBOX"), r.sel(u, "INBOX")
		var gets atomic.Int32
		r.objects.SetHook(func(q mem.Request) mem.Fault {
			if q.Op == objstore.OpGet && gets.Add(1) == 1 {
				r.store(other, AddFlags, `\Seen`, 2)
				_, err := other.Remove(r.ctx, uidset.Of(3))
				r.must(err)
			}
			return mem.Fault{}
		})
		res, err := m.Move(r.ctx, uidset.Of(1, 2, 3), "Archive")
		r.must(err)
		if fmt.Sprint(res.Src) != "[1 2]" {
			t.Errorf("%+v", res)
		}
		r.wantShow(r.sel(u, "Archive"), `1 mail 1; 2 mail 2 \Seen`)
	})
}
