package interop

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"mailbackend.io/test/corpus"
	"mailbackend.io/test/harness"
)

func TestCurl(t *testing.T) {
	t.Parallel()
	curl := tool(t, "curl", "curl")
	p := harness.Start(t, harness.Options{})
	deliver(t, p, "curl", 3)
	home := t.TempDir()
	url := "imap://" + p.IMAP
	get := func(args ...string) string {
		return run(t, home, "", curl, append([]string{"-sS", "--max-time", "60", "--user", "curl:dev"}, args...)...)
	}
	if out := get(url); !strings.Contains(out, "INBOX") || !strings.Contains(out, `\Sent`) {
		t.Errorf("LIST:\n%s", out)
	}
	want := fetch(t, p, "curl", "INBOX")
	if out := get(url + "/INBOX;UID=" + fmt.Sprint(want[1].UID)); out != string(want[1].Body) {
		t.Errorf("a mail by UID has %d bytes, want %d", len(out), len(want[1].Body))
	}
	if out := get(url+"/INBOX", "-X", "SEARCH ALL"); strings.TrimSpace(out) != "* SEARCH 1 2 3" {
		t.Errorf("SEARCH: %q", out)
	}
	mail := filepath.Join(home, "mail")
	write(t, mail, string(corpus.Realistic(9, 1)))
	get("-T", mail, url+"/Archive")
	if got := fetch(t, p, "curl", "Archive"); len(got) != 1 || !bytes.Equal(got[0].Body, corpus.Realistic(9, 1)) {
		t.Errorf("the uploaded mail did not come back as it was")
	}
	// LMTP is SMTP with LHLO, which curl can't; POP3 it can.
	if out := get("pop3://" + p.POP3); !strings.Contains(out, "3 ") {
		t.Errorf("POP3 LIST: %q", out)
	}
}

const imaplib = `
import imaplib, sys, email, email.policy, time
host, port = sys.argv[1].split(":")
m = imaplib.IMAP4(host, int(port))
assert "IMAP4REV1" in m.capabilities, m.capabilities
assert m.login("py", "dev")[0] == "OK"
assert m.enable("CONDSTORE")[0] == "OK"
typ, data = m.select("INBOX"); assert (typ, data) == ("OK", [b"20"]), data
typ, data = m.search(None, "ALL"); assert len(data[0].split()) == 20, data
typ, data = m.fetch("1:*", "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER])")
assert typ == "OK" and sum(isinstance(d, tuple) for d in data) == 20
for n in range(1, 21):
    typ, data = m.fetch(str(n), "(RFC822)")
    msg = email.message_from_bytes(data[0][1], policy=email.policy.default)
    assert msg["Subject"] is not None and msg["Delivered-To"] == "py"
typ, data = m.store("1:5", "+FLAGS", r"(\Seen $Work)"); assert typ == "OK" and len(data) == 5, data
typ, data = m.search(None, "KEYWORD", "$Work"); assert data[0].split() == [b"1", b"2", b"3", b"4", b"5"], data
assert m.create("Box")[0] == "OK"
assert m.create('"Entw&APw-rfe"')[0] == "OK"
typ, data = m.list(); names = b"\n".join(data); assert b"Box" in names and b"Entw&APw-rfe" in names, data
typ, data = m.copy("1:3", "Box"); assert typ == "OK", data
typ, data = m.append("Box", r"(\Flagged)", imaplib.Time2Internaldate(time.time()), b"Subject: appended\r\n\r\nbody\r\n"); assert typ == "OK"
typ, data = m.status("Box", "(MESSAGES UNSEEN UIDNEXT UIDVALIDITY)"); assert b"MESSAGES 4" in data[0] and b"UNSEEN 1" in data[0], data
assert m.rename("Box", "Box2")[0] == "OK"
assert m.subscribe("Box2")[0] == "OK"
typ, data = m.lsub(); assert any(b"Box2" in d for d in data), data
m.store("1:2", "+FLAGS", r"(\Deleted)")
typ, data = m.expunge(); assert data in ([b"1", b"1"], [b"2", b"1"]), data
assert m.noop()[0] == "OK"
assert m.close()[0] == "OK"
typ, data = m.select("Box2", readonly=True); assert data == [b"4"], data
assert m.unselect()[0] == "OK"
assert m.delete("Box2")[0] == "OK"
assert m.logout()[0] == "BYE"
print("imaplib is content")
`

const poplib = `
import poplib, sys
host, port = sys.argv[1].split(":")
p = poplib.POP3(host, int(port), timeout=60)
p.user("py"); p.pass_("dev")
n, size = p.stat(); assert n == 18, n
uidl = p.uidl()[1]; assert len(set(u.split()[1] for u in uidl)) == 18
resp, lines, octets = p.retr(1); assert any(l.startswith(b"Subject:") for l in lines)
resp, lines, octets = p.top(2, 1); assert lines
p.dele(1); p.rset(); assert p.stat()[0] == 18
p.dele(1); p.quit()
p = poplib.POP3(host, int(port), timeout=60); p.user("py"); p.pass_("dev")
assert p.stat()[0] == 17 and p.uidl()[1][0].split()[1] == uidl[1].split()[1]
p.quit()
print("poplib is content")
`

func TestPython(t *testing.T) {
	t.Parallel()
	python := tool(t, "python3", "python3")
	p := harness.Start(t, harness.Options{})
	deliver(t, p, "py", 20)
	home := t.TempDir()
	for _, c := range []struct{ script, addr string }{{imaplib, p.IMAP}, {poplib, p.POP3}} {
		write(t, filepath.Join(home, "client.py"), c.script)
		if out := run(t, home, "", python, "client.py", c.addr); !strings.Contains(out, "is content") {
			t.Errorf("%s", out)
		}
	}
}

func TestMutt(t *testing.T) {
	t.Parallel()
	mutt, script := tool(t, "mutt", "mutt"), tool(t, "script", "bsdutils")
	p := harness.Start(t, harness.Options{})
	deliver(t, p, "mutt", 5)
	home := t.TempDir()
	write(t, filepath.Join(home, ".muttrc"), fmt.Sprintf(`
set folder="imap://mutt@%s/"
set spoolfile="+INBOX"
set imap_user=mutt imap_pass=dev
set ssl_starttls=no ssl_force_tls=no
set confirmappend=no confirmcreate=no delete=yes mark_old=no
set move=no quit=yes wait_key=no
set header_cache=%s/hcache
# Tag all, copy them to a new folder, flag the first, delete the last, sync, quit.
push "<tag-pattern>~A<enter><tag-prefix><copy-message>=Copied<enter><first-entry><flag-message><last-entry><untag-pattern>~A<enter><delete-message><sync-mailbox><quit>"
`, p.IMAP, home))
	// mutt needs a terminal, which script gives it.
	run(t, home, "", script, "-qec", mutt+" -F "+filepath.Join(home, ".muttrc"), "/dev/null")
	if got := fetch(t, p, "mutt", "Copied"); len(got) != 5 {
		t.Errorf("%d mails copied of 5", len(got))
	}
	got := fetch(t, p, "mutt", "INBOX")
	if len(got) != 4 || !strings.Contains(got[0].Flags, `\Flagged`) {
		t.Errorf("INBOX: %d mails of 4, first has flags %q", len(got), got[0].Flags)
	}
}

func TestSMTPSource(t *testing.T) {
	t.Parallel()
	source := tool(t, "smtp-source", "postfix")
	p := harness.Start(t, harness.Options{})
	run(t, t.TempDir(), "", source, "-L", "-c", "-s", "8", "-m", "400", "-l", "5000", "-N", "-f", "a@example.org", "-t", "load", p.LMTP)
	// -N numbers the recipients: 1load, 2load, …; each has one mail.
	total := 0
	for i := range 400 {
		user := fmt.Sprintf("%dload", i+1)
		if i%40 != 0 {
			continue
		}
		total += len(fetch(t, p, user, "INBOX"))
	}
	if total != 10 {
		t.Errorf("%d of 10 sampled mails arrived", total)
	}
}

func TestSwaks(t *testing.T) {
	t.Parallel()
	swaks := tool(t, "swaks", "swaks")
	p := harness.Start(t, harness.Options{})
	out := run(t, t.TempDir(), "", swaks, "--protocol", "LMTP", "--server", p.LMTP, "--from", "a@example.org", "--to", "sw1,sw2+detail@example.org",
		"--header", "Subject: swaks", "--body", "hello", "--attach-type", "text/plain", "--attach", "@/etc/hostname", "--pipeline")
	if got := fetch(t, p, "sw1", "INBOX"); len(got) != 1 || !bytes.Contains(got[0].Body, []byte("Subject: swaks")) {
		t.Errorf("sw1: %d mails\n%s", len(got), out)
	}
	if got := fetch(t, p, "sw2@example.org", "INBOX"); len(got) != 1 || !bytes.Contains(got[0].Body, []byte("Delivered-To: sw2+detail@example.org")) {
		t.Errorf("sw2+detail: %d mails\n%s", len(got), out)
	}
}
