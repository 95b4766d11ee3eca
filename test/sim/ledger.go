package sim

import (
	"strconv"
	"strings"
	gosync "sync"
	"time"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/sync"
)

// token names one stored mail for ever: no two appends or copies share one. It
// is the mail's internal date.
type token int64

// mail is what is known of one mail.
type mail struct {
	content int
	// acked: a client was told that it is stored, in box under uid.
	acked bool
	box   sync.MailboxID
	uid   uint32
	by    string
	// expunging: a client asked for its expunge at least once. expunged: it
	// was told, by a holder that had not been overtaken then.
	expunging, expunged bool
	// versions that were asked for, by number; committed is the highest that
	// an upload was confirmed for, in an epoch.
	committed      int
	committedEpoch uint64
	// shown is the newest acknowledged version in each epoch.
	shown map[uint64]int
}

// version is one change of a mail's flags. Its number is a keyword of the mail.
type version struct {
	tok   token
	epoch uint64
	by    *process
	flags index.Flags
	// modseq is that of the change, once it is acknowledged.
	modseq uint64
	acked  bool
}

// place is where a mail is.
type place struct {
	box sync.MailboxID
	uid uint32
}

// box is what is known of one mailbox.
type box struct {
	validity uint32
	// told is the highest HIGHESTMODSEQ that sessions of each epoch were told.
	told map[uint64]uint64
	// uidNext is the highest UIDNEXT that was told.
	uidNext map[uint64]uint32
	created bool // acknowledged
	// name is the last acknowledged; names are others that it may have. asked
	// counts the renames, asking are those under way.
	name          string
	names         map[string]bool
	asked, asking int
	// deleting: a client asked for its deletion; deleted: it was told, at
	// deletedAt.
	deleting, deleted bool
	deletedAt         time.Time
}

// ledger is what clients asked for and were told.
type ledger struct {
	w  *world
	mu gosync.Mutex

	last     token
	contents int
	mails    map[token]*mail
	names    map[place]token
	guids    map[place]index.ID
	versions []version
	boxes    map[sync.MailboxID]*box
	// stored is when the first object under a key took effect.
	stored map[string]time.Time
	// writer is the process whose PUT of root took effect last.
	writer string
	// heirs: a process of the pod that died last held the claim of that
	// epoch, its logs were kept, and it was no zombie.
	heirs map[int]heir
}

type heir struct {
	epoch uint64
	acked []int // versions
}

func newLedger(w *world) *ledger {
	return &ledger{
		w: w, last: 1_000_000_000, mails: map[token]*mail{}, names: map[place]token{}, guids: map[place]index.ID{},
		versions: make([]version, 1), boxes: map[sync.MailboxID]*box{}, stored: map[string]time.Time{}, heirs: map[int]heir{},
	}
}

// newMail makes a token for a mail of a content; 0: a new content.
func (l *ledger) newMail(content int) (token, int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if content == 0 {
		l.contents++
		content = l.contents
	}
	l.last++
	l.mails[l.last] = &mail{content: content}
	return l.last, content
}

// ack notes that a client was told that a mail is stored.
func (l *ledger) ack(tok token, q *process, f *sync.Folder, uid uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.mails[tok]
	m.acked, m.box, m.uid, m.by = true, f.ID(), uid, q.name
	l.nameLocked(place{f.ID(), uid}, tok, q)
	l.w.note("%s acknowledges mail %d as UID %d of %s", q.name, tok, uid, f.ID())
}

// nameLocked checks that a UID names that mail and no other.
func (l *ledger) nameLocked(p place, tok token, q *process) {
	if old, ok := l.names[p]; ok && old != tok {
		l.w.fail("uid-names-one-mail", "UID %d of %s was mail %d, and is mail %d to %s", p.uid, p.box, old, tok, q.name)
	}
	l.names[p] = tok
	if l.mails[tok] == nil {
		l.w.fail("uid-names-one-mail", "UID %d of %s is mail %d to %s, which nobody stored", p.uid, p.box, tok, q.name)
	}
}

// asked notes that clients asked for the expunge of UIDs of a view.
func (l *ledger) asked(toks []token) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range toks {
		l.mails[t].expunging = true
	}
}

// expunged notes that a client was told of an expunge that it asked for.
func (l *ledger) expunged(toks []token, q *process) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.writer != q.name {
		return // overtaken: another may have re-homed it meanwhile
	}
	for _, t := range toks {
		l.mails[t].expunged = true
	}
}

// newVersion notes that a client asks for flags.
func (l *ledger) newVersion(tok token, q *process, epoch uint64, flags index.Flags) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.versions = append(l.versions, version{tok: tok, epoch: epoch, by: q, flags: flags})
	return len(l.versions) - 1
}

func (l *ledger) ackVersions(vs []int, modseqs []uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, v := range vs {
		l.versions[v].acked, l.versions[v].modseq = true, modseqs[i]
		l.showLocked(v)
	}
}

// showLocked notes that all views of the epoch that are as new must show a
// version or a newer one.
func (l *ledger) showLocked(v int) {
	m := l.mails[l.versions[v].tok]
	if m.shown == nil {
		m.shown = map[uint64]int{}
	}
	epoch := l.versions[v].epoch
	m.shown[epoch] = max(m.shown[epoch], v)
}

// ackedOf lists the versions that a process acknowledged in an epoch.
func (l *ledger) ackedOf(q *process, epoch uint64) (acked []int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ackedLocked(q, epoch)
}

func (l *ledger) ackedLocked(q *process, epoch uint64) (acked []int) {
	for i := range l.versions {
		if v := &l.versions[i]; v.acked && v.by == q && v.epoch == epoch {
			acked = append(acked, i)
		}
	}
	return acked
}

// committed notes that versions are in a confirmed upload of an epoch.
func (l *ledger) committed(vs []int, epoch uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.committedLocked(vs, epoch)
}

func (l *ledger) committedLocked(vs []int, epoch uint64) {
	for _, v := range vs {
		m := l.mails[l.versions[v].tok]
		if v > m.committed {
			m.committed, m.committedEpoch = v, epoch
		}
	}
}

// processDied notes what the next process of the pod may go on with.
func (l *ledger) processDied(q *process, kept bool) {
	q.mu.Lock()
	a := q.acct
	q.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.heirs, q.pod.n)
	if kept && a != nil && a.Err() == nil && l.writer == q.name {
		l.heirs[q.pod.n] = heir{a.Epoch(), l.ackedLocked(q, a.Epoch())}
	}
}

// claimed notes a claim. If it goes on with the logs of the same pod's former
// process, and nobody was in between, then all that was told holds.
func (l *ledger) claimed(q *process, a *sync.Account) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.w.note("%s claims epoch %d", q.name, a.Epoch())
	if h, ok := l.heirs[q.pod.n]; ok && h.epoch+1 == a.Epoch() {
		for _, v := range h.acked {
			l.versions[v].epoch, l.versions[v].by = a.Epoch(), q
			l.showLocked(v)
		}
	}
	delete(l.heirs, q.pod.n)
}

func (l *ledger) boxLocked(id sync.MailboxID) *box {
	b := l.boxes[id]
	if b == nil {
		b = &box{told: map[uint64]uint64{}, uidNext: map[uint64]uint32{}, names: map[string]bool{}}
		l.boxes[id] = b
	}
	return b
}

// versionOf is the version number that a message's keywords name, 0: as stored.
func versionOf(keywords []string) int {
	for _, k := range keywords {
		if s, ok := strings.CutPrefix(k, "v"); ok {
			n, _ := strconv.Atoi(s)
			return n
		}
	}
	return 0
}

// tokenOf is the mail of a record.
func tokenOf(r index.Record) token { return token(r.InternalDate) }

// see checks what a folder shows to a session now, and returns it; nil if it is
// not open.
func (l *ledger) see(q *process, a *sync.Account, f *sync.Folder) *index.View {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := f.View() // read under the lock, so that none is older than one before
	if v == nil {
		return nil
	}
	b := l.boxLocked(f.ID())
	epoch := a.Epoch()
	if b.validity == 0 {
		b.validity = f.UIDValidity()
	}
	if b.validity != f.UIDValidity() {
		l.w.fail("uidvalidity-stable", "%s has UIDVALIDITY %d to %s, had %d", f.ID(), f.UIDValidity(), q.name, b.validity)
	}
	high := v.HighestModSeq()
	for e, told := range b.told {
		if e <= epoch && told > high {
			l.w.fail("modseq-never-back", "%s has HIGHESTMODSEQ %d to %s in epoch %d; %d was told in epoch %d", f.ID(), high, q.name, epoch, told, e)
		}
	}
	b.told[epoch] = max(b.told[epoch], high)
	l.seeMessages(q, a, f, v)
	return v
}

// seeMessages checks the messages of a view. l.mu is held.
func (l *ledger) seeMessages(q *process, a *sync.Account, f *sync.Folder, v *index.View) {
	epoch, last := a.Epoch(), uint32(0)
	var counts index.Counts
	for i, r := range v.All() {
		tok := tokenOf(r)
		if r.UID <= last {
			l.w.fail("uids-ascending-in-session", "%s shows UID %d behind %d to %s", f.ID(), r.UID, last, q.name)
		}
		last = r.UID
		counts.Messages++
		counts.Size += uint64(r.Size)
		if r.Flags&index.Seen == 0 {
			counts.Unseen++
		}
		if r.Flags&index.Deleted != 0 {
			counts.Deleted++
			counts.DeletedSize += uint64(r.Size)
		}
		l.nameLocked(place{f.ID(), r.UID}, tok, q)
		if v.Gone(i) {
			continue
		}
		k := versionOf(v.Keywords(r.Keywords))
		if k >= len(l.versions) || k > 0 && l.versions[k].tok != tok {
			l.w.fail("committed-flags-stay", "UID %d of %s, mail %d, has flags of version %d, which is not its own", r.UID, f.ID(), tok, k)
			continue
		}
		if m := l.mails[tok]; m != nil && m.committedEpoch <= epoch && k < m.committed {
			l.w.fail("committed-flags-stay", "UID %d of %s, mail %d, has flags of version %d to %s in epoch %d; version %d was committed in epoch %d", r.UID, f.ID(), tok, k, q.name, epoch, m.committed, m.committedEpoch)
		}
		if m := l.mails[tok]; m != nil && k < m.shown[epoch] && l.versions[m.shown[epoch]].modseq <= v.HighestModSeq() {
			l.w.fail("acked-flags-are-shown", "UID %d of %s, mail %d, has flags of version %d to %s in epoch %d, where version %d was acknowledged", r.UID, f.ID(), tok, k, q.name, epoch, m.shown[epoch])
		}
		if k > 0 && l.versions[k].flags != r.Flags {
			l.w.fail("committed-flags-stay", "UID %d of %s, mail %d, version %d: flags %#x instead of %#x", r.UID, f.ID(), tok, k, r.Flags, l.versions[k].flags)
		}
	}
	if !v.HasGone() && counts != v.Counts() {
		l.w.fail("counts-honest", "%s counts %+v to %s, its messages make %+v", f.ID(), v.Counts(), q.name, counts)
	}
}
