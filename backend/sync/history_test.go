package sync

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing/synctest"
	"time"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/uidset"
)

func (h *history) box() string { return initial[h.rnd.IntN(2)].Name }

func folderOf(a *Account, name string) *Folder {
	f, _ := a.Folder(a.Root().ByName(name).ID)
	return f
}

func (h *history) append(p *pod, a *Account, n int) {
	name := h.box()
	f := folderOf(a, name)
	h.mu.Lock()
	first := h.next + 1
	h.next += n
	var mails []NewMail
	for i := first; i < first+n; i++ {
		h.mails[i] = &mailState{box: name}
		mails = append(mails, mail(i))
	}
	h.mu.Unlock()
	h.background(time.Duration(1+h.rnd.IntN(8))*time.Second, func(ctx context.Context) {
		uids, err := f.AppendMany(ctx, mails)
		h.logf("%s/%d appends %d+%d to %s: %v %v", p.name, a.epoch, first, n, name, uids, err)
		if err != nil {
			return
		}
		h.mu.Lock()
		for i := first; i < first+n; i++ {
			h.mails[i].acked = true
		}
		h.mu.Unlock()
		for i, uid := range uids {
			h.name(f, uid, fmt.Sprint("mail ", first+i))
		}
	})
}

// name notes which mail a UID names.
func (h *history) name(f *Folder, uid uint32, mail string) {
	key := fmt.Sprintf("%s/%d", f.id, uid)
	h.mu.Lock()
	was, ok := h.names[key]
	h.names[key] = mail
	h.mu.Unlock()
	if ok && was != mail {
		h.violate("UID %d of %s names %q and %q", uid, f.id, was, mail)
	}
}

// opened opens a folder and checks what its view promises.
func (h *history) opened(ctx context.Context, p *pod, a *Account, name string) (*Folder, *index.View) {
	f := folderOf(a, name)
	v, err := f.Open(ctx)
	if err != nil {
		h.logf("%s/%d opens %s: %v", p.name, a.epoch, name, err)
		return f, nil
	}
	h.checkView(p, a, f, v)
	return f, v
}

func (h *history) checkView(p *pod, a *Account, f *Folder, v *index.View) {
	h.mu.Lock()
	if a == p.acct {
		if old := p.shown[f.id]; old != nil {
			if _, ch := index.Advance(old, v, false); ch.Broken && v.HighestModSeq() >= old.HighestModSeq() {
				h.mu.Unlock()
				h.violate("a session of %s/%d sees a UID below one that it saw: %q, then %q", p.name, a.epoch, show(old), show(v))
				h.mu.Lock()
			}
		}
		if old := p.shown[f.id]; old == nil || old.HighestModSeq() < v.HighestModSeq() {
			p.shown[f.id] = v
		}
	}
	byEpoch := h.highest[f.id]
	if byEpoch == nil {
		byEpoch = map[uint64]uint64{}
		h.highest[f.id] = byEpoch
	}
	byEpoch[a.epoch] = max(byEpoch[a.epoch], v.HighestModSeq())
	var told uint64
	for epoch, m := range byEpoch {
		if epoch < a.epoch {
			told = max(told, m)
		}
	}
	h.mu.Unlock()
	if v.HighestModSeq() < told {
		h.violate("HIGHESTMODSEQ of %s is %d in epoch %d, told was %d", f.id, v.HighestModSeq(), a.epoch, told)
	}
	h.resync(a, f, v)
}

// resync lets the QRESYNC client catch up with a view.
func (h *history) resync(a *Account, f *Folder, v *index.View) {
	h.mu.Lock()
	c := h.clients[f.id]
	if c == nil {
		c = &client{marks: map[uint32]string{}, ever: map[uint32]bool{}}
		h.clients[f.id] = c
	}
	if a.epoch < c.epoch || a.epoch == c.epoch && v.HighestModSeq() < c.modseq {
		h.mu.Unlock()
		return // an older holder, or an older view: no client goes back
	}
	for uid := range v.VanishedSince(c.modseq).All() {
		delete(c.marks, uid)
	}
	for _, r := range v.ChangedSince(c.modseq) {
		c.marks[r.UID] = strings.Join(v.Keywords(r.Keywords), " ")
	}
	h.lines = append(h.lines, fmt.Sprintf("  client of %s resyncs from epoch %d modseq %d to epoch %d modseq %d floor %d: vanished %s, view %q", f.id, c.epoch, c.modseq, a.epoch, v.HighestModSeq(), v.Floor(), v.VanishedSince(c.modseq), show(v)))
	c.epoch, c.modseq = a.epoch, v.HighestModSeq()
	var wrong []string
	for _, r := range v.All() {
		if !c.ever[r.UID] && r.UID < c.uidNext {
			wrong = append(wrong, fmt.Sprintf("UID %d is new, told UIDNEXT was %d", r.UID, c.uidNext))
		}
		c.ever[r.UID] = true
		if got, ok := c.marks[r.UID]; !ok || got != strings.Join(v.Keywords(r.Keywords), " ") {
			wrong = append(wrong, fmt.Sprintf("UID %d is %q there and %q here", r.UID, got, v.Keywords(r.Keywords)))
		}
	}
	c.uidNext = max(c.uidNext, v.UIDNext())
	for uid := range c.marks {
		if _, ok := v.Find(uid); !ok {
			wrong = append(wrong, fmt.Sprintf("UID %d is not there any more", uid))
		}
	}
	h.mu.Unlock()
	if len(wrong) > 0 {
		h.violate("a client that resynchronised with epoch %d, %s, differs: %s", a.epoch, f.id, strings.Join(wrong, "; "))
	}
}

// subjects reads which mail each message of a view is.
func (h *history) subjects(ctx context.Context, f *Folder, v *index.View) map[uint32]string {
	var uids []uint32
	for uid := range v.UIDs().All() {
		uids = append(uids, uid)
	}
	got := map[uint32]string{}
	for s, err := range f.Summaries(ctx, uids) {
		if err != nil {
			h.logf("%s/%d summaries: %v", f.a.e.self.Pod, f.a.epoch, err)
			break
		}
		got[s.UID] = s.Summary.Envelope().Subject
		h.name(f, s.UID, got[s.UID])
	}
	return got
}

func markOf(words []string) int {
	for _, w := range words {
		if n, err := strconv.Atoi(strings.TrimPrefix(w, "mark")); err == nil {
			return n
		}
	}
	return 0
}

// mark changes the keyword of a message to a higher one.
func (h *history) mark(p *pod, a *Account) {
	name := h.box()
	pick := h.rnd.Uint32()
	h.background(10*time.Second, func(ctx context.Context) {
		f, v := h.opened(ctx, p, a, name)
		if v == nil || v.Len() == 0 {
			return
		}
		h.mu.Lock()
		h.marks++
		mark := h.marks
		h.mu.Unlock()
		var uid uint32
		v, err := f.Update(ctx, func(v *index.View, next func() uint64) []index.Op {
			if v.Len() == 0 {
				return nil
			}
			r := v.At(int(pick) % v.Len())
			if uid = r.UID; markOf(v.Keywords(r.Keywords)) > mark {
				return nil
			}
			return []index.Op{{Kind: index.OpFlags, UID: r.UID, ModSeq: next(), Keywords: []string{fmt.Sprint("mark", mark)}}}
		})
		h.logf("%s/%d marks UID %d of %s with %d: %v", p.name, a.epoch, uid, name, mark, err)
		if v != nil {
			h.checkView(p, a, f, v)
		}
	})
}

func (h *history) expunge(p *pod, a *Account) {
	name := h.box()
	pick := h.rnd.Uint32()
	h.background(10*time.Second, func(ctx context.Context) {
		f, v := h.opened(ctx, p, a, name)
		if v == nil || v.Len() == 0 {
			return
		}
		subjects := h.subjects(ctx, f, v)
		uids := uidset.Of(v.UID(int(pick) % v.Len()))
		if pick%3 == 0 {
			uids.Add(v.UID(int(pick/3)%v.Len()), v.UID(int(pick/3)%v.Len()))
		}
		h.each(uids, subjects, func(m *mailState) { m.tried = true })
		for uid := range uids.All() {
			if subjects[uid] == "" {
				return // not known which one it is
			}
		}
		removed, err := f.Expunge(ctx, uids)
		h.mu.Lock()
		zombie := a.epoch < h.newest
		h.mu.Unlock()
		if zombie { // what it did may have been too late
			removed = uidset.Set{}
		}
		h.logf("%s/%d expunges %s of %s (%v): %s %v", p.name, a.epoch, uids, name, subjects[uids.Min()], removed, err)
		h.each(removed, subjects, func(m *mailState) { m.expunged = true })
		if v := f.View(); v != nil {
			h.checkView(p, a, f, v)
		}
	})
}

func (h *history) each(uids uidset.Set, subjects map[uint32]string, f func(*mailState)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for uid := range uids.All() {
		if m := h.mails[numberOf(subjects[uid])]; m != nil {
			f(m)
		}
	}
}

func numberOf(subject string) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(subject, "mail "))
	return n
}

// upload uploads and then knows the marks that are committed.
func (h *history) upload(p *pod, a *Account) {
	h.background(15*time.Second, func(ctx context.Context) {
		before := map[int]int{} // the marks by mail, before the upload
		for _, m := range a.Root().Mailboxes {
			f, ok := a.Folder(m.ID)
			if !ok {
				continue
			}
			if v := f.View(); v != nil {
				subjects := h.subjects(ctx, f, v)
				for _, r := range v.All() {
					before[numberOf(subjects[r.UID])] = markOf(v.Keywords(r.Keywords))
				}
			}
		}
		err := a.UploadAll(ctx)
		h.logf("%s/%d uploads: %v", p.name, a.epoch, err)
		if err != nil {
			return
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		for n, mark := range before {
			if m := h.mails[n]; m != nil {
				m.mark = max(m.mark, mark)
			}
		}
	})
}

func (h *history) release(p *pod, a *Account) {
	h.background(15*time.Second, func(ctx context.Context) {
		err := a.Release(ctx)
		h.logf("%s/%d releases: %v", p.name, a.epoch, err)
	})
}

// kill ends a pod's process at once; it comes back on the same boot or not, or
// the account is left to itself as a zombie.
func (h *history) kill(p *pod) {
	a := p.acct
	switch h.rnd.IntN(3) {
	case 0:
		h.logf("%s/%d is killed, same boot", p.name, a.epoch)
		h.crash(a)
		h.run(p, true)
	case 1:
		h.logf("%s/%d is killed with its machine", p.name, a.epoch)
		h.crash(a)
		h.run(p, false)
	default:
		h.logf("%s/%d stops for a while", p.name, a.epoch)
	}
}

// crash ends an account and everything that its process does.
func (h *history) crash(a *Account) {
	a.Abandon()
	a.Wait()
}

func (h *history) look(p *pod, a *Account) {
	name := h.box()
	h.background(10*time.Second, func(ctx context.Context) {
		if f, v := h.opened(ctx, p, a, name); v != nil {
			subjects := h.subjects(ctx, f, v)
			h.logf("%s/%d sees %q in %s: %v", p.name, a.epoch, show(v), name, subjects)
		}
	})
}

// finish ends all faults, lets one backend have the user for two days, and
// checks what is there at the end.
func (h *history) finish() {
	h.wg.Wait()
	h.w.store.SetHook(nil)
	h.logf("the faults end")
	time.Sleep(5 * time.Minute) // what is late lands
	for _, p := range h.pods {
		if p.acct != nil && h.rnd.IntN(2) == 0 {
			h.crash(p.acct)
		}
	}
	p := h.pods[0]
	if p.e == nil {
		h.run(p, false)
	}
	if p.acct != nil {
		h.crash(p.acct)
	}
	h.load(p)
	a := p.acct
	if a == nil || a.Err() != nil {
		h.violate("the user can't be loaded")
		return
	}
	for _, m := range a.Root().Mailboxes {
		if _, v := h.opened(ctx, p, a, m.Name); v == nil {
			h.violate("%s can't be opened", m.Name)
		}
	}
	time.Sleep(48 * time.Hour)
	synctest.Wait()
	count := map[int]int{}
	marks := map[int]int{}
	for _, m := range a.Root().Mailboxes {
		f, v := h.opened(ctx, p, a, m.Name)
		if v == nil {
			h.violate("%s can't be opened: %v", m.Name, a.Err())
			continue
		}
		subjects := h.subjects(ctx, f, v)
		h.logf("in the end %s has %q: %v", m.Name, show(v), subjects)
		for _, r := range v.All() {
			n := numberOf(subjects[r.UID])
			_, err := f.Object(ctx, r.UID, 0, 0)
			if errors.Is(err, ErrMessageGone) && h.mails[n] != nil && h.mails[n].tried {
				continue // a zombie deleted it, whatever it told
			}
			if err != nil {
				h.violate("mail %d, UID %d of %s, has no object: %v", n, r.UID, m.Name, err)
			}
			count[n]++
			marks[n] = markOf(v.Keywords(r.Keywords))
		}
		if got, want := h.w.objectsOf(f), f.View().UIDs().String(); got != want {
			h.violate("objects of %s are %s, messages %s", m.Name, got, want)
		}
	}
	for n, m := range h.mails {
		switch c := count[n]; {
		case m.expunged && c > 0:
			h.violate("mail %d was expunged and is there %d times", n, c)
		case m.acked && !m.tried && c != 1:
			h.violate("mail %d was acknowledged and is there %d times", n, c)
		case c > 1:
			h.violate("mail %d is there %d times", n, c)
		case c == 1 && marks[n] < m.mark:
			h.violate("mail %d has mark %d, committed was %d", n, marks[n], m.mark)
		}
	}
	for _, p := range h.pods {
		if p.acct != nil {
			h.crash(p.acct)
		}
	}
	if errors.Is(a.Err(), ErrOvertaken) {
		h.violate("the last holder was overtaken")
	}
}
