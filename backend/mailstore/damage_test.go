package mailstore

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/mem"
	"mailbackend.io/backend/sync"
	"mailbackend.io/backend/uidset"
)

// uncached starts anew without anything that keeps mails.
func (r *rig) uncached() {
	r.dir, r.syncCfg = "", sync.Config{CacheAppended: 1, WholeObject: 1}
	r.stop()
	r.start()
}

// TestDamagedObject: any damage is an error, never other bytes or a panic.
func TestDamagedObject(t *testing.T) {
	for _, cfg := range []Config{{BodyCacheBytes: 1}, {BodyCacheBytes: 1, SmallRead: 1, WholeRead: 1}} {
		withRig(t, cfg, func(r *rig) {
			r.uncached()
			u := r.open("u")
			defer u.Close()
			uid := r.appendRaw(u, largeMail(1, 700<<10))
			m := r.sel(u, "INBOX")
			var key string
			for _, k := range r.objects.Keys() {
				if strings.Contains(k, "/mail/") {
					key = k
				}
			}
			good, _ := r.objects.Peek(key)
			damage := map[string][]byte{"empty": {}, "half": good[:len(good)/2], "head only": good[:1000], "without its end": good[:len(good)-1]}
			for at := 100; at < len(good); at += len(good) / 7 {
				b := bytes.Clone(good)
				b[at] ^= 0x10
				damage[fmt.Sprint("flipped at ", at)] = b
			}
			for what, data := range damage {
				r.objects.Poke(key, data)
				msg, err := m.Message(r.ctx, uid)
				r.must(err)
				if err := msg.ReadRange(r.ctx, io.Discard, 0, -1); err == nil {
					t.Errorf("%s: no error", what)
				}
			}
			r.objects.Poke(key, good)
			if got := r.read(m, uid); !bytes.Equal(got, largeMail(1, 700<<10)) {
				t.Error("undamaged mail reads differently")
			}
		})
	}
}

// TestLongHead: a mail whose summary takes more than the first read.
func TestLongHead(t *testing.T) {
	withRig(t, Config{BodyCacheBytes: 1, SmallRead: 1}, func(r *rig) {
		r.uncached()
		u := r.open("u")
		defer u.Close()
		var raw []byte
		for i := range 3000 { // addresses that don't compress
			raw = fmt.Appendf(raw, "Cc: %x@example.org\r\n", (i+1)*(1<<40+7919*i*i))
		}
		raw = append(raw, "\r\n"...)
		raw = append(raw, largeMail(1, 1<<20)...)
		uid := r.appendRaw(u, raw)
		m := r.sel(u, "INBOX")
		for _, off := range []int64{0, 600 << 10} {
			msg, err := m.Message(r.ctx, uid)
			r.must(err)
			var b bytes.Buffer
			r.must(msg.ReadRange(r.ctx, &b, off, 100))
			if !bytes.Equal(b.Bytes(), raw[off:off+100]) {
				t.Errorf("from %d: %q", off, b.Bytes())
			}
			if msg.UID() != uid || msg.Size() != int64(len(raw)) {
				t.Errorf("UID %d, size %d", msg.UID(), msg.Size())
			}
		}
	})
}

// TestMoveWhoseExpungeFails: the mails are in both places, and not told moved.
func TestMoveWhoseExpungeFails(t *testing.T) {
	inRig(t, func(r *rig) {
		u := r.open("u")
		defer u.Close()
		r.append(u, "INBOX", 1, 2)
		m := r.sel(u, "INBOX")
		r.objects.SetHook(func(q mem.Request) mem.Fault {
			if q.Op == objstore.OpDelete {
				return mem.Fault{Refuse: objstore.ErrDenied}
			}
			return mem.Fault{}
		})
		res, err := m.Move(r.ctx, uidset.Of(1, 2), "Archive")
		if err == nil || len(res.Src) != 0 {
			t.Errorf("%+v, %v", res, err)
		}
		r.objects.SetHook(nil)
		r.wantShow(m, "1 mail 1; 2 mail 2")
		r.wantShow(r.sel(u, "Archive"), "1 mail 1; 2 mail 2")
	})
}

// TestMissingInbox: a user without INBOX, as a rebuild may leave it, gets one.
func TestMissingInbox(t *testing.T) {
	inRig(t, func(r *rig) {
		u := r.open("u")
		defer u.Close()
		info, _ := u.Lookup(Inbox)
		r.must(u.e.acct.Commit(r.ctx, func(root *sync.Root) error { return root.Delete(sync.MailboxID(info.ID)) }))
		r.deliver("u", 1)
		r.wantShow(r.sel(u, Inbox), "1 mail 1")
		if now, _ := u.Lookup(Inbox); now.ID == info.ID || now.UIDValidity == info.UIDValidity {
			t.Errorf("INBOX is %+v, was %+v", now, info)
		}
	})
}

// TestSummariesAndIDs streams over messages that are gone.
func TestSummariesAndIDs(t *testing.T) {
	inRig(t, func(r *rig) {
		u := r.open("u")
		defer u.Close()
		r.append(u, "INBOX", 1, 2, 3)
		m := r.sel(u, "INBOX")
		_, err := m.Remove(r.ctx, uidset.Of(2))
		r.must(err)
		var got []uint32
		for item, err := range m.Summaries(r.ctx, []uint32{1, 2, 3, 9}) {
			r.must(err)
			got = append(got, item.UID)
			if s := item.Summary.Envelope().Subject; s != fmt.Sprint("mail ", item.UID) {
				t.Errorf("summary of %d has subject %q", item.UID, s)
			}
		}
		if fmt.Sprint(got) != "[1 3]" {
			t.Errorf("summaries of %v", got)
		}
		a, err := m.IDs(r.ctx, 1)
		r.must(err)
		b, err := m.IDs(r.ctx, 3)
		r.must(err)
		if a.GUID == b.GUID || a.EmailID == b.EmailID {
			t.Errorf("ids %v and %v", a, b)
		}
		_, err = m.IDs(r.ctx, 2)
		r.wantErr("ids of a message that is gone", err, ErrMessageGone)
		m.Close()
		for _, err := range m.Summaries(r.ctx, []uint32{1}) {
			r.wantErr("after Close", err, ErrClosed)
		}
	})
}
