// Package interop runs real mail clients of Debian against mailbackend:
// mbsync, curl, Python's imaplib, mutt, smtp-source and swaks.
package interop

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailbackend.io/test/corpus"
	"mailbackend.io/test/harness"
)

func TestMain(m *testing.M) {
	code := m.Run()
	harness.RemoveBinary()
	os.Exit(code)
}

// tool is the path of a program, or the end of the test.
func tool(t *testing.T, name, debian string) string {
	t.Helper()
	// postfix's tools are unpacked without installing a mail server.
	if dir := os.Getenv("MAILBACKEND_TEST_TOOLS"); dir != "" {
		if path := filepath.Join(dir, name); isFile(path) {
			return path
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing; hack/test.sh installs it (Debian package %s)", name, debian)
	}
	return path
}

func isFile(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular()
}

// run runs a client with a home of its own, bounded in time.
func run(t *testing.T, home, stdin, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "HOME="+home, "LC_ALL=C.UTF-8", "TERM=dumb")
	cmd.Dir = home
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return string(out)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func deliver(t *testing.T, p *harness.Process, user string, n int) {
	t.Helper()
	c, err := harness.DialLMTP(p.LMTP)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i := range n {
		errs, err := c.Deliver("sender@example.org", []string{user}, corpus.Realistic(7, i))
		if err == nil {
			err = errs[0]
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func login(t *testing.T, p *harness.Process, user string) *harness.IMAP {
	t.Helper()
	c, err := harness.LoginIMAP(p.IMAP, user)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func fetch(t *testing.T, p *harness.Process, user, mailbox string) []harness.Mail {
	t.Helper()
	c := login(t, p, user)
	if _, err := c.OK("EXAMINE %s", harness.Quote(mailbox)); err != nil {
		t.Fatal(err)
	}
	mails, err := c.Fetch("1:*", true)
	if err != nil {
		t.Fatal(err)
	}
	return mails
}

func port(t *testing.T, addr string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestMbsync(t *testing.T) {
	t.Parallel()
	mbsync := tool(t, "mbsync", "isync")
	p := harness.Start(t, harness.Options{})
	deliver(t, p, "sync", 40)
	home := t.TempDir()
	write(t, filepath.Join(home, ".mbsyncrc"), fmt.Sprintf(`
IMAPAccount test
Host 127.0.0.1
Port %s
User sync
Pass dev
SSLType None
AuthMechs LOGIN

IMAPStore far
Account test

MaildirStore near
Path %s/mail/
Inbox %[2]s/mail/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
SyncState *
CopyArrivalDate yes
`, port(t, p.IMAP), home))
	if err := os.MkdirAll(filepath.Join(home, "mail"), 0o700); err != nil {
		t.Fatal(err)
	}
	run(t, home, "", mbsync, "-a")
	files := maildir(t, filepath.Join(home, "mail/INBOX"))
	far := fetch(t, p, "sync", "INBOX")
	if len(files) != 40 || len(far) != 40 {
		t.Fatalf("%d mails on the near side, %d on the far side, of 40", len(files), len(far))
	}
	for _, m := range far {
		if !containsBody(files, m.Body) {
			t.Errorf("UID %d is not in the maildir as it is on the server", m.UID)
		}
	}
	// Near: a new mail in a new folder, one flagged, one deleted. Far: one
	// flagged, one expunged. Both ways in one run.
	write(t, filepath.Join(home, "mail/New/cur/1.a:2,S"), "Subject: from the near side\n\nhello\n")
	for _, d := range []string{"new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(home, "mail/New", d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	names := listMaildir(t, filepath.Join(home, "mail/INBOX"))
	rename(t, names[0], withInfo(names[0], "F"))
	rename(t, names[1], withInfo(names[1], "ST"))
	c := login(t, p, "sync")
	for _, cmd := range []string{"SELECT INBOX", fmt.Sprintf(`UID STORE %d +FLAGS (\Answered)`, far[20].UID), fmt.Sprintf(`UID STORE %d +FLAGS (\Deleted)`, far[21].UID), fmt.Sprintf("UID EXPUNGE %d", far[21].UID)} {
		if _, err := c.OK("%s", cmd); err != nil {
			t.Fatal(err)
		}
	}
	run(t, home, "", mbsync, "-a")
	after := fetch(t, p, "sync", "INBOX")
	if near := maildir(t, filepath.Join(home, "mail/INBOX")); len(after) != 38 || len(near) != 38 {
		t.Errorf("after the second run: %d far, %d near, want 38", len(after), len(near))
	}
	flagged := 0
	for _, m := range after {
		if strings.Contains(m.Flags, `\Flagged`) {
			flagged++
		}
	}
	if flagged != 1 {
		t.Errorf("%d mails flagged on the far side, want 1", flagged)
	}
	if made := fetch(t, p, "sync", "New"); len(made) != 1 || !bytes.Contains(made[0].Body, []byte("from the near side")) || !strings.Contains(made[0].Flags, `\Seen`) {
		t.Errorf("folder New on the far side: %+v", made)
	}
}

func listMaildir(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	for _, sub := range []string{"new", "cur"} {
		m, err := filepath.Glob(filepath.Join(dir, sub, "*"))
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, m...)
	}
	return names
}

func maildir(t *testing.T, dir string) [][]byte {
	t.Helper()
	var all [][]byte
	for _, name := range listMaildir(t, dir) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

// containsBody: a maildir has LF where the server has CRLF, and mbsync adds a
// header of its own.
func containsBody(files [][]byte, mail []byte) bool {
	want := strip(mail)
	for _, f := range files {
		if bytes.Equal(strip(f), want) {
			return true
		}
	}
	return false
}

func strip(mail []byte) []byte {
	var out []byte
	for line := range bytes.Lines(bytes.ReplaceAll(mail, []byte("\r\n"), []byte("\n"))) {
		if !bytes.HasPrefix(line, []byte("X-TUID:")) {
			out = append(out, line...)
		}
	}
	return out
}

// withInfo gives a maildir file other flags and moves it to cur.
func withInfo(path, flags string) string {
	base, _, _ := strings.Cut(filepath.Base(path), ":2,")
	return filepath.Join(filepath.Dir(filepath.Dir(path)), "cur", base+":2,"+flags)
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}
