package sync

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"mailbackend.io/backend/cache"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/uidset"
)

// uploadJob is the upload of one folder: a snapshot under the lock, then a new
// segment built and stored without it, then its part of the commit.
type uploadJob struct {
	f *Folder
	// expunge are messages to be committed as expunged that the index still
	// shows.
	expunge uidset.Set

	// The snapshot.
	view       *index.View // nil: only deliveries are uploaded
	since      uint64      // the segments have everything up to this modseq
	horizon    uint32      // everything below is settled and in the snapshot
	told       uint32
	highest    uint64
	raiseFloor uint64
	checked    bool
	expungeAt  uint64 // modseq of the expunge
	log        *cache.Log
	rotation   uint64
	rotated    bool

	// The segment; without a name there is nothing to store.
	plan   index.Plan
	info   index.SegmentInfo
	dirs   map[string]index.Directory // that were learnt
	object []byte
	left   []string // names of segments that the commit lets go
	err    error
	ended  bool
}

// snapshot takes from the folder what is to be uploaded. The semaphore is held
// and the folder is uploadable.
func (j *uploadJob) snapshot() {
	f := j.f
	f.mu.Lock()
	defer f.mu.Unlock()
	f.up, f.pend = f.pend, nil
	if f.up == nil {
		f.up = &changes{}
	}
	j.horizon, j.told = f.horizon(), f.told
	j.raiseFloor, j.checked, j.since = f.raiseFloor, f.checked, f.uploaded
	if f.box != nil {
		j.view = f.box.View()
		j.highest = j.view.HighestModSeq()
	}
	for i := range f.up.appends {
		j.highest = max(j.highest, f.up.appends[i].ModSeq)
	}
	for i := range f.up.removals {
		j.highest = max(j.highest, f.up.removals[i].ModSeq)
	}
	if !j.expunge.Empty() {
		// One that nobody knows yet: should this holder die before it can
		// tell of the expunge, the next one tells all who know less.
		// And none above it may be told before it is.
		f.lastModSeq++
		f.gate = make(chan struct{})
		j.expungeAt = f.lastModSeq
		j.highest = max(j.highest, j.expungeAt)
	}
	if f.log != nil && !f.a.lostLog() {
		var err error
		if j.rotation, err = f.log.Rotate(); err != nil {
			f.a.log.Warn("local log can't be rotated", "mailbox", f.id, "error", err)
		}
		j.log, j.rotated = f.log, err == nil
	}
}

// ops are the operations to upload, oldest first, at most one per message.
func (j *uploadJob) ops() []index.Op {
	up := j.f.up // only changed by whoever holds the semaphore
	var ops []index.Op
	if j.raiseFloor > 0 {
		ops = append(ops, index.Op{Kind: index.OpFloor, ModSeq: j.raiseFloor})
	}
	ops = append(ops, up.removals...)
	if j.view == nil {
		ops = append(ops, up.appends...)
	} else {
		for _, rec := range j.view.ChangedSince(j.since) {
			op := index.Op{Kind: index.OpFlags, UID: rec.UID}
			if added := up.find(rec.UID); added != nil {
				op = *added
			}
			op.ModSeq, op.Flags, op.Keywords = rec.ModSeq, rec.Flags, j.view.Keywords(rec.Keywords)
			ops = append(ops, op)
		}
	}
	slices.SortStableFunc(ops, func(a, b index.Op) int {
		switch {
		case a.ModSeq < b.ModSeq:
			return -1
		case a.ModSeq > b.ModSeq:
			return 1
		}
		return 0
	})
	if !j.expunge.Empty() {
		ops = append(ops, index.Op{Kind: index.OpExpunge, ModSeq: j.expungeAt, UIDs: j.expunge})
	}
	return ops
}

// put builds the new segment and stores it.
func (j *uploadJob) put(ctx context.Context) error {
	f := j.f
	m := f.a.mailbox(f.id)
	ops := j.ops()
	if m == nil || len(ops) == 0 {
		return nil // deleted, or nothing but a word to root
	}
	view := j.view
	if !j.expunge.Empty() {
		view = nil // it still has what is expunged: no base can be made of it
	}
	j.plan = index.PlanUpload(index.Upload{
		Segments: m.segments, Ops: len(ops), View: view, Limits: f.a.e.cfg.Plan,
		Local: func(s *index.SegmentInfo, cold bool) bool {
			if cold {
				return f.local(s, idsPart) && f.local(s, sumPart)
			}
			return f.local(s, hotPart)
		},
	})
	seg := index.Segment{
		Name: SegmentName(f.a.epoch, j.plan.Base, f.a.e.newID()), Epoch: f.a.epoch, Base: j.plan.Base, Depth: j.plan.Depth,
		MailboxID: string(f.id), MailboxName: m.Name, View: view,
	}
	if err := j.merge(ctx, m, &seg, ops); err != nil {
		return fmt.Errorf("%s: preparing an upload: %w", f, err)
	}
	var err error
	if j.object, j.info, err = index.Encode(seg); err != nil {
		return fmt.Errorf("%s: encoding an upload: %w", f, err)
	}
	f.a.log.Debug("uploading index", "mailbox", f.id, "segment", seg.Name, "ops", len(ops), "bytes", len(j.object), "plan", j.plan.Reason)
	return j.store(ctx)
}

// merge reads what the plan wants of older segments, and completes seg.
func (j *uploadJob) merge(ctx context.Context, m *Mailbox, seg *index.Segment, ops []index.Op) error {
	f := j.f
	f.mu.Lock()
	known := maps.Clone(f.dirs)
	f.mu.Unlock()
	if known == nil {
		known = map[string]index.Directory{}
	}
	var old []index.Op
	hot := make([][]byte, len(j.plan.MergeLogs))
	cold := make([]index.Cold, len(j.plan.MergeCold))
	errs := make([]error, len(hot)+len(cold))
	inParallel(len(errs), f.a.e.cfg.MaxParallel, func(i int) {
		if i < len(hot) {
			hot[i], errs[i] = f.read(ctx, &m.segments[j.plan.MergeLogs[i]], hotPart)
			return
		}
		n := i - len(hot)
		cold[n], errs[i] = f.readCold(ctx, &m.segments[j.plan.MergeCold[n]], known)
	})
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for i, n := range j.plan.MergeLogs {
		s := &m.segments[n]
		more, err := logOf(s, hot[i])
		if err == nil {
			err = directoriesOf(s, hot[i], known)
		}
		if err != nil {
			f.forget(s.Name)
			return fmt.Errorf("segment %s: %w", s.Name, err)
		}
		old = append(old, more...)
	}
	seg.Ops = ops
	if len(old) > 0 {
		seg.Ops = append(old, ops...)
	}
	seg.Ops = index.Compact(seg.Ops)
	seg.Merge = cold
	seg.Foreign = j.plan.Foreign(m.segments, known)
	j.dirs = known
	return nil
}

// readCold reads a segment's ids and summaries whole, to be merged.
func (f *Folder) readCold(ctx context.Context, s *index.SegmentInfo, known map[string]index.Directory) (index.Cold, error) {
	c := index.Cold{Info: *s}
	var err error
	if c.IDs, err = f.read(ctx, s, idsPart); err != nil {
		return c, err
	}
	if c.Summaries, err = f.read(ctx, s, sumPart); err != nil {
		return c, err
	}
	d, ok := known[s.Name]
	if !ok {
		b, err := f.read(ctx, s, dirPart)
		if err != nil {
			return c, err
		}
		if d, _, err = index.DecodeDirectory(b); err != nil {
			f.forget(s.Name)
			return c, fmt.Errorf("segment %s: %w", s.Name, err)
		}
	}
	c.Directory = d
	return c, nil
}

// segmentAttempts is how often the PUT of a segment is tried.
const segmentAttempts = 4

// store stores the segment: its name is new, so a 412 is the echo of an
// earlier attempt.
func (j *uploadJob) store(ctx context.Context) error {
	a := j.f.a
	key := IndexKey(a.prefix, j.f.id, j.info.Name)
	for n := 1; ; n++ {
		_, err := a.e.store.PutIfAbsent(ctx, key, objstore.Blob{j.object})
		if err == nil || errors.Is(err, objstore.ErrPrecondition) {
			j.f.keepSegment(&j.info, j.object)
			return nil
		}
		if n == segmentAttempts || a.pause(ctx, n) != nil {
			// It may be there or come: the next commit does not name it.
			a.addGarbage([]string{key})
			return fmt.Errorf("segment %s: %w: %w", key, ErrUnavailable, err)
		}
	}
}

// apply is the folder's part of the commit.
func (j *uploadJob) apply(r *Root) {
	m := r.ByID(j.f.id)
	if m == nil {
		return // deleted: the segment goes with the mailbox
	}
	j.left = nil
	if j.info.Name != "" {
		m.segments, j.left = j.plan.Result(m.segments, j.info)
	}
	r.noteHandled(j.f.up.handled)
	m.scanFrom = max(m.scanFrom, j.horizon)
	m.UIDNext = max(m.UIDNext, j.told)
	m.floor = max(m.floor, j.raiseFloor)
	m.HighestModSeq = max(m.HighestModSeq, j.highest, m.floor)
	m.Counts = j.counts(m.Counts)
	if j.checked {
		m.checkBelow = 0
	}
}

// counts are the totals after the upload; old are those before.
func (j *uploadJob) counts(old index.Counts) index.Counts {
	if j.view == nil {
		return addCounts(old, j.f.up.appends)
	}
	c := j.view.Counts()
	for uid := range j.expunge.All() {
		i, ok := j.view.Find(uid)
		if !ok {
			continue
		}
		rec := j.view.At(i)
		c.Messages--
		c.Size -= uint64(rec.Size)
		if rec.Flags&index.Seen == 0 {
			c.Unseen--
		}
		if rec.Flags&index.Deleted != 0 {
			c.Deleted--
			c.DeletedSize -= uint64(rec.Size)
		}
	}
	return c
}

// end settles the folder after the commit, whose outcome is err.
func (j *uploadJob) end(err error) {
	if j.ended {
		return
	}
	j.ended = true
	f := j.f
	f.mu.Lock()
	if err != nil {
		f.pend = f.up.join(f.pend)
		f.up = nil
	} else {
		j.endGood()
	}
	clean, dirtied := f.pend.empty(), f.dirtied
	var n news
	if !j.expunge.Empty() {
		close(f.gate)
		f.gate = nil
		n = f.advance()
	}
	f.mu.Unlock()
	f.tell(n)

	gone := j.left
	if err != nil && j.info.Name != "" {
		gone = []string{j.info.Name} // no commit names it
	}
	var keys []string
	for _, name := range gone {
		keys = append(keys, IndexKey(f.a.prefix, f.id, name))
		f.forget(name)
	}
	f.a.addGarbage(keys)
	if err == nil {
		j.dropLog()
	}
	if clean {
		f.a.setClean(f.id, dirtied)
	}
}

// endGood takes over what was committed. f.mu is held.
func (j *uploadJob) endGood() {
	f := j.f
	f.up = nil
	if f.raiseFloor == j.raiseFloor {
		f.raiseFloor = 0
	}
	if f.box == nil {
		return
	}
	if j.info.Name != "" {
		f.uploaded = max(f.uploaded, j.highest)
		f.segments, _ = j.plan.Result(f.segments, j.info)
		maps.Copy(f.dirs, j.dirs)
		if b, err := j.info.Directory.Cut(0, j.object); err == nil {
			if own, _, err := index.DecodeDirectory(b); err == nil {
				f.dirs[j.info.Name] = own
			}
		}
		maps.DeleteFunc(f.dirs, func(name string, _ index.Directory) bool { return slices.Contains(j.left, name) })
	}
	if !j.expunge.Empty() && !f.sealed {
		// The index is told what is committed; the local log need not be.
		mustApply(f.box, index.Op{Kind: index.OpExpunge, ModSeq: j.expungeAt, UIDs: j.expunge})
		f.shown.Store(f.box.View())
	}
}

// dropLog drops the part of the local log that is uploaded.
func (j *uploadJob) dropLog() {
	if !j.rotated {
		return
	}
	if err := j.log.DropBefore(j.rotation); err != nil {
		j.f.a.log.Warn("local log can't be cut", "mailbox", j.f.id, "error", err)
	}
}
