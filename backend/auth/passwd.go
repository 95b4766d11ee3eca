package auth

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/go-crypt/crypt"
	"mailbackend.io/backend/clock"
)

// PasswdConfig configures a Passwd.
type PasswdConfig struct {
	// Path of the file: lines of user:{SCHEME}hash[:anything], as Dovecot's
	// passwd-file; empty lines and lines that begin with # are skipped.
	Path string
	// CacheFor is how long a verified password isn't hashed again; 0: never
	// remembered.
	CacheFor time.Duration
	// CheckEvery is how often, at most, the file is looked at for changes;
	// 0 means each second.
	CheckEvery time.Duration
}

// maxLine bounds a line of the file, maxCached the remembered verifications.
const (
	maxLine   = 16 << 10
	maxCached = 100_000
)

// Passwd is a Source on a file, which is read again when it changes. A file
// that can't be read or has a bad line leaves the users as they were, and is
// logged.
type Passwd struct {
	cfg  PasswdConfig
	clk  clock.Clock
	log  *slog.Logger
	dec  *crypt.Decoder
	key  [32]byte
	work chan struct{} // bounds concurrent hashing: an argon2id takes 64 MB
	fake verifier      // what unknown users are checked against

	mu      sync.Mutex
	users   map[string]string // canonical name → stored password
	sample  string            // one of them: unknown users are checked against it
	stat    fileID
	checked time.Time
	known   map[[32]byte]time.Time // MAC of (user, stored, password) → until when
}

type fileID struct {
	size     int64
	modified time.Time
}

// fakeHash costs what a real one costs; no password matches it.
const fakeHash = "$argon2id$v=19$m=65536,t=3,p=1$bm9ib2R5bm9ib2R5bm8$aGFzaCBvZiBub3RoaW5nIGF0IGFsbCwgbmV2ZXIgbWF0Y2g"

// NewPasswd reads the file. rand keys the memory of verified passwords, which
// holds MACs only.
func NewPasswd(cfg PasswdConfig, clk clock.Clock, rand io.Reader, log *slog.Logger) (*Passwd, error) {
	if cfg.CheckEvery == 0 {
		cfg.CheckEvery = time.Second
	}
	dec, err := newDecoder()
	if err != nil {
		return nil, err
	}
	p := &Passwd{cfg: cfg, clk: clk, log: log, dec: dec, work: make(chan struct{}, runtime.GOMAXPROCS(0)), known: map[[32]byte]time.Time{}}
	if _, err := io.ReadFull(rand, p.key[:]); err != nil {
		return nil, fmt.Errorf("auth: random key: %w", err)
	}
	if p.fake, err = parseStored(dec, fakeHash); err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	users, id, err := p.read()
	if err != nil {
		return nil, err
	}
	p.use(users, id)
	p.checked = clk.Now()
	return p, nil
}

// Authenticate implements Source. An unknown user costs as much time as a wrong
// password of one user of the file: in a file of one scheme, time doesn't tell
// who exists.
func (p *Passwd) Authenticate(ctx context.Context, user, password string) (Identity, error) {
	p.refresh()
	name, ok := Canonical(user)
	var stored string
	if ok {
		p.mu.Lock()
		stored, ok = p.users[name]
		p.mu.Unlock()
	}
	mac := p.mac(name, stored, password)
	if ok && p.remembered(mac) {
		return Identity{User: name}, nil
	}
	check := p.fake
	if !ok {
		stored = p.sampleHash()
	}
	if stored != "" {
		var err error
		if check, err = parseStored(p.dec, stored); err != nil {
			return Identity{}, fmt.Errorf("%w: stored password of %q: %w", ErrUnavailable, name, err)
		}
	}
	match, err := p.hash(ctx, check, password)
	if errors.Is(err, ErrUnavailable) {
		return Identity{}, err
	}
	if !ok || err != nil || !match {
		return Identity{}, ErrBadCredentials
	}
	p.remember(mac)
	return Identity{User: name}, nil
}

// hash runs check when there is a place for it. ErrUnavailable if ctx ends before.
func (p *Passwd) hash(ctx context.Context, check verifier, password string) (bool, error) {
	select {
	case p.work <- struct{}{}:
	case <-ctx.Done():
		return false, fmt.Errorf("%w: %w", ErrUnavailable, context.Cause(ctx))
	}
	// Deferred: a session survives a panic, and must not keep the place.
	defer func() { <-p.work }()
	return check.matches(password)
}

// Lookup implements Source.
func (p *Passwd) Lookup(_ context.Context, user string) (Identity, error) {
	p.refresh()
	name, ok := Canonical(user)
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.users[name]; !ok || !known {
		return Identity{}, ErrUnknownUser
	}
	return Identity{User: name}, nil
}

// sampleHash is a stored password of the file, so that an unknown user costs
// what a known one does; empty if the file has none.
func (p *Passwd) sampleHash() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sample
}

// mac binds user, stored hash and password, so that a changed hash forgets.
func (p *Passwd) mac(user, stored, password string) (sum [32]byte) {
	h := hmac.New(sha256.New, p.key[:])
	for _, s := range []string{user, stored, password} {
		inner := sha256.Sum256([]byte(s))
		h.Write(inner[:])
	}
	h.Sum(sum[:0])
	return sum
}

func (p *Passwd) remembered(mac [32]byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	until, ok := p.known[mac]
	return ok && p.clk.Now().Before(until)
}

func (p *Passwd) remember(mac [32]byte) {
	if p.cfg.CacheFor <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clk.Now()
	if len(p.known) >= maxCached {
		for m, until := range p.known {
			if !now.Before(until) {
				delete(p.known, m)
			}
		}
		if len(p.known) >= maxCached {
			clear(p.known)
		}
	}
	p.known[mac] = now.Add(p.cfg.CacheFor)
}

// refresh reads the file again if it changed since it was last looked at.
func (p *Passwd) refresh() {
	now := p.clk.Now()
	p.mu.Lock()
	due := now.Sub(p.checked) >= p.cfg.CheckEvery || now.Before(p.checked)
	if due {
		p.checked = now
	}
	before := p.stat
	p.mu.Unlock()
	if !due {
		return
	}
	st, err := os.Stat(p.cfg.Path)
	if err == nil && (fileID{st.Size(), st.ModTime()}) == before {
		return
	}
	users, id, err := p.read()
	if err != nil {
		p.mu.Lock()
		p.stat = id // told once, until the file changes again
		p.mu.Unlock()
		p.log.Error("password file unchanged in memory", "error", err)
		return
	}
	p.use(users, id)
	p.log.Info("password file read", "users", len(users))
}

// use takes the users of the file as it was at id.
func (p *Passwd) use(users map[string]string, id fileID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users, p.stat, p.sample = users, id, ""
	for _, stored := range users {
		p.sample = stored
		break
	}
}

// read reads the file; on an error the fileID is what is known of it.
func (p *Passwd) read() (map[string]string, fileID, error) {
	f, err := os.Open(p.cfg.Path)
	if err != nil {
		return nil, fileID{}, fmt.Errorf("auth: password file: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, fileID{}, fmt.Errorf("auth: password file: %w", err)
	}
	id := fileID{st.Size(), st.ModTime()}
	users, err := parsePasswd(f, p.dec)
	if err != nil {
		return nil, id, fmt.Errorf("auth: %s: %w", p.cfg.Path, err)
	}
	return users, id, nil
}

// parsePasswd reads a whole file; all bad lines are reported, by number and
// without their secrets.
func parsePasswd(r io.Reader, dec *crypt.Decoder) (map[string]string, error) {
	users := map[string]string{}
	var errs []error
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 0, 4096), maxLine)
	n := 0
	for sc.Scan() {
		n++
		line := bytes.TrimSuffix(sc.Bytes(), []byte("\r"))
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		user, rest, ok := strings.Cut(string(line), ":")
		name, valid := Canonical(user)
		if !ok || !valid {
			errs = append(errs, fmt.Errorf("line %d: not user:{SCHEME}hash", n))
			continue
		}
		stored, _, _ := strings.Cut(rest, ":")
		if _, err := parseStored(dec, stored); err != nil {
			errs = append(errs, fmt.Errorf("line %d, user %q: %w", n, name, err))
			continue
		}
		if _, twice := users[name]; twice {
			errs = append(errs, fmt.Errorf("line %d: user %q is listed twice", n, name))
			continue
		}
		users[name] = stored
	}
	if err := sc.Err(); err != nil {
		errs = append(errs, fmt.Errorf("line %d: %w", n+1, err))
	}
	return users, errors.Join(errs...)
}
