package imap

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"

	"mailbackend.io/backend/mailstore"
	"mailbackend.io/backend/message"
	"mailbackend.io/test/corpus"
)

// tcpServer is a server on a real mailstore behind a TCP port.
func tcpServer(tb testing.TB, cfg Config) (addr string, mail Store) {
	tb.Helper()
	ts := newRealServer(tb, cfg)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	go func() { _ = ts.Serve(l) }()
	return l.Addr().String(), ts.mail
}

// benchConn is a client that throws away what it reads.
type benchConn struct {
	tb   testing.TB
	conn net.Conn
	r    *bufio.Reader
}

func dialBench(tb testing.TB, addr string, tlsConfig *tls.Config) *benchConn {
	tb.Helper()
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { raw.Close() })
	nc := raw // what is held until the cleanup is the socket alone
	if tlsConfig != nil {
		nc = tls.Client(raw, tlsConfig)
	}
	c := &benchConn{tb: tb, conn: nc, r: bufio.NewReaderSize(nc, 64<<10)}
	c.until("* OK")
	return c
}

// until reads to the line that begins with prefix and returns the octets read.
func (c *benchConn) until(prefix string) (n int) {
	c.tb.Helper()
	for {
		line, err := c.r.ReadSlice('\n')
		n += len(line)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			c.tb.Fatal(err)
		}
		if bytes.HasPrefix(line, []byte(prefix)) {
			return n
		}
	}
}

func (c *benchConn) run(command string) int {
	c.tb.Helper()
	if _, err := c.conn.Write([]byte("x " + command + "\r\n")); err != nil {
		c.tb.Fatal(err)
	}
	return c.until("x OK")
}

const benchMails = 10_000

// benchMailbox fills a user's INBOX.
func benchMailbox(b *testing.B, mail Store) {
	b.Helper()
	ctx := context.Background()
	u, err := mail.Open(ctx, "alice")
	if err != nil {
		b.Fatal(err)
	}
	defer u.Close()
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := w * 100; i < benchMails; i += 400 {
				var msgs []mailstore.NewMessage
				for k := i; k < i+100; k++ {
					msgs = append(msgs, mailstore.NewMessage{Body: message.NewBody(benchMail(k), message.DefaultLimits())})
				}
				if _, err := u.Append(ctx, "INBOX", msgs); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// benchMail is a realistic mail, but a small one.
func benchMail(i int) []byte {
	raw := corpus.Realistic(1, i)
	if end := bytes.Index(raw, []byte("\r\n\r\n")); end >= 0 && len(raw) > end+2000 {
		raw = raw[:end+2000]
	}
	return raw
}

// BenchmarkFetch measures commands over 10,000 messages, as a client on the
// same machine sees them.
func BenchmarkFetch(b *testing.B) {
	addr, mail := tcpServer(b, Config{AllowPlaintextAuth: true})
	benchMailbox(b, mail)
	c := dialBench(b, addr, nil)
	c.run("LOGIN alice secret")
	c.run("SELECT INBOX")
	for _, command := range []string{
		"FETCH 1:* (FLAGS)",
		"FETCH 1:* (UID FLAGS)",
		"FETCH 1:* (ENVELOPE)",
		"FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)",
		"FETCH 1:* (BODY.PEEK[HEADER.FIELDS (DATE FROM SUBJECT)])",
		"FETCH 1:* (BODY.PEEK[])",
		"STORE 1:* +FLAGS.SILENT (\\Flagged)",
		"SEARCH UNFLAGGED",
		"SEARCH SUBJECT invoice",
	} {
		b.Run(strings.ReplaceAll(command, " ", "_"), func(b *testing.B) {
			n := 0
			for b.Loop() {
				n += c.run(command)
			}
			b.SetBytes(int64(n / b.N))
			b.ReportMetric(float64(benchMails)*float64(b.N)/b.Elapsed().Seconds(), "msg/s")
		})
	}
}

// TestIdleMemory prints, and bounds, what an idle connection costs: logged in,
// INBOX selected, in IDLE.
func TestIdleMemory(t *testing.T) {
	const conns = 400
	serverTLS, clientTLS := testTLS(t)
	for _, c := range []struct {
		name   string
		config *tls.Config
		limit  float64
	}{{"plain", nil, 20 << 10}, {"TLS", clientTLS, 20 << 10}} {
		t.Run(c.name, func(t *testing.T) {
			ts := newRealServer(t, Config{AllowPlaintextAuth: true, TLS: serverTLS})
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			serve := ts.Serve
			if c.config != nil {
				serve = ts.ServeTLS
			}
			go func() { _ = serve(l) }()
			idle := func(user int) {
				b := dialBench(t, l.Addr().String(), c.config)
				b.run(fmt.Sprintf("LOGIN user%d secret", user))
				b.run("SELECT INBOX")
				if _, err := b.conn.Write([]byte("i IDLE\r\n")); err != nil {
					t.Fatal(err)
				}
				b.until("+ ")
			}
			const users = 8
			for i := range users { // what belongs to users, not to connections
				idle(i)
			}
			before := memoryInUse()
			for i := range conns {
				idle(i % users)
			}
			each := float64(memoryInUse()-before) / conns
			t.Logf("%s: %.1f KB per idle connection, the client's socket included", c.name, each/1024)
			if each > c.limit && !raceEnabled {
				t.Errorf("an idle connection costs %.0f bytes, more than %.0f", each, c.limit)
			}
		})
	}
}

// memoryInUse is the heap and the stacks after a collection.
func memoryInUse() uint64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
