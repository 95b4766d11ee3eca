package imap

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"mailbackend.io/backend/clock"
)

// bytesConn is a connection whose client has sent everything already, and whose
// answers are kept.
type bytesConn struct {
	in io.Reader

	mu  sync.Mutex
	out bytes.Buffer
}

func (c *bytesConn) Read(p []byte) (int, error) { return c.in.Read(p) }

func (c *bytesConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.Write(p)
}

func (c *bytesConn) Close() error                     { return nil }
func (c *bytesConn) LocalAddr() net.Addr              { return &net.UnixAddr{Name: "here"} }
func (c *bytesConn) RemoteAddr() net.Addr             { return &net.UnixAddr{Name: "there"} }
func (c *bytesConn) SetDeadline(time.Time) error      { return nil }
func (c *bytesConn) SetReadDeadline(time.Time) error  { return nil }
func (c *bytesConn) SetWriteDeadline(time.Time) error { return nil }

// hastyClock lets nobody wait.
type hastyClock struct{ clock.System }

func (hastyClock) AfterFunc(_ time.Duration, f func()) clock.Timer {
	return clock.System{}.AfterFunc(0, f)
}

// fuzzPreludes bring a session into each of its states.
var fuzzPreludes = []string{
	"",
	"L LOGIN alice secret\r\n",
	"L LOGIN alice secret\r\nS SELECT INBOX\r\n",
	"L LOGIN alice secret\r\nE ENABLE QRESYNC IMAP4rev2\r\nS SELECT INBOX\r\n",
	"L LOGIN alice secret\r\nS EXAMINE INBOX\r\n",
}

// scriptCommand is a line that a client sends in a script.
var scriptCommand = regexp.MustCompile(`(?m)^C\d*[:>] ?(.*)$`)

// FuzzSession sends bytes to a session in one of its states. Whatever they are,
// the session ends when they do, without a panic, and all it said is made of
// whole responses, tagged ones only for tags that were sent.
func FuzzSession(f *testing.F) {
	files, err := filepath.Glob("testdata/*.imap")
	if err != nil {
		f.Fatal(err)
	}
	for i, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		var all strings.Builder
		for _, m := range scriptCommand.FindAllStringSubmatch(string(data), -1) {
			all.WriteString(m[1] + "\r\n")
		}
		f.Add(byte(i), []byte(all.String()))
	}
	f.Add(byte(2), []byte("a UID FETCH 1:* (FLAGS BODY[HEADER.FIELDS (SUBJECT)] BODY.PEEK[1]<0.5>)\r\nb SEARCH OR (TEXT x) NOT HEADER a {1+}\r\nb KEYWORD y\r\nc IDLE\r\nDONE\r\n"))
	f.Add(byte(3), []byte("a MOVE 1:2 Sent\r\nb UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)\r\nc SELECT INBOX (QRESYNC (1001 1 1:9 (1:2 1:2)))\r\n"))
	f.Add(byte(0), []byte("a AUTHENTICATE PLAIN\r\nAGFsaWNlAHNlY3JldA==\r\nb APPEND INBOX {3000000+}\r\nxyz"))

	f.Fuzz(func(t *testing.T, kind byte, data []byte) {
		store := newFakeStore(clock.System{})
		cfg := Config{AllowPlaintextAuth: true}
		cfg.Limits.Message, cfg.Limits.Append, cfg.Limits.Drain = 1<<20, 1<<20, 1<<16
		srv := New(cfg, Deps{Store: store, Auth: store, Clock: hastyClock{}, Log: slog.New(slog.NewTextHandler(panicSpotter{t},
			&slog.HandlerOptions{Level: slog.LevelError}))})
		ts := &testServer{t: t, mail: store}
		for _, subject := range []string{"One", "Two", "Three"} {
			ts.deliver("alice", "INBOX", subject)
		}
		prelude := fuzzPreludes[int(kind)%len(fuzzPreludes)]
		conn := &bytesConn{in: io.MultiReader(strings.NewReader(prelude), bytes.NewReader(data))}
		newSession(srv, 1, conn).Run(context.Background())
		checkOutput(t, conn.out.Bytes(), []byte(prelude+string(data)))
		if !srv.appendMemory.TryAcquire(srv.cfg.Limits.AppendMemory) {
			t.Error("memory for appended messages was not given back")
		}
	})
}

var announced = regexp.MustCompile(`\{(\d+)\}\r\n$`)

// checkOutput fails unless out consists of whole responses.
func checkOutput(t *testing.T, out, in []byte) {
	t.Helper()
	r := bytes.NewBuffer(out)
	for r.Len() > 0 {
		start, err := r.ReadBytes('\n')
		for line := start; ; {
			if err != nil || !bytes.HasSuffix(line, []byte("\r\n")) {
				t.Fatalf("output ends within a response: %q", line)
			}
			m := announced.FindSubmatch(line)
			if m == nil {
				break
			}
			n := 0
			for _, d := range m[1] {
				n = 10*n + int(d-'0')
			}
			if r.Len() < n {
				t.Fatalf("output ends within a literal: %q", line)
			}
			r.Next(n)
			line, err = r.ReadBytes('\n')
		}
		tag, _, _ := bytes.Cut(start, []byte(" "))
		if s := string(tag); s != "*" && s != "+" && !bytes.Contains(in, tag) {
			t.Fatalf("response for a tag that was not sent: %q", start)
		}
	}
}
