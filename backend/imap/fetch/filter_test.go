package fetch

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func filtered(t *testing.T, header string, names []string, not bool, oneByte bool) string {
	t.Helper()
	var b bytes.Buffer
	f := newHeaderFilter(&b, names, not)
	var r io.Reader = bytes.NewReader([]byte(header))
	if oneByte {
		r = iotest.OneByteReader(r)
	}
	if _, err := io.Copy(struct{ io.Writer }{f}, struct{ io.Reader }{r}); err != nil {
		t.Fatal(err)
	}
	if err := f.close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestHeaderFilter(t *testing.T) {
	long := string(bytes.Repeat([]byte("x"), maxFieldName+1))
	for _, c := range []struct {
		header   string
		names    []string
		with, no string
	}{
		{"From: a\r\nTo: b\r\n\tc\r\nfrom : d\r\n\r\n", []string{"FROM"}, "From: a\r\nfrom : d\r\n\r\n", "To: b\r\n\tc\r\n\r\n"},
		{"From: a\r\nTo: b\r\n c\r\n\r\n", []string{"TO", "CC"}, "To: b\r\n c\r\n\r\n", "From: a\r\n\r\n"},
		{"From: a\nTo: b\n c\n\nFrom: not a header\n", []string{"FROM"}, "From: a\n\r\n", "To: b\n c\n\r\n"},
		{"", []string{"FROM"}, "\r\n", "\r\n"},
		{"\r\n", []string{"FROM"}, "\r\n", "\r\n"},
		{"From: a", []string{"FROM"}, "From: a\r\n\r\n", "\r\n"},
		{"From", []string{"FROM"}, "\r\n", "From\r\n\r\n"},
		{"From\r\n a\r\nX: y\r\n\r\n", []string{"X"}, "X: y\r\n\r\n", "From\r\n a\r\n\r\n"},
		{"Fro: a\r\nFromm: a\r\nFrom\r\n: x\r\n\r\n", []string{"FROM"}, "\r\n", "Fro: a\r\nFromm: a\r\nFrom\r\n: x\r\n\r\n"},
		{"From>: a\r\n From: c\r\n\r\n", []string{"FROM"}, "\r\n", "From>: a\r\n From: c\r\n\r\n"},
		{long + ": a\r\nFrom: b\r\n", []string{"FROM"}, "From: b\r\n\r\n", long + ": a\r\n\r\n"},
		{"\rFrom: a\r\nTo: b\r\n", []string{"FROM"}, "\r\n", "\rFrom: a\r\nTo: b\r\n\r\n"},
		{"F\xf6\x00: a\r\nTo:\r\n", []string{"TO"}, "To:\r\n\r\n", "F\xf6\x00: a\r\n\r\n"},
	} {
		for _, oneByte := range []bool{false, true} {
			if got := filtered(t, c.header, c.names, false, oneByte); got != c.with {
				t.Errorf("%q with %v: %q, want %q", c.header, c.names, got, c.with)
			}
			if got := filtered(t, c.header, c.names, true, oneByte); got != c.no {
				t.Errorf("%q without %v: %q, want %q", c.header, c.names, got, c.no)
			}
		}
	}
}

// FuzzHeaderFilter: the size of the pieces doesn't matter, and every line goes to
// one side.
func FuzzHeaderFilter(f *testing.F) {
	f.Add("From: a\r\nTo: b\r\n\tc\r\n\r\n", "FROM")
	f.Add("\r\r\n \r\nX\n", "X")
	f.Fuzz(func(t *testing.T, header, name string) {
		names := []string{name}
		with, without := filtered(t, header, names, false, false), filtered(t, header, names, true, false)
		if filtered(t, header, names, false, true) != with || filtered(t, header, names, true, true) != without {
			t.Fatal("pieces matter")
		}
		if len(with)+len(without)-6 > len(header) {
			t.Fatalf("%q gives %q and %q", header, with, without)
		}
	})
}

type failing struct{}

var errFull = errors.New("full")

func (failing) Write([]byte) (int, error) { return 0, errFull }

func TestHeaderFilterError(t *testing.T) {
	f := newHeaderFilter(failing{}, []string{"A"}, false)
	if _, err := f.Write([]byte("A: b\r\n")); !errors.Is(err, errFull) {
		t.Error(err)
	}
}
