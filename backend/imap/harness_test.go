package imap

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log/slog"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"mailbackend.io/backend/cache"
	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/mailstore"
	"mailbackend.io/backend/objstore/mem"
	mailsync "mailbackend.io/backend/sync"
)

// patience is how long a test waits for what must come before it gives up.
const patience = 20 * time.Second

// pipeListener accepts connections that dial makes in memory.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) dial() net.Conn {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client
	case <-l.closed:
		client.Close()
		return client
	}
}

// Accept implements net.Listener.
func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements net.Listener.
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// testServer is a Server on a store in memory.
type testServer struct {
	*Server
	t     testing.TB
	mail  Store
	store *fakeStore // nil: mail is a real one
	clock *testClock
	l     *pipeListener
}

// testClock is a Fake that tells when somebody begins to wait.
type testClock struct {
	*clock.Fake
	armed chan struct{}
}

// AfterFunc implements clock.Clock.
func (c *testClock) AfterFunc(d time.Duration, f func()) clock.Timer {
	defer func() { c.armed <- struct{}{} }()
	return c.Fake.AfterFunc(d, f)
}

// advance lets time pass once somebody waits for it.
func (ts *testServer) advance(d time.Duration) {
	ts.t.Helper()
	select {
	case <-ts.clock.armed:
		ts.clock.Advance(d)
	case <-time.After(patience):
		ts.t.Fatal("nobody waits")
	}
}

// testTime is when tests begin.
var testTime = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)

// newTestServer serves until the test ends.
func newTestServer(t testing.TB, cfg Config) *testServer {
	t.Helper()
	clk := &testClock{clock.NewFake(testTime), make(chan struct{}, 1000)}
	store := newFakeStore(clk)
	ts := &testServer{t: t, mail: store, store: store, clock: clk}
	ts.serve(cfg, Deps{Store: store, Auth: store, Clock: clk, Log: testLog(t)})
	return ts
}

// newRealServer is newTestServer on a mailstore whose objects are in memory.
func newRealServer(t testing.TB, cfg Config) *testServer {
	t.Helper()
	clk := &testClock{clock.NewFake(testTime), make(chan struct{}, 1000)}
	ts := &testServer{t: t, mail: FromMailstore(newMailstore(t)), clock: clk}
	ts.serve(cfg, Deps{Store: ts.mail, Auth: newFakeStore(clk), Clock: clk, Log: testLog(t)})
	return ts
}

// newMailstore is a mailstore that ends with the test.
func newMailstore(t testing.TB) *mailstore.Store {
	t.Helper()
	clk := clock.NewFake(testTime) // another one: nobody advances it
	log := slog.New(slog.DiscardHandler)
	c, err := cache.Open(t.Context(), cache.Options{Dir: t.TempDir(), BootID: "boot", Instance: "run", AllowNetworkFS: true, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	engine, err := mailsync.NewEngine(mailsync.Config{}, mem.New(mem.Options{}).As("run"), c, clk, mathrand.NewChaCha8([32]byte{1}),
		mailsync.Holder{Pod: "pod", Incarnation: "run"}, log)
	if err != nil {
		t.Fatal(err)
	}
	s, err := mailstore.New(mailstore.Config{}, engine, clk, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := contextWithPatience()
		defer cancel()
		if err := errors.Join(s.Shutdown(ctx), c.Close()); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return s
}

// serve starts the server with deps.
func (ts *testServer) serve(cfg Config, deps Deps) {
	ts.l = newPipeListener()
	ts.Server = New(cfg, deps)
	done := make(chan error, 1)
	go func() { done <- ts.Serve(ts.l) }()
	ts.t.Cleanup(func() {
		ctx, cancel := contextWithPatience()
		defer cancel()
		if err := ts.Shutdown(ctx); err != nil {
			ts.t.Errorf("shutdown: %v", err)
		}
		if err := <-done; !errors.Is(err, ErrServerClosed) {
			ts.t.Errorf("serve returned %v", err)
		}
	})
}

// testLog fails the test when a session panics.
func testLog(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(panicSpotter{t}, &slog.HandlerOptions{Level: slog.LevelError}))
}

type panicSpotter struct{ t testing.TB }

// Write implements io.Writer.
func (p panicSpotter) Write(b []byte) (int, error) {
	p.t.Errorf("logged: %s", strings.ReplaceAll(string(b), `\n`, "\n"))
	return len(b), nil
}

// client is the client's end of a connection: it reads all the time, so that
// neither side waits for the other to read.
type client struct {
	t     testing.TB
	conn  net.Conn
	lines chan string // closed at the end
}

func (ts *testServer) connect() *client {
	c := &client{t: ts.t, conn: ts.l.dial()}
	c.start()
	return c
}

func (c *client) start() {
	c.lines = make(chan string, 100_000)
	c.t.Cleanup(func() { c.conn.Close() })
	go func(conn net.Conn, lines chan string) {
		defer close(lines)
		r := bufio.NewReader(conn)
		for {
			line, err := r.ReadString('\n')
			if line != "" {
				lines <- strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
			}
			if err != nil {
				return
			}
		}
	}(c.conn, c.lines)
}

// send writes s as it is.
func (c *client) send(s string) {
	c.t.Helper()
	if err := c.conn.SetWriteDeadline(time.Now().Add(patience)); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		c.t.Fatal(err)
	}
	if _, err := io.WriteString(c.conn, s); err != nil {
		c.t.Fatalf("sending %.100q: %v", s, err)
	}
}

// line is the next line; false at the connection's end.
func (c *client) line() (string, bool) {
	c.t.Helper()
	select {
	case l, ok := <-c.lines:
		return l, ok
	case <-time.After(patience):
		c.t.Fatal("no line came")
		return "", false
	}
}

// run sends a command (without its tag) and returns the untagged responses and
// the tagged one without its tag.
func (c *client) run(tag, command string) (untagged []string, tagged string) {
	c.t.Helper()
	c.send(tag + " " + command + "\r\n")
	return c.until(tag)
}

// until reads up to the tagged response.
func (c *client) until(tag string) (untagged []string, tagged string) {
	c.t.Helper()
	for {
		l, ok := c.line()
		if !ok {
			c.t.Fatalf("connection ended before the answer to %s; before: %q", tag, untagged)
		}
		if rest, ok := strings.CutPrefix(l, tag+" "); ok {
			return untagged, rest
		}
		untagged = append(untagged, l)
	}
}

// mustRun is run for a command that has to succeed.
func (c *client) mustRun(tag, command string) []string {
	c.t.Helper()
	untagged, tagged := c.run(tag, command)
	if !strings.HasPrefix(tagged, "OK") {
		c.t.Fatalf("%s: %s", command, tagged)
	}
	return untagged
}

// login is the beginning of most sessions.
func (ts *testServer) login(user string) *client {
	ts.t.Helper()
	c := ts.connect()
	if l, _ := c.line(); !strings.HasPrefix(l, "* OK ") {
		ts.t.Fatalf("greeting: %q", l)
	}
	c.mustRun("L", "LOGIN "+user+" secret")
	return c
}

// testTLS makes a certificate for the server and a configuration for clients.
func testTLS(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
		&tls.Config{RootCAs: pool, ServerName: "localhost"}
}
