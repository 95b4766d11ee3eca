package index

import (
	"errors"
	"fmt"
)

// Segment is what a new segment object is made of.
type Segment struct {
	Name  string
	Epoch uint64
	Base  bool  // Plan.Base
	Depth uint8 // Plan.Depth
	// MailboxID and MailboxName are hints for a rebuild without root.
	MailboxID, MailboxName string
	// View is the mailbox with Ops applied. A base needs it: its records
	// are the view's. A log may go without (base not loaded); with it, ids
	// and summaries of messages that are gone are left out.
	View *View
	// Ops are what a log holds, oldest first, and where ids and summaries
	// come from. Compact them before. A base needs only the appends with
	// ids or summaries.
	Ops []Op
	// Merge are older segments whose ids and summaries move here
	// (Plan.MergeCold), oldest first.
	Merge []Cold
	// Foreign are directories to repeat, by segment name (Plan.Foreign), so
	// that opening the mailbox needs no GET for them.
	Foreign map[string]Directory
}

// Cold is one segment's ids and summaries with their directory.
type Cold struct {
	Info      SegmentInfo
	Directory Directory
	IDs       []byte // the section Info.IDs
	Summaries []byte // the section Info.Summaries
}

// Encode builds the segment object. It fails if something to be merged is
// damaged or an op is invalid.
func Encode(s Segment) (object []byte, info SegmentInfo, err error) {
	h := Header{MailboxID: s.MailboxID, MailboxName: s.MailboxName}
	h.Info = SegmentInfo{Name: s.Name, Epoch: s.Epoch, Base: s.Base, Depth: s.Depth}
	records, err := s.records(&h.Info)
	if err != nil {
		return nil, SegmentInfo{}, fmt.Errorf("index: segment %s: %w", s.Name, err)
	}
	offset := headerLen(s.MailboxID, s.MailboxName)
	ids, summaries, own, err := s.cold(offset)
	if err != nil {
		return nil, SegmentInfo{}, fmt.Errorf("index: segment %s: %w", s.Name, err)
	}
	directory, err := encodeDirectory(own, s.Foreign)
	if err != nil {
		return nil, SegmentInfo{}, fmt.Errorf("index: segment %s: %w", s.Name, err)
	}
	sections := [][]byte{ids, summaries, directory, records}
	for i, sec := range []*Section{&h.Info.IDs, &h.Info.Summaries, &h.Info.Directory, &h.Info.Records} {
		*sec = Section{offset, int64(len(sections[i]))}
		offset = sec.End()
	}
	h.Info.Size = offset
	h.Info.ColdCount = max(own.IDs.count(), own.Summaries.count())
	for _, b := range []Blocks{own.IDs, own.Summaries} {
		if n := len(b.rows); n > 0 {
			if h.Info.FirstUID == 0 || b.rows[0].first < h.Info.FirstUID {
				h.Info.FirstUID = b.rows[0].first
			}
			h.Info.LastUID = max(h.Info.LastUID, b.rows[n-1].last)
		}
	}
	object = append(make([]byte, 0, offset), encodeHeader(&h)...)
	for _, sec := range sections {
		object = append(object, sec...)
	}
	return object, h.Info, nil
}

// records encodes the records section and fills what info says of it.
func (s *Segment) records(info *SegmentInfo) ([]byte, error) {
	for i := range s.Ops {
		if err := s.Ops[i].Validate(); err != nil {
			return nil, fmt.Errorf("op %d of %d: %w", i+1, len(s.Ops), err)
		}
	}
	if s.View != nil && s.View.hasGone || s.View == nil && s.Base {
		return nil, errors.New("needs the mailbox's own view")
	}
	if s.Base {
		info.RecordCount = s.View.Len()
		info.MinModSeq, info.MaxModSeq = s.View.highest, s.View.highest
		for _, c := range s.View.chunks {
			info.MinModSeq = min(info.MinModSeq, c.minMod)
		}
		return encodeBase(s.View)
	}
	info.RecordCount = len(s.Ops)
	for i := range s.Ops {
		if i == 0 {
			info.MinModSeq = s.Ops[i].ModSeq
		}
		info.MinModSeq = min(info.MinModSeq, s.Ops[i].ModSeq)
		info.MaxModSeq = max(info.MaxModSeq, s.Ops[i].ModSeq)
	}
	return encodeLog(s.Ops)
}

// cold encodes the sections of ids and summaries, which begin at offset.
func (s *Segment) cold(offset int64) (ids, summaries []byte, own Directory, err error) {
	var newIDs, newSummaries []coldEntry
	for i := range s.Ops {
		op := &s.Ops[i]
		if op.Kind != OpAppend {
			continue
		}
		if op.IDs != (IDs{}) {
			newIDs = append(newIDs, coldEntry{op.UID, encodeIDs(&op.IDs)})
		}
		if len(op.Summary) > 0 {
			newSummaries = append(newSummaries, coldEntry{op.UID, op.Summary})
		}
	}
	var idSources, summarySources []coldSource
	for _, c := range s.Merge {
		idSources = append(idSources, coldSource{c.Info.Name, c.Directory.IDs, c.Info.IDs.Offset, c.IDs})
		summarySources = append(summarySources, coldSource{c.Info.Name, c.Directory.Summaries, c.Info.Summaries.Offset, c.Summaries})
	}
	ids, own.IDs, err = mergeCold(magicIDs, offset, newIDs, idSources, s.View)
	if err != nil {
		return nil, nil, own, fmt.Errorf("merging ids: %w", err)
	}
	summaries, own.Summaries, err = mergeCold(magicSummaries, offset+int64(len(ids)), newSummaries, summarySources, s.View)
	if err != nil {
		return nil, nil, own, fmt.Errorf("merging summaries: %w", err)
	}
	return ids, summaries, own, nil
}
