package imap

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"mailbackend.io/backend/uidset"
)

// picker chooses; rapid's in one test, a seeded generator's in another.
type picker func(n int) int

// step lets a client do something at random.
func (m *modelClient) step(pick picker) {
	m.t.Helper()
	m.learn()
	nums, uids := m.some(pick)
	flag := []string{`\Seen`, `\Deleted`, `\Flagged`, "$Work", "Later"}[pick(5)]
	op := []string{"+", "+", "-", ""}[pick(4)]
	switch pick(16) {
	case 0, 1:
		body := strings.Repeat("x", pick(20))
		m.command(fmt.Sprintf("APPEND INBOX (%s) {%d+}\r\n%s", flag, len(body), body))
	case 2, 3, 4:
		if !nums.Empty() {
			m.store(false, nums, op, flag, pick(2) == 0)
		}
	case 5, 6:
		if !uids.Empty() {
			m.store(true, uids, op, flag, pick(2) == 0)
		}
	case 7:
		m.command("EXPUNGE")
	case 8:
		if !uids.Empty() {
			m.command("UID EXPUNGE " + uids.String())
		}
	case 9:
		if !nums.Empty() {
			m.command("COPY " + nums.String() + " INBOX")
		}
	case 10:
		if !nums.Empty() {
			m.command("MOVE " + nums.String() + " INBOX")
		}
	case 11:
		if !nums.Empty() {
			m.command("FETCH " + nums.String() + " (FLAGS BODY[])")
		}
	case 12:
		if !uids.Empty() {
			m.command("UID FETCH " + uids.String() + " (FLAGS)")
		}
	case 13:
		m.command("STATUS Sent (MESSAGES)")
	case 14:
		m.idle()
	case 15:
		m.comeBack()
	}
}

// some are some of the messages, by number and by UID.
func (m *modelClient) some(pick picker) (nums, uids uidset.Set) {
	for range pick(4) {
		if len(m.msgs) == 0 {
			break
		}
		i := pick(len(m.msgs))
		nums.Add(uint32(i+1), uint32(i+1))
		uids.Add(m.msgs[i].uid, m.msgs[i].uid)
	}
	return nums, uids
}

// idle is IDLE and DONE, taking what comes.
func (m *modelClient) idle() {
	m.tags++
	tag := fmt.Sprintf("%s%d", m.name, m.tags)
	m.send(tag + " IDLE\r\n")
	for {
		l, ok := m.line()
		if !ok {
			m.t.Fatal("closed in IDLE")
		}
		if strings.HasPrefix(l, "+") {
			break
		}
		m.apply(l, "IDLE")
	}
	m.send("DONE\r\n")
	untagged, _ := m.until(tag)
	m.t.Logf("%s: idle: %q", m.name, untagged)
	for _, l := range untagged {
		m.apply(l, "IDLE")
	}
}

// comeBack leaves the mailbox and selects it again, with what QRESYNC spares.
func (m *modelClient) comeBack() {
	m.t.Helper()
	m.check()
	if !m.qResync {
		m.command("UNSELECT")
		m.selectInbox()
		return
	}
	m.command("UNSELECT")
	m.resync(slices.DeleteFunc(slices.Clone(m.msgs), func(msg modelMessage) bool { return msg.uid == 0 || !msg.known }))
}

// resync selects the mailbox with QRESYNC and what is known of it.
func (m *modelClient) resync(known []modelMessage) {
	m.t.Helper()
	m.tags++
	tag := fmt.Sprintf("%s%d", m.name, m.tags)
	text := fmt.Sprintf("SELECT INBOX (QRESYNC (%s %d))", m.validity, max(m.synced, 1))
	untagged, tagged := m.run(tag, text)
	m.t.Logf("%s: %s: %q", m.name, text, untagged)
	if !strings.HasPrefix(tagged, "OK") {
		m.t.Fatal(tagged)
	}
	// First what vanished, then how many there are: the numbers of the
	// cached messages are those that they have now.
	m.msgs, m.recent = known, 0
	exists := 0
	var fetches []string
	for _, l := range untagged {
		m.code(l)
		if f := modelNumber.FindStringSubmatch(l); f != nil {
			n := int(modelSet(m.t, "1:"+max(f[1], "1")).Len())
			if f[1] == "0" {
				n = 0
			}
			if f[2] == "EXISTS" {
				exists = n
			} else {
				m.recent = n
			}
		} else if modelFetch.MatchString(l) {
			fetches = append(fetches, l)
		} else {
			m.apply(l, "SELECT")
		}
	}
	m.number(exists, "EXISTS", "SELECT")
	for _, l := range fetches {
		m.apply(l, "SELECT")
	}
	for i, msg := range m.msgs {
		if msg.uid == 0 || !msg.known {
			m.t.Fatalf("%s: message %d is not known after QRESYNC", m.name, i+1)
		}
	}
	m.compare(true) // \Recent is not part of what is resynchronised
}

// modelClients are sessions of the kinds that there are.
func modelClients(ts *testServer, user string) []*modelClient {
	return []*modelClient{
		newModelClient(ts, user, "a"),
		newModelClient(ts, user, "b", "CONDSTORE"),
		newModelClient(ts, user, "c", "QRESYNC"),
		newModelClient(ts, user, "d", "IMAP4rev2", "QRESYNC"),
	}
}

// testServers are the stores that the models run on.
var testServers = map[string]func(testing.TB, Config) *testServer{"fake": newTestServer, "mailstore": newRealServer}

// TestSessionsModel: several sessions on one mailbox do things one after the
// other; each one's idea of the mailbox stays right.
func TestSessionsModel(t *testing.T) {
	for name, serve := range testServers {
		t.Run(name, func(t *testing.T) {
			ts := serve(t, Config{AllowPlaintextAuth: true})
			users := 0
			rapid.Check(t, func(rt *rapid.T) {
				users++
				clients := modelClients(ts, fmt.Sprintf("user%d", users))
				for _, c := range clients {
					c.t = rapidTB{t, rt}
					c.selectInbox()
				}
				pick := func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "n") }
				for range rapid.IntRange(1, 40).Draw(rt, "steps") {
					clients[pick(len(clients))].step(pick)
				}
				for _, c := range clients {
					c.check()
					c.conn.Close()
				}
			})
		})
	}
}

// rapidTB fails a rapid test but cleans up with the whole test.
type rapidTB struct {
	testing.TB
	rt *rapid.T
}

// Logf implements testing.TB.
func (r rapidTB) Logf(format string, args ...any) { r.rt.Logf(format, args...) }

// Fatal implements testing.TB.
func (r rapidTB) Fatal(args ...any) { r.rt.Fatal(args...) }

// Fatalf implements testing.TB.
func (r rapidTB) Fatalf(format string, args ...any) { r.rt.Fatalf(format, args...) }

// TestSessionsRace is the same with all sessions at once.
func TestSessionsRace(t *testing.T) {
	for name, serve := range testServers {
		t.Run(name, func(t *testing.T) {
			ts := serve(t, Config{AllowPlaintextAuth: true})
			clients := modelClients(ts, "alice")
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			var wg sync.WaitGroup
			for i, c := range clients {
				c.selectInbox()
				rng := rand.New(rand.NewPCG(seed, uint64(i)))
				wg.Go(func() {
					for range 60 {
						c.step(rng.IntN)
					}
				})
			}
			wg.Wait()
			for _, c := range clients {
				c.check()
			}
		})
	}
}
