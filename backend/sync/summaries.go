package sync

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/message"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/uidset"
)

// summaryBatch is how many messages' summaries are in memory at a time.
const summaryBatch = 1024

// UIDSummary is one message's summary.
type UIDSummary struct {
	UID     uint32
	Summary message.Summary
}

func formatUint(n int64) string { return strconv.FormatInt(n, 10) }

func (f *Folder) notOpen() error {
	if err := f.a.Err(); err != nil {
		return err
	}
	if f.a.mailbox(f.id) == nil {
		return fmt.Errorf("%s: %w", f, ErrNoMailbox)
	}
	return fmt.Errorf("%s: %w", f, ErrNotOpen)
}

// Summaries yields the summaries of those of uids (ascending) that exist, in
// order. A message whose summary can't be had ends the stream with an error,
// except one that is gone, which is left out. The folder must be open.
//
// They come from the tail of the index, else from the segments: one GET for each
// segment that is not cached, however many messages are asked for, as long as
// what is wanted of it lies within Config.SummaryWindow bytes.
func (f *Folder) Summaries(ctx context.Context, uids []uint32) iter.Seq2[UIDSummary, error] {
	return func(yield func(UIDSummary, error) bool) {
		view := f.View()
		if view == nil {
			yield(UIDSummary{}, f.notOpen())
			return
		}
		uids = slices.DeleteFunc(slices.Clone(uids), func(uid uint32) bool {
			_, ok := view.Find(uid)
			return !ok
		})
		var want uidset.Set
		for _, uid := range uids {
			want.Add(uid, uid)
		}
		s := &summaryStream{f: f, ctx: ctx}
		if err := s.open(want); err != nil {
			yield(UIDSummary{}, err)
			return
		}
		for batch := range slices.Chunk(uids, summaryBatch) {
			got, err := s.batch(batch)
			if err != nil {
				yield(UIDSummary{}, err)
				return
			}
			for _, uid := range batch {
				if b, ok := got[uid]; ok && !yield(UIDSummary{uid, b}, nil) {
					return
				}
			}
		}
	}
}

// summaryStream is one call of Summaries.
type summaryStream struct {
	f      *Folder
	ctx    context.Context
	tail   map[uint32]message.Summary
	reader *coldReader
}

// open finds the summaries of want: those in the tail, and where the others are.
func (s *summaryStream) open(want uidset.Set) (err error) {
	s.tail = map[uint32]message.Summary{}
	s.f.eachTail(want, func(op *index.Op) {
		if sum, err := message.ParseSummary(op.Summary); err == nil {
			s.tail[op.UID] = sum
			want.Remove(op.UID, op.UID)
		}
	})
	s.reader, err = s.f.newColdReader(s.ctx, sumPart, want)
	return err
}

// batch returns the summaries of ascending UIDs.
func (s *summaryStream) batch(uids []uint32) (map[uint32]message.Summary, error) {
	first, last := uids[0], uids[len(uids)-1]
	err := s.reader.load(s.ctx, last)
	for n := 0; errors.Is(err, errSegmentGone) && n < 3; n++ {
		// An upload put other segments in the place of these.
		rest := uidset.Of(uids...)
		for _, w := range s.reader.windows {
			for i := range w.reads {
				rest.AddSet(w.reads[i].UIDs)
			}
		}
		if err = s.open(rest); err == nil {
			err = s.reader.load(s.ctx, last)
		}
	}
	if err != nil {
		return nil, err
	}
	got := make(map[uint32]message.Summary, len(uids))
	s.reader.take(first, last, func(block []byte, want uidset.Set) error {
		return index.DecodeSummaries(block, func(uid uint32, b []byte) bool {
			if !want.Contains(uid) {
				return true
			}
			if sum, err := message.ParseSummary(b); err == nil {
				got[uid] = sum
			}
			return true
		})
	})
	var lost []uint32
	for _, uid := range uids {
		if sum, ok := s.tail[uid]; ok {
			got[uid] = sum
			delete(s.tail, uid)
		} else if _, ok := got[uid]; !ok {
			lost = append(lost, uid)
		}
	}
	return got, s.f.rebuildSummaries(s.ctx, lost, got)
}

// rebuildSummaries reads summaries that are lost from the mails themselves.
func (f *Folder) rebuildSummaries(ctx context.Context, uids []uint32, into map[uint32]message.Summary) error {
	metas := make([]message.Meta, len(uids))
	errs := make([]error, len(uids))
	inParallel(len(uids), f.a.e.cfg.MaxParallel, func(i int) {
		metas[i], errs[i] = f.readMeta(ctx, uids[i])
	})
	for i, uid := range uids {
		switch {
		case errs[i] == nil:
			into[uid] = metas[i].Summary
		case errors.Is(errs[i], ErrMessageGone):
		default:
			return errs[i]
		}
	}
	return nil
}

// readMeta reads the head of a message's object. ErrMessageGone: the object does
// not exist, and the message was removed from the index.
func (f *Folder) readMeta(ctx context.Context, uid uint32) (message.Meta, error) {
	meta, _, err := f.head(ctx, uid)
	if errors.Is(err, objstore.ErrNotFound) {
		return message.Meta{}, f.missing(ctx, uid)
	}
	return meta, err
}

// head reads the head of the object under a UID, whether the index knows it or
// not: one ranged GET, in rare cases a second.
func (f *Folder) head(ctx context.Context, uid uint32) (meta message.Meta, info objstore.Info, err error) {
	key := MailKey(f.a.prefix, f.id, uid)
	length := int64(message.HeadGuess)
	for {
		obj, err := f.a.e.store.Get(ctx, key, objstore.Range{Length: length})
		if err != nil {
			if !errors.Is(err, objstore.ErrNotFound) {
				err = fmt.Errorf("%w: %w", ErrUnavailable, err)
			}
			return message.Meta{}, objstore.Info{}, fmt.Errorf("mail %s: %w", key, err)
		}
		meta, err := message.ReadMeta(obj.Data)
		var short message.ErrShort
		if errors.As(err, &short) && int64(short.Need) > length && int64(short.Need) <= obj.Size {
			length = int64(short.Need)
			continue
		}
		if err != nil {
			return message.Meta{}, obj.Info, fmt.Errorf("mail %s: %w: %w", key, errBadMail, err)
		}
		return meta, obj.Info, nil
	}
}

// errBadMail: an object is no mail object, or its head is damaged.
var errBadMail = errors.New("damaged mail object")

// eachTail calls yield for the messages of want that no segment has yet. The op
// may be kept but not changed.
func (f *Folder) eachTail(want uidset.Set, yield func(*index.Op)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range []*changes{f.up, f.pend} {
		if c == nil {
			continue
		}
		for i := range c.appends {
			if want.Contains(c.appends[i].UID) {
				yield(&c.appends[i])
			}
		}
	}
}

// IDs returns the identifiers of the messages of uids that exist. The folder
// must be open.
func (f *Folder) IDs(ctx context.Context, uids uidset.Set) (map[uint32]index.IDs, error) {
	view := f.View()
	if view == nil {
		return nil, f.notOpen()
	}
	want := present(view, uids)
	got := map[uint32]index.IDs{}
	f.eachTail(want, func(op *index.Op) { got[op.UID] = op.IDs })
	for uid := range got {
		want.Remove(uid, uid)
	}
	err := f.coldIDs(ctx, want, func(uid uint32, ids index.IDs) { got[uid] = ids })
	return got, err
}

// present returns those of uids that the view has.
func present(view *index.View, uids uidset.Set) uidset.Set {
	if uids.Len() > 64 {
		return uids.Intersect(view.UIDs())
	}
	var found uidset.Set
	for uid := range uids.All() {
		if _, ok := view.Find(uid); ok {
			found.Add(uid, uid)
		}
	}
	return found
}

// coldIDs yields the identifiers that the segments have of want, and reads
// lost ones from the mails.
func (f *Folder) coldIDs(ctx context.Context, want uidset.Set, yield func(uint32, index.IDs)) error {
	if want.Empty() {
		return nil
	}
	r, err := f.newColdReader(ctx, idsPart, want)
	for n := 0; ; n++ {
		if err == nil {
			err = r.load(ctx, index.MaxUID)
		}
		if !errors.Is(err, errSegmentGone) || n == 3 {
			break
		}
		r, err = f.newColdReader(ctx, idsPart, want)
	}
	if err != nil {
		return err
	}
	r.take(1, index.MaxUID, func(block []byte, want uidset.Set) error {
		return index.DecodeIDs(block, func(uid uint32, ids index.IDs) bool {
			if want.Contains(uid) {
				yield(uid, ids)
			}
			return true
		})
	})
	for uid := range r.missing.All() {
		meta, err := f.readMeta(ctx, uid)
		switch {
		case err == nil:
			yield(uid, index.IDs{GUID: meta.GUID, EmailID: meta.EmailID, ThreadID: meta.ThreadID})
		case errors.Is(err, ErrMessageGone):
		default:
			return err
		}
	}
	return nil
}
