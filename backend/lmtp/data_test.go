package lmtp

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"mailbackend.io/test/corpus"
)

// dataReference is RFC 5321 section 4.5.2 said plainly: lines end with CRLF; a
// line that is a dot ends the mail; of every other line that starts with a dot,
// it is removed. ok is false if the mail does not end; rest follows it.
func dataReference(in string) (mail, rest string, ok bool) {
	var b strings.Builder
	for {
		line, after, found := strings.Cut(in, "\r\n")
		if !found {
			return "", "", false
		}
		in = after
		if line == "." {
			return b.String(), in, true
		}
		b.WriteString(strings.TrimPrefix(line, ".") + "\r\n")
	}
}

// decodeAll runs a dotDecoder over pieces.
func decodeAll(pieces []string) (mail, rest string, ok bool) {
	var d dotDecoder
	var b strings.Builder
	for i, p := range pieces {
		n, end := d.decode([]byte(p), func(part []byte) { b.Write(part) })
		if end {
			return b.String(), p[n:] + strings.Join(pieces[i+1:], ""), true
		}
		if n != len(p) {
			panic("octets left over")
		}
	}
	return "", "", false
}

var smuggling = []string{
	"a\r\n.\r\n", ".\r\n", "\r\n.\r\n", "..\r\n.\r\n", ".a\r\n.\r\n", "...\r\n.\r\n",
	"a\n.\r\nstill a\r\n.\r\n", "a\r.\r\nstill a\r\n.\r\n", "a\n.\nstill a\r\n.\r\n", "a\r\n.\nstill a\r\n.\r\n", "a\r\n.\rstill a\r\n.\r\n",
	"a\r\n.\r\r\nstill a\r\n.\r\n", "a\r\r\n.\r\n", "a\n\r\n.\r\n", "a\r\n\r.\r\nstill\r\n.\r\n", "a\r\n.\r.\r\nstill\r\n.\r\n", "a\r\n\x00.\r\nstill\r\n.\r\n",
	".\n.\r\nstill\r\n.\r\n", ".\r", "\r", "a\r\n.", "a\r\n.\r", "a", "", ".\r\r\n.\r\n",
	"a\n.\nMAIL FROM:<x>\nRCPT TO:<y>\nDATA\nsmuggled\n.\n\r\n.\r\n",
}

func TestDotDecoder(t *testing.T) {
	for _, in := range smuggling {
		for _, behind := range []string{"", "QUIT\r\n", "\r\n.\r\n"} {
			in := in + behind
			mail, rest, ok := dataReference(in)
			for i := range len(in) + 1 {
				for j := i; j <= len(in); j++ {
					gotMail, gotRest, gotOK := decodeAll([]string{in[:i], in[i:j], in[j:]})
					if gotOK != ok || gotMail != mail || gotRest != rest {
						t.Fatalf("%q cut at %d and %d: %q, rest %q, %v; want %q, rest %q, %v", in, i, j, gotMail, gotRest, gotOK, mail, rest, ok)
					}
				}
			}
		}
	}
}

func FuzzDotDecoder(f *testing.F) {
	for _, in := range smuggling {
		f.Add(in, uint64(1))
	}
	f.Fuzz(func(t *testing.T, in string, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 0))
		var pieces []string
		for rest := in; rest != ""; {
			n := 1 + rng.IntN(min(len(rest), 8))
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		mail, rest, ok := dataReference(in)
		gotMail, gotRest, gotOK := decodeAll(pieces)
		if gotOK != ok || gotMail != mail || gotRest != rest {
			t.Fatalf("%q as %q: %q, rest %q, %v; want %q, rest %q, %v", in, pieces, gotMail, gotRest, gotOK, mail, rest, ok)
		}
	})
}

// stuff is what a client does to a mail for DATA.
func stuff(mail string) string {
	mail = strings.ReplaceAll(mail, "\r\n.", "\r\n..")
	if strings.HasPrefix(mail, ".") {
		mail = "." + mail
	}
	if mail != "" && !strings.HasSuffix(mail, "\r\n") {
		mail += "\r\n"
	}
	return mail + ".\r\n"
}

// TestBytesUnharmed: what is delivered is what was sent, whatever it is.
func TestBytesUnharmed(t *testing.T) {
	mails := map[string]string{
		"line of 1001":    strings.Repeat("x", 1001) + "\r\n",
		"line of 100,000": "Subject: long\r\n\r\n" + strings.Repeat("y", 100_000) + "\r\n",
		"no line end":     strings.Repeat("z", 70_000),
		"NULs":            "a\x00b\r\n\x00\r\n",
		"8 bit":           "\xff\xfe\x80\r\n",
		"bare LF and CR":  "a\nb\rc\n\r\r\n",
		"dots":            ".\r\n..\r\n.x\r\n\n.\n.\r.\r\n",
		"2 MB":            strings.Repeat(".a line that starts with a dot\r\n", 70_000),
	}
	for _, m := range corpus.All() {
		mails[m.Name] = string(m.Raw)
	}
	f := newFixture(Config{})
	for name, mail := range mails {
		f.store.got = nil
		size := ""
		if len(name)%2 == 0 {
			size = fmt.Sprintf(" SIZE=%d", len(mail))
		}
		mailFrom := "MAIL FROM:<>" + size + "\r\nRCPT TO:<a>\r\n"
		half := len(mail) / 2
		out := f.talk(hello + mailFrom + "DATA\r\n" + stuff(mail) +
			mailFrom + fmt.Sprintf("BDAT %d\r\n%sBDAT %d LAST\r\n%s", half, mail[:half], len(mail)-half, mail[half:]) + "QUIT\r\n")
		got := f.store.mails()
		if len(got) != 2 {
			t.Fatalf("%s: %d mails stored\n%.500s", name, len(got), out)
		}
		byData := mail
		if mail != "" && !strings.HasSuffix(mail, "\r\n") {
			byData += "\r\n" // DATA can't say otherwise
		}
		if got[0].mail != byData {
			t.Errorf("%s: DATA changed it", name)
		}
		if got[1].mail != mail {
			t.Errorf("%s: BDAT changed it", name)
		}
	}
	if len(mails) < 200 {
		t.Errorf("only %d mails", len(mails))
	}
}

func TestBdat(t *testing.T) {
	ok := []string{"250 2.1.0", "250 2.1.5"}
	for _, c := range []struct {
		in   string
		want []string
		mail string // stored; "-": none
	}{
		{"BDAT 0 LAST\r\n", []string{"250 2.0.0"}, ""},
		{"BDAT 3 LAST\r\nabc", []string{"250 2.0.0"}, "abc"},
		{"bdat 3 last\r\nabc", []string{"250 2.0.0"}, "abc"},
		{"BDAT 3\r\na\r\nBDAT 0\r\nBDAT 2 LAST\r\n.\r", []string{"250 2.0.0", "250 2.0.0", "250 2.0.0"}, "a\r\n.\r"},
		{"BDAT 7\r\nQUIT\r\n.NOOP\r\nBDAT 0 LAST\r\n", []string{"250 2.0.0", "250 2.0.0", "250 2.0.0"}, "QUIT\r\n."},
		{"BDAT 3\r\nabcDATA\r\nBDAT 0 LAST\r\n", []string{"250 2.0.0", "503 5.5.1", "250 2.0.0"}, "abc"},
		{"BDAT 3\r\nabcRSET\r\nDATA\r\n", []string{"250 2.0.0", "250 2.0.0", "503 5.5.1"}, "-"},
		{"BDAT 3\r\nabcRCPT TO:<no>\r\nBDAT 0 LAST\r\n", []string{"250 2.0.0", "550 5.1.1", "250 2.0.0"}, "abc"},
		{"BDAT\r\nNOOP\r\n", []string{"501 5.5.4"}, "-"},
		{"BDAT x\r\nNOOP\r\n", []string{"501 5.5.4"}, "-"},
		{"BDAT -1\r\nNOOP\r\n", []string{"501 5.5.4"}, "-"},
		{"BDAT 1 FIRST\r\nNOOP\r\n", []string{"501 5.5.4"}, "-"},
		{"BDAT 99999999999999999999\r\nNOOP\r\n", []string{"501 5.5.4"}, "-"},
		{"BDAT 9223372036854775807\r\nNOOP\r\n", []string{"501 5.5.4"}, "-"},
		{"BDAT 101 LAST\r\n" + strings.Repeat("x", 101) + "NOOP\r\n", []string{"552 5.3.4", "250 2.0.0"}, "-"},
		{"BDAT 60\r\n" + strings.Repeat("x", 60) + "BDAT 60\r\n" + strings.Repeat("x", 60) + "BDAT 1\r\nxBDAT 1 LAST\r\nxNOOP\r\n",
			[]string{"250 2.0.0", "552 5.3.4", "503 5.5.1", "552 5.3.4", "250 2.0.0"}, "-"},
		{"BDAT 3 LAST\r\nab", nil, "-"},
	} {
		f := newFixture(Config{MaxMessage: 100})
		f.expect(t, "MAIL FROM:<> BODY=BINARYMIME\r\nRCPT TO:<a>\r\n"+c.in, append(ok[:2:2], c.want...)...)
		got := f.store.mails()
		if c.mail == "-" && len(got) != 0 || c.mail != "-" && (len(got) != 1 || got[0].mail != c.mail) {
			t.Errorf("%q: stored %q", c.in, got)
		}
	}
	f := newFixture(Config{})
	f.expect(t, "MAIL FROM:<>\r\nBDAT 5\r\nNOOP\nBDAT 5 LAST\r\nNOOP\nNOOP\r\n", "250 2.1.0", "503 5.5.1", "503 5.5.1", "250 2.0.0")
	f.expect(t, "MAIL FROM:<> BODY=BINARYMIME\r\nRCPT TO:<a>\r\nDATA\r\nNOOP\r\n", "250 2.1.0", "250 2.1.5", "503 5.5.1", "250 2.0.0")
}

func TestDataTooLarge(t *testing.T) {
	f := newFixture(Config{MaxMessage: 100})
	in := "MAIL FROM:<>\r\nRCPT TO:<a>\r\nRCPT TO:<b>\r\nDATA\r\n"
	f.expect(t, in+strings.Repeat("x", 98)+"\r\n.\r\nNOOP\r\n", "250 2.1.0", "250 2.1.5", "250 2.1.5", "354", "250 2.0.0", "250 2.0.0", "250 2.0.0")
	f.expect(t, in+strings.Repeat("x", 99)+"\r\n.\r\nNOOP\r\n", "250 2.1.0", "250 2.1.5", "250 2.1.5", "354", "552 5.3.4", "552 5.3.4", "250 2.0.0")
	f.expect(t, in+strings.Repeat("x", 600)+"\r\n.\r\nNOOP\r\n", "250 2.1.0", "250 2.1.5", "250 2.1.5", "354", "552 5.3.4", "552 5.3.4", "250 2.0.0")
	// What goes on for ever is cut off.
	out := f.talk(append([]string{hello + in}, slicesRepeat(strings.Repeat("x", 50), 100)...)...)
	if !strings.HasSuffix(out, "421 4.7.0 mx.test gives up on a mail that is far too large\r\n") {
		t.Errorf("endless mail: %.1000s", out)
	}
	if n := len(f.store.mails()); n != 2 {
		t.Errorf("%d mails stored", n)
	}
	f.checkMemory(t)
}

// checkMemory: nothing is held when no mail is under way.
func (f *fixture) checkMemory(t *testing.T) {
	t.Helper()
	if !f.memory.sem.TryAcquire(f.memory.size) {
		t.Error("memory for mails is held though none is under way")
		return
	}
	f.memory.sem.Release(f.memory.size)
}

func TestCollector(t *testing.T) {
	mail := bytes.Repeat([]byte("0123456789"), 20_000)
	for _, expected := range []int64{-1, 0, 10, 200_000, 1 << 40} {
		m := newMemory(1 << 20)
		c := collector{memory: m, max: 1 << 20, expected: expected}
		if err := c.begin(t.Context(), nil, 0, 0); err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(mail); i += 777 {
			if err := c.add(mail[i:min(i+777, len(mail))]); err != nil || int64(cap(c.data)) > c.held {
				t.Fatalf("expected %d: %v, %d held for %d", expected, err, c.held, cap(c.data))
			}
		}
		if !bytes.Equal(c.data, mail) {
			t.Fatalf("expected %d: mail differs", expected)
		}
		if expected == 200_000 && cap(c.data) != 200_000 {
			t.Errorf("a mail of known size takes %d octets", cap(c.data))
		}
		c.drop()
		if !m.sem.TryAcquire(m.size) {
			t.Fatalf("expected %d: memory is still held", expected)
		}
	}
}
