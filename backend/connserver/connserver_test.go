package connserver

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"mailbackend.io/backend/clock"
)

// echo answers each line; "panic" panics, "hang" ignores the interrupt.
type echo struct {
	nc   net.Conn
	hang chan struct{}
}

func (e *echo) Run(ctx context.Context) {
	defer e.nc.Close()
	sc := bufio.NewScanner(e.nc)
	for sc.Scan() {
		switch sc.Text() {
		case "panic":
			panic("as asked")
		case "hang":
			close(e.hang)
			<-ctx.Done()
			return
		}
		if _, err := e.nc.Write([]byte("you said " + sc.Text() + "\n")); err != nil {
			return
		}
	}
}

func (e *echo) TurnAway() {
	if _, err := e.nc.Write([]byte("full\n")); err == nil {
		e.nc.Close()
	}
}
func (e *echo) Interrupt()   { _ = e.nc.SetReadDeadline(time.Unix(1, 0)) }
func (e *echo) Close() error { return e.nc.Close() }

func serve(t *testing.T, maxConns int) (*Server, string, chan error, chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	hang := make(chan struct{})
	s := New(Config{Protocol: "echo", MaxConns: maxConns, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler),
		New: func(_ uint64, nc net.Conn) Session { return &echo{nc, hang} }})
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() { _ = s.Shutdown(context.Background()) })
	return s, l.Addr().String(), served, hang
}

type peer struct {
	net.Conn
	r *bufio.Reader
}

func dial(t *testing.T, addr string) peer {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return peer{c, bufio.NewReader(c)}
}

func (p peer) say(t *testing.T, line string) string {
	t.Helper()
	if _, err := p.Write([]byte(line + "\n")); err != nil {
		t.Fatal(err)
	}
	answer, _ := p.r.ReadString('\n')
	return strings.TrimSpace(answer)
}

func TestLife(t *testing.T) {
	s, addr, served, _ := serve(t, 2)
	a, b := dial(t, addr), dial(t, addr)
	if got := a.say(t, "x") + b.say(t, "y"); got != "you said xyou said y" {
		t.Fatal(got)
	}
	if got := dial(t, addr).say(t, "z"); got != "full" {
		t.Fatalf("a third connection was told %q", got)
	}
	if got := b.say(t, "panic"); got != "" {
		t.Fatalf("a panicking session said %q", got)
	}
	if got := a.say(t, "still"); got != "you said still" {
		t.Fatalf("the other session said %q", got)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := <-served; !errors.Is(err, ErrClosed) {
		t.Fatalf("Serve: %v", err)
	}
	if n := s.Sessions(); n != 0 {
		t.Fatalf("%d sessions left", n)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Fatalf("second Shutdown: %v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(l); !errors.Is(err, ErrClosed) {
		t.Fatalf("Serve after Shutdown: %v", err)
	}
}

func TestShutdownDeadline(t *testing.T) {
	s, addr, _, hang := serve(t, 10)
	c := dial(t, addr)
	if _, err := c.Write([]byte("hang\n")); err != nil {
		t.Fatal(err)
	}
	<-hang
	late := errors.New("too late")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(late)
	if err := s.Shutdown(ctx); !errors.Is(err, late) {
		t.Fatalf("Shutdown past its deadline: %v", err)
	}
	if n := s.Sessions(); n != 0 {
		t.Fatalf("%d sessions left", n)
	}
}
