package index

import (
	"slices"
	"testing"

	"mailbackend.io/backend/uidset"
	"pgregory.net/rapid"
)

// session is what a client knows: the messages in order and their flags.
type session struct {
	uids  []uint32
	known map[uint32]seen
	gone  map[uint32]bool // told to nobody yet
	shown *View
}

type seen struct {
	modseq   uint64
	flags    Flags
	keywords string
}

func look(v *View, r Record) seen {
	return seen{r.ModSeq, r.Flags, keywordKey(v.Keywords(r.Keywords))}
}

func newSession(v *View) *session {
	s := &session{known: map[uint32]seen{}, gone: map[uint32]bool{}, shown: v}
	for _, r := range v.All() {
		s.uids = append(s.uids, r.UID)
		s.known[r.UID] = look(v, r)
	}
	return s
}

// advance tells the session what it takes to show v and checks that it then
// knows what v says.
func (s *session) advance(t *rapid.T, v *View, keep bool) {
	old := s.shown
	shown, ch := Advance(old, v, keep)
	if ch.Broken {
		t.Fatalf("broken from %v to %v", old.UIDs(), v.UIDs())
	}
	s.expunge(t, v, keep, ch)
	from := len(s.uids)
	for i, r := range shown.Range(from, shown.Len()) {
		if i != len(s.uids) || len(s.uids) > 0 && r.UID <= s.uids[i-1] {
			t.Fatalf("message %d: UID %d appended to %v", i, r.UID, s.uids)
		}
		s.uids = append(s.uids, r.UID)
		s.known[r.UID] = look(shown, r)
	}
	if ch.Added != len(s.uids)-from {
		t.Fatalf("%d added, told %d", len(s.uids)-from, ch.Added)
	}
	if !slices.IsSorted(ch.Changed) {
		t.Fatalf("changed: %v", ch.Changed)
	}
	for _, i := range ch.Changed {
		r := shown.At(i)
		if s.known[r.UID] == look(shown, r) {
			t.Fatalf("UID %d is told to be changed, but is not", r.UID)
		}
		s.known[r.UID] = look(shown, r)
	}
	if ch.None() != (len(ch.Expunged)+ch.Added+len(ch.Changed) == 0) {
		t.Fatalf("None of %+v", ch)
	}
	s.shown = shown
	s.check(t, v)
}

// expunge takes the expunged messages out, by sequence number.
func (s *session) expunge(t *rapid.T, v *View, keep bool, ch Changes) {
	if keep && len(ch.Expunged) > 0 {
		t.Fatalf("expunged %v despite keepExpunged", ch.Expunged)
	}
	var vanished uidset.Set
	for _, seq := range ch.Expunged {
		if seq < 1 || seq > len(s.uids) {
			t.Fatalf("EXPUNGE %d of %d", seq, len(s.uids))
		}
		uid := s.uids[seq-1]
		if _, ok := v.Find(uid); ok {
			t.Fatalf("EXPUNGE %d names UID %d, which is there", seq, uid)
		}
		vanished.Add(uid, uid)
		s.uids = slices.Delete(s.uids, seq-1, seq)
		delete(s.known, uid)
	}
	if !vanished.Equal(ch.Vanished) {
		t.Fatalf("vanished %v, expunged %v", ch.Vanished, vanished)
	}
}

// check compares the shown view with what the session knows and with v.
func (s *session) check(t *rapid.T, v *View) {
	s.gone = map[uint32]bool{}
	if s.shown.Len() != len(s.uids) || !s.shown.UIDs().Equal(uidset.Of(s.uids...)) {
		t.Fatalf("shown %v, the session has %v", s.shown.UIDs(), s.uids)
	}
	for i, r := range s.shown.All() {
		now, known := look(s.shown, r), s.known[r.UID]
		if s.shown.Gone(i) {
			known.modseq = now.modseq // the floor raises it, but nobody can ask
		}
		if s.uids[i] != r.UID || s.shown.At(i) != r || known != now {
			t.Fatalf("message %d: shown %+v, UID %d known as %+v", i, now, s.uids[i], known)
		}
		if at, ok := s.shown.Find(r.UID); !ok || at != i {
			t.Fatalf("Find(%d) = %d, want %d", r.UID, at, i)
		}
		at, there := v.Find(r.UID)
		if s.shown.Gone(i) != !there {
			t.Fatalf("UID %d: gone %v, there %v", r.UID, s.shown.Gone(i), there)
		}
		if there && look(v, v.At(at)) != look(s.shown, r) {
			t.Fatalf("UID %d: shown %+v, is %+v", r.UID, look(s.shown, r), look(v, v.At(at)))
		}
		s.gone[r.UID] = !there
	}
	if len(s.uids)-s.shown.Len() != 0 || s.shown.Counts() != v.Counts() || s.shown.FirstUnseen() >= 0 && s.shown.Gone(s.shown.FirstUnseen()) {
		t.Fatalf("counts %+v, want %+v; first unseen %d", s.shown.Counts(), v.Counts(), s.shown.FirstUnseen())
	}
	if !s.shown.Expunged().Equal(v.Expunged()) {
		t.Fatalf("expunged %v, want %v", s.shown.Expunged(), v.Expunged())
	}
	if s.shown.HasGone() != (s.shown.Len() != v.Len()) {
		t.Fatalf("HasGone %v with %d of %d", s.shown.HasGone(), s.shown.Len(), v.Len())
	}
}

// TestAdvanceSessions lets sessions follow a mailbox at different paces, with
// and without leave to tell of expunges.
func TestAdvanceSessions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, g := small(t), opGen{live: true}
		if err := m.Apply(g.drawN(t, 30)...); err != nil {
			t.Fatal(err)
		}
		sessions := []*session{newSession(m.View()), newSession(NewMailbox().View())}
		for range rapid.IntRange(1, 12).Draw(t, "rounds") {
			if err := m.Apply(g.drawN(t, 6)...); err != nil {
				t.Fatal(err)
			}
			if rapid.IntRange(0, 5).Draw(t, "sweep") == 0 {
				m.sweepKeywords()
				m.view = nil
			}
			for _, s := range sessions {
				if rapid.Bool().Draw(t, "follows") {
					s.advance(t, m.View(), rapid.Bool().Draw(t, "keep"))
				}
			}
		}
		for _, s := range sessions {
			s.advance(t, m.View(), false)
		}
	})
}

// TestAdvanceBroken: a message that appears below the old view's UIDNEXT ends
// the session, and nothing else does.
func TestAdvanceBroken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, g := small(t), opGen{}
		if err := m.Apply(g.drawN(t, 20)...); err != nil {
			t.Fatal(err)
		}
		old := m.View()
		if err := m.Apply(g.drawN(t, 4)...); err != nil {
			t.Fatal(err)
		}
		below := m.View().UIDs().Without(old.UIDs())
		broken := !below.Empty() && below.Min() < old.UIDNext()
		shown, ch := Advance(old, m.View(), rapid.Bool().Draw(t, "keep"))
		if ch.Broken != broken || broken && shown != old {
			t.Fatalf("broken %v, want %v: %v appeared at UIDNEXT %d", ch.Broken, broken, below, old.UIDNext())
		}
	})
}

// TestAdvanceShares: what a change doesn't touch is the same memory before and
// after, in the mailbox and in the view of a session that keeps a message.
func TestAdvanceShares(t *testing.T) {
	m := filled(10 * maxChunk)
	old := m.View()
	if err := m.Apply(Op{Kind: OpExpunge, ModSeq: 1 << 40, UIDs: uidset.Of(5*maxChunk + 7)}); err != nil {
		t.Fatal(err)
	}
	shown, _ := Advance(old, m.View(), true)
	for name, v := range map[string]*View{"mailbox": m.View(), "session": shown} {
		shared := 0
		for i, c := range v.chunks {
			if old.chunks[i] == c {
				shared++
			}
		}
		if shared != 9 || len(v.chunks) != 10 {
			t.Errorf("%s: %d of %d chunks shared, want 9 of 10", name, shared, len(v.chunks))
		}
	}
}

// filled returns a mailbox of n messages like those of real life.
func filled(n int) *Mailbox {
	m := NewMailbox()
	for i := range n {
		if err := m.Apply(realOp(i)); err != nil {
			panic(err)
		}
	}
	return m
}

// realOp appends message i of a mailbox that grew over years.
func realOp(i int) Op {
	h := (uint32(i) + 1) * 2654435761
	h = (h ^ h>>15) * 2246822519
	h ^= h >> 13
	op := Op{
		Kind: OpAppend, UID: uint32(i + 1), ModSeq: 1<<20 + uint64(i)*3,
		Size: 2000 + h%60000, InternalDate: 1_500_000_000 + int64(i)*300 + int64(h%300),
	}
	op.SaveDate = op.InternalDate + int64(h%5)
	if h%8 != 0 {
		op.Flags = Seen
	}
	if h%16 == 1 {
		op.Flags |= Answered
	}
	if h%100 == 0 {
		op.Keywords = []string{"$Junk"}
	}
	return op
}
