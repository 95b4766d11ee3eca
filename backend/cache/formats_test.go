package cache

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"testing"

	"mailbackend.io/backend/format"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) []byte {
	t.Helper()
	path := "testdata/" + name + ".golden"
	if *update {
		if err := os.MkdirAll("testdata", 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: now % x\ngolden % x", name, got, want)
	}
	return want
}

// bytesFile is a File for reading.
type bytesFile struct{ b []byte }

func (f bytesFile) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(f.b).ReadAt(p, off)
}
func (bytesFile) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
func (bytesFile) Close() error              { return nil }
func (bytesFile) Truncate(int64) error      { return io.ErrClosedPipe }
func (f bytesFile) Stat() (FileInfo, error) { return FileInfo{Size: int64(len(f.b))}, nil }

// TestGolden: what a former version wrote is read, byte for byte.
func TestGolden(t *testing.T) {
	want := state{bootID: "11111111-2222-3333-4444-555555555555", instance: "pod-1", clean: true}
	if got, err := decodeState(golden(t, "state", want.encode())); err != nil || got != want {
		t.Errorf("state %+v, %v", got, err)
	}
	data := bytes.Repeat([]byte("mail "), 20_000)
	file := append(appendHeader(nil, Summary, "mailbox", "name", data), data...)
	head := golden(t, "datafile-header", appendHeader(nil, Summary, "mailbox", "name", data))
	if !bytes.Equal(head, file[:len(head)]) {
		t.Error("data file's header differs")
	}
	got, err := readRange(bytesFile{file}, int64(len(file)), Summary, "mailbox", "name", 65_000, 1000)
	if err != nil || !bytes.Equal(got, data[65_000:66_000]) {
		t.Errorf("data file: %d bytes, %v", len(got), err)
	}
	log := format.Seal(nil, logMagic, version, []byte("one"))
	log = golden(t, "log", format.Seal(log, logMagic, version, []byte("two")))
	var entries []byte
	if torn, err := eachEntry(log, func(b []byte) error { entries = append(entries, b...); return nil }); err != nil || torn != 0 || string(entries) != "onetwo" {
		t.Errorf("log: %q, %d, %v", entries, torn, err)
	}
	for name, magic := range map[string]format.Magic{"meta": metaMagic, "name": nameMagic} {
		f, err := format.Open(golden(t, name, format.Seal(nil, magic, version, []byte("content"))), magic, version, maxState)
		if err != nil || string(f.Payload) != "content" {
			t.Errorf("%s: %q, %v", name, f.Payload, err)
		}
	}
}

func FuzzState(f *testing.F) {
	f.Add(state{bootID: "boot", instance: "pod"}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := decodeState(b); err == nil && len(s.bootID)+len(s.instance) > maxState {
			t.Fatal("larger than allowed")
		}
	})
}

func FuzzDataFile(f *testing.F) {
	data := bytes.Repeat([]byte("mail"), 40_000)
	f.Add(append(appendHeader(nil, Body, "m", "n", data[:100]), data[:100]...), int64(3), int64(10))
	f.Add(append(appendHeader(nil, Body, "m", "n", data), data...), int64(65_000), int64(70_000))
	f.Add(appendHeader(nil, Body, "m", "n", nil), int64(0), int64(-1))
	f.Fuzz(func(t *testing.T, b []byte, off, n int64) {
		if off < 0 {
			return
		}
		got, err := readRange(bytesFile{b}, int64(len(b)), Body, "m", "n", off, n)
		if err == nil && len(got) > len(b) {
			t.Fatalf("%d bytes from a file of %d", len(got), len(b))
		}
	})
}

func FuzzLog(f *testing.F) {
	log := format.Seal(nil, logMagic, version, []byte("one"))
	log = format.Seal(log, logMagic, version, nil)
	f.Add(log)
	f.Add(log[:25])
	f.Fuzz(func(t *testing.T, b []byte) {
		torn, err := eachEntry(b, func(entry []byte) error { return nil })
		if torn > int64(len(b)) || err != nil && torn != 0 {
			t.Fatalf("%d of %d bytes torn, %v", torn, len(b), err)
		}
		if err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatal(err)
		}
	})
}

func FuzzNames(f *testing.F) {
	f.Add("alice@example.org", "../..")
	f.Add("", "%")
	f.Fuzz(func(t *testing.T, a, b string) {
		ea := string(escape(nil, a))
		if back, ok := unescape(ea); !ok || back != a {
			t.Fatalf("%q escapes to %q, which is %q, %v", a, ea, back, ok)
		}
		if back, ok := unescape(b); ok && string(escape(nil, back)) != b {
			t.Fatalf("%q is taken for %q, which is written differently", b, back)
		}
		da, _ := userDir(a)
		db, _ := userDir(b)
		if (da == db) != (a == b) || len(da) > maxName {
			t.Fatalf("%q is %q, %q is %q", a, da, b, db)
		}
		if name, err := fileName(Body, a, b); err == nil {
			if p, ok := parseName(name); !ok || p.kind != Body || p.mailbox != ea {
				t.Fatalf("%q parses to %+v, %v", name, p, ok)
			}
		}
	})
}
