package cache_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"mailbackend.io/backend/cache"
)

// TestEvictionOrder fills the cache and watches what goes, in which order.
func TestEvictionOrder(t *testing.T) {
	const size = 10_000
	e := newEnv(t, 20*size)
	put := func(user string, name string, kind cache.Kind) error {
		e.clk.Advance(time.Second)
		return e.User(user).Put("inbox", name, kind, fill(size-200, 'x'))
	}
	for _, user := range []string{"old", "new"} {
		for i := range 4 {
			must(t, put(user, fmt.Sprint(i), cache.Body))
		}
		must(t, put(user, "0", cache.Summary))
		must(t, put(user, "0", cache.Records))
	}
	must(t, put("pinned", "0", cache.Records))
	must(t, put("pinned", "0", cache.Summary))
	must(t, put("dirty", "0", cache.Records))
	e.User("pinned").Pin()
	e.User("dirty").SetDirty(true)
	must(t, put("new", "0", cache.Summary)) // new is the most recently used

	type file struct {
		user, name string
		kind       cache.Kind
	}
	all := []file{}
	for _, user := range []string{"old", "new"} {
		for i := range 4 {
			all = append(all, file{user, fmt.Sprint(i), cache.Body})
		}
	}
	all = append(all, file{"old", "0", cache.Summary}, file{"new", "0", cache.Summary}, file{"old", "0", cache.Records}, file{"new", "0", cache.Records},
		file{"pinned", "0", cache.Summary}, file{"pinned", "0", cache.Records}, file{"dirty", "0", cache.Records})
	left := func() int {
		n := 0
		for i, f := range all {
			if e.fs.Paths(); has(e, f.user, f.name, f.kind) {
				if n == 0 {
					n = len(all) - i
				}
			} else if n > 0 {
				t.Fatalf("%v is gone before %v", f, all[len(all)-n])
			}
		}
		return n
	}
	if left() != len(all) {
		t.Fatal("something is gone before the budget is reached")
	}
	// Records of another pinned user press everything else out.
	e.User("greedy").Pin()
	before := len(all)
	for i := range 30 {
		if err := put("greedy", fmt.Sprint(i), cache.Records); err != nil {
			if !errors.Is(err, cache.ErrFull) || i < 20 {
				t.Fatalf("file %d: %v", i, err)
			}
			break
		}
		n := left()
		if n > before || before-n > 2 {
			t.Fatalf("file %d: %d files left of %d", i, n, before)
		}
		before = n
		e.checkAccounting()
	}
	if n := left(); n != 2 { // the records of pinned and dirty users
		t.Fatalf("%d files left", n)
	}
	for i := 0; ; i++ {
		if err := e.User("greedy").Put("small", fmt.Sprint(i), cache.Records, fill(size/100, 'x')); errors.Is(err, cache.ErrFull) {
			break
		}
	}
	if !e.Full() {
		t.Fatalf("not full: %+v", e.Usage())
	}
	// A new user is refused; those being served go on.
	if l, err := e.User("stranger").Log("inbox"); err != nil || !errors.Is(l.Append(fill(size, 'x')), cache.ErrFull) {
		t.Fatal("a new user's log is taken though the cache is full")
	}
	if err := put("stranger", "0", cache.Records); !errors.Is(err, cache.ErrFull) {
		t.Fatalf("a new user's records: %v", err)
	}
	for range 3 {
		appendTo(t, e.User("pinned"), "inbox", string(fill(size, 'x')))
		must(t, e.User("dirty").SetMeta(fill(size, 'x')))
	}
	if err := put("pinned", "0", cache.Body); !errors.Is(err, cache.ErrFull) {
		t.Fatalf("a body beyond the budget: %v", err)
	}
	e.checkAccounting()
	// Uploaded and at rest: the budget holds again at once.
	e.User("dirty").SetDirty(false)
	e.User("greedy").Unpin()
	if u := e.Usage(); u.Bytes > u.Budget || e.Full() {
		t.Fatalf("%d bytes, budget %d", u.Bytes, u.Budget)
	}
	e.checkAccounting()
	must(t, put("stranger", "0", cache.Records))
	e.SetBudget(5*size, 0)
	if u := e.Usage(); u.Bytes > 5*size || u.Grace != 5*size/4 {
		t.Fatalf("%+v", u)
	}
	e.checkAccounting()
}

// has looks without counting as a use.
func has(e *env, user, name string, kind cache.Kind) bool {
	e.t.Helper()
	letter := map[cache.Kind]string{cache.Body: "b", cache.Summary: "s", cache.Records: "r"}[kind]
	for _, p := range e.fs.Paths() {
		if len(p) > 20 && p[len("var/cache/users/00/"):] == user+"/"+letter+".inbox."+name {
			return true
		}
	}
	return false
}

// TestUseKeepsBodies: of one user's bodies those that were read lately stay.
func TestUseKeepsBodies(t *testing.T) {
	e := newEnv(t, 10_000)
	u := e.User("alice")
	for i := range 9 {
		must(t, u.Put("inbox", fmt.Sprint(i), cache.Body, fill(900, 'x')))
		e.clk.Advance(time.Minute)
	}
	e.clk.Advance(2 * time.Hour)
	for _, i := range []int{0, 3} {
		if _, err := u.Get("inbox", fmt.Sprint(i), cache.Body); err != nil {
			t.Fatal(err)
		}
	}
	for i := 9; i < 15; i++ {
		must(t, u.Put("inbox", fmt.Sprint(i), cache.Body, fill(900, 'x')))
	}
	for i := range 9 {
		if want := i == 0 || i == 3 || i >= 7; has(e, "alice", fmt.Sprint(i), cache.Body) != want {
			t.Errorf("body %d: there %v", i, !want)
		}
	}
	if err := u.Put("inbox", "huge", cache.Body, fill(20_000, 'x')); !errors.Is(err, cache.ErrFull) {
		t.Fatalf("body larger than the budget: %v", err)
	}
	if !has(e, "alice", "14", cache.Body) {
		t.Fatal("a body that can't fit evicted others")
	}
}
