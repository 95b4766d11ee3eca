package message

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldenMails are mails that use all of the summary format.
var goldenMails = []struct{ name, prefix, mail string }{
	{"empty", "", ""},
	{"plain", "", "From: Ada <ada@example.com>\nTo: ben@example.net\nSubject: hello\nDate: Mon, 6 Jan 2025 10:11:12 +0100\nMessage-ID: <1@example.com>\nX-Unknown: 1\nsubject : not canonical\n\nHello Ben,\nhow are you?\n"},
	{"prefixed", "Return-Path: <ada@example.com>\nReceived: from a\n\tby b\n", "Subject: x\nX-Unknown: 2\n\nbody\n"},
	{"sections", "", sectionMail},
	{"every field of a part", "", "Content-Type: application/x-foo; name=bar; name*=utf-8''b%C3%A4r\nContent-ID: <i@x>\nContent-Description: some words\nContent-Transfer-Encoding: base64\nContent-MD5: abc=\nContent-Disposition: attachment; filename=bar\nContent-Language: de, tlh\nContent-Location: http://x/\n\nAAAA\n"},
	{"empty multipart", "", "Content-Type: multipart/mixed; boundary=b\n\nnothing\n"},
	{"8-bit", "", "Subject: Gr\xfc\xdfe\n\nGr\xc3\xbc\xc3\x9fe\n"},
}

func goldenSummaries() string {
	var b strings.Builder
	for _, g := range goldenMails {
		s := parse(g.mail).Prefixed([]byte(strings.ReplaceAll(g.prefix, "\n", "\r\n")))
		fmt.Fprintf(&b, "== %s\n%s", g.name, hex.Dump(s.Bytes()))
		b.WriteString(goldenText(s))
	}
	return b.String()
}

func goldenText(s Summary) string {
	lines, ok := s.HeaderFields(nil, []string{"SUBJECT", "FROM", "RETURN-PATH"})
	return fmt.Sprintf("size %d, preview %q\nfields %v %q\n%q\n%q\n", s.Size(), s.Preview(), ok, lines, s.AppendEnvelope(nil, false), s.AppendBody(nil, true, false))
}

func goldenHead(t *testing.T) string {
	m := testMeta()
	m.GUID = ID(bytes.Repeat([]byte{0xab}, 16))
	obj, meta := object(t, []byte("Subject: x\r\n\r\nbody\r\n"), []byte("Return-Path: <>\r\n"), m)
	return hex.Dump(obj[:meta.HeadSize])
}

// TestGolden: what is stored stays readable, and nobody changes a format
// without noticing.
func TestGolden(t *testing.T) {
	golden(t, "summary.golden", goldenSummaries())
	golden(t, "meta.golden", goldenHead(t))
	var tables strings.Builder
	for i, name := range fieldNames[1:] {
		fmt.Fprintf(&tables, "field %d %s\n", i+1, name)
	}
	for i, s := range dictionary {
		fmt.Fprintf(&tables, "string %d %s\n", i, s)
	}
	golden(t, "tables.golden", tables.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update writes it anew):\n%s", file, got)
	}
}

// TestGoldenDecode reads the golden bytes: that is what old objects hold.
func TestGoldenDecode(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("testdata", "summary.golden"))
	if err != nil {
		t.Fatal(err)
	}
	for _, section := range strings.Split(string(b), "== ")[1:] {
		name, rest, _ := strings.Cut(section, "\n")
		dump, text := rest[:strings.Index(rest, "size ")], rest[strings.Index(rest, "size "):]
		s, err := ParseSummary(undump(t, dump))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := goldenText(s); got != text {
			t.Errorf("%s:\n got %s\nwant %s", name, got, text)
		}
	}
	b, err = os.ReadFile(filepath.Join("testdata", "meta.golden"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := ReadMeta(undump(t, string(b)))
	if err != nil {
		t.Fatal(err)
	}
	want := testMeta()
	if m.GUID[0] != 0xab || m.MailboxName != want.MailboxName || m.InternalDate != want.InternalDate || m.SaveDate != want.SaveDate ||
		strings.Join(m.Flags, " ") != strings.Join(want.Flags, " ") || m.OriginUID != want.OriginUID || m.Size != 37 || len(m.Frames) != 2 {
		t.Errorf("%+v", m)
	}
}

// undump undoes hex.Dump.
func undump(t *testing.T, dump string) []byte {
	t.Helper()
	var out []byte
	for line := range strings.Lines(dump) {
		if len(line) < 60 {
			continue
		}
		b, err := hex.DecodeString(strings.ReplaceAll(line[10:58], " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b...)
	}
	return out
}
