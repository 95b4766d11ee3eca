package format

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

var testMagic = Magic{'T', 'E', 'S', 'T'}

func TestSealOpen(t *testing.T) {
	payload := []byte(strings.Repeat("mail ", 1000))
	for _, codecs := range [][]Codec{nil, {Zstd}, {Zstd, Zstd}} {
		sealed := Seal([]byte("before"), testMagic, 2, payload, codecs...)[6:]
		f, err := Open(append(bytes.Clone(sealed), "behind"...), testMagic, 2, len(payload))
		if err != nil {
			t.Fatalf("codecs %v: %v", codecs, err)
		}
		if !bytes.Equal(f.Payload, payload) || f.Size != len(sealed) || f.Version != 2 {
			t.Fatalf("codecs %v: payload of %d bytes, size %d, version %d", codecs, len(f.Payload), f.Size, f.Version)
		}
		if _, err := Open(sealed, testMagic, 1, len(payload)); !errors.Is(err, ErrVersion) {
			t.Fatalf("newer version: %v", err)
		}
		if _, err := Open(sealed, testMagic, 2, len(payload)-1); !errors.Is(err, ErrTooLarge) {
			t.Fatalf("payload over the limit: %v", err)
		}
	}
}

// TestDamage flips every bit of a frame and cuts it at every length: nothing
// of that may open.
func TestDamage(t *testing.T) {
	sealed := Seal(nil, testMagic, 1, []byte("a payload that is long enough to compress, compress, compress"), Zstd)
	for i := range sealed {
		for bit := range 8 {
			bad := bytes.Clone(sealed)
			bad[i] ^= 1 << bit
			if _, err := Open(bad, testMagic, 1, 1<<20); err == nil {
				t.Fatalf("byte %d bit %d flipped: opened", i, bit)
			}
		}
		if _, err := Open(sealed[:i], testMagic, 1, 1<<20); err == nil {
			t.Fatalf("cut to %d bytes: opened", i)
		}
	}
}

func TestDecompressLimit(t *testing.T) {
	bomb := Compress(nil, make([]byte, 10<<20))
	if _, err := Decompress(nil, bomb, 10<<20-1); !errors.Is(err, ErrTooLarge) {
		t.Fatalf("bomb of %d bytes: %v", len(bomb), err)
	}
	two := Compress(Compress(nil, []byte("one")), []byte("two"))
	out, err := Decompress([]byte("0"), two, 6)
	if err != nil || string(out) != "0onetwo" {
		t.Fatalf("two frames: %q, %v", out, err)
	}
}

func TestFields(t *testing.T) {
	var w Writer
	w.Field(1, func(w *Writer) { w.Uvarint(7); w.String("known") })
	w.Field(99, func(w *Writer) { w.String("from the future") })
	w.Field(2, func(w *Writer) { w.Varint(-3); w.Uint64(1 << 63) })
	var seen []uint64
	r := NewReader(w.B)
	r.Fields(func(tag uint64, f *Reader) {
		seen = append(seen, tag)
		switch tag {
		case 1:
			if f.Uvarint() != 7 || f.String() != "known" {
				t.Error("field 1 differs")
			}
		case 2:
			if f.Varint() != -3 || f.Uint64() != 1<<63 {
				t.Error("field 2 differs")
			}
		}
	})
	if r.Err() != nil || len(seen) != 3 {
		t.Fatalf("fields %v: %v", seen, r.Err())
	}
	r = NewReader(w.B[:len(w.B)-1])
	r.Fields(func(uint64, *Reader) {})
	if !errors.Is(r.Err(), ErrCorrupt) {
		t.Fatalf("cut input: %v", r.Err())
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(Seal(nil, testMagic, 1, []byte("seed")))
	f.Add(Seal(nil, testMagic, 1, []byte("seed seed seed seed seed"), Zstd))
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := Open(b, testMagic, 1, 1<<16)
		if err == nil && (len(frame.Payload) > 1<<16 || frame.Size > len(b)) {
			t.Fatalf("payload of %d, size %d of %d", len(frame.Payload), frame.Size, len(b))
		}
	})
}

func FuzzDecompress(f *testing.F) {
	f.Add(Compress(nil, []byte("seed")))
	f.Add(Compress(Compress(nil, []byte("one")), bytes.Repeat([]byte("two"), 99)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if out, err := Decompress(nil, b, 1<<16); err == nil && len(out) > 1<<16 {
			t.Fatalf("%d bytes", len(out))
		}
	})
}
