package crash

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mailbackend.io/test/harness"
)

// ledger is what clients were told, over all crashes.
type ledger struct {
	mu       sync.Mutex
	sent     map[string]*mail // by the id in the mail
	byUID    map[place]string // which mail a UID was seen to name
	validity map[string]string
	// lost counts flag changes that a lost cache undid, as it may.
	lost, acked, unknown, stores, expunges int
	// waited counts the looks at a mailbox that came too early for late mail.
	waited int
}

// place is a message in a user's INBOX.
type place struct {
	user string
	uid  uint32
}

// mail is one delivery and what became of it.
type mail struct {
	user string
	// told is how its client was answered.
	told outcome
	// expunged: an EXPUNGE was answered OK; expunging: one was sent.
	expunged, expunging bool
	// flags is its history of told flag states; the last of sure is the
	// newest that was answered.
	flags []flagState
}

type outcome int

const (
	nothing  outcome = iota // the connection broke, or 4xx
	accepted                // 250, or OK [APPENDUID]
)

// flagState is a set of flags that holds from a time on. Until answered it may
// or may not hold.
type flagState struct {
	flags    string
	since    time.Time
	answered bool
}

func newLedger() *ledger {
	return &ledger{sent: map[string]*mail{}, byUID: map[place]string{}, validity: map[string]string{}}
}

// begin notes that a mail is about to be sent.
func (l *ledger) begin(user, id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent[id] = &mail{user: user}
}

// end notes how the client was answered.
func (l *ledger) end(id string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.sent[id].told = accepted
		l.acked++
	} else {
		l.unknown++
	}
}

// see notes that a UID was seen to name a mail, and says what is wrong if it
// named another before.
func (l *ledger) see(user string, uid uint32, id string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if before, ok := l.byUID[place{user, uid}]; ok && before != id {
		return fmt.Errorf("UID %d of %s names mail %s and named %s", uid, user, id, before)
	}
	l.byUID[place{user, uid}] = id
	return nil
}

// store notes that flags are about to be set, and returns what to call with
// the answer.
func (l *ledger) store(id, flags string) func(error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.sent[id]
	m.flags = append(m.flags, flagState{flags: flags, since: time.Now()})
	i := len(m.flags) - 1
	return func(err error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if err == nil {
			m.flags[i].answered = true
			l.stores++
		}
	}
}

// expunge notes that a mail is about to be expunged.
func (l *ledger) expunge(id string) func(error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.sent[id]
	m.expunging = true
	return func(err error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if err == nil {
			m.expunged = true
			l.expunges++
		}
	}
}

var idLine = regexp.MustCompile(`(?m)^X-Ledger: (\S+)\r?$`)
var uidvalidity = regexp.MustCompile(`\[UIDVALIDITY (\d+)\]`)

// check compares the ledger with what a server has. Flags must be as they were
// at oldest or later.
func (l *ledger) check(p *harness.Process, oldest time.Time) error {
	for _, user := range users {
		if err := l.checkUser(p, user, oldest); err != nil {
			return fmt.Errorf("user %s: %w", user, err)
		}
	}
	return nil
}

func (l *ledger) checkUser(p *harness.Process, user string, oldest time.Time) error {
	c, err := harness.LoginIMAP(p.IMAP, user)
	if err != nil {
		return err
	}
	defer c.Close()
	un, err := c.OK("SELECT INBOX")
	if err != nil {
		return err
	}
	for _, r := range un {
		if m := uidvalidity.FindStringSubmatch(r.Text); m != nil {
			if before := l.validity[user]; before != "" && before != m[1] {
				return fmt.Errorf("UIDVALIDITY %s was %s", m[1], before)
			}
			l.validity[user] = m[1]
		}
	}
	if l.validity[user] == "" {
		return fmt.Errorf("SELECT tells no UIDVALIDITY")
	}
	// What a holder that was overtaken twice had stored is re-homed in the
	// background: for a moment such a mail is not there, or twice.
	for until := time.Now().Add(settleWithin); ; time.Sleep(20 * time.Millisecond) {
		mails, err := fetchAll(c)
		if err != nil {
			return err
		}
		found, err := l.checkMails(user, mails, oldest)
		if err != nil {
			return err
		}
		if err = l.checkThere(user, found); err == nil || time.Now().After(until) {
			return err
		}
		l.waited++
		if _, err := c.OK("NOOP"); err != nil {
			return err
		}
	}
}

// settleWithin bounds the wait for late mail. It comes without a client's doing.
const settleWithin = 30 * time.Second

// checkMails checks each mail that is there, and counts them by id.
func (l *ledger) checkMails(user string, mails []harness.Mail, oldest time.Time) (map[string]int, error) {
	found := map[string]int{}
	last := uint32(0)
	for _, m := range mails {
		id := idLine.FindSubmatch(m.Body)
		if id == nil {
			return nil, fmt.Errorf("UID %d is no mail that was sent: %.200q", m.UID, m.Body)
		}
		if m.UID <= last {
			return nil, fmt.Errorf("UID %d follows %d", m.UID, last)
		}
		last = m.UID
		if err := l.see(user, m.UID, string(id[1])); err != nil {
			return nil, err
		}
		found[string(id[1])]++
		if err := l.checkFlags(string(id[1]), m.Flags, oldest); err != nil {
			return nil, fmt.Errorf("UID %d: %w", m.UID, err)
		}
	}
	return found, nil
}

// fetchAll reads every mail. Right after a takeover some may turn out to have
// been expunged before the crash; they are told at the next command (RFC 9051
// section 7.1, EXPUNGEISSUED), and the client asks again.
func fetchAll(c *harness.IMAP) (mails []harness.Mail, err error) {
	for range 5 {
		mails, err = c.Fetch("1:*", true)
		if err == nil || !strings.Contains(err.Error(), "[EXPUNGEISSUED]") {
			break
		}
		if _, err := c.OK("NOOP"); err != nil {
			return nil, err
		}
	}
	return mails, err
}

// checkThere: acknowledged mails are there once, expunged ones not.
func (l *ledger) checkThere(user string, found map[string]int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, m := range l.sent {
		if m.user != user {
			continue
		}
		n := found[id]
		switch {
		case m.expunged && n > 0:
			return fmt.Errorf("mail %s was expunged and is there", id)
		case m.told == accepted && n == 0 && !m.expunging:
			return fmt.Errorf("mail %s was acknowledged and is lost", id)
		case n > 1:
			return fmt.Errorf("mail %s was sent once and is there %d times", id, n)
		case n == 0 && m.expunging:
			m.expunged = true // seen to be gone: it stays so
		case n > 0 && m.told == nothing:
			m.told = accepted // a client saw it: it stays
		}
	}
	return nil
}

// checkFlags: the flags are those of a state that held at oldest or later; and
// from now on they are the state.
func (l *ledger) checkFlags(id, flags string, oldest time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.sent[id]
	if m == nil {
		return fmt.Errorf("mail %s is not in the ledger", id)
	}
	got := flagSet(flags)
	if m.expunging { // the flag that comes before the EXPUNGE
		got = strings.TrimSpace(strings.ReplaceAll(strings.ReplaceAll(got, `\Deleted`, ""), "  ", " "))
	}
	// A state holds until the next answered one; those without an answer
	// may hold or not.
	history := append([]flagState{{answered: true}}, m.flags...)
	var allowed []string
	match := -1
	for i, s := range history {
		over := false
		for _, later := range history[i+1:] {
			over = over || later.answered && later.since.Before(oldest)
		}
		if !over {
			allowed = append(allowed, s.flags)
			if s.flags == got {
				match = i
			}
		}
	}
	if match < 0 {
		return fmt.Errorf("mail %s has flags %q, allowed are %q", id, got, allowed)
	}
	// What came after it is undone; it is the state now, since it was set.
	for _, s := range history[match+1:] {
		if s.answered {
			l.lost++
		}
	}
	history[match].answered = true
	m.flags = history[1 : match+1]
	return nil
}

func flagSet(flags string) string {
	f := slices.DeleteFunc(strings.Fields(flags), func(s string) bool { return s == `\Recent` })
	slices.Sort(f)
	return strings.Join(f, " ")
}

func (l *ledger) report(t *testing.T) {
	t.Logf("%d mails acknowledged, %d sent without an answer, %d expunged, %d flag changes answered; lost with the cache: %d flag changes (allowed), nothing else; %d looks came before late mail",
		l.acked, l.unknown, l.expunges, l.stores, l.lost, l.waited)
	if l.acked == 0 || l.stores == 0 || l.expunges == 0 {
		t.Error("the load did not do what it should")
	}
}
