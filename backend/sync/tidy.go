package sync

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/message"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/uidset"
)

// findings are what is to be done about objects that were met, as the index is
// at the moment: whoever acts on them holds the folder's tidying. Nothing of it is
// in a hurry: what is undone when the account ends is met again.
type findings struct {
	// remove are objects that the expunged set names.
	remove []uint32
	// drop and rehome as in doubles.
	drop   []drop
	rehome []uint32
	// replaced are messages that go once the rehomed one is stored.
	replaced map[uint32]uint32
}

func (x *findings) empty() bool { return len(x.remove)+len(x.drop)+len(x.rehome) == 0 }

// considered is what objects that were met turned out to be.
type considered struct {
	findings
	// left are the objects that findings is about.
	left    []listed
	adopt   []index.Op // without modseq
	origins uidset.Set
	handled []handled
}

// handled is a mail of a deleted mailbox that lives on in this one.
type handled struct {
	from MailboxID
	uid  uint32
}

// consider judges objects below the own range. The index must be in place. It
// changes nothing.
func (f *Folder) consider(ctx context.Context, found []listed, fresh []uidset.Range) (c considered, err error) {
	f.mu.Lock()
	if f.box == nil {
		f.mu.Unlock()
		return c, f.notOpen()
	}
	view := f.box.View()
	look := outlook{
		own: f.own, fresh: fresh, expunged: view.IsExpunged,
		has: func(uid uint32) bool { _, ok := view.Find(uid); return ok },
	}
	f.mu.Unlock()
	var unknown []listed
	var late []bool
	for _, l := range found {
		switch look.judge(l.uid) {
		case isExpunged:
			c.remove = append(c.remove, l.uid)
			c.left = append(c.left, l)
		case keepsUID:
			unknown, late = append(unknown, l), append(late, false)
		case isLate:
			unknown, late = append(unknown, l), append(late, true)
		}
	}
	if len(unknown) == 0 {
		return c, nil
	}
	metas, err := f.readHeads(ctx, unknown)
	if err != nil {
		return c, err
	}
	var heads []stored
	var dealt []uint32
	byUID := map[uint32]*message.Meta{}
	for i, meta := range metas {
		if meta == nil {
			continue // gone meanwhile, or nothing that can be read: left alone
		}
		if f.a.isCommittedAsHandled(meta) {
			dealt = append(dealt, unknown[i].uid)
		}
		s := stored{uid: unknown[i].uid, guid: meta.GUID, late: late[i], origins: f.originsOf(meta, unknown[i].uid)}
		heads = append(heads, s)
		byUID[s.uid] = meta
	}
	known, err := f.findGUIDs(ctx, heads)
	if err != nil {
		return c, err
	}
	heads = slices.DeleteFunc(heads, func(s stored) bool {
		// Another copy of a mail of a deleted mailbox was committed here
		// and is not here any more: it was expunged.
		gone := known[s.guid] == 0 && slices.Contains(dealt, s.uid)
		if gone {
			c.drop = append(c.drop, drop{uid: s.uid})
		}
		return gone
	})
	d := tellDoubles(heads, known, view.IsExpunged)
	c.drop = append(c.drop, d.drop...)
	c.rehome, c.replaced, c.origins = d.rehome, d.replaced, d.origins
	for i, l := range unknown {
		if metas[i] != nil && !slices.Contains(d.adopt, l.uid) {
			c.left = append(c.left, l)
		}
	}
	slices.Sort(d.adopt)
	for _, uid := range d.adopt {
		meta := byUID[uid]
		op, err := opOf(meta)
		if err != nil {
			f.a.log.Error("mail can't be taken into the index", "mailbox", f.id, "uid", uid, "error", err)
			continue
		}
		op.UID = uid
		c.adopt = append(c.adopt, op)
		if from := MailboxID(meta.OriginMailbox); from != "" && from != f.id && from.Valid() {
			c.handled = append(c.handled, handledAll(from, meta)...)
		}
	}
	return c, nil
}

// originsOf are the UIDs of this mailbox that the object of uid was re-homed
// from, all lower than its own.
func (f *Folder) originsOf(meta *message.Meta, uid uint32) (uids []uint32) {
	if meta.OriginMailbox != string(f.id) {
		return nil
	}
	for _, o := range append(slices.Clip(meta.Forebears), meta.OriginUID) {
		if o > 0 && o < uid {
			uids = append(uids, o)
		}
	}
	return uids
}

// handledAll are the mails of a deleted mailbox that an object was re-homed from.
func handledAll(from MailboxID, meta *message.Meta) (all []handled) {
	for _, uid := range append(slices.Clip(meta.Forebears), meta.OriginUID) {
		all = append(all, handled{from, uid})
	}
	return all
}

// readHeads reads the heads of mails, in parallel. Of those that are gone or
// can't be read at all there is none.
func (f *Folder) readHeads(ctx context.Context, mails []listed) ([]*message.Meta, error) {
	metas := make([]*message.Meta, len(mails))
	errs := make([]error, len(mails))
	inParallel(len(mails), f.a.e.cfg.MaxParallel, func(i int) {
		meta, info, err := f.head(ctx, mails[i].uid)
		switch {
		case err == nil:
			metas[i] = &meta
		case errors.Is(err, objstore.ErrNotFound):
		case errors.Is(err, errBadMail):
			f.a.log.Error("head of a mail is damaged", "mailbox", f.id, "uid", mails[i].uid, "error", err)
			metas[i], _, errs[i] = f.salvage(ctx, mails[i].uid, info.Modified)
		default:
			errs[i] = err
		}
	})
	return metas, errors.Join(errs...)
}

// salvage makes the head of a mail whose own is damaged, of what is left: the
// message itself. "When in doubt, keep the mail." nil: not even that.
func (f *Folder) salvage(ctx context.Context, uid uint32, modified time.Time) (*message.Meta, []byte, error) {
	key := MailKey(f.a.prefix, f.id, uid)
	obj, err := f.a.e.store.Get(ctx, key, objstore.Range{})
	switch {
	case errors.Is(err, objstore.ErrNotFound):
		return nil, nil, nil
	case err != nil:
		return nil, nil, fmt.Errorf("mail %s: %w: %w", key, ErrUnavailable, err)
	}
	raw, err := message.DecodeFrames(nil, obj.Data, maxSalvage)
	if err != nil {
		f.a.log.Error("mail can't be read and is left alone", "mailbox", f.id, "uid", uid, "error", err)
		return nil, nil, nil
	}
	// A mail that was damaged has no GUID; its bytes give it one, so that it
	// is the same whoever reads it.
	sum := sha256.Sum256(obj.Data)
	return &message.Meta{
		GUID: message.ID(sum[:16]), EmailID: message.ID(sum[16:]),
		InternalDate: modified.Unix(), SaveDate: modified.Unix(),
		Size: int64(len(raw)), Summary: message.Parse(raw, f.a.e.cfg.Message),
	}, raw, nil
}

// maxSalvage bounds the mails that salvage reads.
const maxSalvage = 1 << 30

// findGUIDs tells under which UIDs the index has the GUIDs of found objects.
// That costs reading all identifiers of the mailbox, and is asked for only when
// unknown objects were met.
func (f *Folder) findGUIDs(ctx context.Context, found []stored) (map[index.ID]uint32, error) {
	known := map[index.ID]uint32{}
	if len(found) == 0 {
		return known, nil
	}
	wanted := map[index.ID]struct{}{}
	for _, s := range found {
		wanted[s.guid] = struct{}{}
	}
	note := func(uid uint32, ids index.IDs) {
		if _, ok := wanted[ids.GUID]; ok {
			known[ids.GUID] = max(known[ids.GUID], uid)
		}
	}
	f.mu.Lock()
	if f.box == nil {
		f.mu.Unlock()
		return nil, f.notOpen()
	}
	all := f.box.View().UIDs()
	for _, s := range f.slots {
		if _, ok := wanted[s.mail.guid]; ok && s.state != aborted {
			f.mu.Unlock()
			return nil, fmt.Errorf("%s: a copy of an unknown mail is not settled yet: %w", f, ErrUnavailable)
		}
	}
	f.mu.Unlock()
	f.eachTail(all, func(op *index.Op) {
		note(op.UID, op.IDs)
		all.Remove(op.UID, op.UID)
	})
	err := f.coldIDs(ctx, all, note)
	return known, err
}

// tidy handles what an access left for the background. It is judged again:
// what was unknown then may be known by now.
func (f *Folder) tidy(ctx context.Context) error {
	if _, err := f.ensureOpen(ctx); err != nil {
		return err
	}
	f.mu.Lock()
	todo := f.late
	f.late = nil
	f.mu.Unlock()
	err := f.handleFound(ctx, todo)
	if err != nil {
		f.mu.Lock()
		f.late = append(f.late, todo...)
		f.mu.Unlock()
	}
	return err
}

// doTidy does what consider found to be done. The caller holds f.tidying.
func (f *Folder) doTidy(ctx context.Context, todo findings) error {
	gone := map[uint32]uidset.Set{} // by the rehomed UID that keeps the mail
	for uid, keep := range todo.replaced {
		s := gone[keep]
		s.Add(uid, uid)
		gone[keep] = s
	}
	var remove []uint32
	for _, d := range todo.drop {
		if d.keep != 0 && slices.Contains(todo.rehome, d.keep) {
			s := gone[d.keep]
			s.Add(d.uid, d.uid)
			gone[d.keep] = s
			continue
		}
		ok, err := f.drop(ctx, d)
		if err != nil {
			return err
		}
		if ok {
			remove = append(remove, d.uid)
		}
	}
	errs := make([]error, len(todo.rehome))
	inParallel(len(todo.rehome), rehomeParallel, func(i int) {
		uid := todo.rehome[i]
		errs[i] = f.rehome(ctx, uid, gone[uid])
	})
	remove = append(remove, todo.remove...)
	errs = append(errs, f.removeObjects(ctx, remove))
	if len(todo.drop)+len(todo.rehome) > 0 {
		errs = append(errs, f.commitFolder(ctx))
	}
	return errors.Join(errs...)
}

// rehomeParallel bounds the mails that are in memory for being re-homed.
const rehomeParallel = 4

// drop takes a double out of the index, once the object that keeps the mail is
// confirmed to exist. It reports whether the double may be removed.
func (f *Folder) drop(ctx context.Context, d drop) (bool, error) {
	if d.keep != 0 {
		_, err := f.a.e.store.Head(ctx, MailKey(f.a.prefix, f.id, d.keep))
		if errors.Is(err, objstore.ErrNotFound) {
			return false, nil // then this one is no double any more
		}
		if err != nil {
			return false, fmt.Errorf("%s: confirming UID %d: %w: %w", f, d.keep, ErrUnavailable, err)
		}
	}
	return true, f.applyOne(ctx, index.Op{Kind: index.OpExpunge, UIDs: uidset.Of(d.uid)})
}

// applyOne applies one op under a modseq of its own and tells the news.
func (f *Folder) applyOne(ctx context.Context, op index.Op) error {
	if err := f.lockWithModSeqs(ctx, 1); err != nil {
		return err
	}
	f.lastModSeq++
	op.ModSeq = f.lastModSeq
	op.UIDs = op.UIDs.Clone() // kept until the upload; the caller may go on with its own
	f.apply([]index.Op{op})
	n := f.tidings()
	f.mu.Unlock()
	f.tell(n)
	return nil
}

func (f *Folder) removeObjects(ctx context.Context, uids []uint32) error {
	keys := make([]string, len(uids))
	for i, uid := range uids {
		keys[i] = MailKey(f.a.prefix, f.id, uid)
	}
	return f.a.deleteKeys(ctx, keys)
}

// rehome stores a late mail under a new UID and then removes the late object
// and whatever else counts as the same mail. The mail keeps its GUID.
func (f *Folder) rehome(ctx context.Context, uid uint32, gone uidset.Set) error {
	mail, err := f.rehomed(ctx, f, uid)
	if mail == nil || err != nil {
		return err
	}
	// An earlier attempt of this may have succeeded, or may yet. Both are
	// asked at one moment: the one ends when the other begins.
	f.mu.Lock()
	done := f.box != nil && f.box.View().IsExpunged(uid)
	pending := f.pendingLocked(mail.guid)
	f.mu.Unlock()
	switch {
	case done:
		return f.removeObjects(ctx, []uint32{uid})
	case pending:
		return fmt.Errorf("%s: late UID %d: its new copy is not settled: %w", f, uid, ErrUnavailable)
	}
	// What was known when it was judged may be out of date: another copy may
	// have been stored meanwhile.
	known, err := f.findGUIDs(ctx, []stored{{guid: mail.guid}})
	if err != nil {
		return err
	}
	if keep := known[mail.guid]; keep != 0 && keep != uid && !gone.Contains(keep) {
		if ok, err := f.drop(ctx, drop{uid: uid, keep: keep}); !ok || err != nil {
			return err
		}
		return f.removeObjects(ctx, []uint32{uid})
	}
	remove := gone.Clone()
	remove.Add(uid, uid)
	mail.gone.AddSet(remove)
	// "Stored under a new UID..., and only then removed from the old."
	if _, err := f.store(ctx, mail); err != nil {
		return err
	}
	var uids []uint32
	for u := range remove.All() {
		uids = append(uids, u)
	}
	return f.removeObjects(ctx, uids)
}

// pendingLocked tells whether a mail of that GUID is being stored. f.mu is held.
func (f *Folder) pendingLocked(guid index.ID) bool {
	return slices.ContainsFunc(f.slots, func(s *slot) bool { return s.mail.guid == guid })
}

// rehomed reads the object of a mailbox and makes it ready to be stored in f.
// nil: it is gone, or can't be read and is left alone.
func (f *Folder) rehomed(ctx context.Context, from *Folder, uid uint32) (*sealedMail, error) {
	key := MailKey(from.a.prefix, from.id, uid)
	obj, err := f.a.e.store.Get(ctx, key, objstore.Range{})
	switch {
	case errors.Is(err, objstore.ErrNotFound):
		return nil, nil // another has re-homed it, and its copy will be met
	case err != nil:
		return nil, fmt.Errorf("mail %s: %w: %w", key, ErrUnavailable, err)
	}
	var raw []byte
	meta, err := message.ReadMeta(obj.Data)
	if err != nil {
		salvaged, content, err := from.salvage(ctx, uid, obj.Modified)
		if salvaged == nil || err != nil {
			return nil, err
		}
		meta, raw = *salvaged, content
	}
	// Whoever finds the new copy must know all the UIDs that it had: attempts
	// to store it under any of them may yet land.
	origins := from.originsOf(&meta, uid)
	meta.Forebears = origins[max(0, len(origins)-maxForebears):]
	meta.OriginGUID, meta.OriginMailbox, meta.OriginUID = meta.GUID, string(from.id), uid
	meta.MailboxID, meta.MailboxName = string(f.id), f.name()
	var data [][]byte
	if raw != nil {
		data, meta, err = message.NewBody(raw, f.a.e.cfg.Message).Object(nil, meta)
	} else {
		data, meta, err = message.Recode(obj.Data, meta)
	}
	if err != nil {
		f.a.log.Error("late mail can't be encoded and is left alone", "key", key, "error", err)
		return nil, nil
	}
	mail, err := f.encoded(data, meta)
	if err != nil {
		f.a.log.Error("late mail can't be indexed and is left alone", "key", key, "error", err)
		return nil, nil
	}
	mail.guarded = true
	if from.id == f.id {
		mail.gone = uidset.Of(origins...)
	}
	return mail, nil
}

// maxForebears bounds the UIDs that a re-homed mail remembers.
const maxForebears = 100
