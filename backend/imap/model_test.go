package imap

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"mailbackend.io/backend/uidset"
)

// modelClient is a client that believes what it is told: it keeps the list of
// messages as the untagged responses imply it. check compares that list with
// what the server says when asked.
type modelClient struct {
	*client
	name                     string
	tags                     int
	condStore, qResync, rev2 bool

	validity string
	msgs     []modelMessage
	recent   int
	// modseq is the highest modseq seen; synced, as of when everything up
	// to it was surely told.
	modseq, synced uint64
}

// modelMessage is a message as a client knows it.
type modelMessage struct {
	uid    uint32 // 0: not told
	flags  []string
	known  bool // flags were told
	modseq uint64
}

// newModelClient logs in and enables what it is to enable.
func newModelClient(ts *testServer, user, name string, enable ...string) *modelClient {
	m := &modelClient{client: ts.login(user), name: name}
	for _, e := range enable {
		m.mustRun("E", "ENABLE "+e)
		m.condStore = m.condStore || e == "CONDSTORE" || e == "QRESYNC"
		m.qResync = m.qResync || e == "QRESYNC"
		m.rev2 = m.rev2 || e == "IMAP4rev2"
	}
	return m
}

// command sends a command and applies what comes. It returns the tagged
// response and the untagged lines.
func (m *modelClient) command(text string) (tagged string, untagged []string) {
	m.t.Helper()
	m.tags++
	untagged, tagged = m.run(m.name+strconv.Itoa(m.tags), text)
	untagged = joinLiterals(untagged)
	m.t.Logf("%s: %s: %q %s", m.name, text, untagged, tagged)
	for _, l := range untagged {
		m.apply(l, text)
	}
	m.code(tagged)
	return tagged, untagged
}

var (
	modelNumber   = regexp.MustCompile(`^\* (\d+) (EXISTS|RECENT|EXPUNGE)$`)
	modelFetch    = regexp.MustCompile(`^\* (\d+) FETCH \((.*)$`)
	modelUID      = regexp.MustCompile(`\bUID (\d+)`)
	modelFlags    = regexp.MustCompile(`\bFLAGS \(([^)]*)\)`)
	modelModSeq   = regexp.MustCompile(`MODSEQ \(?(\d+)`)
	modelGone     = regexp.MustCompile(`^\* VANISHED (\(EARLIER\) )?([\d:,]+)$`)
	modelValidity = regexp.MustCompile(`\[UIDVALIDITY (\d+)\]`)
	modelHighest  = regexp.MustCompile(`\[HIGHESTMODSEQ (\d+)\]`)
)

// joinLiterals puts a literal, which has no line end in these tests, and what
// follows it on the line that announces it.
func joinLiterals(lines []string) []string {
	var out []string
	for i := 0; i < len(lines); i++ {
		l := lines[i]
		for strings.HasSuffix(l, "}") && i+1 < len(lines) {
			i++
			l += lines[i]
		}
		out = append(out, l)
	}
	return out
}

// apply believes an untagged response to command.
func (m *modelClient) apply(line, command string) {
	m.t.Helper()
	m.code(line)
	if f := modelNumber.FindStringSubmatch(line); f != nil {
		n, _ := strconv.Atoi(f[1])
		m.number(n, f[2], command)
		return
	}
	if f := modelGone.FindStringSubmatch(line); f != nil {
		m.vanished(f[1] != "", modelSet(m.t, f[2]), command)
		return
	}
	if f := modelFetch.FindStringSubmatch(line); f != nil {
		n, _ := strconv.Atoi(f[1])
		m.fetched(n, f[2])
	}
}

// code takes UIDVALIDITY and HIGHESTMODSEQ from a response.
func (m *modelClient) code(line string) {
	if f := modelValidity.FindStringSubmatch(line); f != nil {
		m.validity = f[1]
	}
	if f := modelHighest.FindStringSubmatch(line); f != nil {
		n, _ := strconv.ParseUint(f[1], 10, 64)
		m.modseq = max(m.modseq, n)
	}
}

func (m *modelClient) number(n int, what, command string) {
	m.t.Helper()
	switch what {
	case "EXISTS":
		if n < len(m.msgs) {
			m.t.Fatalf("%s: %d EXISTS with %d messages (%s)", m.name, n, len(m.msgs), command)
		}
		m.msgs = append(m.msgs, make([]modelMessage, n-len(m.msgs))...)
	case "RECENT":
		if m.rev2 {
			m.t.Fatalf("%s: RECENT after IMAP4rev2 was enabled", m.name)
		}
		m.recent = n
	case "EXPUNGE":
		m.mayExpunge(command)
		if m.qResync {
			m.t.Fatalf("%s: EXPUNGE after QRESYNC was enabled", m.name)
		}
		if n < 1 || n > len(m.msgs) {
			m.t.Fatalf("%s: %d EXPUNGE with %d messages (%s)", m.name, n, len(m.msgs), command)
		}
		m.msgs = slices.Delete(m.msgs, n-1, n)
	}
}

// mayExpunge fails where no message may go away (RFC 9051 section 7.5.1).
func (m *modelClient) mayExpunge(command string) {
	m.t.Helper()
	for _, c := range []string{"FETCH", "STORE", "SEARCH"} {
		if strings.HasPrefix(command, c) {
			m.t.Fatalf("%s: a message went away during %s", m.name, command)
		}
	}
}

func (m *modelClient) vanished(earlier bool, uids uidset.Set, command string) {
	m.t.Helper()
	if !m.qResync {
		m.t.Fatalf("%s: VANISHED without QRESYNC", m.name)
	}
	if !earlier {
		m.mayExpunge(command)
	}
	for uid := range uids.All() {
		i := slices.IndexFunc(m.msgs, func(msg modelMessage) bool { return msg.uid >= uid })
		switch {
		case i >= 0 && m.msgs[i].uid == uid:
		case earlier:
			continue // not one that the client knows
		case i < 0:
			i = len(m.msgs) - 1
		default:
			i--
		}
		// A UID that isn't known is that of one of the new messages that
		// were not asked about yet, before the next known one; which of
		// them is all the same.
		if i < 0 || m.msgs[i].uid != uid && m.msgs[i].uid != 0 {
			m.t.Fatalf("%s: VANISHED %d, which isn't there", m.name, uid)
		}
		m.msgs = slices.Delete(m.msgs, i, i+1)
	}
}

func (m *modelClient) fetched(n int, items string) {
	m.t.Helper()
	if n < 1 || n > len(m.msgs) {
		m.t.Fatalf("%s: FETCH of message %d of %d: %s", m.name, n, len(m.msgs), items)
	}
	msg := &m.msgs[n-1]
	if f := modelUID.FindStringSubmatch(items); f != nil {
		uid := modelSet(m.t, f[1]).Min()
		if msg.uid != 0 && msg.uid != uid {
			m.t.Fatalf("%s: message %d has UID %d, now %d", m.name, n, msg.uid, uid)
		}
		msg.uid = uid
	}
	if f := modelFlags.FindStringSubmatch(items); f != nil {
		msg.flags, msg.known = strings.Fields(f[1]), true
		if m.rev2 && slices.Contains(msg.flags, `\Recent`) {
			m.t.Fatalf(`%s: \Recent after IMAP4rev2 was enabled`, m.name)
		}
		slices.Sort(msg.flags)
	}
	if f := modelModSeq.FindStringSubmatch(items); f != nil {
		msg.modseq, _ = strconv.ParseUint(f[1], 10, 64)
		m.modseq = max(m.modseq, msg.modseq)
	}
}

// modelSet parses a set of numbers.
func modelSet(t testing.TB, s string) uidset.Set {
	t.Helper()
	var set uidset.Set
	for part := range strings.SplitSeq(s, ",") {
		a, b, found := strings.Cut(part, ":")
		first, err := strconv.ParseUint(a, 10, 32)
		last := first
		if found && err == nil {
			last, err = strconv.ParseUint(b, 10, 32)
		}
		if err != nil {
			t.Fatalf("set %q: %v", s, err)
		}
		set.Add(uint32(first), uint32(last))
	}
	return set
}

// selectInbox starts anew.
func (m *modelClient) selectInbox() {
	m.t.Helper()
	m.msgs, m.modseq = nil, 0
	if tagged, _ := m.command("SELECT INBOX"); !strings.HasPrefix(tagged, "OK") {
		m.t.Fatal(tagged)
	}
	m.learn()
}

// learn asks for what is not known of new messages, until nothing is new.
func (m *modelClient) learn() {
	m.t.Helper()
	for {
		i := slices.IndexFunc(m.msgs, func(msg modelMessage) bool { return msg.uid == 0 || !msg.known })
		if i < 0 {
			return
		}
		items := "UID FLAGS"
		if m.condStore {
			items += " MODSEQ"
		}
		if tagged, _ := m.command(fmt.Sprintf("FETCH %d:* (%s)", i+1, items)); !strings.HasPrefix(tagged, "OK") {
			m.t.Fatalf("%s: learning: %s", m.name, tagged)
		}
	}
}

// store sends a STORE and believes in it where it is silent.
func (m *modelClient) store(uid bool, nums uidset.Set, op, flag string, silent bool) {
	m.t.Helper()
	text := fmt.Sprintf("STORE %s %sFLAGS", nums, op)
	if silent {
		text += ".SILENT"
	}
	text += " (" + flag + ")"
	if uid {
		text = "UID " + text
	}
	// What the client expects is in place before the answers to it come.
	if silent {
		for i := range m.msgs {
			msg := &m.msgs[i]
			if uid && nums.Contains(msg.uid) || !uid && nums.Contains(uint32(i+1)) {
				msg.expect(op, flag)
			}
		}
	}
	m.command(text)
}

// expect changes flags as a STORE will.
func (msg *modelMessage) expect(op, flag string) {
	var keep []string
	for _, f := range msg.flags {
		if f == `\Recent` || op != "" && f != flag {
			keep = append(keep, f)
		}
	}
	if op != "-" && flag != "" {
		keep = append(keep, flag)
	}
	slices.Sort(keep)
	msg.flags = keep
}

// check asks for everything and compares it with what the client believes.
func (m *modelClient) check() {
	m.t.Helper()
	// A modseq counts as reached only after a NOOP that brought nothing new:
	// a FETCH may tell a modseq above that of an expunge which it must not
	// tell.
	for {
		m.learn()
		m.command("NOOP")
		if !slices.ContainsFunc(m.msgs, func(msg modelMessage) bool { return msg.uid == 0 || !msg.known }) {
			break
		}
	}
	m.synced = m.modseq
	told := m.recent
	if recent := m.compare(false); !m.rev2 && recent != told {
		m.t.Fatalf("%s: believes in %d recent messages, has %d", m.name, told, recent)
	}
}

// compare fetches the flags of all messages. What differs from what the client
// believes, or for ignoreRecent what differs besides \Recent, is an error.
func (m *modelClient) compare(ignoreRecent bool) (recent int) {
	m.t.Helper()
	if len(m.msgs) == 0 {
		return 0
	}
	items := "UID FLAGS"
	if m.condStore {
		items += " MODSEQ"
	}
	m.tags++
	believed := len(m.msgs)
	untagged, _ := m.run(m.name+strconv.Itoa(m.tags), "FETCH 1:* ("+items+")")
	m.t.Logf("%s: compare: %q", m.name, untagged)
	if len(untagged) < believed {
		m.t.Fatalf("%s: believes in %d messages: %q", m.name, believed, untagged)
	}
	// The answers come first, and then what has changed since.
	for i, b := range slices.Clone(m.msgs) {
		if !strings.HasPrefix(untagged[i], fmt.Sprintf("* %d FETCH (", i+1)) {
			m.t.Fatalf("%s: message %d: %s", m.name, i+1, untagged[i])
		}
		m.apply(untagged[i], "FETCH")
		is := m.msgs[i]
		if slices.Contains(is.flags, `\Recent`) {
			recent++
		}
		if ignoreRecent {
			b.flags, is.flags = withoutRecent(b.flags), withoutRecent(is.flags)
		}
		if b.uid != is.uid || !slices.Equal(b.flags, is.flags) || m.condStore && b.modseq != is.modseq {
			m.t.Fatalf("%s: message %d: believes %+v, is %+v", m.name, i+1, b, is)
		}
	}
	for _, l := range untagged[believed:] {
		m.apply(l, "FETCH")
	}
	return recent
}

func withoutRecent(flags []string) []string {
	return slices.DeleteFunc(slices.Clone(flags), func(f string) bool { return f == `\Recent` })
}
