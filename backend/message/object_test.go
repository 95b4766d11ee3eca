package message

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"testing"

	"mailbackend.io/backend/objstore"
	"mailbackend.io/test/corpus"
)

var testPrefix = []byte("Return-Path: <ada@example.com>\r\nDelivered-To: ben@example.net\r\nReceived: from a by b with LMTP id 1;\r\n\tMon, 6 Jan 2025 10:11:12 +0100\r\n")

func testMeta() Meta {
	return Meta{
		GUID: ID{1, 2, 3}, ThreadID: ID{4}, OriginGUID: ID{5}, OriginMailbox: "m0", OriginUID: 17, Forebears: []uint32{3, 9},
		MailboxID: "m1", MailboxName: "Archiv/Grüße", InternalDate: 1736154672, SaveDate: -1,
		Flags: []string{`\Seen`, "$Forwarded", "grün"},
	}
}

func object(t testing.TB, raw, prefix []byte, m Meta) ([]byte, Meta) {
	t.Helper()
	data, meta, err := NewBody(raw, DefaultLimits()).Object(prefix, m)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Join(data, nil), meta
}

func TestObject(t *testing.T) {
	everyMail(t, func(t *testing.T, raw []byte) {
		for _, prefix := range [][]byte{nil, testPrefix} {
			obj, meta := object(t, raw, prefix, testMeta())
			whole := append(bytes.Clone(prefix), raw...)
			got, content, err := ReadAll(obj)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(content, whole) {
				t.Fatalf("%d bytes in, %d out, or others", len(whole), len(content))
			}
			if !reflect.DeepEqual(got, meta) {
				t.Fatalf("meta\n got %+v\nwant %+v", got, meta)
			}
			if err := checkSummary(meta.Summary, whole, DefaultLimits()); err != nil {
				t.Fatal(err)
			}
			if i := bytes.Index(obj, meta.GUID[:]); i < 0 || i+16 > objstore.IdentityBytes {
				t.Fatalf("GUID at %d", i)
			}
			if len(obj) > len(whole)+len(whole)/100+len(meta.Summary.Bytes())+500 {
				t.Errorf("%d bytes stored as %d", len(whole), len(obj))
			}
			checkRanges(t, obj, meta, whole)
		}
	})
}

// checkRanges reads ranges of the mail by way of ranges of the object.
func checkRanges(t *testing.T, obj []byte, m Meta, whole []byte) {
	t.Helper()
	n := int64(len(whole))
	offs, lengths := []int64{-1, 0, n - 1, n}, []int64{-1, 0, 1, 1<<63 - 1}
	if n > FrameBytes {
		offs = append(offs, FrameBytes-1, FrameBytes, FrameBytes+1)
		lengths = append(lengths, FrameBytes, FrameBytes+1)
	}
	for _, off := range offs {
		for _, length := range lengths {
			objOff, objLen, skip := m.Stored(off, length)
			if off < 0 || off >= n || length <= 0 {
				if objLen != 0 {
					t.Fatalf("[%d,+%d) of %d: %d bytes at %d", off, length, n, objLen, objOff)
				}
				continue
			}
			want := whole[off:min(n, off+min(length, n))]
			if objOff < int64(m.HeadSize) || objOff+objLen > int64(len(obj)) {
				t.Fatalf("[%d,+%d): %d bytes at %d of %d", off, length, objLen, objOff, len(obj))
			}
			raw, err := DecodeFrames(nil, obj[objOff:objOff+objLen], int(skip)+len(want)+FrameBytes)
			if err != nil {
				t.Fatal(err)
			}
			if skip >= int64(len(raw)) || !bytes.HasPrefix(raw[skip:], want) || skip >= FrameBytes {
				t.Fatalf("[%d,+%d): another range, skip %d of %d", off, length, skip, len(raw))
			}
		}
	}
}

// TestZstdTool: nobody needs mailbackend to read a stored mail.
func TestZstdTool(t *testing.T) {
	zstd, err := exec.LookPath("zstd")
	if err != nil {
		t.Fatalf("this test needs the zstd tool (Debian: apt-get install zstd): %v", err)
	}
	for i, m := range corpus.All() {
		prefix := testPrefix
		if i%2 == 0 {
			prefix = nil
		}
		obj, _ := object(t, m.Raw, prefix, testMeta())
		cmd := exec.Command(zstd, "-dc")
		cmd.Stdin = bytes.NewReader(obj)
		var complaint strings.Builder
		cmd.Stderr = &complaint
		out, err := cmd.Output()
		if err != nil || complaint.Len() > 0 || !bytes.Equal(out, append(bytes.Clone(prefix), m.Raw...)) {
			t.Errorf("%s: zstd -dc gives %d bytes: %v %s", m.Name, len(out), err, complaint.String())
		}
	}
}

func TestEmailID(t *testing.T) {
	raw := []byte("Subject: x\r\n\r\nbody\r\n")
	_, a := object(t, raw, testPrefix, Meta{GUID: ID{1}})
	_, b := object(t, bytes.Clone(raw), testPrefix, Meta{GUID: ID{2}})
	_, c := object(t, raw, nil, Meta{GUID: ID{3}})
	sum := sha256.Sum256(raw)
	want := sha256.Sum256(append(sum[:], testPrefix...))
	if a.EmailID != b.EmailID || a.EmailID == c.EmailID || a.EmailID != ID(want[:16]) {
		t.Errorf("%x %x %x", a.EmailID, b.EmailID, c.EmailID)
	}
}

// TestPrefixChangesMail: a first line that goes on with the prefix's last one,
// or a prefix that says what the body is, are understood as the bytes together say.
func TestPrefixChangesMail(t *testing.T) {
	for _, c := range [][2]string{
		{"Return-Path: <a@b>\r\nX-Last: 1\r\n", " goes on\r\nSubject: x\r\n\r\nbody\r\n"},
		{"Content-Type: text/html\r\n", "Subject: x\r\n\r\nbody\r\n"},
		{"Subject: x\r\n", ""},
		{"Subject: x\r\n", "\r\nbody\r\n"},
	} {
		whole := c[0] + c[1]
		_, m := object(t, []byte(c[1]), []byte(c[0]), Meta{})
		if want := Parse([]byte(whole), DefaultLimits()); render(m.Summary) != render(want) {
			t.Errorf("%q:\n got %s\nwant %s", whole, render(m.Summary), render(want))
		}
	}
}

func TestObjectRefuses(t *testing.T) {
	body := NewBody([]byte("x"), DefaultLimits())
	for _, prefix := range []string{"no line end", "A: b\r\n\r\n", "A: b\n\n", "\r\n", "\n", " A: b\r\n"} {
		if _, _, err := body.Object([]byte(prefix), Meta{}); err == nil {
			t.Errorf("prefix %q", prefix)
		}
	}
	for _, m := range []Meta{
		{Flags: []string{strings.Repeat("x", 5000)}}, {Flags: make([]string, 5000)}, {MailboxName: strings.Repeat("x", 5000)}, {OriginMailbox: strings.Repeat("x", 5000)},
	} {
		if _, _, err := body.Object(nil, m); err == nil {
			t.Error("a meta that is too large")
		}
	}
}

func TestReadMetaShort(t *testing.T) {
	obj, meta := object(t, corpus.Realistic(1, 1), testPrefix, testMeta())
	for n := range meta.HeadSize {
		_, err := ReadMeta(obj[:n])
		var short ErrShort
		if !errors.As(err, &short) || n >= 8 && short.Need != meta.HeadSize || short.Need <= n {
			t.Fatalf("%d of %d bytes: %v", n, meta.HeadSize, err)
		}
	}
	if m, err := ReadMeta(obj[:meta.HeadSize]); err != nil || !reflect.DeepEqual(m, meta) {
		t.Fatalf("the head alone: %+v, %v", m, err)
	}
	if meta.HeadSize > HeadGuess {
		t.Errorf("head of %d bytes", meta.HeadSize)
	}
}

// TestDamage flips each bit of an object's head: it must not be read as
// something else.
func TestDamage(t *testing.T) {
	obj, meta := object(t, []byte("From: a@b\r\nSubject: x\r\n\r\nbody\r\n"), nil, testMeta())
	for i := range meta.HeadSize {
		for bit := range 8 {
			bad := bytes.Clone(obj)
			bad[i] ^= 1 << bit
			if _, err := ReadMeta(bad); err == nil {
				t.Fatalf("byte %d bit %d flipped: read", i, bit)
			}
		}
	}
	bad := bytes.Clone(obj)
	bad[len(bad)-6] ^= 1
	if _, _, err := ReadAll(bad); err == nil {
		t.Error("a damaged body was read")
	}
	if _, _, err := ReadAll(obj[:len(obj)-1]); err == nil {
		t.Error("a cut body was read")
	}
}

func TestRecode(t *testing.T) {
	raw := corpus.Realistic(1, 2)
	obj, old := object(t, raw, testPrefix, testMeta())
	data, meta, err := Recode(obj, Meta{GUID: ID{9}, MailboxID: "m2", Flags: []string{`\Deleted`}, Size: 5})
	if err != nil {
		t.Fatal(err)
	}
	got, content, err := ReadAll(bytes.Join(data, nil))
	if err != nil || !reflect.DeepEqual(got, meta) || string(content) != string(testPrefix)+string(raw) {
		t.Fatalf("%+v\n%+v\n%v", got, meta, err)
	}
	if meta.EmailID != old.EmailID || meta.GUID == old.GUID || meta.MailboxID != "m2" || len(meta.Flags) != 1 || meta.OriginUID != 0 {
		t.Errorf("%+v", meta)
	}
	if _, _, err := Recode(obj[:100], Meta{}); err == nil {
		t.Error("half an object was recoded")
	}
}

func TestRebuild(t *testing.T) {
	raw := corpus.Realistic(1, 3)
	obj, old := object(t, raw, testPrefix, testMeta())
	obj[60] ^= 1 // somewhere in the head
	if _, _, err := ReadAll(obj); err == nil {
		t.Fatal("the damage is not noticed")
	}
	m, content, err := Rebuild(obj, DefaultLimits(), 1<<20)
	if err != nil || string(content) != string(testPrefix)+string(raw) || render(m.Summary) != render(old.Summary) || m.HeadSize != old.HeadSize || m.Size != old.Size {
		t.Fatalf("%+v, %v", m, err)
	}
	if again, _, err := Recode(bytes.Join([][]byte{obj}, nil), m); err == nil {
		t.Errorf("a damaged object was recoded: %d pieces", len(again))
	}
	if _, _, err := Rebuild(obj, DefaultLimits(), 10); err == nil {
		t.Error("more than the limit")
	}
}

func TestConcurrent(t *testing.T) {
	body := NewBody(corpus.Realistic(1, 4), DefaultLimits())
	want, _, err := body.Object(testPrefix, testMeta())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				data, _, err := body.Object(testPrefix, testMeta())
				if err != nil || !bytes.Equal(bytes.Join(data, nil), bytes.Join(want, nil)) {
					t.Errorf("another object: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if body.Size() != int64(len(body.Raw())) || !body.Summary().Valid() {
		t.Error("body")
	}
}
