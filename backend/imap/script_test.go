package imap

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"mailbackend.io/backend/mailstore"
	"mailbackend.io/backend/message"
)

var update = flag.Bool("update", false, "write what the server answered into the scripts")

// TestScripts runs testdata/*.imap. A script is what clients send and what they
// must get, line by line:
//
//	# a comment
//	C: a1 NOOP             the client sends this and CRLF
//	S: a1 OK ... completed the server sends this; "..." stands for anything
//	S: * OK [UIDNEXT {{n}}] {{n}} is whatever comes first and the same later on
//	C: a2 UID FETCH {{n}} FLAGS
//	C2: b1 NOOP            another client, connected when it is first named
//	C> a3 CREATE {4+}      the same, but more is sent before anything is awaited
//	C| text                sent without CRLF
//	S: (closed)            the server ends the connection
//	! deliver alice INBOX Hello   something happens; see directives
//
// Scripts run on a fake store, and, unless they need its faults, on a real one.
// Nothing may come that the script doesn't name. With -update, lines of the
// server that don't fit are replaced by what came; look at the difference.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.imap")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".imap"), func(t *testing.T) {
			runScript(t, file, newTestServer)
		})
		if data, err := os.ReadFile(file); err != nil || fakeOnly.Match(data) || *update {
			continue
		}
		t.Run("mailstore/"+strings.TrimSuffix(filepath.Base(file), ".imap"), func(t *testing.T) {
			runScript(t, file, newRealServer)
		})
	}
}

// fakeOnly are the directives that only a fake store knows.
var fakeOnly = regexp.MustCompile(`(?m)^! (gone|break|overtake) `)

type script struct {
	t       *testing.T
	serve   func(testing.TB, Config) *testServer
	ts      *testServer
	cfg     Config
	client  *tls.Config
	clients map[string]*client
	vars    map[string]string
	out     []string // the script as it should be
	changed bool
}

func runScript(t *testing.T, file string, serve func(testing.TB, Config) *testServer) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, serve: serve, clients: map[string]*client{}, vars: map[string]string{}}
	s.cfg.AllowPlaintextAuth = true
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	for i := 0; i < len(lines); {
		i = s.step(lines, i)
	}
	for name, c := range s.clients {
		s.nothingMore(name, c)
	}
	if *update && s.changed {
		if err := os.WriteFile(file, []byte(strings.Join(s.out, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

var scriptLine = regexp.MustCompile(`^([CS])(\d*)([:>|]) ?(.*)$`)

// step does line i, or the block of expected lines that starts there, and
// returns the next.
func (s *script) step(lines []string, i int) int {
	line := lines[i]
	switch {
	case line == "" || strings.HasPrefix(line, "#"):
	case strings.HasPrefix(line, "! "):
		s.directive(strings.Fields(line[2:]))
	default:
		m := scriptLine.FindStringSubmatch(line)
		if m == nil {
			s.t.Fatalf("line %d: %q is not understood", i+1, line)
		}
		c := s.get(m[2])
		if m[1] == "S" {
			return s.expect(lines, i, m[2], c)
		}
		text := s.expand(m[4])
		if m[3] != "|" {
			text += "\r\n"
		}
		c.send(text)
		s.out = append(s.out, line)
		if *update && m[3] == ":" {
			return s.expect(lines, i+1, m[2], c)
		}
		return i + 1
	}
	s.out = append(s.out, line)
	return i + 1
}

// expect compares a block of lines of one client, from i on.
func (s *script) expect(lines []string, i int, name string, c *client) int {
	prefix := "S" + name + ": "
	for ; i < len(lines) && strings.HasPrefix(lines[i], prefix); i++ {
		want := lines[i][len(prefix):]
		got, ok := s.next(c)
		if !ok {
			s.changed = true
			continue
		}
		if !s.match(want, got) {
			if !*update {
				s.t.Fatalf("line %d:\nwant %s\ngot  %s", i+1, s.expand(want), got)
			}
			s.changed = true
			want = got
		}
		s.out = append(s.out, prefix+want)
	}
	for *update {
		got, ok := s.soon(c)
		if !ok {
			break
		}
		s.changed = true
		s.out = append(s.out, prefix+got)
	}
	return i
}

// next is the next line, "(closed)" at the end. ok is always true without
// -update.
func (s *script) next(c *client) (line string, ok bool) {
	if *update {
		return s.soon(c)
	}
	if line, ok = c.line(); !ok {
		line = "(closed)"
	}
	return line, true
}

// soon is the next line if it comes soon; for -update only.
func (s *script) soon(c *client) (string, bool) {
	select {
	case l, ok := <-c.lines:
		if !ok {
			if c.lines == nil {
				return "", false
			}
			c.lines = nil
			return "(closed)", true
		}
		return l, true
	case <-time.After(200 * time.Millisecond):
		return "", false
	}
}

// nothingMore fails if the server sent what the script doesn't name.
func (s *script) nothingMore(name string, c *client) {
	select {
	case l, ok := <-c.lines:
		if ok && !*update {
			s.t.Errorf("client %q got more than expected: %s", name, l)
		}
	default:
	}
}

var scriptVar = regexp.MustCompile(`\{\{\w+\}\}`)

// expand puts in the values of variables.
func (s *script) expand(text string) string {
	return scriptVar.ReplaceAllStringFunc(text, func(v string) string {
		if value, ok := s.vars[v]; ok {
			return value
		}
		return v
	})
}

// match compares a line and takes variables from it.
func (s *script) match(want, got string) bool {
	want = s.expand(want)
	var names []string
	pattern := "^"
	for len(want) > 0 {
		if loc := scriptVar.FindStringIndex(want); loc != nil && loc[0] == 0 {
			names = append(names, want[:loc[1]])
			pattern += `([\w:,.+/=-]+)`
			want = want[loc[1]:]
			continue
		}
		if strings.HasPrefix(want, "...") {
			pattern += ".*"
			want = want[3:]
			continue
		}
		pattern += regexp.QuoteMeta(want[:1])
		want = want[1:]
	}
	m := regexp.MustCompile(`(?s)` + pattern + "$").FindStringSubmatch(got)
	if m == nil {
		return false
	}
	for i, name := range names {
		s.vars[name] = m[i+1]
	}
	return true
}

// get is a client, connected if it is new.
func (s *script) get(name string) *client {
	if s.clients[name] == nil {
		if s.ts == nil {
			s.ts = s.serve(s.t, s.cfg)
		}
		s.clients[name] = s.ts.connect()
	}
	return s.clients[name]
}

// directive is a line "! ...". Before the first client:
//
//	config NAME VALUE                 sets a limit
//	tls                               offers STARTTLS; passwords need it
//
// and later:
//
//	deliver USER MAILBOX SUBJECT...   a mail arrives
//	gone USER MAILBOX UID             a mail's object is lost
//	break USER OPERATION              the store fails
//	advance DURATION                  time passes
//	handshake [N]                     client N starts TLS
//	overtake USER                     another server takes the user over
//	shutdown                          the server begins to shut down
func (s *script) directive(f []string) {
	switch f[0] {
	case "config":
		s.configure(f[1], f[2])
		return
	case "tls":
		s.cfg.TLS, s.client = testTLS(s.t)
		s.cfg.AllowPlaintextAuth = false
		return
	case "handshake":
		c := s.get(strings.Join(f[1:], ""))
		s.startTLS(c)
		return
	}
	s.get("")
	store := s.ts.store
	switch f[0] {
	case "deliver":
		s.ts.deliver(f[1], f[2], strings.Join(f[3:], " "))
	case "gone":
		uid, _ := strconv.Atoi(f[3])
		a := store.account(f[1])
		a.mu.Lock()
		a.boxes[f[2]].bodies[uint32(uid)].gone = true
		a.mu.Unlock()
	case "break":
		a := store.account(f[1])
		a.mu.Lock()
		a.fail[f[2]] = mailstore.ErrUnavailable
		a.mu.Unlock()
	case "advance":
		d, err := time.ParseDuration(f[1])
		if err != nil {
			s.t.Fatal(err)
		}
		s.ts.advance(d)
	case "overtake":
		close(store.account(f[1]).done)
	case "shutdown":
		go func() {
			ctx, cancel := contextWithPatience()
			defer cancel()
			_ = s.ts.Shutdown(ctx)
		}()
	default:
		s.t.Fatalf("directive %q is not known", f[0])
	}
}

// configure sets one of the limits that scripts are about.
func (s *script) configure(name, value string) {
	n, err := strconv.Atoi(value)
	if err != nil {
		s.t.Fatal(err)
	}
	l := &s.cfg.Limits
	switch name {
	case "message":
		l.Message = int64(n)
	case "append":
		l.Append = int64(n)
	case "drain":
		l.Drain = int64(n)
	case "line":
		l.Line = n
	case "literal":
		l.Literal = n
	case "badCommands":
		l.BadCommands = n
	case "authFailures":
		l.AuthFailures = n
	default:
		s.t.Fatalf("limit %q is not known", name)
	}
}

// startTLS makes a client go on with TLS.
func (s *script) startTLS(c *client) {
	s.t.Helper()
	old := c.conn
	// The reader of the plain connection must let go of it.
	_ = old.SetReadDeadline(time.Unix(1, 0))
	for range c.lines { // to the end
	}
	_ = old.SetReadDeadline(time.Time{})
	conn := tls.Client(old, s.client)
	if err := conn.Handshake(); err != nil {
		s.t.Fatal(err)
	}
	c.conn = conn
	c.start()
}

// deliver appends a small mail, as a delivery would.
func (ts *testServer) deliver(user, mailbox, subject string) {
	ts.t.Helper()
	u, err := ts.mail.Open(context.Background(), user)
	if err != nil {
		ts.t.Fatal(err)
	}
	defer u.Close()
	raw := fmt.Sprintf("From: Bob <bob@example.com>\r\nTo: alice@example.com\r\nSubject: %s\r\n"+
		"Date: Thu, 29 Feb 2024 12:00:00 +0000\r\nMessage-ID: <%s@example.com>\r\n\r\nHello,\r\nthis is %s.\r\n",
		subject, strings.ReplaceAll(subject, " ", "."), subject)
	_, err = u.Append(context.Background(), mailbox, []mailstore.NewMessage{{Body: message.NewBody([]byte(raw), message.DefaultLimits())}})
	if err != nil {
		ts.t.Fatal(err)
	}
}

func contextWithPatience() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}
