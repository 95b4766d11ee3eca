package lineconn

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"runtime"
	"testing"
	"time"
)

func testCertificate(t testing.TB) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

var clientConfig = &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"}

// tcpPair is a connection over loopback: server's end and client's end.
func tcpPair(t testing.TB, l net.Listener) (server, client net.Conn) {
	t.Helper()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return server, client
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// TestStartTLSDropsInjected: a command that a man in the middle put behind
// STARTTLS in plaintext is not run after the handshake.
func TestStartTLSDropsInjected(t *testing.T) {
	server, client := tcpPair(t, listen(t))
	defer client.Close()
	c := New(server, Options{})
	defer c.Close()
	if _, err := client.Write([]byte("STARTTLS\r\nDELETE everything\r\n")); err != nil {
		t.Fatal(err)
	}
	line, err := c.ReadLine()
	if err != nil || string(line) != "STARTTLS" {
		t.Fatalf("%q, %v", line, err)
	}
	if c.Buffered() != len("DELETE everything\r\n") { // one write is one segment on loopback
		t.Fatalf("%d injected bytes buffered", c.Buffered())
	}
	done := make(chan error, 1)
	go func() {
		answer := make([]byte, 4)
		if _, err := io.ReadFull(client, answer); err != nil || string(answer) != "OK\r\n" {
			done <- errors.New("no answer before the handshake")
			return
		}
		tc := tls.Client(client, clientConfig)
		_, err := tc.Write([]byte("NOOP\r\n"))
		done <- err
	}()
	if _, ok := c.TLS(); ok {
		t.Fatal("TLS before STARTTLS")
	}
	if err := c.Handshake(); !errors.Is(err, ErrNotTLS) {
		t.Fatalf("handshake in plaintext: %v", err)
	}
	_, _ = c.WriteString("OK\r\n")
	if err := c.StartTLS(testCertificate(t)); err != nil {
		t.Fatal(err)
	}
	if state, ok := c.TLS(); !ok || !state.HandshakeComplete {
		t.Fatal("no TLS after STARTTLS")
	}
	if line, err := c.ReadLine(); err != nil || string(line) != "NOOP" {
		t.Fatalf("first command inside TLS: %q, %v", line, err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestHandshakeFails(t *testing.T) {
	server, client := tcpPair(t, listen(t))
	defer client.Close()
	c := New(server, Options{})
	defer c.Close()
	if _, err := client.Write([]byte("this is not a ClientHello, is it?\r\n")); err != nil {
		t.Fatal(err)
	}
	if err := c.StartTLS(testCertificate(t)); err == nil {
		t.Fatal("handshake with garbage succeeded")
	}
	if _, err := c.ReadLine(); err == nil {
		t.Fatal("read after a failed handshake")
	}
	if _, err := c.Write([]byte("x")); err == nil {
		t.Fatal("write after a failed handshake")
	}
}

func TestInterruptTLS(t *testing.T) {
	server, client := tcpPair(t, listen(t))
	c := New(tls.Server(server, testCertificate(t)), Options{})
	defer c.Close()
	tc := tls.Client(client, clientConfig)
	defer client.Close()
	go func() { _ = tc.Handshake() }() // the server's side tells
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		go c.Interrupt()
		if err := c.WaitReadable(0); !errors.Is(err, ErrInterrupted) {
			t.Fatalf("interrupted: %v", err)
		}
	}
	send(t, tc, "NOOP\r\n")
	if line, err := c.ReadLine(); err != nil || string(line) != "NOOP" {
		t.Fatalf("TLS after interrupts: %q, %v", line, err)
	}
}

// TestIdleMemory: what a connection costs that has exchanged a few commands and
// waits. Both ends live in this process, so the server's share is less.
func TestIdleMemory(t *testing.T) {
	if raceEnabled {
		t.Log("memory is not measured under the race detector")
		return
	}
	const conns, limit = 300, 20_000
	l := listen(t)
	cfg := testCertificate(t)
	for _, secure := range []bool{false, true} {
		before := inUse()
		var clients []net.Conn
		var servers []*Conn
		idle := make(chan struct{}, conns)
		for range conns {
			s, cl := tcpPair(t, l)
			if secure {
				s, cl = tls.Server(s, cfg), tls.Client(cl, clientConfig)
			}
			c := New(s, Options{})
			servers, clients = append(servers, c), append(clients, cl)
			go serveEcho(c, idle)
			exchange(t, cl)
		}
		per := (inUse() - before) / conns
		allowed := limit
		if secure {
			allowed *= 2 // the client's half costs as much
		}
		t.Logf("tls %v: %d bytes per idle connection, both ends", secure, per)
		if per > allowed {
			t.Errorf("tls %v: %d bytes per idle connection, limit %d", secure, per, allowed)
		}
		for i := range clients {
			clients[i].Close()
			<-idle
			servers[i].Close()
		}
	}
}

func serveEcho(c *Conn, done chan<- struct{}) {
	defer func() { done <- struct{}{} }()
	for {
		if err := c.WaitReadable(0); err != nil {
			return
		}
		line, err := c.ReadLine()
		if err != nil {
			return
		}
		_, _ = c.Write(line)
		_, _ = c.WriteString("\r\n")
	}
}

func exchange(t *testing.T, client net.Conn) {
	t.Helper()
	for _, s := range []string{"a NOOP\r\n", "b a longer command, as clients send them when they fetch headers\r\n"} {
		if _, err := io.WriteString(client, s); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, len(s))
		if _, err := io.ReadFull(client, answer); err != nil || string(answer) != s {
			t.Fatalf("echo %q, %v", answer, err)
		}
	}
}

func inUse() int {
	for range 3 { // pools empty themselves, stacks shrink
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}
