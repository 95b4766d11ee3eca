package crash

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mailbackend.io/test/harness"
)

// load is clients that deliver, append, set flags and expunge until the server
// dies.
type load struct {
	p    *harness.Process
	l    *ledger
	stop atomic.Bool
	wg   sync.WaitGroup
}

var mailCount atomic.Int64

func startLoad(p *harness.Process, l *ledger, seed uint64) *load {
	ld := &load{p: p, l: l}
	for i, user := range users {
		for j, client := range []func(string, *rand.Rand) error{ld.deliver, ld.append, ld.flag} {
			rng := rand.New(rand.NewPCG(seed, uint64(i*10+j)))
			ld.wg.Add(1)
			go func() {
				defer ld.wg.Done()
				for !ld.stop.Load() {
					// An error is a connection that broke: the server
					// was killed, or is about to be.
					if client(user, rng) != nil {
						return
					}
				}
			}()
		}
	}
	return ld
}

// runFor lets the load run; the time is the experiment, not a condition.
func (ld *load) runFor(d time.Duration) {
	select {
	case <-time.After(d):
	case <-ld.p.Done():
	}
}

func (ld *load) wait() {
	ld.stop.Store(true)
	ld.wg.Wait()
}

// newMail makes a mail with an id of its own.
func newMail(rng *rand.Rand) (id string, raw []byte) {
	id = fmt.Sprintf("m%d", mailCount.Add(1))
	var b strings.Builder
	fmt.Fprintf(&b, "From: a@example.org\r\nTo: b@example.org\r\nX-Ledger: %s\r\nSubject: mail %s\r\n\r\n", id, id)
	for range rng.IntN(60) {
		fmt.Fprintf(&b, "line %d of mail %s\r\n", rng.Uint64(), id)
	}
	return id, []byte(b.String())
}

func (ld *load) deliver(user string, rng *rand.Rand) error {
	c, err := harness.DialLMTP(ld.p.LMTP)
	if err != nil {
		return err
	}
	defer c.Close()
	for range 20 {
		id, raw := newMail(rng)
		ld.l.begin(user, id)
		errs, err := c.Deliver("a@example.org", []string{user}, raw)
		if err == nil {
			err = errs[0]
		}
		if ld.l.end(id, err); err != nil {
			return err
		}
	}
	return nil
}

func (ld *load) append(user string, rng *rand.Rand) error {
	c, err := harness.LoginIMAP(ld.p.IMAP, user)
	if err != nil {
		return err
	}
	defer c.Close()
	for range 10 {
		id, raw := newMail(rng)
		ld.l.begin(user, id)
		_, uid, err := c.Append("INBOX", "", raw)
		if ld.l.end(id, err); err != nil {
			return err
		}
		if err := ld.l.see(user, uid, id); err != nil {
			panic(err) // one UID for two mails: nothing is worth going on
		}
	}
	return nil
}

var states = []string{``, `\Seen`, `\Flagged`, `\Answered \Seen`, `$Important`, `$Important \Draft \Flagged`}

// flag changes flags of the newest mails, and expunges some.
func (ld *load) flag(user string, rng *rand.Rand) error {
	c, err := harness.LoginIMAP(ld.p.IMAP, user)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.OK("SELECT INBOX"); err != nil {
		return err
	}
	mails, err := c.Fetch("1:*", true)
	if err != nil {
		return err
	}
	for range 10 {
		if len(mails) == 0 {
			return nil
		}
		i := max(0, len(mails)-1-rng.IntN(50))
		m := mails[i]
		match := idLine.FindSubmatch(m.Body)
		if match == nil {
			return errors.New("a mail without an id")
		}
		id := string(match[1])
		if err := ld.l.see(user, m.UID, id); err != nil {
			panic(err)
		}
		if rng.IntN(20) == 0 {
			told := ld.l.expunge(id)
			_, err := c.OK(`UID STORE %d +FLAGS.SILENT (\Deleted)`, m.UID)
			if err == nil {
				_, err = c.OK("UID EXPUNGE %d", m.UID)
			}
			if told(err); err != nil {
				return err
			}
			mails = append(mails[:i], mails[i+1:]...)
			continue
		}
		flags := states[rng.IntN(len(states))]
		told := ld.l.store(id, flagSet(flags))
		_, err := c.OK("UID STORE %d FLAGS.SILENT (%s)", m.UID, flags)
		if told(err); err != nil {
			return err
		}
	}
	return nil
}
