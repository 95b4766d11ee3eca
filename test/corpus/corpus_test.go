package corpus

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	netmail "net/mail"
	"strings"
	"testing"
)

func TestAll(t *testing.T) {
	list := All()
	if len(list) < 220 {
		t.Fatalf("%d messages", len(list))
	}
	seen := map[[32]byte]string{}
	total := 0
	for _, m := range list {
		sum := sha256.Sum256(m.Raw)
		if other, ok := seen[sum]; ok {
			t.Errorf("%s is the same as %s", m.Name, other)
		}
		seen[sum] = m.Name
		total += len(m.Raw)
	}
	t.Logf("%d messages, %d bytes", len(list), total)
}

// TestAlways pins the bytes: figures of benchmarks can only be compared if the
// mails are the same.
func TestAlways(t *testing.T) {
	h := sha256.New()
	for _, m := range All() {
		fmt.Fprintf(h, "%s %d\n", m.Name, len(m.Raw))
		h.Write(m.Raw)
	}
	for i := range 300 {
		h.Write(Realistic(1, i))
	}
	const want = "fdc16e7d47ff366e"
	if got := fmt.Sprintf("%x", h.Sum(nil)[:8]); got != want {
		t.Errorf("the corpus is %s, was %s: if that is meant, change the test", got, want)
	}
}

func TestRealistic(t *testing.T) {
	total, largest, replies := 0, 0, 0
	ids := map[string]bool{}
	for i := range 1000 {
		raw := Realistic(3, i)
		total += len(raw)
		largest = max(largest, len(raw))
		if bytes.Count(raw, []byte("\n")) != bytes.Count(raw, []byte("\r\n")) || bytes.Count(raw, []byte("\r")) != bytes.Count(raw, []byte("\n")) {
			t.Fatalf("mail %d: line ends", i)
		}
		if !bytes.HasSuffix(raw, []byte("\r\n")) {
			t.Fatalf("mail %d: last line", i)
		}
		m, err := netmail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("mail %d: %v", i, err)
		}
		if _, err := m.Header.Date(); err != nil {
			t.Fatalf("mail %d: %v", i, err)
		}
		for _, field := range []string{"From", "To"} {
			if _, err := m.Header.AddressList(field); err != nil {
				t.Fatalf("mail %d: %s %q: %v", i, field, m.Header.Get(field), err)
			}
		}
		if ref := m.Header.Get("In-Reply-To"); ref != "" {
			replies++
			if !ids[ref] {
				t.Fatalf("mail %d answers %s, which is none", i, ref)
			}
			if !strings.HasSuffix(m.Header.Get("References"), ref) {
				t.Fatalf("mail %d: references %q", i, m.Header.Get("References"))
			}
		}
		id := m.Header.Get("Message-ID")
		if ids[id] {
			t.Fatalf("mail %d: message id %s again", i, id)
		}
		ids[id] = true
	}
	t.Logf("%d bytes on average, largest %d, %d replies", total/1000, largest, replies)
}
