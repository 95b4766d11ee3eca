package sync

import (
	"context"
	"errors"
	"fmt"

	"mailbackend.io/backend/cache"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/uidset"
)

// part is what is read of a segment at a time.
type part struct {
	suffix  string // of the file in the cache
	kind    cache.Kind
	section func(*index.SegmentInfo) index.Section
}

var (
	hotPart = part{".h", cache.Records, (*index.SegmentInfo).Hot}
	idsPart = part{".i", cache.Summary, func(s *index.SegmentInfo) index.Section { return s.IDs }}
	sumPart = part{".s", cache.Summary, func(s *index.SegmentInfo) index.Section { return s.Summaries }}
	dirPart = part{".d", cache.Records, func(s *index.SegmentInfo) index.Section { return s.Directory }}
	parts   = []part{hotPart, idsPart, sumPart, dirPart}
)

// local tells whether a part can be had without a request.
func (f *Folder) local(s *index.SegmentInfo, p part) bool {
	return p.section(s).Length == 0 || f.a.files != nil && f.a.files.Has(string(f.id), s.Name+p.suffix, p.kind)
}

// read reads a part of a segment from the cache, else from object storage.
func (f *Folder) read(ctx context.Context, s *index.SegmentInfo, p part) ([]byte, error) {
	section := p.section(s)
	if section.Length == 0 {
		return nil, nil
	}
	if f.a.files != nil {
		if b, err := f.a.files.Get(string(f.id), s.Name+p.suffix, p.kind); err == nil && int64(len(b)) == section.Length {
			return b, nil
		}
	}
	b, err := f.getSection(ctx, s, section)
	if err != nil {
		return nil, err
	}
	f.keep(s.Name+p.suffix, p.kind, b)
	return b, nil
}

// getSection reads a byte range of a segment object with one GET.
func (f *Folder) getSection(ctx context.Context, s *index.SegmentInfo, section index.Section) ([]byte, error) {
	key := IndexKey(f.a.prefix, f.id, s.Name)
	obj, err := f.a.e.store.Get(ctx, key, objstore.Range{Offset: section.Offset, Length: section.Length})
	switch {
	case errors.Is(err, objstore.ErrNotFound):
		return nil, fmt.Errorf("segment %s: %w: %w", key, errSegmentGone, err)
	case err != nil:
		return nil, fmt.Errorf("segment %s: %w: %w", key, ErrUnavailable, err)
	case int64(len(obj.Data)) != section.Length:
		return nil, fmt.Errorf("segment %s: %w: %d bytes at %d instead of %d", key, ErrIndexCorrupt, len(obj.Data), section.Offset, section.Length)
	}
	return obj.Data, nil
}

// errSegmentGone: a segment is not there. That is damage only if root still
// names it: an upload may have put another in its place.
var errSegmentGone = errors.New("segment is gone")

// keep puts a file into the cache. It is no more than a later miss if it can't.
func (f *Folder) keep(name string, kind cache.Kind, b []byte) {
	if f.a.files != nil {
		_ = f.a.files.Put(string(f.id), name, kind, b)
	}
}

// forget removes what the cache has of a segment.
func (f *Folder) forget(segment string) {
	if f.a.files == nil {
		return
	}
	for _, p := range parts {
		_ = f.a.files.Remove(string(f.id), segment+p.suffix, p.kind)
	}
}

// keepSegment puts the parts of a segment that was just written into the cache.
func (f *Folder) keepSegment(info *index.SegmentInfo, object []byte) {
	for _, p := range []part{hotPart, idsPart, sumPart} {
		if b, err := p.section(info).Cut(0, object); err == nil && len(b) > 0 {
			f.keep(info.Name+p.suffix, p.kind, b)
		}
	}
}

// directoriesOf decodes the directories in the hot part of a segment: its own
// and those that it repeats.
func directoriesOf(s *index.SegmentInfo, hot []byte, dirs map[string]index.Directory) error {
	b, err := s.Directory.Cut(s.Hot().Offset, hot)
	if err != nil || len(b) == 0 {
		return err
	}
	own, foreign, err := index.DecodeDirectory(b)
	if err != nil {
		return err
	}
	for name, d := range foreign {
		if _, ok := dirs[name]; !ok {
			dirs[name] = d
		}
	}
	dirs[s.Name] = own
	return nil
}

// logOf decodes the ops of a log from its hot part.
func logOf(s *index.SegmentInfo, hot []byte) ([]index.Op, error) {
	b, err := s.Records.Cut(s.Hot().Offset, hot)
	if err != nil {
		return nil, err
	}
	return index.DecodeLog(b)
}

// buildIndex makes a mailbox of its segments. hot has the hot part of each
// segment with records. uidNext is the UIDNEXT that may have been told: UIDs below
// it that no segment has are missing, so that clients who were told of them by a
// holder that crashed are told that they are gone. It is pure.
func buildIndex(segments []index.SegmentInfo, hot map[string][]byte, floor uint64, uidNext uint32) (*index.Mailbox, map[string]index.Directory, error) {
	box := index.NewMailbox()
	all := map[string]index.Directory{}
	for i := range segments {
		s := &segments[i]
		if !s.HasRecords() {
			continue
		}
		b := hot[s.Name]
		if err := directoriesOf(s, b, all); err != nil {
			return nil, nil, fmt.Errorf("segment %s: %w", s.Name, err)
		}
		if s.Base {
			records, err := s.Records.Cut(s.Hot().Offset, b)
			if err == nil {
				box, err = index.LoadBase(records)
			}
			if err != nil {
				return nil, nil, fmt.Errorf("segment %s: %w", s.Name, err)
			}
			continue
		}
		ops, err := logOf(s, b)
		if err == nil {
			err = box.Apply(ops...)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("segment %s: %w", s.Name, err)
		}
	}
	if floor > 0 {
		if err := box.Apply(index.Op{Kind: index.OpFloor, ModSeq: floor}); err != nil {
			return nil, nil, fmt.Errorf("modseq floor: %w", err)
		}
	}
	if first := box.View().UIDNext(); first < uidNext {
		unseen := uidset.OfRanges(uidset.Range{First: first, Last: uidNext - 1})
		if err := box.Apply(index.Op{Kind: index.OpMissing, ModSeq: max(floor, 1), UIDs: unseen}); err != nil {
			return nil, nil, fmt.Errorf("UIDs that were told: %w", err)
		}
	}
	dirs := map[string]index.Directory{}
	for i := range segments {
		if d, ok := all[segments[i].Name]; ok && segments[i].HasCold() {
			dirs[segments[i].Name] = d
		}
	}
	return box, dirs, nil
}

// readAllHot reads the hot parts of all segments with records, those in have
// excepted, in parallel.
func (f *Folder) readAllHot(ctx context.Context, segments []index.SegmentInfo, have map[string][]byte) (map[string][]byte, error) {
	hot := map[string][]byte{}
	var missing []*index.SegmentInfo
	for i := range segments {
		s := &segments[i]
		if !s.HasRecords() {
			continue
		}
		if b, ok := have[s.Name]; ok {
			hot[s.Name] = b
		} else {
			missing = append(missing, s)
		}
	}
	read := make([][]byte, len(missing))
	errs := make([]error, len(missing))
	inParallel(len(missing), f.a.e.cfg.MaxParallel, func(i int) {
		read[i], errs[i] = f.read(ctx, missing[i], hotPart)
	})
	for i, s := range missing {
		hot[s.Name] = read[i]
	}
	return hot, errors.Join(errs...)
}
