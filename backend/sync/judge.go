package sync

import (
	"slices"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/uidset"
)

// This file holds the decisions about objects and answers that are met. They
// are pure; each returns what to do, and its name says why.

// verdict is what an object of a mailbox means to its holder.
type verdict uint8

// The verdicts.
const (
	// isKnown: the index has the message.
	isKnown verdict = iota + 1
	// isOwn: "Objects in the holder's own range are its own deliveries
	// under way: a LIST leaves them alone."
	isOwn
	// provesOvertaken: "An object at or above the end of its own range
	// proves that it was overtaken".
	provesOvertaken
	// isExpunged: "An unknown object anywhere else: deleted if the index's
	// set of expunged UIDs names it".
	isExpunged
	// keepsUID: "mails found in the range of the immediately preceding
	// holder keep their UIDs".
	keepsUID
	// isLate: "mails found in older open ranges are late", and an unknown
	// object anywhere else is "re-homed. When in doubt, keep the mail."
	isLate
)

var verdictNames = [...]string{"", "known", "own", "proves overtaken", "expunged", "keeps its UID", "late"}

func (v verdict) String() string { return verdictNames[v] }

// outlook is what a holder knows when it meets an object.
type outlook struct {
	// own is the confirmed range: an extension that is under way proves
	// nothing.
	own uidRange
	// fresh are the ranges of the immediately preceding holder, until the
	// first LIST after the takeover is done.
	fresh []uidset.Range
	// has and expunged ask the index.
	has, expunged func(uid uint32) bool
}

// judge tells what the object of a UID means.
func (o outlook) judge(uid uint32) verdict {
	switch {
	case uid >= o.own.end:
		return provesOvertaken
	case o.has(uid):
		return isKnown
	case uid >= o.own.start:
		return isOwn
	case o.expunged(uid):
		return isExpunged
	case slices.ContainsFunc(o.fresh, func(r uidset.Range) bool { return r.First <= uid && uid <= r.Last }):
		return keepsUID
	default:
		return isLate
	}
}

// stored is what the head of an unknown object tells.
type stored struct {
	uid  uint32
	guid index.ID
	// origins are the UIDs of this mailbox that it was re-homed from.
	origins []uint32
	late    bool // isLate, else keepsUID
}

// doubles is what to do with unknown objects, once copies of one mail are told
// from different mails.
type doubles struct {
	adopt  []uint32 // take into the index
	rehome []uint32 // store under a new UID, then remove
	// drop are objects to remove once the one that keeps the mail is
	// confirmed to exist: keep is its UID, or 0 if the mail was dealt with
	// before and nothing is to be confirmed.
	drop []drop
	// replaced are messages of the index that go once the rehomed object,
	// in the position of rehome, is stored.
	replaced map[uint32]uint32 // message → rehomed
	// origins count as expunged: their mails live on in adopted objects.
	origins uidset.Set
}

type drop struct{ uid, keep uint32 }

// tellDoubles decides about unknown objects. known tells the UID under which
// the index has a GUID, if it does; expunged is the index's. "Two copies of one GUID,
// met after a crash in between, count as one mail (the lower UID goes, after
// the higher is confirmed to exist)".
func tellDoubles(found []stored, known map[index.ID]uint32, expunged func(uint32) bool) doubles {
	d := doubles{replaced: map[uint32]uint32{}}
	groups := map[index.ID][]stored{}
	var order []index.ID
	for _, s := range found {
		if known[s.guid] == 0 && slices.ContainsFunc(s.origins, expunged) {
			// Its mail was re-homed by someone else, too, or was
			// expunged under an old UID: either way it is dealt with.
			d.drop = append(d.drop, drop{uid: s.uid})
			continue
		}
		if groups[s.guid] == nil {
			order = append(order, s.guid)
		}
		groups[s.guid] = append(groups[s.guid], s)
	}
	for _, guid := range order {
		d.group(groups[guid], known[guid])
	}
	return d
}

// group decides about the copies of one mail; indexed is the UID of the copy
// that the index has, 0 if it has none.
func (d *doubles) group(copies []stored, indexed uint32) {
	highest := copies[0]
	for _, c := range copies[1:] {
		if c.uid > highest.uid {
			highest = c
		}
	}
	keep := highest.uid
	switch {
	case indexed > keep:
		keep = indexed
	case highest.late:
		// It gets a new UID, above all others.
		d.rehome = append(d.rehome, keep)
		if indexed != 0 {
			d.replaced[indexed] = keep
		}
	default:
		d.adopt = append(d.adopt, keep)
		if indexed != 0 {
			d.drop = append(d.drop, drop{uid: indexed, keep: keep})
		}
		for _, uid := range highest.origins {
			d.origins.Add(uid, uid)
		}
	}
	for _, c := range copies {
		if c.uid != keep {
			d.drop = append(d.drop, drop{uid: c.uid, keep: keep})
		}
	}
}

// commitVerdict is what the root that was found after a PUT of root means.
type commitVerdict uint8

const (
	// landed: "a 412 on a commit means overtaken, or the echo of one's own
	// PUT: a commit id in root tells".
	landed commitVerdict = iota + 1
	// unchanged: root is still what the PUT was to replace.
	unchanged
	// overtaken: somebody else wrote root, which only a claim may.
	overtaken
)

// judgeRoot tells what became of the PUT of sent, which was to replace base,
// when root now has the commit id found.
func judgeRoot(sent, base, found index.ID) commitVerdict {
	switch found {
	case sent:
		return landed
	case base:
		return unchanged
	default:
		return overtaken
	}
}
