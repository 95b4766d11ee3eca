package pop3

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"mailbackend.io/backend/auth"
	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/connserver"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/mailstore"
	"mailbackend.io/backend/uidset"
	"mailbackend.io/test/harness"
)

// fake is a Store of one maildrop.
type fake struct {
	mu     sync.Mutex
	box    *index.Mailbox
	mails  map[uint32]string
	locked bool
	gone   uidset.Set
	end    func()
	fail   error
	modseq uint64
}

func newFake(t testing.TB, mails ...string) *fake {
	t.Helper()
	f := &fake{box: index.NewMailbox(), mails: map[uint32]string{}}
	for i, m := range mails {
		uid := uint32(10 * (i + 1))
		f.modseq++
		f.mails[uid] = m
		if err := f.box.Apply(index.Op{Kind: index.OpAppend, ModSeq: f.modseq, UID: uid, Size: uint32(len(m))}); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func (f *fake) Open(_ context.Context, user string) (Maildrop, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return nil, f.fail
	}
	if f.locked {
		return nil, fmt.Errorf("open %s: %w", user, mailstore.ErrInUse)
	}
	f.locked = true
	return fakeDrop{f, f.box.View()}, nil
}

type fakeDrop struct {
	*fake
	view *index.View
}

func (d fakeDrop) View() *index.View   { return d.view }
func (d fakeDrop) UIDValidity() uint32 { return 7 }
func (d fakeDrop) OnDone(fn func()) func() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.end = fn
	return func() {}
}
func (d fakeDrop) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.locked = false
}
func (d fakeDrop) Message(_ context.Context, uid uint32) (Body, error) {
	if m := d.mails[uid]; m != "gone" {
		return fakeBody(m), nil
	}
	return nil, mailstore.ErrMessageGone
}
func (d fakeDrop) Expunge(_ context.Context, uids uidset.Set) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone.AddSet(uids)
	d.modseq++
	return d.box.Apply(index.Op{Kind: index.OpExpunge, ModSeq: d.modseq, UIDs: uids})
}

type fakeBody string

func (b fakeBody) ReadRange(_ context.Context, w io.Writer, _, _ int64) error {
	for i := 0; i < len(b); i += 7 { // in pieces, as frames come
		if _, err := io.WriteString(w, string(b[i:min(len(b), i+7)])); err != nil {
			return err
		}
	}
	return nil
}

// serve starts a server on loopback.
func serve(t testing.TB, cfg Config, f *fake) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg.AuthDelay = time.Nanosecond
	s := New(cfg, Deps{Store: f, Auth: auth.AnyUser{Password: "dev pass"}, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, connserver.ErrClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	return l.Addr().String()
}

type client struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

func dial(t testing.TB, addr string) *client {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	if err := nc.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &client{t, nc, bufio.NewReader(nc)}
}

// talk plays a script: lines that begin with "C: " are sent, lines that begin
// with "S: " must come back, to the letter; "S: *" is any line.
func (c *client) talk(script string) {
	c.t.Helper()
	for line := range strings.Lines(script) {
		line = strings.TrimSuffix(strings.TrimLeft(line, "\t "), "\n")
		if send, ok := strings.CutPrefix(line, "C: "); ok {
			if _, err := io.WriteString(c, send+"\r\n"); err != nil {
				c.t.Fatal(err)
			}
		}
		want, ok := strings.CutPrefix(line, "S: ")
		if !ok {
			continue
		}
		got, err := c.r.ReadString('\n')
		if err != nil {
			c.t.Fatalf("instead of %q: %q, %v", want, got, err)
		}
		if want != "*" && got != want+"\r\n" {
			c.t.Fatalf("got  %q\nwant %q", got, want+"\r\n")
		}
	}
}

const login = "S: +OK mailbackend ready\nC: USER u\nS: +OK Password?\nC: PASS dev pass\nS: *\n"

func TestConversation(t *testing.T) {
	f := newFake(t, "Subject: a\r\n\r\nline 1\r\nline 2\r\n", "Subject: b\n\n.dot\nbare\n..two", "", "gone")
	addr := serve(t, Config{AllowPlaintextAuth: true}, f)
	c := dial(t, addr)
	c.talk(`
		S: +OK mailbackend ready
		C: CAPA
		S: +OK Capabilities follow
		S: TOP
		S: UIDL
		S: RESP-CODES
		S: AUTH-RESP-CODE
		S: PIPELINING
		S: EXPIRE NEVER
		S: UTF8
		S: LANG
		S: IMPLEMENTATION mailbackend
		S: USER
		S: SASL PLAIN
		S: .
		C: STAT
		S: -ERR Not now
		C: PASS x
		S: -ERR USER first
		C: user u
		S: +OK Password?
		C: PASS wrong
		S: -ERR [AUTH] Authentication failed
		C: USER u
		S: +OK Password?
		C: PASS dev pass
		S: +OK 4 messages (61 octets)
		C: LIST
		S: +OK 4 messages (61 octets)
		S: 1 30
		S: 2 27
		S: 3 0
		S: 4 4
		S: .
		C: LIST 2
		S: +OK 2 27
		C: UIDL
		S: +OK 4 messages (61 octets)
		S: 1 7.10
		S: 2 7.20
		S: 3 7.30
		S: 4 7.40
		S: .
		C: UIDL 4
		S: +OK 4 7.40
		C: RETR 1
		S: +OK 30 octets
		S: Subject: a
		S: 
		S: line 1
		S: line 2
		S: .
		C: RETR 2
		S: +OK 27 octets
		S: Subject: b
		S: 
		S: ..dot
		S: bare
		S: ...two
		S: .
		C: RETR 4
		S: -ERR Message is gone
		C: TOP 1 1
		S: +OK 30 octets
		S: Subject: a
		S: 
		S: line 1
		S: .
		C: TOP 2 0
		S: +OK 27 octets
		S: Subject: b
		S: 
		S: .
		C: TOP 1 x
		S: -ERR That is no number of lines
		C: RETR 0
		S: -ERR No such message
		C: RETR 5
		S: -ERR No such message
		C: RETR 99999999999999999999
		S: -ERR That is no message number
		C: RETR
		S: -ERR Wrong number of arguments
		C: DELE 1
		S: +OK Marked as deleted
		C: DELE 1
		S: -ERR Message is deleted
		C: STAT
		S: +OK 3 31
		C: RSET
		S: +OK 
		C: STAT
		S: +OK 4 61
		C: DELE 2
		S: +OK Marked as deleted
		C: LANG
		S: +OK Languages follow
		S: en English
		S: .
		C: LANG de
		S: -ERR No such language
		C: XYZZY
		S: -ERR Unknown command
		C: NOOP
		S: +OK 
		C: QUIT
		S: +OK Bye`)
	if got := f.gone.String(); got != "20" {
		t.Fatalf("QUIT removed UIDs %q", got)
	}
	c = dial(t, addr)
	c.talk(login + "C: UIDL 2\nS: +OK 2 7.30\n")
}

func TestDropDeletesNothing(t *testing.T) {
	f := newFake(t, "a", "b")
	addr := serve(t, Config{AllowPlaintextAuth: true}, f)
	c := dial(t, addr)
	c.talk(login + "C: DELE 1\nS: *\n")
	// Only one session at a time.
	other := dial(t, addr)
	other.talk("S: *\nC: USER u\nS: *\nC: PASS dev pass\nS: -ERR [IN-USE] Maildrop is in use by another session\n")
	f.mu.Lock()
	end := f.end
	f.mu.Unlock()
	end() // the user moves elsewhere
	c.talk("S: -ERR [SYS/TEMP] Server is going away\n")
	if _, err := c.r.ReadByte(); err != io.EOF {
		t.Fatalf("after the end: %v", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.gone.Empty() || f.locked {
		t.Fatalf("removed %v, locked %v", f.gone, f.locked)
	}
}

func TestSASLAndPipelining(t *testing.T) {
	addr := serve(t, Config{AllowPlaintextAuth: true}, newFake(t, "a"))
	plain := base64.StdEncoding.EncodeToString([]byte("\x00u\x00dev pass"))
	dial(t, addr).talk("S: *\nC: AUTH PLAIN " + plain + "\nS: +OK 1 messages (1 octets)\nC: QUIT\nS: +OK Bye\n")
	dial(t, addr).talk("S: *\nC: AUTH\nS: *\nS: PLAIN\nS: .\nC: AUTH PLAIN\nS: + \nC: " + plain + "\nC: STAT\nC: NOOP\nC: QUIT\nS: +OK 1 messages (1 octets)\nS: +OK 1 1\nS: +OK \nS: +OK Bye\n")
	for _, bad := range []string{"*", "!!", base64.StdEncoding.EncodeToString([]byte("a\x00b")), base64.StdEncoding.EncodeToString([]byte("other\x00u\x00dev pass"))} {
		dial(t, addr).talk("S: *\nC: AUTH PLAIN " + bad + "\nS: -ERR Authentication cancelled or malformed\n")
	}
	dial(t, addr).talk("S: *\nC: AUTH GSSAPI\nS: -ERR [AUTH] Mechanism is not supported\n")
}

func TestLimits(t *testing.T) {
	addr := serve(t, Config{AllowPlaintextAuth: true, BadCommands: 3, AuthFailures: 2, MaxLine: 300, MaxConns: 4}, newFake(t, "a"))
	ended := func(c *client) {
		t.Helper()
		if _, err := io.Copy(io.Discard, c.r); err != nil {
			t.Fatalf("connection is not closed: %v", err)
		}
	}
	c := dial(t, addr)
	c.talk("S: *\nC: A\nS: *\nC: B\nS: *\nC: C\nS: -ERR Unknown command\nS: -ERR Too many bad commands\n")
	ended(c)
	c = dial(t, addr)
	c.talk("S: *\nC: USER a\nS: *\nC: PASS 1\nS: *\nC: USER a\nS: *\nC: PASS 2\nS: -ERR [AUTH] Authentication failed\n")
	ended(c)
	c = dial(t, addr)
	c.talk("S: *\nC: USER " + strings.Repeat("x", 400) + "\nS: -ERR Line too long\n")
	ended(c)
}

func TestSTLS(t *testing.T) {
	certFile, keyFile := harness.Certificate(t, t.TempDir())
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	addr := serve(t, Config{TLS: &tls.Config{Certificates: []tls.Certificate{pair}}}, newFake(t, "a"))
	c := dial(t, addr)
	c.talk("S: *\nC: USER u\nS: -ERR [AUTH] TLS is required\nC: AUTH PLAIN x\nS: -ERR [AUTH] TLS is required\nC: STLS x\nS: -ERR Wrong number of arguments\n")
	// What comes with STLS, in the clear, is thrown away, not run.
	if _, err := io.WriteString(c, "STLS\r\nUSER injected\r\n"); err != nil {
		t.Fatal(err)
	}
	c.talk("S: +OK Begin TLS\n")
	secure := tls.Client(c.Conn, &tls.Config{InsecureSkipVerify: true})
	c = &client{t, secure, bufio.NewReader(secure)}
	c.talk("C: PASS dev pass\nS: -ERR USER first\nC: STLS\nS: -ERR TLS is not available\nC: USER u\nS: *\nC: PASS dev pass\nS: +OK 1 messages (1 octets)\nC: QUIT\nS: +OK Bye\n")
}

// FuzzSession feeds any bytes to a server: it answers or closes, and what it
// says are +OK and -ERR lines.
func FuzzSession(f *testing.F) {
	f.Add("USER u\r\nPASS dev pass\r\nLIST\r\nRETR 1\r\nTOP 1 1\r\nUIDL\r\nDELE 1\r\nQUIT\r\n")
	f.Add("AUTH PLAIN\r\n*\r\nCAPA\r\nSTLS\r\n")
	f.Fuzz(func(t *testing.T, input string) {
		c := dial(t, serve(t, Config{AllowPlaintextAuth: true}, newFake(t, "Subject: a\r\n\r\nbody\r\n.\r\n")))
		go func() {
			if _, err := io.WriteString(c, input); err == nil {
				_ = c.Conn.(*net.TCPConn).CloseWrite()
			}
		}()
		first, err := c.r.ReadString('\n')
		if err != nil || !strings.HasPrefix(first, "+OK") {
			t.Fatalf("greeting %q: %v", first, err)
		}
		if _, err := io.Copy(io.Discard, c.r); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Fatal(err)
		}
	})
}
