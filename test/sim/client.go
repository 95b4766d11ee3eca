package sim

import (
	"fmt"
	"maps"
	"slices"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/sync"
	"mailbackend.io/backend/uidset"
)

// client is a mail client that resynchronises with QRESYNC (RFC 7162): of each
// mailbox it remembers UIDVALIDITY, HIGHESTMODSEQ and the flags of all messages,
// whatever happens to the backends.
type client struct {
	w     *world
	n     int
	turn  chan struct{} // a semaphore
	boxes map[sync.MailboxID]*memory

	// The session, if there is one.
	q      *process
	a      *sync.Account
	f      *sync.Folder
	shown  *index.View
	maxUID uint32
	cancel func()
}

// memory is what a client remembers of a mailbox.
type memory struct {
	validity uint32
	modseq   uint64
	// epoch is the highest that told the client something.
	epoch uint64
	mails map[uint32]known
}

// known is a message as a client knows it.
type known struct {
	tok   token
	ver   int
	flags index.Flags
}

func newClient(w *world, n int) *client {
	return &client{w: w, n: n, turn: make(chan struct{}, 1), boxes: map[sync.MailboxID]*memory{}}
}

// doSession lets a client go on with its session, or select.
func doSession(o *operation) error {
	c := o.w.who[o.s.N%len(o.w.who)]
	select {
	case c.turn <- struct{}{}:
	case <-o.ctx.Done():
		return o.ctx.Err()
	}
	defer func() { <-c.turn }()
	if c.alive() && o.r.IntN(4) > 0 {
		c.poll(o)
		return nil
	}
	c.end()
	f, err := o.folder(o.r.IntN(1000))
	if err != nil {
		return err
	}
	return c.selectBox(o, f)
}

// hangup ends the session.
func (c *client) hangup() {
	select {
	case c.turn <- struct{}{}:
	case <-c.w.ctx.Done():
		return
	}
	c.end()
	<-c.turn
}

func (c *client) end() {
	if c.cancel != nil {
		c.cancel()
	}
	c.q, c.a, c.f, c.shown, c.cancel = nil, nil, nil, nil, nil
}

// alive tells whether the session can go on.
func (c *client) alive() bool {
	return c.q != nil && c.q.gate() && c.a.Err() == nil && c.f.View() != nil
}

// selectBox selects a mailbox with what the client remembers of it.
func (c *client) selectBox(o *operation, f *sync.Folder) error {
	v, err := o.open(f)
	if err != nil {
		return err
	}
	if o.a.Err() != nil {
		return o.a.Err()
	}
	c.resync(o.q.name, o.a.Epoch(), f, v)
	c.q, c.a, c.f, c.shown = o.q, o.a, f, v
	c.maxUID = v.UIDNext() - 1
	c.cancel = f.Subscribe(func(*index.View) {})
	return nil
}

// resync is SELECT with QRESYNC.
func (c *client) resync(who string, epoch uint64, f *sync.Folder, v *index.View) {
	m := c.boxes[f.ID()]
	if m == nil || m.validity != f.UIDValidity() {
		m = &memory{validity: f.UIDValidity(), mails: map[uint32]known{}}
		c.boxes[f.ID()] = m
	}
	before := m.modseq
	for uid := range v.VanishedSince(m.modseq).All() {
		delete(m.mails, uid)
	}
	for _, r := range v.ChangedSince(m.modseq) {
		m.mails[r.UID] = knownOf(v, r)
	}
	m.modseq = v.HighestModSeq()
	c.w.note("client %d selects %s on %s with modseq %d, is told %d", c.n, f.ID(), who, before, m.modseq)
	if m.epoch <= epoch {
		// Else this is a holder that was overtaken and knows less.
		m.epoch = epoch
		c.compare(fmt.Sprintf("resynchronised since modseq %d with %s in epoch %d", before, who, epoch), f.ID(), m, v)
	}
}

func knownOf(v *index.View, r index.Record) known {
	return known{tokenOf(r), versionOf(v.Keywords(r.Keywords)), r.Flags}
}

// compare checks that a client knows exactly what a view shows.
func (c *client) compare(how string, id sync.MailboxID, m *memory, v *index.View) {
	want := map[uint32]known{}
	for _, r := range v.All() {
		want[r.UID] = knownOf(v, r)
	}
	if maps.Equal(want, m.mails) {
		return
	}
	var diff []string
	for _, uid := range slices.Sorted(maps.Keys(want)) {
		if m.mails[uid] != want[uid] {
			diff = append(diff, fmt.Sprintf("UID %d is %+v, known as %+v", uid, want[uid], m.mails[uid]))
		}
	}
	for _, uid := range slices.Sorted(maps.Keys(m.mails)) {
		if _, ok := want[uid]; !ok {
			diff = append(diff, fmt.Sprintf("UID %d is gone, known as %+v", uid, m.mails[uid]))
		}
	}
	c.w.fail("qresync-client-converges", "client %d, %s, %s: %s", c.n, id, how, diff)
}

// poll tells the session's client the news.
func (c *client) poll(o *operation) {
	v := c.w.led.see(c.q, c.a, c.f)
	if v == nil || c.a.Err() != nil {
		c.end() // BYE
		return
	}
	keep := o.r.IntN(3) == 0
	shown, ch := index.Advance(c.shown, v, keep)
	if ch.Broken {
		c.w.fail("uids-ascending-in-session", "%s of %s shows a new message below UID %d", c.f.ID(), c.q.name, c.maxUID+1)
		c.end()
		return
	}
	m := c.boxes[c.f.ID()]
	if m == nil {
		c.end()
		return
	}
	c.tell(m, shown, ch)
	c.shown = shown
	if !shown.HasGone() {
		if m.epoch <= c.a.Epoch() {
			c.compare("told the news", c.f.ID(), m, v)
		}
		if o.r.IntN(3) > 0 {
			m.modseq = v.HighestModSeq()
		}
	}
}

// tell lets the client do what the responses say.
func (c *client) tell(m *memory, shown *index.View, ch index.Changes) {
	var vanished uidset.Set
	for _, seq := range ch.Expunged {
		uid := c.shown.UID(seq - 1)
		vanished.Add(uid, uid)
		delete(m.mails, uid)
	}
	if !vanished.Equal(ch.Vanished) {
		c.w.fail("uids-ascending-in-session", "EXPUNGE names UIDs %s, VANISHED %s", vanished, ch.Vanished)
	}
	for _, i := range ch.Changed {
		r := shown.At(i)
		m.mails[r.UID] = knownOf(shown, r)
	}
	for _, r := range shown.Range(shown.Len()-ch.Added, shown.Len()) {
		if r.UID <= c.maxUID {
			c.w.fail("uids-ascending-in-session", "%s of %s tells new UID %d after %d", c.f.ID(), c.q.name, r.UID, c.maxUID)
		}
		c.maxUID = max(c.maxUID, r.UID)
		m.mails[r.UID] = knownOf(shown, r)
	}
}
