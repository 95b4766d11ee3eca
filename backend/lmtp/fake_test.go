package lmtp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mailbackend.io/backend/auth"
	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/mailstore"
)

// stored is one delivery that a fakeStore took.
type stored struct{ user, mailbox, prefix, mail string }

// fakeStore takes every mail, unless fail says otherwise.
type fakeStore struct {
	mu   sync.Mutex
	got  []stored
	fail func(d mailstore.Delivery) error
}

func (f *fakeStore) Deliver(_ context.Context, d mailstore.Delivery) error {
	if f.fail != nil {
		if err := f.fail(d); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = append(f.got, stored{d.User, d.Mailbox, string(d.Prefix), string(d.Body.Raw())})
	return nil
}

// mails are the deliveries so far, by user.
func (f *fakeStore) mails() []stored {
	f.mu.Lock()
	defer f.mu.Unlock()
	got := slices.Clone(f.got)
	slices.SortStableFunc(got, func(a, b stored) int { return strings.Compare(a.user, b.user) })
	return got
}

// fakeUsers knows everyone whose name does not start with "no", and can't say
// for "down".
type fakeUsers struct{}

func (fakeUsers) Lookup(_ context.Context, user string) (auth.Identity, error) {
	name, ok := auth.Canonical(user)
	switch {
	case !ok || strings.HasPrefix(name, "no"):
		return auth.Identity{}, auth.ErrUnknownUser
	case strings.HasPrefix(name, "down"):
		return auth.Identity{}, auth.ErrUnavailable
	}
	return auth.Identity{User: name}, nil
}

type fixture struct {
	*Server
	store *fakeStore
	clk   *clock.Fake
	log   *bytes.Buffer
}

var testStart = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func newFixture(cfg Config) *fixture {
	f := &fixture{store: &fakeStore{}, clk: clock.NewFake(testStart), log: &bytes.Buffer{}}
	cfg.Hostname = "mx.test"
	f.Server = New(cfg, Deps{Store: f.store, Users: fakeUsers{}, Clock: f.clk, Log: slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	return f
}

// script is a client that sends its pieces, one per read of the server, whatever
// the server says, and collects that.
type script struct {
	net.Conn
	in  [][]byte
	out bytes.Buffer
}

func (s *script) Read(p []byte) (int, error) {
	if len(s.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.in[0])
	if s.in[0] = s.in[0][n:]; len(s.in[0]) == 0 {
		s.in = s.in[1:]
	}
	return n, nil
}
func (s *script) Write(p []byte) (int, error)    { return s.out.Write(p) }
func (*script) Close() error                     { return nil }
func (*script) SetDeadline(time.Time) error      { return nil }
func (*script) SetReadDeadline(time.Time) error  { return nil }
func (*script) SetWriteDeadline(time.Time) error { return nil }
func (*script) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 4242}
}
func (*script) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 24} }

// talk runs one connection on the pieces and returns what the server said.
func (f *fixture) talk(pieces ...string) string {
	c := &script{}
	for _, p := range pieces {
		if p != "" {
			c.in = append(c.in, []byte(p))
		}
	}
	f.newSession(7, c).Run(context.Background())
	return c.out.String()
}

// crlf turns the line ends of a literal into CRLF.
func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

// codes shortens an answer to its codes: "220", "250-", "250 2.1.0".
func codes(out string) []string {
	var all []string
	for line := range strings.SplitSeq(strings.TrimSuffix(out, "\r\n"), "\r\n") {
		end := min(4, len(line))
		if i := strings.IndexByte(line[end:], ' '); i > 0 && len(line) > 9 && line[5] == '.' {
			end += i
		}
		all = append(all, strings.TrimSpace(line[:end]))
	}
	return all
}

const hello = "LHLO client.test\r\n"

// expect runs lines after LHLO and compares the codes of what follows the
// answer to that.
func (f *fixture) expect(t *testing.T, input string, want ...string) string {
	t.Helper()
	out := f.talk(hello + input)
	_, rest, ok := strings.Cut(out, "250 PIPELINING\r\n")
	if !ok {
		t.Fatalf("no LHLO answer in %q", out)
	}
	if got := codes(rest); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("input %.300q:\ngot  %q\nwant %q\nin full:\n%s", input, got, want, rest)
	}
	return rest
}

var errStore = errors.New("the store is down")
