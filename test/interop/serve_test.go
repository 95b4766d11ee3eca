package interop

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mailbackend.io/test/harness"
)

// Hashes of "secret": openssl passwd -6; the other was made with go-crypt.
const passwd = `# users
sha@example.org:{SHA512-CRYPT}$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.
argon@example.org:{ARGON2ID}$argon2id$v=19$m=8192,t=1,p=1$0R+kOGhNbaeaFwXHohu/kw$ohnOkrW4WuDPaH1T84ijiDI37YHcJU85htxuc2855MU
`

// TestServe: a password file, implicit TLS and STARTTLS, as curl and openssl
// see them.
func TestServe(t *testing.T) {
	t.Parallel()
	curl, openssl := tool(t, "curl", "curl"), tool(t, "openssl", "openssl")
	dir, home := t.TempDir(), t.TempDir()
	cert, key := harness.Certificate(t, dir)
	write(t, filepath.Join(dir, "passwd"), passwd)
	config := strings.NewReplacer("DIR", dir, "CERT", cert, "KEY", key).Replace(`
objectStorage: {type: dir, dir: DIR/objects, prefix: some/prefix}
cache: {dir: DIR/cache, activeUsers: 100}
auth: {passwdFile: DIR/passwd}
tls: {certFile: CERT, keyFile: KEY}
imap: {listeners: [{address: "127.0.0.1:0", tls: starttls}, {address: "127.0.0.1:0", tls: implicit}]}
pop3: {listeners: [{address: "127.0.0.1:0", tls: starttls}, {address: "127.0.0.1:0", tls: implicit}]}
lmtp: {listeners: [{address: "127.0.0.1:0", tls: starttls}]}
admin: {address: "127.0.0.1:0"}
log: {level: debug, format: json}
`)
	p := harness.Start(t, harness.Options{Dir: dir, Config: config, Listeners: 6})
	deliver(t, p, "sha@example.org", 2)
	get := func(user, url string, more ...string) string {
		args := []string{"-sS", "--max-time", "60", "--cacert", cert, "--user", user + ":secret"}
		return run(t, home, "", curl, append(append(args, more...), url)...)
	}
	tls := strings.Replace(p.Bound["imap"][1], "127.0.0.1", "localhost", 1)
	start := strings.Replace(p.Bound["imap"][0], "127.0.0.1", "localhost", 1)
	for _, user := range []string{"sha@example.org", "ARGON@example.org"} {
		if out := get(user, "imaps://"+tls); !strings.Contains(out, "INBOX") {
			t.Errorf("%s by implicit TLS: %q", user, out)
		}
		if out := get(user, "imap://"+start, "--ssl-reqd"); !strings.Contains(out, "INBOX") {
			t.Errorf("%s by STARTTLS: %q", user, out)
		}
	}
	if out := get("sha@example.org", "pop3s://"+strings.Replace(p.Bound["pop3"][1], "127.0.0.1", "localhost", 1)); !strings.Contains(out, "2 ") {
		t.Errorf("POP3 by implicit TLS: %q", out)
	}
	// Without TLS no password is taken, and a wrong one never.
	c, err := harness.DialIMAP(p.IMAP)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	un, err := c.OK("CAPABILITY")
	if err != nil || !strings.Contains(un[0].Text, "LOGINDISABLED") || !strings.Contains(un[0].Text, "STARTTLS") {
		t.Errorf("capabilities without TLS: %v, %v", un, err)
	}
	if _, tagged, err := c.Do(`LOGIN sha@example.org secret`); err != nil || !strings.HasPrefix(tagged, "NO") {
		t.Errorf("LOGIN without TLS: %q, %v", tagged, err)
	}
	for _, proto := range []string{"imap", "pop3", "lmtp"} {
		out := run(t, home, "QUIT\r\n", openssl, "s_client", "-connect", p.Bound[proto][0], "-starttls", proto, "-CAfile", cert, "-verify_return_error", "-crlf", "-brief")
		if !strings.Contains(out, "Verification: OK") {
			t.Errorf("openssl s_client -starttls %s:\n%s", proto, out)
		}
	}
	wrong := exec.Command(curl, "-sS", "--max-time", "60", "--cacert", cert, "--user", "sha@example.org:wrong", "imaps://"+tls)
	if out, err := wrong.CombinedOutput(); err == nil || !bytes.Contains(out, []byte("denied")) {
		t.Errorf("a wrong password: %v, %s", err, out)
	}
	// A recipient without an account is refused for good.
	l, err := harness.DialLMTP(p.LMTP)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	errs, err := l.Deliver("a@example.org", []string{"nobody@example.org"}, []byte("Subject: x\r\n\r\n"))
	if err != nil || errs[0] == nil || !strings.Contains(errs[0].Error(), "5.1.1") {
		t.Errorf("an unknown recipient: %v, %v", errs, err)
	}
	if log := p.Log(); strings.Contains(log, "secret") || strings.Contains(log, "Subject") {
		t.Errorf("the log holds a password or a mail:\n%s", log)
	}
	p.Stop()
}

// TestRefusesToStart: bad calls and configurations end with status 2 and say
// what is wrong and where; a store that can't be used with 1.
func TestRefusesToStart(t *testing.T) {
	t.Parallel()
	binary := harness.Binary(t)
	dir := t.TempDir()
	config := func(text string) string {
		path := filepath.Join(t.TempDir(), "config.yaml")
		write(t, path, text)
		return path
	}
	good := "auth: {anyUserPassword: x}\ncache: {dir: " + dir + "/cache}\nadmin: {address: ''}\nimap: {listeners: []}\npop3: {listeners: []}\nlmtp: {listeners: []}\n"
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{nil, 2, "mailbackend dev"},
		{[]string{"frobnicate"}, 2, "mailbackend dev"},
		{[]string{"serve"}, 2, "serve needs --config"},
		{[]string{"serve", "--config", "/does/not/exist"}, 2, "no such file"},
		{[]string{"serve", "--config", config("imap: {listener: []}")}, 2, "imap.listener (line 1): there is no such field"},
		{[]string{"serve", "--config", config(good + "objectStorage: {type: dir, dir: /dev/null/x}\n")}, 1, "objectStorage.dir"},
		{[]string{"serve", "--config", config(good + "objectStorage: {type: s3, endpoint: 'http://127.0.0.1:1', bucket: b, retries: 0, retryFor: 1s}\n")}, 1, "objectStorage"},
		{[]string{"dev", "--dir", dir, "--imap", "0.0.0.0:0"}, 2, "not a loopback address"},
		{[]string{"dev", "stray"}, 2, `unexpected argument "stray"`},
		{[]string{"dev", "--s3", "nonsense"}, 2, "is not a URL"},
		{[]string{"config"}, 0, "uploadInterval: 5m"},
		{[]string{"help"}, 0, "mailbackend serve"},
	} {
		cmd := exec.Command(binary, c.args...)
		cmd.Env = append(cmd.Environ(), "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b")
		out, err := cmd.CombinedOutput()
		status := 0
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			status = exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		if status != c.status || !strings.Contains(string(out), c.want) {
			t.Errorf("%v: status %d, want %d with %q:\n%s", c.args, status, c.status, c.want, out)
		}
	}
}
