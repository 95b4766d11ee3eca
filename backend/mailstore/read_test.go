package mailstore

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"mailbackend.io/backend/message"
	"mailbackend.io/backend/objstore/mem"
)

// largeMail is a mail of about n bytes that does not compress well.
func largeMail(seed uint64, n int) []byte {
	rnd := rand.New(rand.NewPCG(seed, 1))
	b := []byte("Subject: large\r\n\r\n")
	for len(b) < n {
		for range 76 {
			b = append(b, byte('A'+rnd.IntN(58)))
		}
		b = append(b, "\r\n"...)
	}
	return b
}

func (r *rig) appendRaw(u *User, raw []byte) uint32 {
	r.t.Helper()
	res, err := u.Append(r.t.Context(), "INBOX", []NewMessage{{Body: message.NewBody(raw, message.DefaultLimits())}})
	r.must(err)
	return res.UIDs[0]
}

// TestReadRange reads every kind of range of small and large mails, whole and
// in pieces, with and without memory to spare.
func TestReadRange(t *testing.T) {
	for name, cfg := range map[string]Config{
		"default":   {},
		"pieces":    {SmallRead: 1, WholeRead: 600 << 10},
		"no budget": {ReadBytes: 1, SmallRead: 1},
		"no memory": {BodyCacheBytes: 1},
	} {
		t.Run(name, func(t *testing.T) {
			withRig(t, cfg, func(r *rig) {
				r.uncached()
				u := r.open("u")
				defer u.Close()
				for seed, size := range []int{0, 100, 500 << 10, 3 << 20} {
					raw := largeMail(uint64(seed), size)
					uid := r.appendRaw(u, raw)
					m := r.sel(u, "INBOX")
					total := int64(len(raw))
					for _, c := range [][2]int64{
						{0, -1}, {0, total}, {0, total + 1}, {total, 5}, {total - 1, 5}, {total + 10, -1}, {0, 0},
						{0, 10}, {5, 1000}, {total / 2, 100}, {total - 100, -1}, {512<<10 - 5, 10}, {100, 2 << 20},
					} {
						off, n := max(c[0], 0), c[1]
						msg, err := m.Message(r.ctx, uid)
						r.must(err)
						var b bytes.Buffer
						r.must(msg.ReadRange(r.ctx, &b, off, n))
						want := raw[min(off, total):]
						if n >= 0 {
							want = want[:min(n, int64(len(want)))]
						}
						if !bytes.Equal(b.Bytes(), want) {
							t.Errorf("mail of %d bytes: %d bytes from %d: got %d bytes", total, n, off, b.Len())
						}
					}
				}
			})
		})
	}
}

// TestPartOfLargeMailReadsARange: not the whole object.
func TestPartOfLargeMailReadsARange(t *testing.T) {
	inRig(t, func(r *rig) {
		r.uncached()
		u := r.open("u")
		defer u.Close()
		uid := r.appendRaw(u, largeMail(1, 6<<20))
		m := r.sel(u, "INBOX")
		r.wantCost("the first bytes", "GET mail 1", 1, func() {
			msg, err := m.Message(r.ctx, uid)
			r.must(err)
			r.must(msg.ReadRange(r.ctx, io.Discard, 0, 1000))
		})
		for _, e := range r.objects.Events() {
			if e.Request.Range.Length == 0 || e.Request.Range.Length > 1<<20 {
				t.Errorf("%s of %+v", e, e.Request.Range)
			}
		}
		r.wantCost("some bytes near the end", "GET mail 2", 2, func() {
			msg, err := m.Message(r.ctx, uid)
			r.must(err)
			r.must(msg.ReadRange(r.ctx, io.Discard, 5<<20, 1000))
		})
		r.wantCost("all of it", "GET mail 1", 1, func() {
			msg, err := m.Message(r.ctx, uid)
			r.must(err)
			r.must(msg.ReadRange(r.ctx, io.Discard, 0, -1))
		})
	})
}

// TestPrefetch: mails are read in parallel ahead of the reader, once each.
func TestPrefetch(t *testing.T) {
	withRig(t, Config{PrefetchMessages: 8}, func(r *rig) {
		r.uncached()
		u := r.open("u")
		defer u.Close()
		var ns []int
		for n := 1; n <= 32; n++ {
			ns = append(ns, n)
		}
		uids := r.append(u, "INBOX", ns...)
		m := r.sel(u, "INBOX")
		r.wantCost("32 mails in windows of 8", "GET mail 32", 4, func() {
			m.Prefetch(uids)
			for i, uid := range uids {
				if got := r.read(m, uid); !bytes.Equal(got, mailText(i+1)) {
					t.Errorf("mail %d: %q", uid, got)
				}
				r.pass(0)
			}
			m.Prefetch(nil)
		})
		r.wantCost("again, from memory", "", 0, func() {
			for _, uid := range uids {
				r.read(m, uid)
			}
		})
		if left := r.s.reads.left; left != r.s.cfg.ReadBytes {
			t.Errorf("%d bytes of the budget were not given back", r.s.cfg.ReadBytes-left)
		}
	})
}

// TestPrefetchGivenUp: a reader that stops, skips or reads in another order.
func TestPrefetchGivenUp(t *testing.T) {
	withRig(t, Config{PrefetchMessages: 4, BodyCacheBytes: 1}, func(r *rig) {
		u := r.open("u")
		defer u.Close()
		uids := r.append(u, "INBOX", 1, 2, 3, 4, 5, 6, 7, 8, 9)
		m := r.sel(u, "INBOX")
		for _, order := range [][]uint32{{1}, {9, 1}, {3, 2, 1}, {5, 6, 9, 9}, {77}, {}} {
			m.Prefetch(append(uids, 78))
			for _, uid := range order {
				if uid < 10 {
					r.read(m, uid)
				}
			}
		}
		m.Prefetch(uids)
		m.Close()
		r.pass(0)
		if left := r.s.reads.left; left != r.s.cfg.ReadBytes {
			t.Errorf("%d bytes of the budget were not given back", r.s.cfg.ReadBytes-left)
		}
	})
}

// TestLostObject: a mail whose object is gone costs that mail only.
func TestLostObject(t *testing.T) {
	inRig(t, func(r *rig) {
		r.uncached()
		u := r.open("u")
		defer u.Close()
		r.append(u, "INBOX", 1, 2, 3)
		m := r.sel(u, "INBOX")
		news := m.Changed()
		for _, k := range r.objects.Keys() {
			if strings.Contains(k, "/mail/") && strings.HasSuffix(k, "2") {
				r.objects.Remove(k)
			}
		}
		msg, err := m.Message(r.ctx, 2)
		r.must(err)
		r.wantErr("read", msg.ReadRange(r.ctx, io.Discard, 0, -1), ErrMessageGone)
		<-news
		r.wantShow(m, "1 mail 1; 3 mail 3")
	})
}

// TestReadErrors: of the store and of the writer.
func TestReadErrors(t *testing.T) {
	inRig(t, func(r *rig) {
		r.uncached()
		u := r.open("u")
		defer u.Close()
		r.append(u, "INBOX", 1)
		m := r.sel(u, "INBOX")
		msg, err := m.Message(r.ctx, 1)
		r.must(err)
		r.objects.SetHook(func(mem.Request) mem.Fault { return mem.Unavailable() })
		r.wantErr("store away", msg.ReadRange(r.ctx, io.Discard, 0, -1), ErrUnavailable)
		r.objects.SetHook(nil)
		broken := errors.New("broken pipe")
		if err := msg.ReadRange(r.ctx, failingWriter{broken}, 0, -1); !errors.Is(err, broken) {
			t.Errorf("writer's error: %v", err)
		}
	})
}

type failingWriter struct{ err error }

func (w failingWriter) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	return len(p), nil
}
