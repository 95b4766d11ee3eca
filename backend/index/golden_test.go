package index

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailbackend.io/backend/format"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldenDump describes a segment object in words, section by section.
func goldenDump(t *testing.T, object []byte) string {
	t.Helper()
	var out strings.Builder
	h, err := DecodeHeader(object)
	if err != nil {
		t.Fatal(err)
	}
	s := h.Info
	fmt.Fprintf(&out, "header: mailbox %q (%s), epoch %d, base %v, depth %d, %d records, %d cold, UIDs %d:%d, modseqs %d:%d\n",
		h.MailboxName, h.MailboxID, s.Epoch, s.Base, s.Depth, s.RecordCount, s.ColdCount, s.FirstUID, s.LastUID, s.MinModSeq, s.MaxModSeq)
	cut := func(sec Section) []byte {
		b, err := sec.Cut(0, object)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	own, foreign, err := DecodeDirectory(cut(s.Directory))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range own.IDs.Blocks() {
		if err := DecodeIDs(cut(Section{b.Offset, int64(b.Length)}), func(uid uint32, ids IDs) bool {
			fmt.Fprintf(&out, "ids: UID %d: %x %x %x\n", uid, ids.GUID, ids.EmailID, ids.ThreadID)
			return true
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, b := range own.Summaries.Blocks() {
		if err := DecodeSummaries(cut(Section{b.Offset, int64(b.Length)}), func(uid uint32, summary []byte) bool {
			fmt.Fprintf(&out, "summaries: UID %d: %q\n", uid, summary)
			return true
		}); err != nil {
			t.Fatal(err)
		}
	}
	for name, d := range foreign {
		fmt.Fprintf(&out, "foreign: %s: ids of %v, summaries of %v\n", name, d.IDs.UIDs(), d.Summaries.UIDs())
	}
	if !s.Base {
		ops, err := DecodeLog(cut(s.Records))
		if err != nil {
			t.Fatal(err)
		}
		for _, op := range ops {
			fmt.Fprintf(&out, "op: %+v\n", op)
		}
		return out.String()
	}
	m, err := LoadBase(cut(s.Records))
	if err != nil {
		t.Fatal(err)
	}
	v := m.View()
	fmt.Fprintf(&out, "base: UIDNEXT %d, highest modseq %d, floor %d, expunged %v, vanished %v, absent %v\n",
		v.UIDNext(), v.HighestModSeq(), v.Floor(), v.Expunged(), v.VanishedSince(0), v.absent)
	for _, r := range v.All() {
		fmt.Fprintf(&out, "record: %+v %v\n", r, v.Keywords(r.Keywords))
	}
	return out.String()
}

// TestGolden reads objects that were written before and finds in them what was
// put there; and what is written today has the same payloads, so that a change
// of the format can't go unnoticed. Only the compression may differ.
func TestGolden(t *testing.T) {
	log, logInfo, err := Encode(Segment{Name: "7-1", Epoch: 7, Depth: 2, MailboxID: "mailbox-id", MailboxName: "Entwürfe", Ops: someOps()})
	if err != nil {
		t.Fatal(err)
	}
	dir, err := logInfo.Directory.Cut(0, log)
	if err != nil {
		t.Fatal(err)
	}
	logDir, _, err := DecodeDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	base, _, err := Encode(Segment{
		Name: "8-2", Epoch: 8, Base: true, MailboxID: "mailbox-id", MailboxName: "Entwürfe", View: someMailbox().View(),
		Ops: someOps()[4:5], Foreign: map[string]Directory{"7-1": logDir},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, object := range map[string][]byte{"log": log, "base": base} {
		golden(t, name+".segment.golden", object, func(old []byte) {
			golden(t, name+".txt.golden", []byte(goldenDump(t, old)), nil)
			a, b := payloadsOf(t, old), payloadsOf(t, object)
			if len(a) != len(b) {
				t.Fatalf("%s: %d frames, then %d", name, len(a), len(b))
			}
			for i := range a[1:] { // the header has lengths of compressed sections
				if !bytes.Equal(a[i+1], b[i+1]) {
					t.Errorf("%s: frame %d was\n% x\nand is\n% x", name, i+1, a[i+1], b[i+1])
				}
			}
		})
	}
	golden(t, "entry.golden", EncodeOps(nil, someOps()), func(old []byte) {
		if now := EncodeOps(nil, someOps()); !bytes.Equal(old, now) {
			t.Errorf("log entry was\n% x\nand is\n% x", old, now)
		}
	})
}

// golden compares with a file, or hands it to check.
func golden(t *testing.T, name string, now []byte, check func(old []byte)) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, now, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if check != nil {
		check(old)
		return
	}
	if !bytes.Equal(old, now) {
		t.Errorf("%s was\n%s\nand is\n%s", name, old, now)
	}
}

// payloadsOf takes an object apart. Offsets in a directory depend on the
// compression, so of a directory only the length is compared.
func payloadsOf(t *testing.T, object []byte) (payloads [][]byte) {
	t.Helper()
	for len(object) > 0 {
		magic := format.Magic(object[:4])
		f, err := format.Open(object, magic, 1, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		payload := f.Payload
		if magic == magicDirectory {
			payload = fmt.Append(nil, len(payload))
		}
		payloads = append(payloads, append(magic[:], payload...))
		object = object[f.Size:]
	}
	return payloads
}
