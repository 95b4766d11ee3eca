package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// measurement produces figures of a running target. needed ones run whatever
// is selected, because later ones stand on them.
type measurement struct {
	name             string
	needed, oursOnly bool
	run              func(*target) ([]result, error)
}

var measurements = []measurement{
	{name: "deliveries", run: deliveries},
	{name: "fill", needed: true, run: fill},
	{name: "fetch", run: fetches},
	{name: "login", run: logins},
	{name: "select", run: selects},
	{name: "large mailboxes", oursOnly: true, run: largeSelects},
	{name: "idle connections", run: idleConnections},
	{name: "loaded users", oursOnly: true, run: loadedUsers},
}

func deliveries(t *target) ([]result, error) {
	var rs []result
	for _, sessions := range []int{1, 8, 32} {
		// Users exist before the clock runs.
		user := func(i int) string { return fmt.Sprintf("d%d", i%100) }
		if _, err := deliver(t.lmtp, 8, 100, user); err != nil {
			return nil, err
		}
		took, err := deliver(t.lmtp, sessions, *perRun, user)
		if err != nil {
			return nil, err
		}
		rs = append(rs, result{fmt.Sprintf("LMTP deliveries, 5 KB, 100 users, %d sessions", sessions), float64(*perRun) / took.Seconds(), "mails/s", false})
	}
	return rs, nil
}

func fill(t *target) ([]result, error) {
	_, err := deliver(t.lmtp, 32, *mails, func(int) string { return "big" })
	return nil, err
}

func fetches(t *target) ([]result, error) {
	c, err := login(t.imap, "big", false)
	if err != nil {
		return nil, err
	}
	defer c.close()
	if _, err := c.do("SELECT INBOX"); err != nil {
		return nil, err
	}
	var rs []result
	timed := func(name, cmd string, unit func(bytes int, took time.Duration) (float64, string, bool)) error {
		begin := time.Now()
		n, err := c.do("%s", cmd)
		v, u, lower := unit(n, time.Since(begin))
		rs = append(rs, result{name, v, u, lower})
		return err
	}
	perSecond := func(_ int, took time.Duration) (float64, string, bool) {
		return float64(*mails) / took.Seconds(), "messages/s", false
	}
	megabytes := func(n int, took time.Duration) (float64, string, bool) {
		return float64(n) / 1e6 / took.Seconds(), "MB/s", false
	}
	millis := func(_ int, took time.Duration) (float64, string, bool) {
		return float64(took.Microseconds()) / 1e3, "ms", true
	}
	size := strconv.Itoa(*mails)
	for _, m := range []struct {
		name, cmd string
		unit      func(int, time.Duration) (float64, string, bool)
	}{
		{"FETCH ENVELOPE of " + size + ", first", "FETCH 1:* ENVELOPE", perSecond},
		{"FETCH ENVELOPE of " + size + ", again", "FETCH 1:* ENVELOPE", perSecond},
		{"FETCH BODYSTRUCTURE of " + size, "FETCH 1:* BODYSTRUCTURE", perSecond},
		{"FETCH header fields of " + size, "FETCH 1:* BODY.PEEK[HEADER.FIELDS (From To Subject Date Message-ID)]", perSecond},
		{"FETCH FLAGS of " + size, "FETCH 1:* FLAGS", millis},
		{"STORE 1:* +FLAGS of " + size, `STORE 1:* +FLAGS.SILENT (\Seen)`, millis},
		{"FETCH BODY.PEEK[] of " + size + ", first", "FETCH 1:* BODY.PEEK[]", megabytes},
		{"FETCH BODY.PEEK[] of " + size + ", again", "FETCH 1:* BODY.PEEK[]", megabytes},
		{"SEARCH SUBJECT in " + size, `SEARCH SUBJECT "number 63"`, millis},
	} {
		if err := timed(m.name, m.cmd, m.unit); err != nil {
			return nil, err
		}
	}
	return rs, nil
}

func logins(t *target) ([]result, error) {
	var rs []result
	for _, workers := range []int{1, 16} {
		var done atomic.Int64
		var wg sync.WaitGroup
		errs := make(chan error, workers)
		begin := time.Now()
		for w := range workers {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for time.Since(begin) < 4*time.Second {
					if err := session(t, fmt.Sprintf("d%d", w)); err != nil {
						errs <- err
						return
					}
					done.Add(1)
				}
			}()
		}
		wg.Wait()
		took := time.Since(begin)
		close(errs)
		if err := <-errs; err != nil {
			return nil, err
		}
		rs = append(rs, result{fmt.Sprintf("login, SELECT, LOGOUT, %d workers", workers), float64(done.Load()) / took.Seconds(), "sessions/s", false})
	}
	return rs, nil
}

func session(t *target, user string) error {
	c, err := login(t.imap, user, false)
	if err != nil {
		return err
	}
	defer c.close()
	if _, err := c.do("SELECT INBOX"); err != nil {
		return err
	}
	_, err = c.do("LOGOUT")
	return err
}

// selects times login and SELECT of the large mailbox: after a restart with an empty
// cache, after one with the cache kept, and loaded.
func selects(t *target) ([]result, error) {
	return selectTimes(t, "big", *mails)
}

func selectTimes(t *target, user string, n int) ([]result, error) {
	var rs []result
	for _, state := range []string{"cold", "warm", "loaded"} {
		if state != "loaded" {
			if err := t.restart(state == "cold"); err != nil {
				return nil, err
			}
		}
		begin := time.Now()
		c, err := login(t.imap, user, false)
		if err != nil {
			return nil, err
		}
		_, err = c.do("SELECT INBOX")
		took := time.Since(begin)
		c.close()
		if err != nil {
			return nil, err
		}
		rs = append(rs, result{fmt.Sprintf("login and SELECT of %d, %s", n, state), float64(took.Microseconds()) / 1e3, "ms", true})
	}
	return rs, nil
}

// idleCount connections idle at a time.
const idleCount = 1000

func idleConnections(t *target) ([]result, error) {
	var rs []result
	for _, secure := range []bool{false, true} {
		addr, name := t.imap, "plain"
		if secure {
			addr, name = t.imapTLS, "TLS"
		}
		if addr == "" {
			continue
		}
		before, err := memory(t)
		if err != nil {
			return nil, err
		}
		n := idleCount
		if t.name != "mailbackend" {
			n = 100 // a process each
		}
		var conns []*client
		for i := range n {
			c, err := login(addr, fmt.Sprintf("d%d", i%100), secure)
			if err != nil {
				return nil, err
			}
			c.buf = nil
			conns = append(conns, c)
			if err := c.idle(); err != nil {
				return nil, err
			}
		}
		// The garbage of the logins is not the connections' memory.
		time.Sleep(3 * time.Second)
		after, err := memory(t)
		for _, c := range conns {
			c.close()
		}
		if err != nil {
			return nil, err
		}
		rs = append(rs, result{"memory per idle connection, " + name + ", in IDLE", float64(after-before) / float64(n) / 1024, "KiB", true})
	}
	return rs, nil
}

// idle selects INBOX and waits in IDLE.
func (c *client) idle() error {
	c.buf = make([]byte, 16<<10)
	if _, err := c.do("SELECT INBOX"); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(c.conn, "idle IDLE\r\n"); err != nil {
		return err
	}
	_, err := c.conn.Read(c.buf) // "+ idling"
	c.buf = nil
	return err
}

// loadedUsers measures what a user with ten mails in INBOX costs whose sessions
// have ended a moment ago.
func loadedUsers(t *target) ([]result, error) {
	const n = 1000
	if err := t.restart(false); err != nil {
		return nil, err
	}
	before, err := memory(t)
	if err != nil {
		return nil, err
	}
	user := func(i int) string { return fmt.Sprintf("loaded%d", i%n) }
	if _, err := deliver(t.lmtp, 16, 10*n, user); err != nil {
		return nil, err
	}
	for i := range n {
		if err := session(t, user(i)); err != nil {
			return nil, err
		}
	}
	time.Sleep(3 * time.Second)
	after, err := memory(t)
	if err != nil {
		return nil, err
	}
	return []result{{"memory per loaded user with 10 mails", float64(after-before) / n / 1024, "KiB", true}}, nil
}

// memory is the proportional set size of the target's processes in bytes.
func memory(t *target) (int64, error) {
	pids, err := t.pids()
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, pid := range pids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if os.IsNotExist(err) {
			continue // it ended meanwhile
		}
		if err != nil {
			return 0, err
		}
		for line := range strings.Lines(string(b)) {
			if f := strings.Fields(line); len(f) == 3 && f[0] == "Pss:" {
				kb, err := strconv.ParseInt(f[1], 10, 64)
				if err != nil {
					return 0, err
				}
				sum += kb << 10
			}
		}
	}
	return sum, nil
}
