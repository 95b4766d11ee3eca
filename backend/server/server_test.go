package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"mailbackend.io/backend/config"
)

// logBuffer is a log that several goroutines write.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// files writes a certificate for localhost with its key, and a password file,
// and returns a configuration that uses them, on the embedded store below a
// prefix.
func files(t *testing.T) (dir string, cfg config.Config, roots *x509.CertPool) {
	t.Helper()
	dir = t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	for name, text := range map[string][]byte{
		"cert.pem": cert,
		"key.pem":  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}),
		"passwd":   []byte("ada@example.org:{PLAIN}correct horse\n"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err = config.Parse(fmt.Appendf(nil, `
objectStorage: {type: dir, dir: %[1]s/objects, prefix: some/where}
cache: {dir: %[1]s/cache}
auth: {passwdFile: %[1]s/passwd}
tls: {certFile: %[1]s/cert.pem, keyFile: %[1]s/key.pem}
imap: {listeners: [{address: "127.0.0.1:0", tls: starttls}, {address: "127.0.0.1:0", tls: implicit}]}
pop3: {listeners: []}
lmtp: {listeners: [{address: "127.0.0.1:0", tls: none}]}
admin: {address: ""}
`, dir))
	if err != nil {
		t.Fatal(err)
	}
	return dir, cfg, roots
}

// client speaks lines.
type client struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func dial(t *testing.T, addr string) *client {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	return &client{t, nc, bufio.NewReader(nc)}
}

func (c *client) secure(roots *x509.CertPool) {
	c.Conn = tls.Client(c.Conn, &tls.Config{RootCAs: roots, ServerName: "localhost"})
	c.r = bufio.NewReader(c.Conn)
}

// say sends a line and reads up to the line that begins with until.
func (c *client) say(line, until string) string {
	c.t.Helper()
	if line != "" {
		if _, err := c.Write([]byte(line + "\r\n")); err != nil {
			c.t.Fatal(err)
		}
	}
	for {
		got, err := c.r.ReadString('\n')
		if err != nil {
			c.t.Fatalf("after %q: %v", line, err)
		}
		if strings.HasPrefix(got, until) {
			return got
		}
	}
}

func (c *client) want(line, until, want string) {
	c.t.Helper()
	if got := c.say(line, until); !strings.Contains(got, want) {
		c.t.Errorf("%q is answered %q, want %q", line, got, want)
	}
}

// TestServe: password file, TLS from the first byte and by STARTTLS, no password
// without either, objects below the configured prefix, and a log that has the
// user but neither password nor content.
func TestServe(t *testing.T) {
	dir, cfg, roots := files(t)
	var log logBuffer
	srv, err := New(t.Context(), cfg, System(&log))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- srv.Run(ctx) }()
	at := srv.Listeners()

	l := dial(t, at[2].Address)
	l.say("", "220 ")
	l.say("LHLO test", "250 ")
	l.say("MAIL FROM:<>", "250 ")
	l.want("RCPT TO:<nobody@example.org>", "550", "5.1.1")
	l.want("RCPT TO:<ada+list@example.org>", "250", "2.1.5")
	l.say("DATA", "354")
	l.want("Subject: tell-tale\r\n\r\nsecret words\r\n.", "250", "stored")

	c := dial(t, at[0].Address)
	if greeting := c.say("", "* OK"); !strings.Contains(greeting, "LOGINDISABLED") || !strings.Contains(greeting, "STARTTLS") {
		t.Errorf("without TLS the greeting is %q", greeting)
	}
	c.want(`a LOGIN ada@example.org "correct horse"`, "a ", "NO [PRIVACYREQUIRED]")
	c.say("b STARTTLS", "b OK")
	c.secure(roots)
	c.want(`c LOGIN ada@example.org "wrong horse"`, "c ", "NO [AUTHENTICATIONFAILED]")
	c.want(`d LOGIN Ada@Example.ORG "correct horse"`, "d ", "OK ")
	c.want("e STATUS INBOX (MESSAGES)", "* STATUS", "MESSAGES 1")

	c = dial(t, at[1].Address)
	c.secure(roots)
	if greeting := c.say("", "* OK"); strings.Contains(greeting, "STARTTLS") {
		t.Errorf("with TLS the greeting is %q", greeting)
	}
	c.want(`a LOGIN ada@example.org "correct horse"`, "a ", "OK ")

	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if found, err := filepath.Glob(filepath.Join(dir, "objects/some/where/*/ada@example.org/root")); err != nil || len(found) != 1 {
		t.Errorf("roots below the prefix: %q, %v", found, err)
	}
	for _, secret := range []string{"correct horse", "wrong horse", "tell-tale", "secret words"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log has %q:\n%s", secret, log.String())
		}
	}
	if !strings.Contains(log.String(), "user=ada@example.org") {
		t.Errorf("the log has no user:\n%s", log.String())
	}
}

// TestRefusesToStart: what can't be used is named by its place in the
// configuration, and nothing is left open.
func TestRefusesToStart(t *testing.T) {
	for path, spoil := range map[string]func(dir string, cfg *config.Config){
		"auth.passwdFile":   func(_ string, c *config.Config) { c.Auth.PasswdFile += "-missing" },
		"tls":               func(_ string, c *config.Config) { c.TLS.KeyFile = c.TLS.CertFile },
		"cache.dir":         func(dir string, c *config.Config) { c.Cache.Dir = filepath.Join(dir, "passwd") },
		"objectStorage.dir": func(dir string, c *config.Config) { c.ObjectStorage.Dir = filepath.Join(dir, "passwd") },
		"imap.listeners":    func(_ string, c *config.Config) { c.IMAP.Listeners[0].Address = "192.0.2.1:0" },
	} {
		t.Run(path, func(t *testing.T) {
			dir, cfg, _ := files(t)
			good := cfg
			good.IMAP.Listeners = append([]config.Listener(nil), cfg.IMAP.Listeners...)
			spoil(dir, &cfg)
			var log logBuffer
			if _, err := New(t.Context(), cfg, System(&log)); err == nil || !strings.HasPrefix(err.Error(), path) {
				t.Errorf("error %v, want one that begins with %s", err, path)
			}
			srv, err := New(t.Context(), good, System(&log))
			if err != nil {
				t.Fatalf("afterwards, with what can be used: %v", err)
			}
			ctx, stop := context.WithCancel(t.Context())
			stop()
			if err := srv.Run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}
