package lmtp

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mailbackend.io/backend/connserver"
	"mailbackend.io/backend/mailstore"
)

// serve runs the server on loopback until the test ends.
func (f *fixture) serve(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- f.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // connections that a test left open are cut
		_ = f.Shutdown(ctx)
		if err := <-done; !errors.Is(err, connserver.ErrClosed) {
			t.Errorf("Serve: %v", err)
		}
		f.checkMemory(t)
	})
	return l.Addr().String()
}

// peer is a client on a real connection.
type peer struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

func dial(t testing.TB, addr string) *peer {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	p := &peer{t: t, Conn: nc, r: bufio.NewReader(nc)}
	p.want("220")
	return p
}

func (p *peer) say(s string) {
	p.t.Helper()
	if _, err := io.WriteString(p.Conn, s); err != nil {
		p.t.Fatal(err)
	}
}

// want reads one reply that starts with code, its last line.
func (p *peer) want(code string) string {
	p.t.Helper()
	for {
		line, err := p.r.ReadString('\n')
		if err != nil {
			p.t.Fatalf("waiting for %s: %v", code, err)
		}
		if len(line) > 3 && line[3] == '-' {
			continue
		}
		if !strings.HasPrefix(line, code) {
			p.t.Fatalf("%q instead of %s", line, code)
		}
		return line
	}
}

func (p *peer) wantEnd() {
	p.t.Helper()
	if b, err := io.ReadAll(p.r); err != nil || len(b) > 0 {
		p.t.Fatalf("instead of the end: %q, %v", b, err)
	}
}

func testTLS(t testing.TB) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC), DNSNames: []string{"mx.test"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// TestStartTLS: the state before it and what was injected behind it are gone.
func TestStartTLS(t *testing.T) {
	f := newFixture(Config{TLS: testTLS(t)})
	p := dial(t, f.serve(t))
	p.say("LHLO x\r\nSTARTTLS now\r\n")
	if line := p.want("250"); !strings.Contains(line, "PIPELINING") {
		t.Fatal(line)
	}
	p.want("501")
	p.say("MAIL FROM:<before@x>\r\nSTARTTLS\r\nRCPT TO:<injected>\r\n")
	p.want("250")
	p.want("220")
	tc := tls.Client(p.Conn, &tls.Config{InsecureSkipVerify: true, ServerName: "mx.test"})
	p.Conn, p.r = tc, bufio.NewReader(tc)
	p.say("MAIL FROM:<x>\r\nLHLO x\r\nRCPT TO:<a>\r\nSTARTTLS\r\nMAIL FROM:<x> SMTPUTF8\r\nRCPT TO:<a>\r\nBDAT 1 LAST\r\nxQUIT\r\n")
	for _, code := range []string{"503", "250", "503 5.5.1 Say MAIL", "503 5.5.1 STARTTLS", "250", "250", "250", "221"} {
		p.want(code)
	}
	if got := f.store.mails(); len(got) != 1 || !strings.Contains(got[0].prefix, " with UTF8LMTPS id ") {
		t.Fatalf("%q", got)
	}
}

// TestShutdown: an idle client hears 421, a transaction is finished first.
func TestShutdown(t *testing.T) {
	f := newFixture(Config{})
	addr := f.serve(t)
	idle, busy, inData, silent := dial(t, addr), dial(t, addr), dial(t, addr), dial(t, addr)
	idle.say("LHLO x\r\n")
	idle.want("250")
	for _, p := range []*peer{busy, inData} {
		p.say(hello + start)
		p.want("250")
		p.want("250")
		p.want("250")
	}
	inData.say("DATA\r\n")
	inData.want("354")
	done := make(chan error, 1)
	go func() { done <- f.Shutdown(context.Background()) }()
	idle.want("421 4.3.2")
	idle.wantEnd()
	silent.want("421 4.3.2")
	silent.wantEnd()
	busy.say("RCPT TO:<b>\r\nDATA\r\n")
	busy.want("250")
	busy.want("354")
	busy.say("x\r\n.\r\nMAIL FROM:<>\r\n")
	busy.want("250")
	busy.want("250")
	inData.say("y\r\n.\r\n")
	inData.want("250")
	inData.want("421 4.3.2")
	inData.wantEnd()
	busy.want("421 4.3.2") // the MAIL behind is not begun
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := f.store.mails(); len(got) != 3 {
		t.Fatalf("%q", got)
	}
	if _, err := net.Dial("tcp", addr); err == nil {
		t.Fatal("a connection is accepted after Shutdown")
	}
}

func TestTooManyConnections(t *testing.T) {
	f := newFixture(Config{MaxConns: 1})
	addr := f.serve(t)
	dial(t, addr)
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if b, err := io.ReadAll(nc); err != nil || !strings.HasPrefix(string(b), "421 4.3.2 ") {
		t.Fatalf("%q, %v", b, err)
	}
}

func TestIdleTimeout(t *testing.T) {
	f := newFixture(Config{IdleTimeout: 20 * time.Millisecond})
	p := dial(t, f.serve(t))
	p.want("421 4.4.2")
	p.wantEnd()
}

// TestMemoryBudget: a mail waits for its share, and is refused when it does not
// get it in time, or can't have more of it while it comes.
func TestMemoryBudget(t *testing.T) {
	f := newFixture(Config{MaxMessage: 100_000, MessageMemory: 100_000})
	addr := f.serve(t)
	a, b := dial(t, addr), dial(t, addr)
	begin := func(p *peer, size string) {
		t.Helper()
		p.say("LHLO x\r\nMAIL FROM:<>" + size + "\r\nRCPT TO:<a>\r\nDATA\r\n")
		p.want("250")
		p.want("250")
		p.want("250")
	}
	begin(a, " SIZE=90000")
	a.want("354")
	begin(b, " SIZE=20000")
	f.waitTimers(t, 1)
	f.clk.Advance(time.Minute)
	b.want("452 4.3.1")
	b.say("RSET\r\nMAIL FROM:<>\r\nRCPT TO:<b>\r\nDATA\r\n")
	b.want("250")
	b.want("250")
	b.want("250")
	f.waitTimers(t, 1)
	a.say("x\r\n.\r\n") // gives its share back
	a.want("250")
	b.want("354") // with its first share
	begin(a, " SIZE=60000")
	a.want("354")
	b.say(strings.Repeat("y", 90_000) + "\r\n.\r\n")
	b.want("452 4.3.1")
	a.say("z\r\n.\r\n")
	a.want("250")
}

// waitTimers waits until n timers run on the fixture's clock.
func (f *fixture) waitTimers(t *testing.T, n int) {
	t.Helper()
	for range 1_000_000 {
		if f.clk.Pending() == n {
			return
		}
		runtime.Gosched()
	}
	t.Fatalf("%d timers instead of %d", f.clk.Pending(), n)
}

// TestParallel: recipients are served at the same time, but not all of them.
func TestParallel(t *testing.T) {
	f := newFixture(Config{Parallel: 4})
	var now, most atomic.Int32
	var full sync.Once
	all := make(chan struct{})
	f.store.fail = func(mailstore.Delivery) error {
		n := now.Add(1)
		defer now.Add(-1)
		for {
			m := most.Load()
			if n <= m || most.CompareAndSwap(m, n) {
				break
			}
		}
		if n == 4 {
			full.Do(func() { close(all) })
		}
		<-all // nobody goes on before four are here
		return nil
	}
	in, want := "MAIL FROM:<>\r\n", []string{"250 2.1.0"}
	for i := range 7 {
		in += fmt.Sprintf("RCPT TO:<user%d>\r\n", i)
		want = append(want, "250 2.1.5")
	}
	f.expect(t, in+"BDAT 1 LAST\r\nx", append(want, slicesRepeat("250 2.0.0", 7)...)...)
	if most.Load() != 4 {
		t.Errorf("%d at a time", most.Load())
	}
}

// TestClientGone: a client that leaves in the middle of a mail delivers nothing.
func TestClientGone(t *testing.T) {
	f := newFixture(Config{})
	for _, in := range []string{"DATA\r\nSubject: cut\r\n", "DATA\r\nx\r\n.\r", "BDAT 100\r\nabc", "BDAT 3\r\nabc"} {
		f.talk(hello + start + in)
	}
	if got := f.store.mails(); len(got) != 0 {
		t.Fatalf("%q", got)
	}
	f.checkMemory(t)
}

func FuzzSession(f *testing.F) {
	f.Add([]byte(hello+start+"DATA\r\n..x\r\n.\r\nQUIT\r\n"), uint64(1))
	f.Add([]byte("LHLO a\nMAIL FROM:<\"a\\\"b\"@[::1]> SIZE=5 BODY=BINARYMIME SMTPUTF8\r\nRCPT TO:<ä+b@c>\r\nBDAT 3\r\nabcBDAT 2 LAST\r\nde"), uint64(2))
	f.Add([]byte(hello+"MAIL FROM:<>\r\nRCPT TO:<no>\r\nRCPT TO:<down>\r\nBDAT 9999999999 LAST\r\nVRFY x\r\nHELP\r\nNOOP\r\nRSET\r\nSTARTTLS\r\n"), uint64(3))
	f.Add([]byte(hello+start+"BDAT 1500\r\n"+strings.Repeat("x", 1500)+"BDAT 0 LAST\r\n"), uint64(4))
	f.Fuzz(func(t *testing.T, in []byte, seed uint64) {
		fx := newFixture(Config{MaxMessage: 1000, MaxRecipients: 3, MaxLine: 200, DetailDelimiter: "+", DetailMailbox: true})
		n := int(seed%uint64(len(in)+1)) | 1
		var pieces []string
		for rest := string(in); rest != ""; {
			k := min(n, len(rest))
			pieces, rest = append(pieces, rest[:k]), rest[k:]
		}
		out := fx.talk(pieces...)
		for line := range strings.SplitSeq(strings.TrimSuffix(out, "\r\n"), "\r\n") {
			if len(line) < 4 || line[0] < '2' || line[0] > '5' || strings.ContainsAny(line, "\r\n\x00") {
				t.Fatalf("reply line %q", line)
			}
		}
		for _, m := range fx.store.mails() {
			if strings.Count(m.prefix, "\n") != 5 || strings.Count(m.prefix, "\r\n") != 5 || len(m.mail) > 1000 {
				t.Fatalf("%q", m)
			}
		}
		fx.checkMemory(t)
	})
}

func FuzzPath(f *testing.F) {
	f.Add("FROM:<a@b> SIZE=1")
	f.Add(`TO:<"a\"b>"@[IPv6:::1]>`)
	f.Add("FROM:<@a,@b:c@d>")
	f.Fuzz(func(t *testing.T, in string) {
		a, params, err := parsePathArg(in, "FROM:")
		if err != nil {
			return
		}
		if len(a.text) > maxAddress || strings.ContainsAny(a.text, "\r\n\x00") || (a.local == "") != (a.text == "") {
			t.Fatalf("%q: %+v", in, a)
		}
		_, _ = parseMailParams(params)
		parseBDAT(in)
		splitCommand([]byte(in))
	})
}
