package main

import (
	"os"
	"path/filepath"
	"strings"

	"mailbackend.io/test/harness"
)

// startOurs runs mailbackend on the embedded store, as its defaults are.
func startOurs(s *scratch) (*target, error) {
	cert, key := harness.Certificate(s, s.dir)
	o := harness.Options{Binary: *binary, Dir: s.dir, Listeners: 4, Config: strings.NewReplacer("DIR", s.dir, "CERT", cert, "KEY", key).Replace(`
objectStorage: {type: dir, dir: DIR/objects}
cache: {dir: DIR/cache}
auth: {anyUserPassword: dev}
tls: {certFile: CERT, keyFile: KEY}
imap:
  allowPlaintextAuth: true
  listeners: [{address: "127.0.0.1:0", tls: starttls}, {address: "127.0.0.1:0", tls: implicit}]
pop3: {listeners: []}
lmtp: {listeners: [{address: "127.0.0.1:0", tls: none}]}
admin: {address: "127.0.0.1:0"}
log: {level: warn}
`)}
	p := harness.Start(s, o)
	t := &target{name: "mailbackend", dir: s.dir, scratch: s}
	bind := func() {
		t.imap, t.imapTLS, t.lmtp = p.Bound["imap"][0], p.Bound["imap"][1], p.LMTP
	}
	bind()
	t.pids = func() ([]int, error) { return []int{p.PID()}, nil }
	t.restart = func(cold bool) error {
		p.Stop()
		if cold {
			if err := os.RemoveAll(filepath.Join(s.dir, "cache")); err != nil {
				return err
			}
		}
		p = harness.Start(s, o)
		bind()
		return nil
	}
	return t, nil
}
