package budget

import (
	"fmt"
	"testing"

	"mailbackend.io/backend/mailstore"
	"mailbackend.io/backend/objstore"
)

type ops = map[objstore.Op]int

const (
	get    = objstore.OpGet
	list   = objstore.OpList
	put    = objstore.OpPutIfAbsent
	commit = objstore.OpPutIfMatch
	del    = objstore.OpDelete
)

// uploadInterval is how far the clock goes for the background upload.
var uploadInterval = mailstore.DefaultConfig().UploadInterval

func TestDeliveryClaimed(t *testing.T) {
	t.Parallel()
	s := start(t, newStore(), t.TempDir())
	s.deliver("u", 1)
	s.reset()
	s.deliver("u", 1)
	s.within("delivery, user claimed", s.cost(), 1, ops{put: 1})
	s.reset()
	s.deliver("u", 100)
	if c := s.cost(); c.puts() > 100+2*10 || c.total() != c.puts() {
		t.Errorf("100 deliveries: %d PUTs of at most 120, %d requests%s", c.puts(), c.total(), c)
	}
}

func TestDeliveryNotClaimed(t *testing.T) {
	t.Parallel()
	store := newStore()
	s := start(t, store, t.TempDir())
	s.deliver("u", 25)
	s.stop(true)
	s = start(t, store, t.TempDir())
	s.reset()
	s.deliver("u", 1)
	s.within("delivery, user not claimed", s.cost(), 3, ops{get: 1, commit: 1, list: 1, put: 1})
}

func TestLoginAfterRelease(t *testing.T) {
	t.Parallel()
	store := newStore()
	s := start(t, store, t.TempDir())
	c := s.login("u")
	s.ok(c, "SELECT INBOX")
	for range 12 {
		s.deliver("u", 10)
	}
	s.ok(c, "NOOP")
	s.ok(c, `STORE 1:50 +FLAGS (\Seen)`)
	s.stop(true)
	s = start(t, store, t.TempDir())
	s.reset()
	c = s.login("u")
	s.ok(c, "SELECT INBOX")
	s.within("login and SELECT, not loaded", s.cost(), 2, ops{get: 1 + 5, commit: 1, list: 1})
	s.reset()
	c = s.login("u")
	s.ok(c, "SELECT INBOX")
	s.ok(c, "FETCH 1:* FLAGS")
	s.within("login and SELECT, loaded", s.cost(), 0, nil)
}

func TestLoginAfterCrash(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mails, lacking, rounds int
	}{
		{20, 0, 3}, // the index has them all: GET root, PUT claim ∥ GETs, LIST
		// Five are read back, a ranged GET each, in parallel; then the GUIDs
		// that the index has, so that a re-homed mail isn't shown twice.
		{25, 5, 5},
	} {
		store := newStore()
		s := start(t, store, t.TempDir())
		s.deliver("u", 1) // the first contact
		s.deliver("u", c.mails-1)
		s.settled() // the uploads that are due are done
		s.stop(false)
		s = start(t, store, t.TempDir())
		s.reset()
		client := s.login("u")
		s.ok(client, "SELECT INBOX")
		answered := costOf(ended(s.store.Events())) // the rest is background
		s.within(fmt.Sprintf("login and SELECT after a crash, the index lacks %d mails", c.lacking), answered, c.rounds,
			ops{get: 1 + 5 + c.lacking + 2, commit: 1, list: 2, put: 1})
		if answered.of(list) < 1 {
			t.Errorf("SELECT was answered before the LIST")
		}
		s.within("and what follows in the background", s.cost(), 8, ops{get: 1 + 5 + c.lacking + 2, commit: 3, list: 3, put: 1, del: 1})
		mails, err := client.Fetch("1:*", false)
		if err != nil || len(mails) != c.mails {
			t.Errorf("%d mails of %d after the crash, %v", len(mails), c.mails, err)
		}
	}
}

func TestReading(t *testing.T) {
	t.Parallel()
	store := newStore()
	s := start(t, store, t.TempDir())
	s.deliver("u", 40)
	s.stop(true)
	s = start(t, store, t.TempDir())
	c := s.login("u")
	s.ok(c, "SELECT INBOX")
	s.reset()
	s.ok(c, "FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE)")
	s.within("FETCH FLAGS", s.cost(), 0, nil)
	s.ok(c, "FETCH 1:* (ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS (From To Cc Subject Date Message-ID References)])")
	s.within("FETCH ENVELOPE, first: a GET per summary section", s.cost(), 1, ops{get: 5})
	s.reset()
	s.ok(c, "FETCH 1:* (ENVELOPE BODYSTRUCTURE)")
	s.within("FETCH ENVELOPE, again", s.cost(), 0, nil)
	s.ok(c, "FETCH 1:10 BODY.PEEK[]")
	s.within("FETCH BODY[] of 10, first", s.cost(), 3, ops{get: 10})
	s.reset()
	s.ok(c, "FETCH 1:10 BODY.PEEK[]")
	s.within("FETCH BODY[] of 10, again", s.cost(), 0, nil)
	for _, m := range []string{"INBOX", "Drafts", "Sent", "Junk", "Trash", "Archive"} {
		s.ok(c, "STATUS %s (MESSAGES UNSEEN UIDNEXT UIDVALIDITY SIZE HIGHESTMODSEQ)", m)
	}
	s.reset()
	for _, m := range []string{"INBOX", "Drafts", "Sent", "Junk", "Trash", "Archive"} {
		s.ok(c, "STATUS %s (MESSAGES UNSEEN UIDNEXT UIDVALIDITY SIZE HIGHESTMODSEQ)", m)
	}
	s.within("STATUS of every folder, loaded", s.cost(), 0, nil)
}

func TestStore(t *testing.T) {
	t.Parallel()
	s := start(t, newStore(), t.TempDir())
	c := s.login("u")
	s.deliver("u", 30)
	s.ok(c, "SELECT INBOX")
	s.pass(2 * uploadInterval)
	s.reset()
	for i := range 30 {
		s.ok(c, `STORE %d +FLAGS (\Seen $Label%d)`, i+1, i%3)
	}
	s.within("30 STOREs", s.cost(), 0, nil)
	s.pass(2 * uploadInterval)
	s.within("the upload after them", s.cost(), 2, ops{put: 1, commit: 1})
	s.reset()
	s.ok(c, "COPY 1:5 Archive")
	s.settled()
	s.pass(2 * uploadInterval)
	s.reset()
	s.ok(c, `STORE 1:* +FLAGS (\Flagged)`)
	s.ok(c, "SELECT Archive")
	s.ok(c, `STORE 1:* +FLAGS (\Flagged)`)
	s.pass(2 * uploadInterval)
	s.within("the upload of two folders", s.cost(), 2, ops{put: 2, commit: 1})
}

func TestExpungeAndCopy(t *testing.T) {
	t.Parallel()
	s := start(t, newStore(), t.TempDir())
	c := s.login("u")
	s.deliver("u", 40)
	s.ok(c, "SELECT INBOX")
	s.ok(c, "FETCH 1:8 BODY.PEEK[]")
	s.pass(2 * uploadInterval)
	s.reset()
	// Fewer than maxRescanMailCount: no upload is due for them.
	s.ok(c, "COPY 1:8 Archive")
	s.within("COPY of 8, cached", s.cost(), 1, ops{put: 8})
	s.reset()
	s.ok(c, "COPY 21:28 Trash")
	s.within("COPY of 8, not cached", s.cost(), 2, ops{get: 8, put: 8})
	s.reset()
	s.ok(c, `STORE 1:30 +FLAGS.SILENT (\Deleted)`)
	s.ok(c, "EXPUNGE")
	s.within("EXPUNGE of 30", s.cost(), 1, ops{del: 1})
	s.reset()
	s.ok(c, "MOVE 1:8 Junk")
	s.within("MOVE of 8, not cached", s.cost(), 3, ops{get: 8, put: 8, del: 1})
}

// TestUploadRules is the table of what is uploaded when, by an injected clock.
func TestUploadRules(t *testing.T) {
	t.Parallel()
	store := newStore()
	s := start(t, store, t.TempDir())
	s.deliver("u", 1) // the first contact makes the user
	s.stop(true)
	s = start(t, store, t.TempDir())
	s.deliver("u", 1)
	s.reset()
	s.deliver("u", 8)
	s.within("9 deliveries: nothing is uploaded", s.cost(), 8, ops{put: 8})
	s.reset()
	s.deliver("u", 1)
	s.within("the 10th: segment and root", s.cost(), 3, ops{put: 2, commit: 1})
	s.pass(3 * uploadInterval)
	s.reset()
	c := s.login("u")
	s.ok(c, "SELECT INBOX")
	s.settled()
	s.pass(2 * uploadInterval)
	s.reset()
	s.ok(c, `STORE 1 +FLAGS (\Seen)`)
	s.pass(uploadInterval / 2)
	s.within("a flag, half an interval later", s.cost(), 0, nil)
	s.pass(uploadInterval)
	if n := s.cost().of(commit); n != 1 {
		t.Errorf("a flag is not uploaded one interval later: %d commits", n)
	}
	s.reset()
	s.ok(c, "CREATE New")
	if n := s.cost().of(commit); n != 1 {
		t.Errorf("CREATE made %d commits", n)
	}
	s.ok(c, `STORE 2 +FLAGS (\Answered)`)
	s.deliver("u", 3)
	s.stop(true) // what SIGTERM does
	s = start(t, store, t.TempDir())
	c = s.login("u")
	s.ok(c, "SELECT INBOX")
	mails, err := c.Fetch("1:*", false)
	if err != nil || len(mails) != 14 || mails[0].Flags == "" || mails[1].Flags == "" {
		t.Errorf("after the shutdown: %d mails, %s, %v", len(mails), fmt.Sprint(mails), err)
	}
}
