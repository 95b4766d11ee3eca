package cache_test

import (
	"bytes"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mailbackend.io/backend/cache"
	"mailbackend.io/backend/cache/memfs"
)

// model is what the cache promises, without saying what it keeps.
type model struct {
	*env
	rt    *rapid.T
	puts  map[fileKey][]byte     // what was put last: a Get returns it or misses
	firm  map[fileKey]bool       // records of a user protected since the Put: never a miss
	logs  map[[2]string]*logCopy // by user and mailbox
	metas map[string][]byte
	pins  map[string]int
	dirty map[string]bool
}

type fileKey struct {
	user, mailbox, name string
	kind                cache.Kind
}

type logCopy struct {
	entries   []string
	rotations []rotation
}

type rotation struct {
	number uint64
	before int // entries before it
}

const modelBudget = 20_000

func (m *model) user() string {
	return rapid.SampledFrom([]string{"alice", "bob", "carol"}).Draw(m.rt, "user")
}
func (m *model) mailbox() string {
	return rapid.SampledFrom([]string{"inbox", "sent"}).Draw(m.rt, "mailbox")
}
func (m *model) key() fileKey {
	return fileKey{m.user(), m.mailbox(), rapid.SampledFrom([]string{"1", "2", "3"}).Draw(m.rt, "name"),
		rapid.SampledFrom([]cache.Kind{cache.Body, cache.Summary, cache.Records}).Draw(m.rt, "kind")}
}

func (m *model) protected(user string) bool {
	if m.pins[user] > 0 || m.dirty[user] {
		return true
	}
	for key, l := range m.logs {
		if key[0] == user && len(l.entries) > 0 {
			return true
		}
	}
	return false
}

// refresh forgets the promises to users who are no longer protected.
func (m *model) refresh() {
	for key := range m.firm {
		if !m.protected(key.user) {
			delete(m.firm, key)
		}
	}
}

func (m *model) put(*rapid.T) {
	key := m.key()
	data := bytes.Repeat([]byte{byte('a' + len(m.puts)%26)}, rapid.IntRange(0, modelBudget/4).Draw(m.rt, "size"))
	switch err := m.User(key.user).Put(key.mailbox, key.name, key.kind, data); {
	case err == nil:
		m.puts[key] = data
		if key.kind == cache.Records && m.protected(key.user) {
			m.firm[key] = true
		}
	case errors.Is(err, cache.ErrFull) || errors.Is(err, syscall.EIO) || errors.Is(err, syscall.ENOSPC):
	default:
		m.rt.Fatal(err)
	}
}

func (m *model) get(*rapid.T) {
	key := m.key()
	want, ok := m.puts[key]
	got, err := m.User(key.user).Get(key.mailbox, key.name, key.kind)
	switch {
	case errors.Is(err, cache.ErrMiss):
		if m.firm[key] {
			m.rt.Fatalf("%v is gone though its user was protected all the time", key)
		}
	case err != nil:
		m.rt.Fatal(err)
	case !ok || !bytes.Equal(got, want):
		m.rt.Fatalf("%v: %d bytes of %q, put were %d", key, len(got), got[:min(1, len(got))], len(want))
	}
}

func (m *model) remove(*rapid.T) {
	key := m.key()
	must(m.t, m.User(key.user).Remove(key.mailbox, key.name, key.kind))
	delete(m.puts, key)
	delete(m.firm, key)
}

func (m *model) removeMailbox(*rapid.T) {
	user, mailbox := m.user(), m.mailbox()
	must(m.rt, m.User(user).RemoveMailbox(mailbox))
	for key := range m.puts {
		if key.user == user && key.mailbox == mailbox {
			delete(m.puts, key)
			delete(m.firm, key)
		}
	}
	delete(m.logs, [2]string{user, mailbox})
	m.refresh()
}

func (m *model) log(user, mailbox string) (*cache.Log, *logCopy) {
	l, err := m.User(user).Log(mailbox)
	must(m.t, err)
	key := [2]string{user, mailbox}
	if m.logs[key] == nil {
		m.logs[key] = &logCopy{}
	}
	return l, m.logs[key]
}

func (m *model) append(*rapid.T) {
	user := m.user()
	l, copied := m.log(user, m.mailbox())
	entry := fmt.Sprint(len(copied.entries), rapid.StringN(0, 50, 200).Draw(m.rt, "entry"))
	switch err := l.Append([]byte(entry)); {
	case err == nil:
		copied.entries = append(copied.entries, entry)
	case errors.Is(err, cache.ErrFull) && !m.protected(user):
	case errors.Is(err, syscall.EIO) || errors.Is(err, syscall.ENOSPC):
	default:
		m.rt.Fatal(err)
	}
}

func (m *model) rotate(*rapid.T) {
	l, copied := m.log(m.user(), m.mailbox())
	n, err := l.Rotate()
	must(m.t, err)
	copied.rotations = append(copied.rotations, rotation{n, len(copied.entries)})
}

func (m *model) dropBefore(*rapid.T) {
	l, copied := m.log(m.user(), m.mailbox())
	if len(copied.rotations) == 0 {
		return
	}
	r := rapid.SampledFrom(copied.rotations).Draw(m.rt, "rotation")
	must(m.t, l.DropBefore(r.number))
	copied.entries = copied.entries[r.before:]
	var later []rotation
	for _, other := range copied.rotations {
		if other.number > r.number {
			later = append(later, rotation{other.number, other.before - r.before})
		}
	}
	copied.rotations = later
	m.refresh()
}

func (m *model) setMeta(*rapid.T) {
	user := m.user()
	data := []byte(rapid.String().Draw(m.rt, "meta"))
	if err := m.User(user).SetMeta(data); err == nil {
		m.metas[user] = data
	} else if !errors.Is(err, syscall.EIO) && !errors.Is(err, syscall.ENOSPC) && !(errors.Is(err, cache.ErrFull) && !m.protected(user)) {
		m.rt.Fatal(err)
	}
}

func (m *model) pin(*rapid.T) {
	user := m.user()
	m.User(user).Pin()
	m.pins[user]++
}

func (m *model) unpin(*rapid.T) {
	user := m.user()
	m.User(user).Unpin()
	m.pins[user] = max(0, m.pins[user]-1)
	m.refresh()
}

func (m *model) setDirty(*rapid.T) {
	user := m.user()
	m.dirty[user] = rapid.Bool().Draw(m.rt, "dirty")
	m.User(user).SetDirty(m.dirty[user])
	m.refresh()
}

func (m *model) crashed(*rapid.T) {
	m.pins, m.dirty = map[string]int{}, map[string]bool{}
	for _, l := range m.logs {
		l.rotations = nil // numbers are good within a process only
	}
	m.refresh()
	m.fs.SetFault(nil)
	m.crash(boot, modelBudget)
}

func (m *model) rebooted(*rapid.T) {
	m.fs.SetFault(nil)
	m.crash("another boot", modelBudget)
	m.fs.KillProcess()
	m.reset()
	m.open(boot, modelBudget)
}

func (m *model) reset() {
	m.puts, m.firm, m.logs = map[fileKey][]byte{}, map[fileKey]bool{}, map[[2]string]*logCopy{}
	m.metas, m.pins, m.dirty = map[string][]byte{}, map[string]int{}, map[string]bool{}
}

func (m *model) removeAll(*rapid.T) {
	user := m.user()
	must(m.rt, m.User(user).RemoveAll())
	for key := range m.puts {
		if key.user == user {
			delete(m.puts, key)
			delete(m.firm, key)
		}
	}
	for key := range m.logs {
		if key[0] == user {
			delete(m.logs, key)
		}
	}
	delete(m.metas, user)
	m.refresh()
}

// check is the invariant after every step.
func (m *model) check(*rapid.T) {
	m.checkAccounting()
	u := m.Usage()
	if u.Bytes > u.Budget {
		evictable := u.Bodies + u.Summaries
		if evictable > 0 {
			m.rt.Fatalf("%d bytes over the budget with %d that may go", u.Bytes-u.Budget, evictable)
		}
	}
	for key, l := range m.logs {
		var got []string
		handle, err := m.User(key[0]).Log(key[1])
		must(m.t, err)
		if _, err := handle.Replay(func(b []byte) error { got = append(got, string(b)); return nil }); err != nil {
			m.rt.Fatal(err)
		}
		if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", l.entries) {
			m.rt.Fatalf("log %v: %q, appended %q", key, got, l.entries)
		}
	}
	for user, want := range m.metas {
		got, err := m.User(user).Meta()
		if err == nil && !bytes.Equal(got, want) || err != nil && !errors.Is(err, cache.ErrMiss) {
			m.rt.Fatalf("meta of %s: %q, %v; set was %q", user, got, err, want)
		}
	}
}

// TestModel runs random histories, with a disk that fails and fills in some.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{env: newEnv(rt, modelBudget), rt: rt}
		m.reset()
		actions := map[string]func(*rapid.T){
			"put": m.put, "put again": m.put, "get": m.get, "get again": m.get, "remove": m.remove, "remove mailbox": m.removeMailbox, "remove all": m.removeAll,
			"append": m.append, "append again": m.append, "rotate": m.rotate, "drop": m.dropBefore, "meta": m.setMeta,
			"pin": m.pin, "unpin": m.unpin, "dirty": m.setDirty, "crash": m.crashed, "reboot": m.rebooted,
			"time": func(*rapid.T) { m.clk.Advance(time.Hour) },
			"":     m.check,
		}
		switch rapid.SampledFrom([]string{"healthy", "full", "failing"}).Draw(rt, "disk") {
		case "full":
			m.fs.SetCapacity(modelBudget / 2)
		case "failing":
			actions["write fails"] = func(*rapid.T) {
				left := rapid.IntRange(0, 3).Draw(rt, "writes until")
				failed := false
				take := rapid.IntRange(0, 30).Draw(rt, "bytes written")
				m.fs.SetFault(func(op memfs.Op, _ string, n int) (int, error) {
					if op != memfs.Write || failed {
						return n, nil
					}
					if left--; left < 0 {
						failed = true
						return take, syscall.EIO
					}
					return n, nil
				})
			}
		}
		rt.Repeat(actions)
	})
}
