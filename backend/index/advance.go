package index

import (
	"slices"

	"mailbackend.io/backend/uidset"
)

// Changes is what a session must be told to get from one view to another.
type Changes struct {
	// Expunged are sequence numbers as EXPUNGE responses name them, in the
	// order to send: descending, so that each is valid when it is sent and
	// none shifts another (RFC 9051 section 7.5.1).
	Expunged []int
	// Vanished are the same messages as UIDs (RFC 7162 section 3.2.10).
	Vanished uidset.Set
	// Changed are the indexes in the shown view, ascending, of messages
	// that were shown before and whose flags, keywords or modseq differ.
	Changed []int
	// Added is how many messages were appended: the last Added of the
	// shown view.
	Added int
	// Broken: a message appeared whose UID is below the UIDNext of the old
	// view. No response can say that; the session must end with BYE. The
	// other fields are then empty and shown is the old view.
	Broken bool
}

// None reports whether there is nothing to tell.
func (c *Changes) None() bool {
	return !c.Broken && c.Added == 0 && len(c.Expunged) == 0 && len(c.Changed) == 0
}

// Advance computes what a session that shows old must be told in order to show
// the mailbox's view new. Where no EXPUNGE may be sent (RFC 9051 section
// 7.5.1), keepExpunged keeps the messages that are gone in the shown view,
// marked Gone, until a later Advance. Chunks that both views share are
// skipped. old may be a shown view; new must be a later view of the same
// Mailbox.
func Advance(old, new *View, keepExpunged bool) (shown *View, ch Changes) {
	if old == new {
		return new, ch
	}
	a := advance{old: old, new: new, keep: keepExpunged}
	for !a.oldDone() && !a.newDone() {
		if a.skipShared() {
			continue
		}
		o, n := a.oldUID(), a.newUID()
		switch {
		case o < n:
			a.leave()
		case o > n:
			return old, Changes{Broken: true}
		default:
			a.stay()
		}
	}
	for !a.oldDone() {
		a.leave()
	}
	if !a.newDone() {
		if a.newUID() < old.uidNext {
			return old, Changes{Broken: true}
		}
		a.ch.Added = new.n - a.newIndex
	}
	slices.Reverse(a.ch.Expunged)
	if len(a.kept) == 0 {
		return new, a.ch
	}
	return a.mixed(), a.ch
}

// advance is one walk along two views in UID order.
type advance struct {
	old, new           *View
	keep               bool
	oc, oi, nc, ni     int // chunk and position in it
	oldIndex, newIndex int
	kept               []place // messages that are gone and stay shown, ascending
	ch                 Changes
}

// place is a message in a chunk of the old view.
type place struct {
	c *chunk
	i int
}

func (p place) uid() uint32 { return p.c.uids[p.i] }

func (a *advance) oldDone() bool  { return a.oc == len(a.old.chunks) }
func (a *advance) newDone() bool  { return a.nc == len(a.new.chunks) }
func (a *advance) oldUID() uint32 { return a.old.chunks[a.oc].uids[a.oi] }
func (a *advance) newUID() uint32 { return a.new.chunks[a.nc].uids[a.ni] }

func (a *advance) nextOld() {
	a.oldIndex++
	if a.oi++; a.oi == a.old.chunks[a.oc].len() {
		a.oc, a.oi = a.oc+1, 0
	}
}

func (a *advance) nextNew() {
	a.newIndex++
	if a.ni++; a.ni == a.new.chunks[a.nc].len() {
		a.nc, a.ni = a.nc+1, 0
	}
}

// skipShared steps over a chunk that both views have and that reads the same
// under both floors.
func (a *advance) skipShared() bool {
	c := a.new.chunks[a.nc]
	if a.oi != 0 || a.ni != 0 || a.old.chunks[a.oc] != c {
		return false
	}
	if a.old.floor != a.new.floor && c.minMod < a.new.floor {
		return false
	}
	a.oc, a.nc = a.oc+1, a.nc+1
	a.oldIndex += c.len()
	a.newIndex += c.len()
	return true
}

// leave handles a message that only the old view has.
func (a *advance) leave() {
	if c := a.old.chunks[a.oc]; a.keep {
		a.kept = append(a.kept, place{c, a.oi})
	} else {
		a.ch.Expunged = append(a.ch.Expunged, a.oldIndex+1)
		a.ch.Vanished.Add(c.uids[a.oi], c.uids[a.oi])
	}
	a.nextOld()
}

// stay handles a message that both views have.
func (a *advance) stay() {
	o, n := a.old.chunks[a.oc], a.new.chunks[a.nc]
	same := o.flags[a.oi] == n.flags[a.ni] &&
		max(o.modseqs.at(a.oi), a.old.floor) == max(n.modseqs.at(a.ni), a.new.floor) &&
		a.sameKeywords(o.kw(a.oi), n.kw(a.ni))
	if !same {
		a.ch.Changed = append(a.ch.Changed, a.newIndex+len(a.kept))
	}
	a.nextOld()
	a.nextNew()
}

func (a *advance) sameKeywords(o, n Keywords) bool {
	if a.old.kwEpoch == a.new.kwEpoch {
		return o == n
	}
	return slices.EqualFunc(a.old.kwSets[o], a.new.kwSets[n], func(x, y string) bool { return compareFold(x, y) == 0 })
}

// mixed builds the shown view: new with the kept messages in their places.
// Chunks of new that none falls into are shared.
func (a *advance) mixed() *View {
	v := *a.new
	v.hasGone = true
	v.n += len(a.kept)
	v.chunks, v.firsts, v.starts = nil, nil, nil
	b := mixer{v: &v, kw: a.keywordsOf(&v)}
	kept := a.kept
	for _, c := range a.new.chunks {
		for len(kept) > 0 && kept[0].uid() < c.first() {
			b.gone(kept[0])
			kept = kept[1:]
		}
		if len(kept) == 0 || kept[0].uid() > c.last() {
			b.share(c)
			continue
		}
		for i := range c.len() {
			for len(kept) > 0 && kept[0].uid() < c.uids[i] {
				b.gone(kept[0])
				kept = kept[1:]
			}
			b.add(c.record(i, 0), false)
		}
	}
	for _, p := range kept {
		b.gone(p)
	}
	b.flush()
	return &v
}

// keywordsOf returns how keyword numbers of the old view translate to numbers
// of the shown one, whose table it extends where needed.
func (a *advance) keywordsOf(shown *View) func(Keywords) Keywords {
	if a.old.kwEpoch == a.new.kwEpoch && !a.old.kwPrivate {
		return func(k Keywords) Keywords { return k }
	}
	known := map[Keywords]Keywords{0: 0}
	return func(k Keywords) Keywords {
		n, ok := known[k]
		if !ok {
			n = Keywords(len(shown.kwSets))
			shown.kwSets = append(slices.Clip(shown.kwSets), a.old.kwSets[k])
			shown.kwPrivate = true
			known[k] = n
		}
		return n
	}
}

// mixer collects the chunks of a shown view.
type mixer struct {
	v    *View
	kw   func(Keywords) Keywords
	open *chunk // being filled, nil: none
	n    int    // messages in finished chunks
}

func (b *mixer) gone(p place) {
	r := p.c.record(p.i, 0)
	r.Keywords = b.kw(r.Keywords)
	b.add(r, true)
}

func (b *mixer) add(r Record, gone bool) {
	if b.open != nil && b.open.len() == maxChunk {
		b.flush()
	}
	if b.open == nil {
		b.open = &chunk{gone: []bool{}}
	}
	b.open.push(&r)
	b.open.gone = append(b.open.gone, gone)
	if gone {
		b.open.counts.sub(r.Flags, r.Size)
	}
}

func (b *mixer) flush() {
	if c := b.open; c != nil {
		b.open = nil
		b.share(c)
	}
}

func (b *mixer) share(c *chunk) {
	b.flush()
	b.v.chunks = append(b.v.chunks, c)
	b.v.firsts = append(b.v.firsts, c.first())
	b.v.starts = append(b.v.starts, uint32(b.n))
	b.n += c.len()
}
