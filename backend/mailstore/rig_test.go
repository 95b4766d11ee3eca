package mailstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mailbackend.io/backend/cache"
	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/message"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/mem"
	"mailbackend.io/backend/sync"
	"mailbackend.io/backend/uidset"
)

// TestMain makes the shared zstd coders outside of any bubble: their channels
// belong to the bubble that used them first.
func TestMain(m *testing.M) {
	data, _, err := mailBody(1).Object(nil, message.Meta{GUID: message.ID{1}})
	if err == nil {
		_, _, err = message.ReadAll(bytes.Join(data, nil))
	}
	if err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// latency is what a request takes in these tests, in the time of their bubble.
const latency = 10 * time.Millisecond

// rig is a Store on an object store in memory, in a synctest bubble: time
// stands still until everybody waits.
type rig struct {
	t       testing.TB
	ctx     context.Context
	cfg     Config
	syncCfg sync.Config
	objects *mem.Store
	dir     string // of the cache; "": none
	cache   *cache.Cache
	starts  int
	rnd     *rand.ChaCha8
	s       *Store
}

// inRig runs f in a bubble.
func inRig(t *testing.T, f func(r *rig)) { withRig(t, Config{}, f) }

func withRig(t *testing.T, cfg Config, f func(r *rig)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, ctx: t.Context(), cfg: cfg, dir: dir}
		r.objects = mem.New(mem.Options{Log: true, Latency: latency})
		r.rnd = rand.NewChaCha8([32]byte{1})
		r.start()
		defer func() {
			if r.s != nil && t.Failed() {
				r.crash()
			} else if r.s != nil {
				r.stop()
			}
		}()
		f(r)
	})
}

// start starts a process.
func (r *rig) start() {
	r.t.Helper()
	r.starts++
	log := slog.New(slog.NewTextHandler(r.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	instance := fmt.Sprintf("run-%d", r.starts)
	if r.dir != "" {
		var err error
		r.cache, err = cache.Open(r.t.Context(), cache.Options{Dir: r.dir, BootID: "boot", Instance: instance, AllowNetworkFS: true, Log: log})
		if err != nil {
			r.t.Fatal(err)
		}
	}
	r.s = r.backend(instance, r.cache)
}

// backend is one more Store on the same objects.
func (r *rig) backend(instance string, c *cache.Cache) *Store {
	r.t.Helper()
	log := slog.New(slog.NewTextHandler(r.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	engine, err := sync.NewEngine(r.syncCfg, r.objects.As(instance), c, clock.System{}, r.rnd, sync.Holder{Pod: "pod", Incarnation: instance}, log)
	if err != nil {
		r.t.Fatal(err)
	}
	s, err := New(r.cfg, engine, clock.System{}, log)
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// stop ends the process in order.
func (r *rig) stop() {
	r.t.Helper()
	if err := r.s.Shutdown(context.Background()); err != nil {
		r.t.Errorf("shutdown: %v", err)
	}
	r.closeCache()
	r.s = nil
}

// crash ends the process without any request.
func (r *rig) crash() {
	r.t.Helper()
	r.s.abandon()
	r.closeCache()
	r.s = nil
}

func (r *rig) closeCache() {
	if r.cache != nil {
		if err := r.cache.Close(); err != nil {
			r.t.Errorf("close cache: %v", err)
		}
		r.cache = nil
	}
}

// abandon is the end of a Store as a crash has it.
func (s *Store) abandon() {
	s.mu.Lock()
	s.closing = true
	if s.idle.timer != nil {
		s.idle.timer.Stop()
	}
	s.mu.Unlock()
	s.abandonRest()
	s.running.Wait()
}

// pass lets time go by.
func (r *rig) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// cost runs f and, in the time after it, everything that follows from it at
// once, and returns the requests that took, like "PUT mail 1, GET root 1", and
// the rounds that f itself waited for, one after the other.
func (r *rig) cost(f func()) (requests string, rounds int) {
	r.t.Helper()
	r.pass(100 * latency)
	r.objects.ResetEvents()
	start := time.Now()
	f()
	rounds = int(time.Since(start) / latency)
	r.pass(100 * latency)
	return describe(mem.Rounds(r.objects.Events())), rounds
}

func describe(rounds [][]mem.Request) string {
	counts := map[string]int{}
	for _, round := range rounds {
		for _, q := range round {
			what := "root"
			switch {
			case strings.Contains(q.Key, "/mail/"):
				what = "mail"
			case strings.Contains(q.Key, "/index/"):
				what = "index"
			}
			op := q.Op.String()
			switch q.Op {
			case objstore.OpPutIfAbsent, objstore.OpPutIfMatch:
				op = "PUT"
			}
			counts[strings.ToUpper(op)+" "+what]++
		}
	}
	var parts []string
	for k, n := range counts {
		parts = append(parts, fmt.Sprintf("%s %d", k, n))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

func (r *rig) wantCost(what, requests string, rounds int, f func()) {
	r.t.Helper()
	got, n := r.cost(f)
	if got != requests || n != rounds {
		r.t.Errorf("%s: %q in %d rounds, want %q in %d", what, got, n, requests, rounds)
	}
}

func (r *rig) wantRequests(what, requests string, f func()) {
	r.t.Helper()
	if got, _ := r.cost(f); got != requests {
		r.t.Errorf("%s: %q, want %q", what, got, requests)
	}
}

func (r *rig) wantNothing(what string, f func()) {
	r.t.Helper()
	r.wantRequests(what, "", f)
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// mailText is a mail with a number.
func mailText(n int) []byte {
	return fmt.Appendf(nil, "From: a@example.org\r\nSubject: mail %d\r\nMessage-ID: <%d@example.org>\r\n\r\nText of mail %d\r\n", n, n, n)
}

func mailBody(n int) *message.Body {
	return message.NewBody(mailText(n), message.DefaultLimits())
}

func (r *rig) deliver(user string, n int) {
	r.t.Helper()
	r.must(r.s.Deliver(r.t.Context(), Delivery{User: user, Body: mailBody(n)}))
}

func (r *rig) open(user string) *User {
	r.t.Helper()
	u, err := r.s.Open(r.t.Context(), user)
	r.must(err)
	return u
}

func (r *rig) sel(u *User, name string) *Mailbox {
	r.t.Helper()
	m, err := u.Select(r.t.Context(), name, false)
	r.must(err)
	return m
}

func (r *rig) append(u *User, name string, ns ...int) []uint32 {
	r.t.Helper()
	var msgs []NewMessage
	for _, n := range ns {
		msgs = append(msgs, NewMessage{Body: mailBody(n)})
	}
	res, err := u.Append(r.t.Context(), name, msgs)
	r.must(err)
	return res.UIDs
}

func (r *rig) store(m *Mailbox, mode FlagMode, flags string, uids ...uint32) FlagResult {
	r.t.Helper()
	res, err := m.SetFlags(r.t.Context(), FlagChange{UIDs: uidset.Of(uids...), Mode: mode, Flags: strings.Fields(flags)})
	r.must(err)
	return res
}

func (r *rig) read(m *Mailbox, uid uint32) []byte {
	r.t.Helper()
	msg, err := m.Message(r.t.Context(), uid)
	r.must(err)
	var b bytes.Buffer
	r.must(msg.ReadRange(r.t.Context(), &b, 0, -1))
	return b.Bytes()
}

// show is a mailbox's messages, like "1 mail 7 \Seen key; 2 mail 8".
func (r *rig) show(m *Mailbox) string {
	r.t.Helper()
	var parts []string
	v := m.View()
	for _, rec := range v.All() {
		text := fmt.Sprintf("%d %s", rec.UID, subject(r.read(m, rec.UID)))
		for _, s := range systemFlags {
			if rec.Flags&s.flag != 0 {
				text += " " + s.name
			}
		}
		for _, k := range v.Keywords(rec.Keywords) {
			text += " " + k
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

func subject(mail []byte) string {
	_, rest, _ := bytes.Cut(mail, []byte("Subject: "))
	line, _, _ := bytes.Cut(rest, []byte("\r\n"))
	return string(line)
}

func (r *rig) wantShow(m *Mailbox, want string) {
	r.t.Helper()
	if got := r.show(m); got != want {
		r.t.Errorf("mailbox %s: %q, want %q", m.Name(), got, want)
	}
}

func (r *rig) wantErr(what string, err, want error) {
	r.t.Helper()
	if !errors.Is(err, want) {
		r.t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func names(u *User) string {
	var all []string
	for _, m := range u.Mailboxes() {
		n := m.Name
		if m.NonExistent {
			n = "(" + n + ")"
		}
		if m.Subscribed {
			n += "*"
		}
		all = append(all, n)
	}
	return strings.Join(all, " ")
}
