// Package exact shows that bytes are sacred: a corpus of odd mails goes in by
// LMTP and by APPEND and comes back identical, by IMAP and from the objects.
package exact

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"mailbackend.io/test/corpus"
	"mailbackend.io/test/harness"
)

func TestMain(m *testing.M) {
	code := m.Run()
	harness.RemoveBinary()
	os.Exit(code)
}

// trace is what LMTP puts in front of a mail, and nothing else.
var trace = regexp.MustCompile(`(?s)\AReturn-Path: <[^\r\n]*>\r\nDelivered-To: [^\r\n]+\r\nReceived: from [^\r\n]+\r\n(?:[\t ][^\r\n]+\r\n)*\z`)

func TestBytesComeBack(t *testing.T) {
	mails := corpus.All()
	if len(mails) < 200 {
		t.Fatalf("the corpus has %d mails", len(mails))
	}
	if _, err := exec.LookPath("zstd"); err != nil {
		t.Fatal("the tool zstd is missing; hack/test.sh installs it (Debian package zstd)")
	}
	p := harness.Start(t, harness.Options{})
	deliverAll(t, p, mails)
	appendAll(t, p, mails)
	check(t, p, mails)
	// Once more from the objects alone.
	p.Stop()
	if err := os.RemoveAll(filepath.Join(p.Dir, "cache")); err != nil {
		t.Fatal(err)
	}
	again := harness.Start(t, harness.Options{Dir: p.Dir})
	bodies := check(t, again, mails)
	again.Stop()
	checkObjects(t, filepath.Join(p.Dir, "objects"), bodies)
	t.Logf("%d mails by BDAT, by DATA and by APPEND: identical by BODY[] and by zstd -dc", len(mails))
}

// lines is a mail as DATA can carry it: the protocol ends it with CRLF.
func lines(mail []byte) []byte {
	if len(mail) == 0 || bytes.HasSuffix(mail, []byte("\r\n")) {
		return mail
	}
	return append(bytes.Clone(mail), "\r\n"...)
}

func deliverAll(t *testing.T, p *harness.Process, mails []corpus.Message) {
	t.Helper()
	c, err := harness.DialLMTP(p.LMTP)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, m := range mails {
		for user, send := range map[string]func(string, []string, []byte) ([]error, error){"bdat": c.DeliverChunks, "data": c.Deliver} {
			errs, err := send("a@example.org", []string{user}, m.Raw)
			if err == nil {
				err = errs[0]
			}
			if err != nil {
				t.Fatalf("%s to %s: %v", m.Name, user, err)
			}
		}
	}
}

func appendAll(t *testing.T, p *harness.Process, mails []corpus.Message) {
	t.Helper()
	c, err := harness.LoginIMAP(p.IMAP, "append")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, m := range mails {
		if _, _, err := c.Append("INBOX", "", m.Raw); err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
	}
}

// check compares BODY[] of every mail and returns the digests of them all.
func check(t *testing.T, p *harness.Process, mails []corpus.Message) map[[32]byte]int {
	t.Helper()
	seen := map[[32]byte]int{}
	for _, user := range []string{"bdat", "data", "append"} {
		c, err := harness.LoginIMAP(p.IMAP, user)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.OK("EXAMINE INBOX"); err != nil {
			t.Fatal(err)
		}
		got, err := c.Fetch("1:*", true)
		c.Close()
		if err != nil {
			t.Fatalf("%s: %v", user, err)
		}
		if len(got) != len(mails) {
			t.Fatalf("%s has %d mails of %d", user, len(got), len(mails))
		}
		for i, m := range mails {
			if err := same(user, m.Raw, got[i].Body); err != nil {
				t.Errorf("%s, %s (UID %d): %v", user, m.Name, got[i].UID, err)
			}
			seen[sha256.Sum256(got[i].Body)]++
		}
	}
	return seen
}

func same(user string, sent, got []byte) error {
	if user == "data" {
		sent = lines(sent)
	}
	head, ok := bytes.CutSuffix(got, sent)
	switch {
	case !ok:
		return fmt.Errorf("%d bytes came back as %d, different", len(sent), len(got))
	case user == "append" && len(head) > 0:
		return fmt.Errorf("%d bytes were put in front", len(head))
	case user != "append" && !trace.Match(head):
		return fmt.Errorf("in front of the mail stands %q", head)
	}
	return nil
}

// checkObjects compares what zstd prints of each mail object with BODY[].
func checkObjects(t *testing.T, root string, want map[[32]byte]int) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.Contains(path, "/mail/") {
			return err
		}
		out, err := exec.Command("zstd", "-dc", path).Output()
		if err != nil {
			return fmt.Errorf("zstd -dc %s: %w", path, err)
		}
		sum := sha256.Sum256(out)
		if want[sum]--; want[sum] < 0 {
			t.Errorf("%s holds %d bytes that no BODY[] showed", path, len(out))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range want {
		if n > 0 {
			t.Errorf("a BODY[] has no object")
		}
	}
}
