package sync

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/uidset"
)

// wholeSection is the size in bytes up to which a section of ids or summaries
// is read and cached whole.
const wholeSection = 1 << 20

// coldReader reads what the segments have of some messages: their ids or their
// summaries. It is used by one goroutine.
type coldReader struct {
	f       *Folder
	p       part
	windows []*window
	// missing are the UIDs that no segment has, or only a damaged one.
	missing uidset.Set
}

// window is what one GET reads: blocks of one segment that lie together.
type window struct {
	segment   *index.SegmentInfo
	reads     []index.Read
	first     uint32 // lowest and highest UID wanted from it
	last      uint32
	span      index.Section
	data      []byte // the bytes of span, nil before it is loaded
	truncated bool   // data could not be had: its UIDs are missing
}

// newColdReader finds out where the segments have the wanted UIDs.
func (f *Folder) newColdReader(ctx context.Context, p part, want uidset.Set) (*coldReader, error) {
	r := &coldReader{f: f, p: p, missing: want}
	if want.Empty() {
		return r, nil
	}
	segments, dirs, err := f.coldSegments(ctx)
	if err != nil {
		return nil, err
	}
	blocks := make([]index.Blocks, len(segments))
	for i := range segments {
		if p.section(&segments[i]).Length == 0 {
			continue
		}
		if d := dirs[segments[i].Name]; p.suffix == idsPart.suffix {
			blocks[i] = d.IDs
		} else {
			blocks[i] = d.Summaries
		}
	}
	var reads []index.Read
	reads, r.missing = index.Locate(blocks, want)
	for len(reads) > 0 {
		n := windowLen(reads, f.a.e.cfg.SummaryWindow)
		w := &window{segment: &segments[reads[0].Source], reads: reads[:n], span: index.Span(reads[:n])}
		for i, read := range w.reads {
			if i == 0 || read.UIDs.Min() < w.first {
				w.first = read.UIDs.Min()
			}
			w.last = max(w.last, read.UIDs.Max())
		}
		if whole := p.section(w.segment); whole.Length <= wholeSection {
			w.span = whole
		}
		r.windows = append(r.windows, w)
		reads = reads[n:]
	}
	slices.SortStableFunc(r.windows, func(a, b *window) int { return cmp.Compare(a.first, b.first) })
	return r, nil
}

// windowLen is how many of reads, which are ordered by source and offset, one
// request fetches.
func windowLen(reads []index.Read, limit int64) int {
	start := reads[0].Block.Offset
	for n := 1; n < len(reads); n++ {
		r := &reads[n]
		if r.Source != reads[0].Source || r.Block.Offset+int64(r.Block.Length)-start > limit {
			return n
		}
	}
	return len(reads)
}

// coldSegments are the folder's segments with ids or summaries, and their
// directories.
func (f *Folder) coldSegments(ctx context.Context) ([]index.SegmentInfo, map[string]index.Directory, error) {
	f.mu.Lock()
	if f.box == nil {
		f.mu.Unlock()
		return nil, nil, f.notOpen()
	}
	var segments []index.SegmentInfo
	dirs := map[string]index.Directory{}
	var unknown []int
	for i := range f.segments {
		s := &f.segments[i]
		if !s.HasCold() {
			continue
		}
		if d, ok := f.dirs[s.Name]; ok {
			dirs[s.Name] = d
		} else {
			unknown = append(unknown, len(segments))
		}
		segments = append(segments, *s)
	}
	f.mu.Unlock()
	// Mostly the newest base repeats all directories.
	errs := make([]error, len(unknown))
	read := make([][]byte, len(unknown))
	inParallel(len(unknown), f.a.e.cfg.MaxParallel, func(i int) {
		read[i], errs[i] = f.read(ctx, &segments[unknown[i]], dirPart)
	})
	if err := errors.Join(errs...); err != nil {
		return nil, nil, err
	}
	for i, n := range unknown {
		own, _, err := index.DecodeDirectory(read[i])
		if err != nil {
			// Its ids and summaries are read from the mails instead.
			f.a.log.Error("directory of a segment is damaged", "mailbox", f.id, "segment", segments[n].Name, "error", err)
			f.forget(segments[n].Name)
		}
		dirs[segments[n].Name] = own
		f.mu.Lock()
		if f.dirs != nil {
			f.dirs[segments[n].Name] = own
		}
		f.mu.Unlock()
	}
	return segments, dirs, nil
}

// load reads the windows that have UIDs up to last, in parallel.
func (r *coldReader) load(ctx context.Context, last uint32) error {
	var need []*window
	for _, w := range r.windows {
		if w.first <= last && w.data == nil && !w.truncated {
			need = append(need, w)
		}
	}
	errs := make([]error, len(need))
	inParallel(len(need), r.f.a.e.cfg.MaxParallel, func(i int) { errs[i] = r.loadWindow(ctx, need[i]) })
	return errors.Join(errs...)
}

func (r *coldReader) loadWindow(ctx context.Context, w *window) (err error) {
	f := r.f
	if w.span == r.p.section(w.segment) {
		w.data, err = f.read(ctx, w.segment, r.p)
	} else {
		w.data, err = r.loadSpan(ctx, w)
	}
	if errors.Is(err, errSegmentGone) && f.names(w.segment.Name) || errors.Is(err, ErrIndexCorrupt) {
		f.a.log.Error("segment is lost; what it had is read from the mails", "mailbox", f.id, "error", err)
		w.truncated = true
		return nil
	}
	return err
}

// loadSpan reads a window of a large section, which is cached in windows.
func (r *coldReader) loadSpan(ctx context.Context, w *window) ([]byte, error) {
	f := r.f
	if f.a.files != nil {
		// An upload of this process may have left the whole section.
		off := w.span.Offset - r.p.section(w.segment).Offset
		b, err := f.a.files.GetRange(string(f.id), w.segment.Name+r.p.suffix, r.p.kind, off, w.span.Length)
		if err == nil && int64(len(b)) == w.span.Length {
			return b, nil
		}
	}
	name := w.segment.Name + r.p.suffix + "-" + formatOffset(w.span)
	if f.a.files != nil {
		if b, err := f.a.files.Get(string(f.id), name, r.p.kind); err == nil && int64(len(b)) == w.span.Length {
			return b, nil
		}
	}
	b, err := f.getSection(ctx, w.segment, w.span)
	if err == nil {
		f.keep(name, r.p.kind, b)
	}
	return b, err
}

// names tells whether the newest known segments of the folder include one.
func (f *Folder) names(segment string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(f.segments, func(s index.SegmentInfo) bool { return s.Name == segment })
}

// take decodes what the loaded windows have of the UIDs first..last, and drops
// windows that have nothing behind. Entries of damaged blocks become missing.
func (r *coldReader) take(first, last uint32, decode func(block []byte, want uidset.Set) error) {
	wanted := uidset.OfRanges(uidset.Range{First: first, Last: last})
	r.windows = slices.DeleteFunc(r.windows, func(w *window) bool {
		if w.first > last {
			return false
		}
		for i := range w.reads {
			want := w.reads[i].UIDs.Intersect(wanted)
			if want.Empty() {
				continue
			}
			block, err := blockSection(w.reads[i].Block).Cut(w.span.Offset, w.data)
			if err == nil && !w.truncated {
				err = decode(block, want)
			}
			if err != nil || w.truncated {
				r.missing.AddSet(want)
			}
			if err != nil && !w.truncated {
				r.f.a.log.Error("block of a segment is damaged", "mailbox", r.f.id, "segment", w.segment.Name, "error", err)
				r.f.forget(w.segment.Name)
			}
		}
		return w.last <= last
	})
}

func blockSection(b index.Block) index.Section {
	return index.Section{Offset: b.Offset, Length: int64(b.Length)}
}

func formatOffset(s index.Section) string {
	return formatUint(s.Offset) + "-" + formatUint(s.Length)
}
