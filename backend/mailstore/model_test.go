package mailstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/uidset"
)

// TestModel runs random histories of mailbox commands, deliveries, restarts,
// crashes and lost caches, and compares with a model what each step gives and
// what is there after it. MODEL_SEED is the first seed (default 0), MODEL_RUNS
// how many (default 25).
func TestModel(t *testing.T) {
	env := func(name string, def uint64) uint64 {
		if n, err := strconv.ParseUint(os.Getenv(name), 10, 64); err == nil {
			return n
		}
		return def
	}
	first := env("MODEL_SEED", 0)
	for seed := first; seed < first+env("MODEL_RUNS", 25); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			withRig(t, Config{CopyMessages: 3, BodyCacheBytes: 4 << 10}, func(r *rig) {
				w := &world{r: r, rnd: rand.New(rand.NewPCG(seed, 0)), boxes: map[string]*modelBox{}, ids: map[string]bool{}}
				w.login()
				for range 60 {
					w.step()
					if t.Failed() {
						t.Fatalf("history of seed %d:\n%s", seed, strings.Join(w.history, "\n"))
					}
				}
				w.u.Close()
			})
		})
	}
}

// modelMail is a message: its mail never changes, its flags do.
type modelMail struct {
	n     int // of mailText
	flags string
	// since are the flags it had since they were last uploaded for sure: a
	// crash that loses the cache may go back to any of them.
	since []string
}

func newModelMail(n int, flags string) *modelMail {
	return &modelMail{n: n, flags: flags, since: []string{flags}}
}

func (m *modelMail) set(flags string) {
	m.flags = flags
	m.since = append(m.since, flags)
}

type modelBox struct {
	id       string
	validity uint32
	mails    map[uint32]*modelMail
	// pending are delivered mails whose UIDs nobody has seen yet.
	pending []*modelMail
	known   uint32 // lowest UID that may turn up in pending
	next    uint32 // lowest UID that may come
	modseq  uint64
}

func newModelBox(id string, validity uint32) *modelBox {
	return &modelBox{id: id, validity: validity, mails: map[uint32]*modelMail{}, known: 1, next: 1}
}

// world is one user and the model of it.
type world struct {
	r       *rig
	rnd     *rand.Rand
	u       *User
	boxes   map[string]*modelBox
	subs    map[string]bool
	ids     map[string]bool // MAILBOXIDs ever given
	n       int
	history []string
}

var modelNames = []string{"INBOX", "a", "a/b", "a/b/c", "b", "b/a", "Sent"}

func (w *world) name() string { return modelNames[w.rnd.IntN(len(modelNames))] }

func (w *world) note(format string, args ...any) {
	w.history = append(w.history, fmt.Sprintf(format, args...))
}

// login opens a session and learns the mailboxes at the first time.
func (w *world) login() {
	w.u = w.r.open("u")
	if len(w.boxes) == 0 {
		w.subs = map[string]bool{}
		for _, m := range w.u.Mailboxes() {
			w.boxes[m.Name] = newModelBox(m.ID, m.UIDValidity)
			w.ids[m.ID] = true
			w.subs[m.Name] = true
		}
	}
}

func (w *world) step() {
	ctx := w.r.t.Context()
	switch k := w.rnd.IntN(100); {
	case k < 20:
		w.deliver(ctx)
	case k < 32:
		w.append(ctx)
	case k < 52:
		w.store(ctx)
	case k < 58:
		w.expunge(ctx)
	case k < 70:
		w.copy(ctx)
	case k < 76:
		w.create(ctx)
	case k < 80:
		w.delete(ctx)
	case k < 85:
		w.rename(ctx)
	case k < 88:
		w.subscribe(ctx)
	case k < 93:
		d := time.Duration(w.rnd.IntN(400)) * time.Second
		w.note("%v pass", d)
		w.r.pass(d)
		if d >= w.r.s.cfg.UploadInterval {
			w.uploaded()
		}
	case k < 95:
		w.note("moved away")
		w.r.must(w.r.s.Evict(ctx, "u"))
		w.u.Close()
		w.login()
		w.uploaded()
	case k < 97:
		w.note("idle until the indexes leave memory")
		w.u.Close()
		w.r.pass(w.r.s.cfg.ActiveWindow + w.r.s.cfg.UploadInterval)
		if st := w.r.s.Stats(); st.Loaded != 0 || st.Active != 0 {
			w.r.t.Errorf("idle, but %+v", st)
		}
		w.login()
		w.uploaded()
	default:
		w.restart()
	}
	if w.rnd.IntN(2) == 0 {
		w.check()
	}
}

// uploaded says that all flags are now safe.
func (w *world) uploaded() {
	for _, b := range w.boxes {
		for _, m := range b.mails {
			m.since = []string{m.flags}
		}
	}
}

// got checks a command's error against what the model says.
func (w *world) got(err, want error) bool {
	w.r.t.Helper()
	if want == nil && err != nil || want != nil && !errors.Is(err, want) {
		w.r.t.Fatalf("got error %v, want %v; history:\n%s", err, want, strings.Join(w.history, "\n"))
	}
	return err == nil
}

// add is a mail that came into b under uid.
func (w *world) add(b *modelBox, uid uint32, m *modelMail) {
	w.r.t.Helper()
	if uid < b.next {
		w.r.t.Fatalf("UID %d, though %d was next; history:\n%s", uid, b.next, strings.Join(w.history, "\n"))
	}
	b.mails[uid] = m
	b.next = uid + 1
}

func (w *world) deliver(ctx context.Context) {
	name := w.name()
	w.n++
	w.note("deliver mail %d to %s", w.n, name)
	w.got(w.r.s.Deliver(ctx, Delivery{User: "u", Mailbox: name, Body: mailBody(w.n)}), nil)
	if w.boxes[name] == nil {
		name = Inbox
	}
	b := w.boxes[name]
	b.pending = append(b.pending, newModelMail(w.n, ""))
}

// settle finds the UIDs of mails that were delivered.
func (w *world) settle(b *modelBox, m *Mailbox) {
	w.r.t.Helper()
	for _, rec := range m.View().All() {
		if b.mails[rec.UID] != nil || len(b.pending) == 0 {
			continue
		}
		if rec.UID < b.known {
			w.r.t.Errorf("%s: UID %d turns up as %q, %d was next", m.Name(), rec.UID, subject(w.r.read(m, rec.UID)), b.known)
		}
		b.mails[rec.UID] = b.pending[0]
		b.pending = b.pending[1:]
		b.next = max(b.next, rec.UID+1)
	}
	if len(b.pending) > 0 {
		w.r.t.Errorf("%s: %d delivered mails are missing", m.Name(), len(b.pending))
	}
	b.known = b.next
}

func (w *world) append(ctx context.Context) {
	name, flags := w.name(), w.flags()
	var msgs []NewMessage
	first := w.n + 1
	for range 1 + w.rnd.IntN(4) {
		w.n++
		msgs = append(msgs, NewMessage{Body: mailBody(w.n), Flags: flags})
	}
	w.note("append %d mails from %d to %s %v", len(msgs), first, name, flags)
	b := w.boxes[name]
	res, err := w.u.Append(ctx, name, msgs)
	if b == nil {
		w.got(err, ErrNoMailbox)
		return
	}
	w.got(err, nil)
	for i, uid := range res.UIDs {
		w.add(b, uid, newModelMail(first+i, canonicalFlags(flags)))
	}
}

func (w *world) flags() []string {
	all := []string{`\Seen`, `\Deleted`, "key", "Other"}
	w.rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:w.rnd.IntN(3)]
}

// canonicalFlags is the form that recordFlags gives.
func canonicalFlags(flags []string) string {
	sorted := slices.Clone(flags)
	slices.Sort(sorted)
	return strings.Join(slices.Compact(sorted), " ")
}

func recordFlags(v *index.View, rec index.Record) string {
	flags := slices.Clone(v.Keywords(rec.Keywords))
	for _, s := range systemFlags {
		if rec.Flags&s.flag != 0 {
			flags = append(flags, s.name)
		}
	}
	return canonicalFlags(flags)
}

// uids are some UIDs of a mailbox and some others.
func (w *world) uids(b *modelBox) uidset.Set {
	var s uidset.Set
	for uid := uint32(1); uid <= b.next; uid++ {
		if w.rnd.IntN(3) == 0 {
			s.Add(uid, uid)
		}
	}
	return s
}

// selected opens a mailbox of the model.
func (w *world) selected() (string, *modelBox, *Mailbox) {
	names := slices.Sorted(maps.Keys(w.boxes))
	name := names[w.rnd.IntN(len(names))]
	m := w.r.sel(w.u, name)
	w.settle(w.boxes[name], m)
	return name, w.boxes[name], m
}

func (w *world) store(ctx context.Context) {
	name, b, m := w.selected()
	defer m.Close()
	c := FlagChange{UIDs: w.uids(b), Mode: FlagMode(w.rnd.IntN(3)), Flags: w.flags()}
	w.note("store in %s: %v mode %d %v", name, c.UIDs, c.Mode, c.Flags)
	_, err := m.SetFlags(ctx, c)
	w.got(err, nil)
	for uid, mail := range b.mails {
		if !c.UIDs.Contains(uid) {
			continue
		}
		have := strings.Fields(mail.flags)
		given := func(f string) bool { return slices.Contains(c.Flags, f) }
		switch c.Mode {
		case AddFlags:
			have = append(have, c.Flags...)
		case RemoveFlags:
			have = slices.DeleteFunc(have, given)
		case ReplaceFlags:
			have = c.Flags
		}
		mail.set(canonicalFlags(have))
	}
}

func (w *world) expunge(ctx context.Context) {
	name, b, m := w.selected()
	defer m.Close()
	uids := w.uids(b)
	w.note("expunge in %s: %v", name, uids)
	gone, err := m.Expunge(ctx, uids)
	w.got(err, nil)
	for uid, mail := range b.mails {
		want := uids.Contains(uid) && strings.Contains(mail.flags, `\Deleted`)
		if want != gone.Contains(uid) {
			w.r.t.Errorf("expunge of %d: %v, want %v", uid, !want, want)
		}
		if want {
			delete(b.mails, uid)
		}
	}
}

func (w *world) copy(ctx context.Context) {
	name, b, m := w.selected()
	defer m.Close()
	dst, uids, move := w.name(), w.uids(b), w.rnd.IntN(2) == 0
	w.note("copy from %s to %s: %v, move %v", name, dst, uids, move)
	f := m.Copy
	if move {
		f = m.Move
	}
	res, err := f(ctx, uids, dst)
	to := w.boxes[dst]
	if to == nil {
		w.got(err, ErrNoMailbox)
		return
	}
	w.got(err, nil)
	var want []uint32
	for _, uid := range slices.Sorted(maps.Keys(b.mails)) {
		if uids.Contains(uid) {
			want = append(want, uid)
		}
	}
	if !slices.Equal(want, res.Src) || len(res.Dst) != len(res.Src) {
		w.r.t.Fatalf("copied %v to %v, want %v", res.Src, res.Dst, want)
	}
	for i, uid := range want {
		w.add(to, res.Dst[i], newModelMail(b.mails[uid].n, b.mails[uid].flags))
		if move {
			delete(b.mails, uid)
		}
	}
}

func (w *world) create(ctx context.Context) {
	name := w.name()
	w.note("create %s", name)
	id, err := w.u.Create(ctx, name, nil)
	if w.boxes[name] != nil {
		w.got(err, ErrExists)
		return
	}
	w.got(err, nil)
	w.made(name, id)
}

// made is a mailbox that came to be.
func (w *world) made(name, id string) {
	info, ok := w.u.Lookup(name)
	if !ok || info.ID != id || w.ids[id] {
		w.r.t.Errorf("created %s as %s: %+v", name, id, info)
	}
	w.ids[id] = true
	for _, b := range w.boxes {
		if b.validity == info.UIDValidity {
			w.r.t.Errorf("UIDVALIDITY %d of %s is another's", b.validity, name)
		}
	}
	w.boxes[name] = newModelBox(id, info.UIDValidity)
}

func (w *world) delete(ctx context.Context) {
	name := w.name()
	w.note("delete %s", name)
	if b := w.boxes[name]; b != nil {
		// Mails that this process has not seen yet would move to INBOX.
		m := w.r.sel(w.u, name)
		w.settle(b, m)
		m.Close()
	}
	err := w.u.Delete(ctx, name)
	switch {
	case name == Inbox:
		w.got(err, ErrCannot)
	case w.boxes[name] == nil:
		w.got(err, ErrNoMailbox)
	default:
		w.got(err, nil)
		delete(w.boxes, name)
	}
}

func (w *world) rename(ctx context.Context) {
	from, to := w.name(), w.name()
	w.note("rename %s to %s", from, to)
	if from == Inbox {
		w.renameInbox(ctx, to)
		return
	}
	moved := map[string]*modelBox{}
	rest := map[string]*modelBox{}
	for n, b := range w.boxes {
		if n == from || isBelow(n, from) {
			moved[to+n[len(from):]] = b
		} else {
			rest[n] = b
		}
	}
	clash := false
	for n := range moved {
		clash = clash || rest[n] != nil
	}
	err := w.u.Rename(ctx, from, to)
	switch {
	case len(moved) == 0:
		w.got(err, ErrNoMailbox)
	case from == to, rest[to] != nil:
		w.got(err, ErrExists)
	case isBelow(to, from):
		w.got(err, ErrCannot)
	case clash:
		w.got(err, ErrExists)
	default:
		w.got(err, nil)
		maps.Copy(rest, moved)
		w.boxes = rest
	}
}

func (w *world) renameInbox(ctx context.Context, to string) {
	inbox := w.r.sel(w.u, Inbox)
	w.settle(w.boxes[Inbox], inbox)
	inbox.Close()
	err := w.u.Rename(ctx, Inbox, to)
	if w.boxes[to] != nil {
		w.got(err, ErrExists)
		return
	}
	w.got(err, nil)
	info, _ := w.u.Lookup(to)
	w.made(to, info.ID)
	from, b := w.boxes[Inbox], w.boxes[to]
	m := w.r.sel(w.u, to)
	defer m.Close()
	have := allUIDs(m)
	for i, uid := range slices.Sorted(maps.Keys(from.mails)) {
		if i == len(have) {
			w.r.t.Fatalf("%d mails in %s after rename, want %d", len(have), to, len(from.mails))
		}
		w.add(b, have[i], newModelMail(from.mails[uid].n, from.mails[uid].flags))
	}
	from.mails = map[uint32]*modelMail{}
}

func (w *world) subscribe(ctx context.Context) {
	name, on := w.name(), w.rnd.IntN(2) == 0
	w.note("subscribe %s %v", name, on)
	w.got(w.u.Subscribe(ctx, name, on), nil)
	delete(w.subs, name)
	if on {
		w.subs[name] = true
	}
}

// restart ends the process, in order or not, and starts another, with or
// without what the cache held.
func (w *world) restart() {
	orderly, lose := w.rnd.IntN(2) == 0, w.rnd.IntN(2) == 0
	w.note("restart: orderly %v, cache lost %v", orderly, lose)
	w.u.Close()
	if orderly {
		w.r.stop()
	} else {
		w.r.crash()
	}
	if lose {
		w.r.must(os.RemoveAll(w.r.dir))
	}
	w.r.start()
	w.login()
	if orderly {
		w.uploaded()
	}
	if !orderly {
		// What was expunged and not committed is told missing by a LIST
		// beside the first SELECT.
		for _, name := range slices.Sorted(maps.Keys(w.boxes)) {
			w.r.sel(w.u, name).Close()
		}
		w.r.pass(time.Minute)
	}
	if orderly || !lose {
		return
	}
	// Flag changes may be lost, and nothing else.
	for name, b := range w.boxes {
		m := w.r.sel(w.u, name)
		w.settle(b, m)
		v := m.View()
		for _, rec := range v.All() {
			mail := b.mails[rec.UID]
			if mail == nil {
				continue
			}
			got := recordFlags(v, rec)
			if !slices.Contains(mail.since, got) {
				w.r.t.Errorf("%s: message %d has flags %q, had %q", name, rec.UID, got, mail.since)
			}
			mail.set(got)
		}
		m.Close()
	}
}

// check compares everything.
func (w *world) check() {
	w.r.t.Helper()
	var got, want []string
	for _, m := range w.u.Mailboxes() {
		if !m.NonExistent {
			got = append(got, m.Name)
			if b := w.boxes[m.Name]; b != nil && (b.id != m.ID || b.validity != m.UIDValidity) {
				w.r.t.Errorf("%s is %+v, want id %s and validity %d", m.Name, m, b.id, b.validity)
			}
		}
	}
	want = slices.SortedFunc(maps.Keys(w.boxes), compareNames)
	if !slices.Equal(got, want) {
		w.r.t.Errorf("mailboxes %q, want %q", got, want)
		return
	}
	subs := slices.SortedFunc(maps.Keys(w.subs), compareNames)
	if !slices.Equal(w.u.Subscriptions(), subs) {
		w.r.t.Errorf("subscriptions %q, want %q", w.u.Subscriptions(), subs)
	}
	for name, b := range w.boxes {
		w.checkBox(name, b)
	}
}

func (w *world) checkBox(name string, b *modelBox) {
	st, err := w.u.Status(w.r.t.Context(), name)
	w.r.must(err)
	m := w.r.sel(w.u, name)
	defer m.Close()
	w.settle(b, m)
	v := m.View()
	if int(st.Messages) != len(b.mails) || v.Len() != len(b.mails) {
		w.r.t.Errorf("%s: STATUS tells %d messages, %d are shown, want %d", name, st.Messages, v.Len(), len(b.mails))
	}
	if st.UIDNext < b.next || m.UIDNext() < b.next || st.HighestModSeq < b.modseq {
		w.r.t.Errorf("%s: UIDNEXT %d, HIGHESTMODSEQ %d; were %d and %d", name, st.UIDNext, st.HighestModSeq, b.next, b.modseq)
	}
	b.next, b.modseq = max(b.next, st.UIDNext), st.HighestModSeq
	unseen := 0
	for _, rec := range v.All() {
		mail := b.mails[rec.UID]
		if mail == nil {
			w.r.t.Errorf("%s: message %d should not be there: %q", name, rec.UID, subject(w.r.read(m, rec.UID)))
			continue
		}
		if !strings.Contains(mail.flags, `\Seen`) {
			unseen++
		}
		if got := recordFlags(v, rec); got != mail.flags {
			w.r.t.Errorf("%s: message %d has flags %q, want %q", name, rec.UID, got, mail.flags)
		}
		if w.rnd.IntN(4) == 0 {
			if got := w.r.read(m, rec.UID); string(got) != string(mailText(mail.n)) {
				w.r.t.Errorf("%s: message %d is %q, want mail %d", name, rec.UID, got, mail.n)
			}
		}
	}
	if int(st.Unseen) != unseen {
		w.r.t.Errorf("%s: %d unseen, want %d", name, st.Unseen, unseen)
	}
}
