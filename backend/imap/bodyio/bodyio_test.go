package bodyio

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// mem is a Body in memory that writes in small pieces.
type mem struct {
	data []byte
	fail error
}

func (m mem) ReadRange(_ context.Context, w io.Writer, off, n int64) error {
	end := min(off+n, int64(len(m.data)))
	for off < end {
		k := min(1000, end-off)
		if _, err := w.Write(m.data[off : off+k]); err != nil {
			return err
		}
		off += k
	}
	return m.fail
}

func TestReader(t *testing.T) {
	data := make([]byte, 2*readerChunk+12345)
	for i := range data {
		data[i] = byte(i ^ i>>8)
	}
	r := NewReader(t.Context(), mem{data: data}, 0, 0)
	for _, c := range []struct{ off, n int64 }{{0, 0}, {0, 1}, {5, readerChunk}, {0, int64(len(data))}, {7, readerChunk + 1}} {
		r.Reset(t.Context(), mem{data: data}, c.off, c.n)
		if err := iotest.TestReader(r, data[c.off:c.off+c.n]); err != nil {
			t.Errorf("%v: %v", c, err)
		}
	}
}

func TestReaderErrors(t *testing.T) {
	if _, err := io.ReadAll(NewReader(t.Context(), mem{data: []byte("abc")}, 1, 3)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	gone := errors.New("gone")
	if got, err := io.ReadAll(NewReader(t.Context(), mem{[]byte("abc"), gone}, 0, 3)); !errors.Is(err, gone) || len(got) != 0 {
		t.Errorf("%q %v", got, err)
	}
	if err := (mem{data: bytes.Repeat([]byte("x"), readerChunk+1)}).ReadRange(t.Context(), (*sink)(&Reader{}), 0, readerChunk+1); !errors.Is(err, io.ErrShortWrite) {
		t.Error(err)
	}
}
