package sync

import (
	"bytes"
	"fmt"
	"slices"

	"mailbackend.io/backend/format"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/uidset"
)

// The root object is two frames (package format): a small one that is stored as
// it is, so that the commit id stands among the first bytes, and the rest,
// compressed. docs/formats-root.md has every byte.
//
//	┌────────────── frame "MBRH" ──────────────┐┌────────── frame "MBRB", zstd ──────────┐
//	│ commit id │ tagged fields: user, epoch,  ││ commit id │ tagged fields: mailboxes,  │
//	│ 16 byte   │ holder                       ││ 16 byte   │ subscriptions, …           │
//	└───────────┴──────────────────────────────┘└───────────┴────────────────────────────┘
//
// Fields that a reader does not know are kept and written again, so that two
// versions of the program may take turns.
var (
	rootHeadMagic = format.Magic{'M', 'B', 'R', 'H'}
	rootBodyMagic = format.Magic{'M', 'B', 'R', 'B'}
)

const (
	rootVersion = 1
	maxRootHead = 256 << 10

	headUser, headEpoch, headHolder = 1, 2, 3

	bodyLastUIDValidity, bodyLogless, bodyMailbox, bodySubscription, bodyDeleted = 1, 2, 3, 4, 5

	mailboxID, mailboxName, mailboxUIDValidity, mailboxSpecialUse = 1, 2, 3, 4
	mailboxUIDs, mailboxModSeqs, mailboxCounts, mailboxScan       = 5, 6, 7, 8
	mailboxOpen, mailboxFresh, mailboxSegment                     = 9, 10, 11

	deletedID, deletedName, deletedSince, deletedKnown = 1, 2, 3, 4
)

// appendRoot encodes root, which must pass check.
func appendRoot(dst []byte, r *Root) []byte {
	var w format.Writer
	w.Raw(r.CommitID[:])
	w.Field(headUser, func(w *format.Writer) { w.String(r.User) })
	w.Field(headEpoch, func(w *format.Writer) { w.Uvarint(r.Epoch) })
	if r.Holder != (Holder{}) {
		w.Field(headHolder, func(w *format.Writer) { w.String(r.Holder.Pod); w.String(r.Holder.Incarnation) })
	}
	dst = format.Seal(dst, rootHeadMagic, rootVersion, w.B)

	w = format.Writer{B: w.B[:0]}
	w.Raw(r.CommitID[:])
	w.Field(bodyLastUIDValidity, func(w *format.Writer) { w.Uvarint(uint64(r.lastUIDValidity)) })
	if r.logless {
		w.Field(bodyLogless, func(w *format.Writer) { w.Byte(1) })
	}
	for i := range r.Mailboxes {
		w.Field(bodyMailbox, r.Mailboxes[i].append)
	}
	for _, name := range r.Subscriptions {
		w.Field(bodySubscription, func(w *format.Writer) { w.String(name) })
	}
	for i := range r.deleted {
		w.Field(bodyDeleted, r.deleted[i].append)
	}
	appendUnknown(&w, r.unknown)
	return format.Seal(dst, rootBodyMagic, rootVersion, w.B, format.Zstd)
}

func (m *Mailbox) append(w *format.Writer) {
	w.Field(mailboxID, func(w *format.Writer) { w.String(string(m.ID)) })
	w.Field(mailboxName, func(w *format.Writer) { w.String(m.Name) })
	w.Field(mailboxUIDValidity, func(w *format.Writer) { w.Uvarint(uint64(m.UIDValidity)) })
	for _, s := range m.SpecialUse {
		w.Field(mailboxSpecialUse, func(w *format.Writer) { w.String(s) })
	}
	w.Field(mailboxUIDs, func(w *format.Writer) {
		w.Uvarint(uint64(m.uids.start))
		w.Uvarint(uint64(m.uids.end))
		w.Uvarint(uint64(m.UIDNext))
		w.Uvarint(uint64(m.FirstRecent))
	})
	w.Field(mailboxModSeqs, func(w *format.Writer) {
		w.Uvarint(m.modseqs.start)
		w.Uvarint(m.modseqs.end)
		w.Uvarint(m.HighestModSeq)
		w.Uvarint(m.floor)
	})
	w.Field(mailboxCounts, func(w *format.Writer) {
		w.Uvarint(uint64(m.Counts.Messages))
		w.Uvarint(uint64(m.Counts.Unseen))
		w.Uvarint(uint64(m.Counts.Deleted))
		w.Uvarint(m.Counts.Size)
		w.Uvarint(m.Counts.DeletedSize)
	})
	w.Field(mailboxScan, func(w *format.Writer) {
		w.Uvarint(uint64(m.scanFrom))
		w.Uvarint(uint64(m.checkBelow))
	})
	for _, o := range m.open {
		w.Field(mailboxOpen, func(w *format.Writer) {
			w.Uvarint(uint64(o.first))
			w.Uvarint(uint64(o.last))
			w.Varint(o.since)
		})
	}
	for _, f := range m.fresh {
		w.Field(mailboxFresh, func(w *format.Writer) {
			w.Uvarint(uint64(f.First))
			w.Uvarint(uint64(f.Last))
		})
	}
	for i := range m.segments {
		w.Field(mailboxSegment, m.segments[i].Append)
	}
	appendUnknown(w, m.unknown)
}

func (d *deletedMailbox) append(w *format.Writer) {
	w.Field(deletedID, func(w *format.Writer) { w.String(string(d.id)) })
	w.Field(deletedName, func(w *format.Writer) { w.String(d.name) })
	w.Field(deletedSince, func(w *format.Writer) { w.Varint(d.since) })
	w.Field(deletedKnown, func(w *format.Writer) {
		w.Uvarint(uint64(d.horizon))
		appendSet(w, d.unsure)
		appendSet(w, d.sure)
	})
}

// appendSet writes ranges as distances: to the one before, and to its end.
func appendSet(w *format.Writer, s uidset.Set) {
	w.Uvarint(uint64(len(s.Ranges())))
	last := uint32(0)
	for _, r := range s.Ranges() {
		w.Uvarint(uint64(r.First - last))
		w.Uvarint(uint64(r.Last - r.First))
		last = r.Last
	}
}

func readSet(r *format.Reader) uidset.Set {
	var s uidset.Set
	last := uint64(0)
	for n := r.Count(2); n > 0 && r.Err() == nil; n-- {
		first := last + uint64(r.Uvarint32())
		last = first + uint64(r.Uvarint32())
		if first == 0 || last > index.MaxUID {
			r.Fail(fmt.Errorf("%w: set of UIDs", format.ErrCorrupt))
			break
		}
		s.Add(uint32(first), uint32(last))
	}
	return s
}

func appendUnknown(w *format.Writer, fields []rawField) {
	for _, f := range fields {
		w.Field(f.tag, func(w *format.Writer) { w.Raw(f.data) })
	}
}

// decodeRoot decodes a root object. maxBody bounds the decoded size.
func decodeRoot(b []byte, maxBody int) (*Root, error) {
	head, err := format.Open(b, rootHeadMagic, rootVersion, maxRootHead)
	if err != nil {
		return nil, fmt.Errorf("head of root: %w", err)
	}
	body, err := format.Open(b[head.Size:], rootBodyMagic, rootVersion, maxBody)
	if err != nil {
		return nil, fmt.Errorf("body of root: %w", err)
	}
	if n := len(b) - head.Size - body.Size; n != 0 {
		return nil, fmt.Errorf("root: %w: %d bytes behind its end", format.ErrCorrupt, n)
	}
	r := &Root{}
	hr := format.NewReader(head.Payload)
	copy(r.CommitID[:], hr.Raw(len(r.CommitID)))
	hr.Fields(r.readHead)
	if hr.Err() != nil {
		return nil, fmt.Errorf("head of root: %w", hr.Err())
	}
	br := format.NewReader(body.Payload)
	if id := br.Raw(len(r.CommitID)); br.Err() == nil && !bytes.Equal(id, r.CommitID[:]) {
		return nil, fmt.Errorf("root: %w: its halves are of different commits", format.ErrCorrupt)
	}
	br.Fields(r.readBody)
	if br.Err() != nil {
		return nil, fmt.Errorf("body of root: %w", br.Err())
	}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("root: %w: %w", format.ErrCorrupt, err)
	}
	return r, nil
}

func (r *Root) readHead(tag uint64, f *format.Reader) {
	switch tag {
	case headUser:
		r.User = f.String()
	case headEpoch:
		r.Epoch = f.Uvarint()
	case headHolder:
		r.Holder = Holder{Pod: f.String(), Incarnation: f.String()}
	}
}

func (r *Root) readBody(tag uint64, f *format.Reader) {
	switch tag {
	case bodyLastUIDValidity:
		r.lastUIDValidity = f.Uvarint32()
	case bodyLogless:
		r.logless = f.Byte() != 0
	case bodyMailbox:
		var m Mailbox
		f.Fields(m.readField)
		if f.Err() == nil {
			// Here and not only in the end, so that a hostile root can't
			// take more memory than a few times its size.
			if err := m.check(); err != nil {
				f.Fail(fmt.Errorf("%w: mailbox %q: %w", format.ErrCorrupt, m.ID, err))
				return
			}
			r.Mailboxes = append(r.Mailboxes, m)
		}
	case bodySubscription:
		r.Subscriptions = append(r.Subscriptions, f.String())
	case bodyDeleted:
		var d deletedMailbox
		f.Fields(d.readField)
		r.deleted = append(r.deleted, d)
	default:
		r.unknown = appendRaw(r.unknown, tag, f)
	}
}

func (m *Mailbox) readField(tag uint64, f *format.Reader) {
	switch tag {
	case mailboxID:
		m.ID = MailboxID(f.String())
	case mailboxName:
		m.Name = f.String()
	case mailboxUIDValidity:
		m.UIDValidity = f.Uvarint32()
	case mailboxSpecialUse:
		m.SpecialUse = append(m.SpecialUse, f.String())
	case mailboxUIDs:
		m.uids = uidRange{f.Uvarint32(), f.Uvarint32()}
		m.UIDNext = f.Uvarint32()
		m.FirstRecent = f.Uvarint32()
	case mailboxModSeqs:
		m.modseqs = modSeqRange{f.Uvarint(), f.Uvarint()}
		m.HighestModSeq = f.Uvarint()
		m.floor = f.Uvarint()
	case mailboxCounts:
		m.Counts = index.Counts{Messages: f.Uvarint32(), Unseen: f.Uvarint32(), Deleted: f.Uvarint32(),
			Size: f.Uvarint(), DeletedSize: f.Uvarint()}
	case mailboxScan:
		m.scanFrom = f.Uvarint32()
		m.checkBelow = f.Uvarint32()
	case mailboxOpen:
		m.open = append(m.open, openRange{f.Uvarint32(), f.Uvarint32(), f.Varint()})
	case mailboxFresh:
		m.fresh = append(m.fresh, uidset.Range{First: f.Uvarint32(), Last: f.Uvarint32()})
	case mailboxSegment:
		m.segments = append(m.segments, index.ReadSegmentInfo(f))
	default:
		m.unknown = appendRaw(m.unknown, tag, f)
	}
}

func (d *deletedMailbox) readField(tag uint64, f *format.Reader) {
	switch tag {
	case deletedID:
		d.id = MailboxID(f.String())
	case deletedName:
		d.name = f.String()
	case deletedSince:
		d.since = f.Varint()
	case deletedKnown:
		d.horizon = f.Uvarint32()
		d.unsure = readSet(f)
		d.sure = readSet(f)
	}
}

func appendRaw(fields []rawField, tag uint64, f *format.Reader) []rawField {
	return append(fields, rawField{tag, slices.Clone(f.Raw(f.Len()))})
}
