package imap

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"mailbackend.io/backend/clock"
)

// TestAppendMemory: what the messages being appended take together is bounded.
// Who has to wait too long is told so; who waits a little isn't.
func TestAppendMemory(t *testing.T) {
	cfg := Config{AllowPlaintextAuth: true}
	cfg.Limits.AppendMemory, cfg.Limits.Message = messageStep, messageStep
	ts := newTestServer(t, cfg)
	first, second, third := ts.login("alice"), ts.login("bob"), ts.login("carol")
	body := strings.Repeat("x", messageStep)
	first.send("a APPEND INBOX {1048576}\r\n")
	if l, _ := first.line(); l != "+ OK" {
		t.Fatal(l)
	}
	second.send("a APPEND INBOX {5}\r\n")
	ts.advance(time.Minute) // once it waits
	if _, tagged := second.until("a"); !strings.HasPrefix(tagged, "NO [LIMIT]") {
		t.Fatal(tagged)
	}
	third.send("a APPEND INBOX {5}\r\n")
	<-ts.clock.armed // it waits
	first.send(body + "\r\n")
	if _, tagged := first.until("a"); !strings.HasPrefix(tagged, "OK [APPENDUID") {
		t.Fatal(tagged)
	}
	if l, _ := third.line(); l != "+ OK" {
		t.Fatal(l)
	}
	third.send("hello\r\n")
	if _, tagged := third.until("a"); !strings.HasPrefix(tagged, "OK [APPENDUID") {
		t.Fatal(tagged)
	}
}

// TestLogKeepsSecrets: neither passwords nor mail get into the log, whatever the
// commands they come in, and even at its most talkative.
func TestLogKeepsSecrets(t *testing.T) {
	var mu sync.Mutex
	var log bytes.Buffer
	locked := writerFunc(func(b []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return log.Write(b)
	})
	clk := &testClock{clock.NewFake(testTime), make(chan struct{}, 1000)}
	store := newFakeStore(clk)
	ts := &testServer{t: t, mail: store, store: store, clock: clk}
	ts.serve(Config{AllowPlaintextAuth: true}, Deps{Store: store, Auth: store, Clock: clk,
		Log: slog.New(slog.NewTextHandler(locked, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	c := ts.connect()
	for i, s := range []string{
		"a LOGIN alice hush-1\r\n",
		"a AUTHENTICATE PLAIN AGFsaWNlAGh1c2gtMg==\r\n", // hush-2
		"a LOGIN alice \"hush-3\r\n",
		"a LOGIN alice {6+}\r\nhush-4\r\n",
		"hush-5\r\n",
		"a LOGIN alice secret\r\n",
		"a APPEND INBOX {12+}\r\nhush-6 hush\r\n\r\n",
		"a SELECT INBOX\r\n",
		"a FETCH 1 BODY[]\r\n",
		"a SEARCH TEXT hush-7\r\n",
		"a LOGOUT\r\n",
	} {
		c.send(s)
		if i < 2 || i == 3 {
			ts.advance(10 * time.Second)
		}
	}
	for _, ok := c.line(); ok; _, ok = c.line() {
	}
	ctx, cancel := contextWithPatience()
	defer cancel()
	if err := ts.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"hush", "aHVzaC", "AGFsaWNl", "secret"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%q is in the log:\n%s", secret, log.String())
		}
	}
	if !strings.Contains(log.String(), "alice") || !strings.Contains(log.String(), "conn=1") {
		t.Errorf("user and connection are not in the log:\n%s", log.String())
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// closeSpy tells when a connection is closed.
type closeSpy struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

func (c *closeSpy) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// TestClientThatDoesNotRead is cut off after the write timeout.
func TestClientThatDoesNotRead(t *testing.T) {
	cfg := Config{AllowPlaintextAuth: true}
	cfg.Timeouts.Write = 20 * time.Millisecond
	ts := newTestServer(t, cfg)
	ts.deliver("alice", "INBOX", strings.Repeat("a long subject ", 50))
	client, server := net.Pipe()
	defer client.Close()
	spy := &closeSpy{Conn: server, closed: make(chan struct{})}
	ts.l.conns <- spy
	buf := make([]byte, 4096)
	if _, err := client.Read(buf); err != nil { // the greeting
		t.Fatal(err)
	}
	if _, err := io.WriteString(client, "a LOGIN alice secret\r\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-spy.closed:
	case <-time.After(patience):
		t.Fatal("the connection is still open")
	}
}

// TestStartTLSInjection: a command that came in the clear behind STARTTLS, from
// whoever, is not run under TLS (RFC 9051 section 6.2.1).
func TestStartTLSInjection(t *testing.T) {
	serverTLS, clientTLS := testTLS(t)
	ts := newTestServer(t, Config{TLS: serverTLS})
	c := ts.connect()
	c.line()
	c.send("a STARTTLS\r\nevil LOGIN alice secret\r\n")
	if l, _ := c.line(); l != "a OK Begin TLS negotiation" {
		t.Fatal(l)
	}
	s := &script{t: t, client: clientTLS}
	s.startTLS(c)
	c.send("b NOOP\r\n")
	if l, _ := c.line(); l != "b OK NOOP completed" {
		t.Fatalf("first answer under TLS: %q", l)
	}
}

// TestLineLimits: lines that never end are not read for ever.
func TestLineLimits(t *testing.T) {
	ts := newTestServer(t, Config{AllowPlaintextAuth: true})
	c := ts.connect()
	c.line()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for l, ok := c.line(); ok; l, ok = c.line() {
			if l != "* BYE Line too long" {
				t.Errorf("got %q", l)
			}
		}
	}()
	junk := bytes.Repeat([]byte("x"), 64<<10)
	for i := 0; ; i++ {
		if _, err := c.conn.Write(junk); err != nil {
			break
		}
		if i > 1000 {
			t.Fatal("64 MB of one line were read")
		}
	}
	<-ended
}

// TestEveryCommandHasAScript: a command without a script is not tested.
func TestEveryCommandHasAScript(t *testing.T) {
	files, err := filepath.Glob("testdata/*.imap")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
	}
	for name := range commands {
		if !strings.Contains(all.String(), " "+name) {
			t.Errorf("no script sends %s", name)
		}
	}
	for _, c := range capabilityTable {
		if !strings.Contains(all.String(), c.name) {
			t.Errorf("no script sees the capability %s", c.name)
		}
	}
}
