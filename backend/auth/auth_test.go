package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailbackend.io/backend/clock"
)

// Hashes of "secret": openssl passwd -6, and go-crypt for the others.
const (
	sha512Secret = "$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG."
	bcryptSecret = "$2b$10$zzQroL0p0Us/7nsEh4tLFuRKYGt0rv9thRBommd5GBA9rJR.YCZrW"
	argonSecret  = "$argon2id$v=19$m=8192,t=1,p=1$0R+kOGhNbaeaFwXHohu/kw$ohnOkrW4WuDPaH1T84ijiDI37YHcJU85htxuc2855MU"
)

const users = `# comment
plain@example.org:{PLAIN}secret

bcrypt@example.org:{BLF-CRYPT}` + bcryptSecret + `
sha512@example.org:{SHA512-CRYPT}` + sha512Secret + `::extra fields:userdb_quota=1
argon@example.org:{ARGON2ID}` + argonSecret + `
crypt@example.org:` + sha512Secret + `
Mixed@Example.org:{plain}secret
`

func open(t *testing.T, text string) (*Passwd, *clock.Fake, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "passwd")
	write(t, path, text)
	clk := clock.NewFake(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	p, err := NewPasswd(PasswdConfig{Path: path, CacheFor: time.Minute}, clk, rand.Reader, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return p, clk, path
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSchemes(t *testing.T) {
	p, _, _ := open(t, users)
	for _, user := range []string{"plain@example.org", "bcrypt@example.org", "sha512@example.org", "argon@example.org", "crypt@example.org", "mixed@example.org", "MIXED@EXAMPLE.ORG"} {
		id, err := p.Authenticate(context.Background(), user, "secret")
		if err != nil || id.User != strings.ToLower(user) {
			t.Errorf("%s: %+v, %v", user, id, err)
		}
		for _, bad := range []string{"", "Secret", "secret ", "secret\x00", strings.Repeat("x", 5000)} {
			if _, err := p.Authenticate(context.Background(), user, bad); !errors.Is(err, ErrBadCredentials) {
				t.Errorf("%s with %.10q: %v", user, bad, err)
			}
		}
		if id, err := p.Lookup(context.Background(), user); err != nil || id.User != strings.ToLower(user) {
			t.Errorf("look-up of %s: %+v, %v", user, id, err)
		}
	}
	for _, user := range []string{"", "nobody@example.org", "plain@example.org\x00", "# comment", strings.Repeat("a", 2000)} {
		if _, err := p.Authenticate(context.Background(), user, "secret"); !errors.Is(err, ErrBadCredentials) {
			t.Errorf("%.20q: %v", user, err)
		}
		if _, err := p.Lookup(context.Background(), user); !errors.Is(err, ErrUnknownUser) {
			t.Errorf("look-up of %.20q: %v", user, err)
		}
	}
}

func TestReload(t *testing.T) {
	p, clk, path := open(t, "a:{PLAIN}one\n")
	login := func(user, pw string) error {
		_, err := p.Authenticate(context.Background(), user, pw)
		return err
	}
	if err := login("a", "one"); err != nil {
		t.Fatal(err)
	}
	write(t, path, "a:{PLAIN}other\nb:{PLAIN}three\n")
	if err := login("a", "one"); err != nil {
		t.Fatalf("within the check interval: %v", err)
	}
	clk.Advance(time.Second)
	if err := login("a", "one"); !errors.Is(err, ErrBadCredentials) {
		t.Fatalf("old password after the change, though it was remembered: %v", err)
	}
	if err := errors.Join(login("a", "other"), login("b", "three")); err != nil {
		t.Fatal(err)
	}
	write(t, path, "a:{PLAIN}x\nbroken line\n")
	clk.Advance(time.Second)
	if err := login("b", "three"); err != nil {
		t.Fatalf("a broken file must not lock anybody out: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	clk.Advance(time.Second)
	if err := login("b", "three"); err != nil {
		t.Fatalf("a missing file must not lock anybody out: %v", err)
	}
}

func TestBadFiles(t *testing.T) {
	dec, err := newDecoder()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"nocolon\n":                    "line 1: not user",
		"ok:{PLAIN}x\n:{PLAIN}y\n":     "line 2: not user",
		"a:{WHIRL}x\n":                 `line 1, user "a": unknown password scheme "WHIRL"`,
		"a:{BCRYPT}plain\n":            "does not look like scheme BCRYPT",
		"a:{PLAIN\n":                   "no closing brace",
		"a:{ARGON2ID}$argon2id$junk\n": "hash of scheme ARGON2ID",
		"a:{PLAIN}1\nA:{PLAIN}2\n":     `line 2: user "a" is listed twice`,
		strings.Repeat("x", maxLine+1): "line 1: ",
	} {
		_, err := parsePasswd(strings.NewReader(text), dec)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q: %v lacks %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "junk") {
			t.Errorf("%.30q: the error shows the hash: %v", text, err)
		}
	}
}

func TestCanonical(t *testing.T) {
	for in, want := range map[string]string{
		"User@Example.ORG": "user@example.org", "JOSE\u0301": "jos\u00e9", "a/../b": "a/../b", "with space": "with space",
	} {
		if got, ok := Canonical(in); !ok || got != want {
			t.Errorf("%q: %q, %v", in, got, ok)
		}
	}
	for _, bad := range []string{"", "a\x00b", "a\nb", "\xff", "a\u200bb", "a\u2028b", strings.Repeat("x", MaxUserName+1)} {
		if got, ok := Canonical(bad); ok {
			t.Errorf("%.20q accepted as %.20q", bad, got)
		}
	}
}

func FuzzPasswd(f *testing.F) {
	dec, err := newDecoder()
	if err != nil {
		f.Fatal(err)
	}
	f.Add("a:{PLAIN}x\n")
	f.Add("# c\n\nb:" + sha512Secret + ":x\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		names, err := parsePasswd(strings.NewReader(text), dec)
		if err != nil {
			return
		}
		for name := range names {
			if c, ok := Canonical(name); !ok || c != name {
				t.Fatalf("%q is not canonical", name)
			}
		}
	})
}

type panics struct{}

func (panics) matches(string) (bool, error) { panic("a hash that breaks the library") }

// TestPanicKeepsNoPlace: sessions recover from panics, so one in a hash must not
// take a place among those that hash with it.
func TestPanicKeepsNoPlace(t *testing.T) {
	p, _, _ := open(t, "ada:"+sha512Secret+"\n")
	p.fake, p.sample = panics{}, ""
	for range cap(p.work) {
		func() {
			defer func() { _ = recover() }()
			_, _ = p.Authenticate(t.Context(), "nobody", "x")
			t.Error("no panic")
		}()
	}
	if len(p.work) != 0 {
		t.Fatalf("%d of %d places are still taken", len(p.work), cap(p.work))
	}
	if _, err := p.Authenticate(t.Context(), "ada", "secret"); err != nil {
		t.Error(err)
	}
}
