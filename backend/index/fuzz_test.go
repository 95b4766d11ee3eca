package index

import (
	"bytes"
	"testing"

	"mailbackend.io/backend/format"
	"mailbackend.io/backend/uidset"
)

// The fuzzers change payloads and seal them anew, because a checksum would keep
// them from getting past the frame; frames have a fuzzer of their own (package
// format). What decodes must keep all invariants and survive another round.

// someMailbox has a bit of everything that is encoded.
func someMailbox() *Mailbox {
	m := NewMailbox()
	for i := range 20 {
		if err := m.Apply(realOp(i)); err != nil {
			panic(err)
		}
	}
	if err := m.Apply(someOps()...); err != nil {
		panic(err)
	}
	return m
}

func someOps() []Op {
	return []Op{
		{Kind: OpFlags, UID: 2, ModSeq: 1 << 21, Flags: Seen | Deleted, Keywords: []string{"$Forwarded", "work"}},
		{Kind: OpExpunge, ModSeq: 1<<21 + 1, UIDs: uidset.OfRanges(uidset.Range{First: 3, Last: 5}, uidset.Range{First: 30, Last: 31})},
		{Kind: OpMissing, ModSeq: 1<<21 + 2, UIDs: uidset.Of(9, 12)},
		{Kind: OpFloor, ModSeq: 1<<21 + 3},
		{
			Kind: OpAppend, UID: 40, ModSeq: 1<<21 + 4, Flags: Flagged, Keywords: []string{"work", "$Forwarded"}, Size: 1 << 31,
			InternalDate: -1, SaveDate: 1 << 40, IDs: idsOf(40), Summary: []byte("summary of 40 "),
		},
		{Kind: OpAppend, UID: 42, ModSeq: 1<<21 + 5, Size: 77, InternalDate: 1_700_000_000, SaveDate: 1_700_000_001, IDs: idsOf(42), Summary: []byte("summary of 42 ")},
		{Kind: OpFlags, UID: 42, ModSeq: 1<<21 + 6, Keywords: []string{"$Forwarded", "work"}},
	}
}

// payloadOf takes the frame off.
func payloadOf(b []byte, magic format.Magic) []byte {
	f, err := format.Open(b, magic, 1, 1<<30)
	if err != nil {
		panic(err)
	}
	return f.Payload
}

func FuzzLoadBase(f *testing.F) {
	for _, m := range []*Mailbox{NewMailbox(), someMailbox(), filled(40)} {
		b, err := encodeBase(m.View())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(payloadOf(b, magicBase))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		m, err := LoadBase(format.Seal(nil, magicBase, 1, payload))
		if err != nil {
			return
		}
		if err := m.invariants(); err != nil {
			t.Fatal(err)
		}
		again, err := encodeBase(m.View())
		if err != nil {
			t.Fatal(err)
		}
		second, err := LoadBase(again)
		if err != nil {
			t.Fatalf("written again: %v", err)
		}
		third, _ := encodeBase(second.View())
		if !bytes.Equal(again, third) {
			t.Fatal("written again and again, the base differs")
		}
		if err := m.Apply(someOps()...); err != nil {
			t.Fatal(err)
		}
		if err := m.invariants(); err != nil {
			t.Fatalf("after some ops: %v", err)
		}
	})
}

func FuzzDecodeOps(f *testing.F) {
	f.Add(appendOps(nil, someOps(), true))
	f.Add(appendOps(nil, someOps(), false))
	f.Add(appendOps(nil, nil, true))
	f.Fuzz(func(t *testing.T, payload []byte) {
		ops, err := DecodeOps(format.Seal(nil, magicOps, 1, payload))
		if logOps, logErr := DecodeLog(format.Seal(nil, magicLog, 1, payload)); (logErr == nil) != (err == nil) || len(logOps) != len(ops) {
			t.Fatalf("as a log: %d ops, %v; as an entry: %d ops, %v", len(logOps), logErr, len(ops), err)
		}
		if err != nil {
			return
		}
		again, err := DecodeOps(EncodeOps(nil, ops))
		if err != nil || len(again) != len(ops) {
			t.Fatalf("%d of %d ops: %v", len(again), len(ops), err)
		}
		m, compacted := someMailbox(), someMailbox()
		if err := m.Apply(again...); err != nil {
			t.Fatal(err)
		}
		if err := m.invariants(); err != nil {
			t.Fatal(err)
		}
		if err := compacted.Apply(Compact(ops)...); err != nil {
			t.Fatal(err)
		}
		if err := compacted.invariants(); err != nil {
			t.Fatalf("compacted: %v", err)
		}
	})
}

func FuzzDecodeDirectory(f *testing.F) {
	object, info, err := Encode(Segment{Ops: someOps()})
	if err != nil {
		f.Fatal(err)
	}
	section, err := info.Directory.Cut(0, object)
	if err != nil {
		f.Fatal(err)
	}
	own, _, err := DecodeDirectory(section)
	if err != nil {
		f.Fatal(err)
	}
	both, err := encodeDirectory(own, map[string]Directory{"7-1": own, "7-2": {}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payloadOf(section, magicDirectory))
	f.Add(payloadOf(both, magicDirectory))
	f.Fuzz(func(t *testing.T, payload []byte) {
		own, foreign, err := DecodeDirectory(format.Seal(nil, magicDirectory, 1, payload))
		if err != nil {
			return
		}
		reads, missing := Locate([]Blocks{own.IDs, own.Summaries}, uidset.OfRanges(uidset.Range{First: 1, Last: MaxUID}))
		found := own.IDs.UIDs()
		found.AddSet(own.Summaries.UIDs())
		if !missing.Intersect(found).Empty() || missing.Len()+found.Len() != MaxUID {
			t.Fatalf("missing %v, found %v", missing, found)
		}
		for _, r := range reads {
			if s := Span([]Read{r}); s.Offset < 0 || s.Length < 0 {
				t.Fatalf("span %+v", s)
			}
		}
		again, err := encodeDirectory(own, foreign)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := DecodeDirectory(again); err != nil {
			t.Fatalf("written again: %v", err)
		}
	})
}

func FuzzDecodeBlock(f *testing.F) {
	ids, _ := encodeBlock(nil, magicIDs, []coldEntry{{3, make([]byte, 32)}, {5, make([]byte, 48)}})
	summaries, _ := encodeBlock(nil, magicSummaries, []coldEntry{{3, []byte("three")}, {1 << 31, nil}})
	f.Add(payloadOf(ids, magicIDs))
	f.Add(payloadOf(summaries, magicSummaries))
	f.Fuzz(func(t *testing.T, payload []byte) {
		var entries []coldEntry
		last := uint32(0)
		err := DecodeSummaries(format.Seal(nil, magicSummaries, 1, payload), func(uid uint32, summary []byte) bool {
			if uid <= last || uid > MaxUID {
				t.Fatalf("UID %d behind %d", uid, last)
			}
			last = uid
			entries = append(entries, coldEntry{uid, summary})
			return true
		})
		if idErr := DecodeIDs(format.Seal(nil, magicIDs, 1, payload), func(uint32, IDs) bool { return true }); idErr == nil && err != nil {
			t.Fatalf("ids decode, summaries don't: %v", err)
		}
		if err != nil {
			return
		}
		block, _ := encodeBlock(nil, magicSummaries, entries)
		i := 0
		err = DecodeSummaries(block, func(uid uint32, summary []byte) bool {
			if uid != entries[i].uid || !bytes.Equal(summary, entries[i].data) {
				t.Fatalf("entry %d differs", i)
			}
			i++
			return true
		})
		if err != nil || i != len(entries) {
			t.Fatalf("written again: %d of %d: %v", i, len(entries), err)
		}
	})
}

func FuzzDecodeHeader(f *testing.F) {
	object, info, err := Encode(Segment{Ops: someOps(), MailboxID: "id", MailboxName: "INBOX"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payloadOf(object, magicSegment))
	var w format.Writer
	info.Append(&w)
	f.Add(w.B)
	f.Fuzz(func(t *testing.T, payload []byte) {
		if h, err := DecodeHeader(format.Seal(nil, magicSegment, 1, payload)); err == nil {
			// What a later version adds is not read, so sizes may differ.
			again, err := DecodeHeader(encodeHeader(&h))
			third, err2 := DecodeHeader(encodeHeader(&again))
			if err != nil || err2 != nil || again != third || h.MailboxName != again.MailboxName || h.Info.Epoch != again.Info.Epoch {
				t.Fatalf("%+v, then %+v, then %+v: %v, %v", h, again, third, err, err2)
			}
		}
		r := format.NewReader(payload)
		if s := ReadSegmentInfo(r); r.Err() == nil {
			var w format.Writer
			s.Append(&w)
			r := format.NewReader(w.B)
			if again := ReadSegmentInfo(r); again != s || r.Err() != nil {
				t.Fatalf("%+v, then %+v: %v", s, again, r.Err())
			}
		}
	})
}
