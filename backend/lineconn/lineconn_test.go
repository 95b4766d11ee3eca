package lineconn

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// pieces is a net.Conn that returns its pieces one per Read, then io.EOF, and
// collects what is written. It has no deadlines.
type pieces struct {
	net.Conn
	in      [][]byte
	out     bytes.Buffer
	writes  int
	failing bool
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.in) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.in[0])
	if p.in[0] = p.in[0][n:]; len(p.in[0]) == 0 {
		p.in = p.in[1:]
	}
	return n, nil
}

func (p *pieces) Write(b []byte) (int, error) {
	if p.failing {
		return 0, io.ErrClosedPipe
	}
	p.writes++
	return p.out.Write(b)
}
func (*pieces) SetReadDeadline(time.Time) error  { return nil }
func (*pieces) SetWriteDeadline(time.Time) error { return nil }
func (*pieces) Close() error                     { return nil }

func newPieces(in ...string) *pieces {
	p := &pieces{}
	for _, s := range in {
		if s != "" {
			p.in = append(p.in, []byte(s))
		}
	}
	return p
}

// story renders all that ReadLine says until the end.
func story(c *Conn) string {
	var b strings.Builder
	for {
		line, err := c.ReadLine()
		var long *LineTooLongError
		switch {
		case errors.As(err, &long):
			fmt.Fprintf(&b, "long %q..%q\n", long.Head, long.Tail)
		case err != nil:
			fmt.Fprintf(&b, "%v\n", err)
			return b.String()
		default:
			fmt.Fprintf(&b, "%q\n", line)
		}
	}
}

// expected is story's reference: what lines of whole input must give.
func expected(in string, maxLine int) string {
	var b strings.Builder
	for {
		line, rest, ok := strings.Cut(in, "\n")
		if !ok {
			break
		}
		in, line = rest, strings.TrimSuffix(line, "\r")
		if len(line) > maxLine {
			fmt.Fprintf(&b, "long %q..%q\n", line[:min(lineEnds, len(line))], line[max(0, len(line)-lineEnds):])
		} else {
			fmt.Fprintf(&b, "%q\n", line)
		}
	}
	switch {
	case in == "":
		b.WriteString("EOF\n")
	default:
		b.WriteString("unexpected EOF\n")
	}
	return b.String()
}

const script = "a\r\n\r\n\nbare\nc\rd\r\r\nNUL \x00 \xff\r\n" +
	"exactly twenty bytes\r\nexactly twenty bytes\nexactly twenty-1 bytes\r\n" +
	"one more than twenty:\n\r\nunfinished"

func TestReadLineSplitAnywhere(t *testing.T) {
	want := expected(script, 20)
	for i := range len(script) + 1 {
		if got := story(New(newPieces(script[:i], script[i:]), Options{MaxLine: 20})); got != want {
			t.Fatalf("split at %d:\n%swant\n%s", i, got, want)
		}
	}
	if got := story(New(newPieces(strings.Split(script, "")...), Options{MaxLine: 20})); got != want {
		t.Fatalf("byte by byte:\n%swant\n%s", got, want)
	}
}

// TestReadLineLengths has lines around every size where a buffer changes.
func TestReadLineLengths(t *testing.T) {
	for _, n := range []int{0, 1, len(Conn{}.first), smallSize, largeSize, 4 * largeSize, 8 * largeSize} {
		for d := -3; d <= 3; d++ {
			if n+d < 0 {
				continue
			}
			line := strings.Repeat("x", n+d)
			in := "before\r\n" + line + "\r\nbehind\r\n"
			for _, limit := range []int{max(n, 1), 16 * largeSize} {
				c := New(newPieces(in), Options{MaxLine: limit})
				if got, want := story(c), expected(in, limit); got != want {
					t.Fatalf("line of %d bytes, limit %d: %.300s\nwant %.300s", n+d, limit, got, want)
				}
				if c.buf != nil && c.r != c.w {
					t.Fatal("bytes left over")
				}
			}
		}
	}
}

func TestUnusable(t *testing.T) {
	c := New(newPieces(strings.Repeat("x", 3000)+"\r\nNOOP\r\n"), Options{MaxLine: 10, MaxDiscard: 1000})
	for range 2 {
		if _, err := c.ReadLine(); !errors.Is(err, ErrUnusable) {
			t.Fatalf("line without end: %v", err)
		}
	}
	if _, err := New(newPieces(strings.Repeat("x", 3000)), Options{MaxLine: 10}).ReadLine(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("end in an overlong line: %v", err)
	}
}

func TestStreams(t *testing.T) {
	literal := strings.Repeat("0123456789abcdef", 10_000)
	in := "append\r\n" + literal + "tail\r\n" + literal + "end\r\n"
	for _, cut := range []int{1, 7, 8, 9, 100, 4096, 40_000, len(literal) + 8, len(in) - 1} {
		c := New(newPieces(in[:cut], in[cut:]), Options{})
		if line, err := c.ReadLine(); err != nil || string(line) != "append" {
			t.Fatalf("cut %d: %q, %v", cut, line, err)
		}
		got := make([]byte, len(literal))
		if err := c.ReadFull(got); err != nil || string(got) != literal {
			t.Fatalf("cut %d: literal differs, %v", cut, err)
		}
		if line, err := c.ReadLine(); err != nil || string(line) != "tail" {
			t.Fatalf("cut %d: %q, %v", cut, line, err)
		}
		if err := c.Discard(int64(len(literal))); err != nil {
			t.Fatal(err)
		}
		if b, err := c.Peek(); err != nil || len(b) == 0 || c.Buffered() != len(b) {
			t.Fatalf("cut %d: peek %q, %v", cut, b, err)
		}
		if line, err := c.ReadLine(); err != nil || string(line) != "end" {
			t.Fatalf("cut %d: %q, %v", cut, line, err)
		}
		if err := c.Discard(1); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("discard at the end: %v", err)
		}
		if c.buf != nil {
			t.Fatal("a buffer is held at the end")
		}
		if c.BytesRead() != int64(len(in)) {
			t.Fatalf("%d bytes counted, %d sent", c.BytesRead(), len(in))
		}
	}
}

func TestReadIsAReader(t *testing.T) {
	in := strings.Repeat("some bytes ", 9999)
	all, err := io.ReadAll(New(newPieces(in[:5], in[5:]), Options{}))
	if err != nil || string(all) != in {
		t.Fatalf("%d bytes, %v", len(all), err)
	}
}

func TestWrite(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	p := newPieces()
	c := New(p, Options{})
	var want bytes.Buffer
	for range 300 {
		n := []int{0, 1, 80, 5000, writeSize - 1, writeSize, writeSize + 1, 3*writeChunk + 5}[rng.IntN(8)]
		b := bytes.Repeat([]byte{byte('a' + rng.IntN(26))}, n)
		want.Write(b)
		var err error
		switch rng.IntN(4) {
		case 0:
			_, err = c.WriteString(string(b))
		case 1:
			_, err = c.Write(append(c.AvailableBuffer(), b...))
		case 2:
			_, err = c.Write(b)
			if err == nil {
				err = c.Flush()
			}
			if c.wbuf != nil {
				t.Fatal("Flush keeps a buffer")
			}
		default:
			_, err = c.Write(b)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Flush(); err != nil || !bytes.Equal(p.out.Bytes(), want.Bytes()) {
		t.Fatalf("seed %d: output differs, %v", seed, err)
	}
	if c.BytesWritten() != int64(want.Len()) {
		t.Fatalf("seed %d: %d counted, %d written", seed, c.BytesWritten(), want.Len())
	}
}

func TestWriteErrorSticks(t *testing.T) {
	p := newPieces("NOOP\r\n")
	p.failing = true
	c := New(p, Options{})
	if _, err := c.WriteString("* OK\r\n"); err != nil {
		t.Fatalf("buffered write: %v", err)
	}
	if _, err := c.ReadLine(); !errors.Is(err, io.ErrClosedPipe) {
		t.Fatalf("read whose flush fails: %v", err)
	}
	p.failing = false
	if _, err := c.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Fatalf("write after a failed one: %v", err)
	}
	if _, err := c.WriteString("x"); !errors.Is(err, io.ErrClosedPipe) {
		t.Fatalf("write after a failed one: %v", err)
	}
	if err := c.Flush(); !errors.Is(err, io.ErrClosedPipe) || c.wbuf != nil {
		t.Fatalf("flush after a failed write: %v", err)
	}
}

// TestFlushBeforeWait: answers to pipelined commands leave in one write, when
// there is nothing more to read.
func TestFlushBeforeWait(t *testing.T) {
	p := newPieces("a\r\nb\r\nc\r\n", "d\r\n")
	c := New(p, Options{})
	for i := range 4 {
		line, err := c.ReadLine()
		if err != nil {
			t.Fatal(err)
		}
		if wantWrites := i / 3; p.writes != wantWrites {
			t.Fatalf("before answer %d: %d writes", i, p.writes)
		}
		_, _ = c.WriteString(string(line) + " OK\r\n")
	}
	if _, err := c.ReadLine(); !errors.Is(err, io.EOF) || p.out.String() != "a OK\r\nb OK\r\nc OK\r\nd OK\r\n" || p.writes != 2 {
		t.Fatalf("%v, %d writes: %q", err, p.writes, p.out.String())
	}
}

// send writes in the background, as net.Pipe needs it.
func send(t *testing.T, c net.Conn, s string) {
	t.Helper()
	go func() {
		if _, err := io.WriteString(c, s); err != nil {
			t.Error(err)
		}
	}()
}

func TestTimeout(t *testing.T) {
	server, client := net.Pipe()
	defer client.Close()
	c := New(server, Options{ReadTimeout: time.Millisecond, WriteTimeout: time.Millisecond})
	defer c.Close()
	if err := c.WaitReadable(0); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("wait: %v", err)
	}
	if _, err := c.ReadLine(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("line: %v", err)
	}
	// What came before the timeout is not lost.
	c.SetReadTimeout(-1)
	send(t, client, "NO")
	if err := c.WaitReadable(0); err != nil {
		t.Fatal(err)
	}
	c.SetReadTimeout(time.Millisecond)
	if _, err := c.ReadLine(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("half a line: %v", err)
	}
	c.SetReadTimeout(0)
	send(t, client, "OP\r\n")
	if line, err := c.ReadLine(); err != nil || string(line) != "NOOP" {
		t.Fatalf("%q, %v", line, err)
	}
	_, _ = c.WriteString("nobody reads this")
	if err := c.Flush(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("write: %v", err)
	}
}

func TestInterrupt(t *testing.T) {
	server, client := net.Pipe()
	defer client.Close()
	c := New(server, Options{})
	defer c.Close()

	c.Interrupt()
	if err := c.WaitReadable(0); !errors.Is(err, ErrInterrupted) {
		t.Fatalf("interrupted before: %v", err)
	}
	for range 100 { // at any point of the wait
		go c.Interrupt()
		if err := c.WaitReadable(0); !errors.Is(err, ErrInterrupted) {
			t.Fatalf("interrupted: %v", err)
		}
	}
	send(t, client, "DONE\r\n")
	if err := c.WaitReadable(-1); err != nil {
		t.Fatalf("after interrupts: %v", err)
	}
	c.Interrupt() // with bytes at hand: for the next wait
	if err := c.WaitReadable(0); err != nil {
		t.Fatalf("with bytes buffered: %v", err)
	}
	if line, err := c.ReadLine(); err != nil || string(line) != "DONE" {
		t.Fatalf("%q, %v", line, err)
	}
	if err := c.WaitReadable(0); !errors.Is(err, ErrInterrupted) {
		t.Fatalf("interrupt kept for later: %v", err)
	}
	// ReadLine is not disturbed.
	c.Interrupt()
	send(t, client, "NOOP\r\n")
	if line, err := c.ReadLine(); err != nil || string(line) != "NOOP" {
		t.Fatalf("%q, %v", line, err)
	}
	if err := c.WaitReadable(0); !errors.Is(err, ErrInterrupted) {
		t.Fatalf("interrupt kept behind a ReadLine: %v", err)
	}
	client.Close()
	if err := c.WaitReadable(0); err != nil {
		t.Fatalf("end of the peer: %v", err)
	}
	if _, err := c.ReadLine(); !errors.Is(err, io.EOF) {
		t.Fatalf("end of the peer: %v", err)
	}
}

func TestClose(t *testing.T) {
	server, client := net.Pipe()
	defer client.Close()
	c := New(server, Options{})
	go c.Close()
	if _, err := c.ReadLine(); err == nil {
		t.Fatal("read from a closed connection")
	}
	if err := c.Close(); err != nil {
		t.Fatalf("second Close: %v", err)
	}
}

func FuzzReadLine(f *testing.F) {
	f.Add([]byte(script), uint8(20), uint64(1))
	f.Add([]byte("a NOOP\r\n"+strings.Repeat("x", 5000)+"{3+}\r\nabc\r\n"), uint8(100), uint64(2))
	f.Add([]byte("\r\r\n\n\r"), uint8(1), uint64(3))
	f.Fuzz(func(t *testing.T, in []byte, limit uint8, seed uint64) {
		if len(in) > 1<<16 {
			return
		}
		rng := rand.New(rand.NewPCG(seed, 0))
		var parts []string
		for rest := string(in); rest != ""; {
			n := 1 + rng.IntN(len(rest))
			if rng.IntN(2) == 0 {
				n = 1 + rng.IntN(min(len(rest), 300))
			}
			parts = append(parts, rest[:n])
			rest = rest[n:]
		}
		maxLine := int(limit) + 1
		got := story(New(newPieces(parts...), Options{MaxLine: maxLine}))
		want := expected(string(in), maxLine)
		if got != want {
			t.Fatalf("pieces %q:\n%swant\n%s", parts, got, want)
		}
	})
}
