package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"mailbackend.io/test/corpus"
	"mailbackend.io/test/harness"
)

// state is what the demo knows must be there.
type state struct {
	sent  [][]byte
	mails map[string]map[uint32]harness.Mail // by mailbox and UID
}

func story(d *demo) {
	s := &state{mails: map[string]map[uint32]harness.Mail{}}
	d.step("Start on an empty store (objects and cache in a temporary directory)", func() string {
		d.start()
		return fmt.Sprintf("IMAP %s, POP3 %s, LMTP %s", d.proc.IMAP, d.proc.POP3, d.proc.LMTP)
	})
	d.step(fmt.Sprintf("Deliver %d mails to alice by LMTP", d.mails), func() string { return deliver(d, s) })
	d.step("Deliver one mail to 20 recipients", func() string { return deliverMany(d) })
	d.step("Log in and open INBOX", func() string { return withIMAP(d, func(c *harness.IMAP) string { return login(d, c) }) })
	d.step("List the mails: FETCH ENVELOPE, FLAGS, BODYSTRUCTURE of all", func() string {
		return withIMAP(d, func(c *harness.IMAP) string { return list(d, c) })
	})
	d.step("Read every mail: FETCH BODY[] of all, compared byte for byte", func() string {
		return withIMAP(d, func(c *harness.IMAP) string { return read(d, c, s) })
	})
	d.step("File: 50 mails moved to Archive, 10 copied to a new folder", func() string {
		return withIMAP(d, func(c *harness.IMAP) string { return file(d, c) })
	})
	d.step("Flag 100 mails as read, then wait for the background upload", func() string { return flag100(d, s) })
	d.step("kill -9, and start again: flags not yet uploaded are in the local cache", func() string { return killWarm(d, s) })
	d.step("kill -9, delete the whole cache, and start another process on the store", func() string { return killCold(d, s) })
	d.step("Every mail, UID and uploaded flag is compared with what was there", func() string { return compare(d, s) })
	d.step("SIGTERM uploads everything; start again with an empty cache", func() string { return term(d, s) })
}

func withIMAP(d *demo, f func(*harness.IMAP) string) string {
	c, err := harness.LoginIMAP(d.proc.IMAP, "alice")
	d.check(err, "login")
	defer c.Close()
	return f(c)
}

func deliver(d *demo, s *state) string {
	c, err := harness.DialLMTP(d.proc.LMTP)
	d.check(err, "LMTP")
	defer c.Close()
	size := 0
	for i := range d.mails {
		mail := corpus.Realistic(1, i)
		errs, err := c.Deliver("sender@example.org", []string{"alice"}, mail)
		d.check(err, "delivery %d", i)
		d.check(errs[0], "delivery %d", i)
		s.sent = append(s.sent, mail)
		size += len(mail)
	}
	return fmt.Sprintf("%d mails, %.1f MB, each answered 250 after its object was stored", len(s.sent), float64(size)/1e6)
}

func deliverMany(d *demo) string {
	c, err := harness.DialLMTP(d.proc.LMTP)
	d.check(err, "LMTP")
	defer c.Close()
	var to []string
	for i := range 20 {
		to = append(to, fmt.Sprintf("user%d", i))
	}
	errs, err := c.Deliver("sender@example.org", to, corpus.Realistic(2, 0))
	d.check(err, "delivery")
	for i, err := range errs {
		d.check(err, "recipient %s", to[i])
	}
	return "20 new users, 20 replies 250; the mail was parsed and compressed once"
}

func login(d *demo, c *harness.IMAP) string {
	un, err := c.OK("SELECT INBOX")
	d.check(err, "SELECT")
	var exists string
	for _, r := range un {
		if strings.HasSuffix(r.Text, " EXISTS") {
			exists = r.Text
		}
	}
	return exists
}

func list(d *demo, c *harness.IMAP) string {
	_, err := c.OK("SELECT INBOX")
	d.check(err, "SELECT")
	un, err := c.OK("FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)")
	d.check(err, "FETCH")
	n := 0
	for _, r := range un {
		if strings.Contains(r.Text, " ENVELOPE (") && strings.Contains(r.Text, " BODYSTRUCTURE (") {
			n++
		}
	}
	if n != d.mails {
		d.Fatalf("%d envelopes of %d mails", n, d.mails)
	}
	return fmt.Sprintf("%d envelopes and structures, from the index alone", n)
}

func read(d *demo, c *harness.IMAP, s *state) string {
	_, err := c.OK("SELECT INBOX")
	d.check(err, "SELECT")
	mails, err := c.Fetch("1:*", true)
	d.check(err, "FETCH BODY[]")
	if len(mails) != len(s.sent) {
		d.Fatalf("%d mails came back of %d", len(mails), len(s.sent))
	}
	for i, m := range mails {
		if !bytes.HasSuffix(m.Body, s.sent[i]) {
			d.Fatalf("mail %d (UID %d) differs from what was delivered", i, m.UID)
		}
	}
	return fmt.Sprintf("%d mails, each identical to what was sent behind its trace lines", len(mails))
}

func file(d *demo, c *harness.IMAP) string {
	_, err := c.OK("SELECT INBOX")
	d.check(err, "SELECT")
	_, err = c.OK("MOVE 1:50 Archive")
	d.check(err, "MOVE")
	_, err = c.OK("CREATE Projects/Demo")
	d.check(err, "CREATE")
	_, err = c.OK("COPY 1:10 Projects/Demo")
	d.check(err, "COPY")
	return "INBOX, Archive and Projects/Demo are as a mail client left them"
}

func flag100(d *demo, s *state) string {
	withIMAP(d, func(c *harness.IMAP) string {
		_, err := c.OK("SELECT INBOX")
		d.check(err, "SELECT")
		_, err = c.OK(`STORE 1:100 +FLAGS.SILENT (\Seen $Important)`)
		d.check(err, "STORE")
		return ""
	})
	waitClean(d)
	s.mails = snapshot(d)
	return fmt.Sprintf("uploaded by the background after at most %v (5 minutes by default)", uploadInterval)
}

// snapshot reads UID, flags and bytes of every mail of every folder.
func snapshot(d *demo) map[string]map[uint32]harness.Mail {
	all := map[string]map[uint32]harness.Mail{}
	withIMAP(d, func(c *harness.IMAP) string {
		for _, box := range []string{"INBOX", "Archive", "Projects/Demo"} {
			_, err := c.OK("EXAMINE %s", harness.Quote(box))
			d.check(err, "EXAMINE %s", box)
			mails, err := c.Fetch("1:*", true)
			d.check(err, "FETCH in %s", box)
			all[box] = map[uint32]harness.Mail{}
			for _, m := range mails {
				m.Flags = flagSet(m.Flags)
				all[box][m.UID] = m
			}
		}
		return ""
	})
	return all
}

// flagSet is flags in one order, without \Recent, which belongs to sessions.
func flagSet(flags string) string {
	f := slices.DeleteFunc(strings.Fields(flags), func(s string) bool { return s == `\Recent` })
	slices.Sort(f)
	return strings.Join(f, " ")
}

func killWarm(d *demo, s *state) string {
	withIMAP(d, func(c *harness.IMAP) string {
		_, err := c.OK("SELECT INBOX")
		d.check(err, "SELECT")
		_, err = c.OK(`STORE 101:110 +FLAGS.SILENT (\Flagged)`)
		d.check(err, "STORE")
		return ""
	})
	s.mails = snapshot(d)
	d.proc.Kill()
	d.start()
	return compare(d, s)
}

func killCold(d *demo, s *state) string {
	waitClean(d) // the flags of the step before
	s.mails = snapshot(d)
	d.proc.Kill()
	d.check(os.RemoveAll(filepath.Join(d.dir, "cache")), "remove the cache")
	d.start()
	return "no cache is left; only the objects"
}

// waitClean waits until the background has uploaded what is dirty: no commit
// for two intervals.
func waitClean(d *demo) {
	last, since := -1, time.Now()
	for deadline := time.Now().Add(20 * uploadInterval); time.Since(since) < 2*uploadInterval; time.Sleep(50 * time.Millisecond) {
		if n := d.proc.Requests()["PUT-if-match"]; n != last {
			last, since = n, time.Now()
		}
		if time.Now().After(deadline) {
			d.Fatalf("uploads don't settle")
		}
	}
}

func compare(d *demo, s *state) string {
	now := snapshot(d)
	n := 0
	for box, want := range s.mails {
		if len(now[box]) != len(want) {
			d.Fatalf("%s: %d mails instead of %d", box, len(now[box]), len(want))
		}
		for uid, w := range want {
			m, ok := now[box][uid]
			if !ok || !bytes.Equal(m.Body, w.Body) || m.Flags != w.Flags {
				d.Fatalf("%s UID %d: there %v, flags %q instead of %q, %d bytes instead of %d", box, uid, ok, m.Flags, w.Flags, len(m.Body), len(w.Body))
			}
			n++
		}
	}
	return fmt.Sprintf("%d mails in 3 folders: same UIDs, same flags, same bytes", n)
}

func term(d *demo, s *state) string {
	withIMAP(d, func(c *harness.IMAP) string {
		_, err := c.OK("SELECT INBOX")
		d.check(err, "SELECT")
		_, err = c.OK(`STORE 111:120 +FLAGS.SILENT (\Answered)`)
		d.check(err, "STORE")
		return ""
	})
	s.mails = snapshot(d)
	d.proc.Stop()
	d.check(os.RemoveAll(filepath.Join(d.dir, "cache")), "remove the cache")
	d.start()
	return compare(d, s)
}
