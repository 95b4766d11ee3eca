package imap

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"mailbackend.io/backend/auth"
)

// TestShutdown tells every session, those in IDLE too.
func TestShutdown(t *testing.T) {
	ts := newTestServer(t, Config{AllowPlaintextAuth: true})
	idle := ts.login("alice")
	idle.mustRun("a", "SELECT INBOX")
	idle.send("b IDLE\r\n")
	if l, _ := idle.line(); l != "+ idling" {
		t.Fatal(l)
	}
	waiting := ts.login("bob")
	fresh := ts.connect()
	fresh.line() // greeting
	ctx, cancel := contextWithPatience()
	defer cancel()
	if err := ts.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*client{"idle": idle, "waiting": waiting, "fresh": fresh} {
		if l, _ := c.line(); l != "* BYE [UNAVAILABLE] The server is shutting down" {
			t.Errorf("%s: %q", name, l)
		}
		if l, open := c.line(); open {
			t.Errorf("%s: connection still open: %q", name, l)
		}
	}
	if ts.Sessions() != 0 {
		t.Error("sessions left")
	}
}

// TestShutdownCutsCommands: a command that doesn't end is cancelled when the
// time is up.
func TestShutdownCutsCommands(t *testing.T) {
	ts := newTestServer(t, Config{AllowPlaintextAuth: true})
	c := ts.connect()
	c.line()
	c.send("a LOGIN alice wrong\r\n") // its answer is delayed, and the clock stands still
	<-ts.clock.armed
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := ts.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if ts.Sessions() != 0 {
		t.Error("sessions left")
	}
}

// TestTooManyConnections: one that is too many is told so.
func TestTooManyConnections(t *testing.T) {
	cfg := Config{AllowPlaintextAuth: true}
	cfg.Limits.Connections = 1
	ts := newTestServer(t, cfg)
	first := ts.login("alice")
	second := ts.connect()
	if l, _ := second.line(); l != "* BYE [UNAVAILABLE] Too many connections" {
		t.Fatal(l)
	}
	first.mustRun("a", "NOOP")
}

// TestImplicitTLS greets after the handshake, and offers no STARTTLS.
func TestImplicitTLS(t *testing.T) {
	serverTLS, clientTLS := testTLS(t)
	ts := newTestServer(t, Config{TLS: serverTLS})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- ts.ServeTLS(l) }()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, conn: tls.Client(nc, clientTLS)}
	c.start()
	if l, _ := c.line(); !strings.HasPrefix(l, "* OK [CAPABILITY") || strings.Contains(l, "STARTTLS") || !strings.Contains(l, "AUTH=PLAIN") {
		t.Fatalf("greeting %q", l)
	}
	c.mustRun("a", "LOGIN alice secret")
	ctx, cancel := contextWithPatience()
	defer cancel()
	if err := ts.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, ErrServerClosed) {
		t.Fatal(err)
	}
}

// panicAuth panics for one user.
type panicAuth struct{ Authenticator }

func (p panicAuth) Authenticate(ctx context.Context, user, password string) (auth.Identity, error) {
	if user == "bomb" {
		panic("as asked")
	}
	return p.Authenticator.Authenticate(ctx, user, password)
}

// TestPanic: it ends one session and no other.
func TestPanic(t *testing.T) {
	ts := newTestServer(t, Config{AllowPlaintextAuth: true})
	// A second server, whose log may hold a panic.
	ts = &testServer{t: t, store: ts.store, clock: ts.clock}
	ts.serve(Config{AllowPlaintextAuth: true}, Deps{Store: ts.store, Auth: panicAuth{ts.store}, Clock: ts.clock})
	good := ts.login("alice")
	bad := ts.connect()
	bad.line()
	bad.send("a NOOP\r\nb LOGIN bomb x\r\n")
	var lines []string
	for l, ok := bad.line(); ok; l, ok = bad.line() {
		lines = append(lines, l)
	}
	if len(lines) == 0 || lines[len(lines)-1] != "* BYE [SERVERBUG] Internal error" {
		t.Errorf("the client was told %q", lines)
	}
	good.mustRun("a", "NOOP")
}

// TestLoginTimeout ends a connection that doesn't log in.
func TestLoginTimeout(t *testing.T) {
	cfg := Config{AllowPlaintextAuth: true}
	cfg.Timeouts.Login = time.Millisecond
	cfg.Timeouts.Idle = time.Millisecond
	ts := newTestServer(t, cfg)
	c := ts.connect()
	c.line()
	if l, _ := c.line(); l != "* BYE Not logged in for too long" {
		t.Fatal(l)
	}
	cfg.Timeouts.Login = patience
	ts = newTestServer(t, cfg)
	c = ts.connect()
	c.line()
	c.send("a LOGIN alice secret\r\n")
	c.line()
	if l, _ := c.line(); l != "* BYE Inactive for too long" {
		t.Fatal(l)
	}
}

// TestOvertaken: the session of a user who is served elsewhere now ends.
func TestOvertaken(t *testing.T) {
	ts := newTestServer(t, Config{AllowPlaintextAuth: true})
	c := ts.login("alice")
	close(ts.store.account("alice").done)
	if l, _ := c.line(); l != "* BYE [UNAVAILABLE] Another server serves this account now" {
		t.Fatal(l)
	}
}

// TestPipelining answers commands in order although all came at once.
func TestPipelining(t *testing.T) {
	ts := newTestServer(t, Config{AllowPlaintextAuth: true})
	c := ts.connect()
	c.send("a LOGIN alice secret\r\nb SELECT INBOX\r\nc CREATE {3+}\r\nNew\r\nd LIST \"\" New\r\ne LOGOUT\r\n")
	var tagged []string
	for l, ok := c.line(); ok; l, ok = c.line() {
		if l[0] != '*' {
			tagged = append(tagged, l[:4])
		}
	}
	if got := strings.Join(tagged, ","); got != "a OK,b OK,c OK,d OK,e OK" {
		t.Fatal(got)
	}
}
