package mailstore

import (
	"strings"
	"testing"

	"mailbackend.io/backend/uidset"
)

func TestDefaultMailboxes(t *testing.T) {
	inRig(t, func(r *rig) {
		r.deliver("u", 1) // the first contact is a delivery
		u := r.open("u")
		defer u.Close()
		if got := names(u); got != "INBOX* Archive* Drafts* Junk* Sent* Trash*" {
			t.Errorf("names %s", got)
		}
		validities := map[uint32]bool{}
		for _, m := range u.Mailboxes() {
			want := `\` + m.Name
			if m.Name == Inbox {
				want = ""
			}
			if got := strings.Join(m.SpecialUse, " "); got != want {
				t.Errorf("%s has the special use %q", m.Name, got)
			}
			if m.ID == "" || m.UIDValidity == 0 || validities[m.UIDValidity] {
				t.Errorf("mailbox %+v", m)
			}
			validities[m.UIDValidity] = true
		}
	})
}

func TestConfiguredDefaultMailboxes(t *testing.T) {
	for _, c := range []struct {
		boxes []DefaultMailbox
		ok    bool
	}{
		{[]DefaultMailbox{}, true},
		{[]DefaultMailbox{{"Mail/Sent", `\sent`}, {"Plain", ""}}, true},
		{[]DefaultMailbox{{"inbox", ""}}, false},
		{[]DefaultMailbox{{"a", ""}, {"a", ""}}, false},
		{[]DefaultMailbox{{"a//b", ""}}, false},
		{[]DefaultMailbox{{"a", `\Nothing`}}, false},
	} {
		cfg := Config{DefaultMailboxes: c.boxes}.withDefaults()
		boxes, err := cfg.initial()
		if (err == nil) != c.ok {
			t.Errorf("%v: %v", c.boxes, err)
		}
		if c.ok && len(boxes) != len(c.boxes)+1 {
			t.Errorf("%v: %v", c.boxes, boxes)
		}
	}
}

func TestCreate(t *testing.T) {
	withRig(t, Config{MaxMailboxes: 10}, func(r *rig) {
		u := r.open("u")
		defer u.Close()
		for _, c := range []struct {
			name, use string
			err       error
		}{
			{"a/b/c", "", nil},
			{"a/b/c/", "", ErrExists},
			{"a", "", nil},
			{"Inbox", "", ErrExists},
			{"inbox/x/", "", nil},
			{"x//y", "", ErrCannot},
			{"", "", ErrCannot},
			{"mine", `\Nothing`, ErrUseAttr},
			{"mine", `\All`, ErrUseAttr},
			{"mine", `\Trash`, ErrUseAttr}, // Trash has it
			{"mine", `\IMPORTANT`, nil},
			{"one more", "", ErrLimit},
		} {
			id, err := u.Create(r.ctx, c.name, strings.Fields(c.use))
			r.wantErr("create "+c.name, err, c.err)
			if (err == nil) != (id != "") {
				t.Errorf("create %s: id %q", c.name, id)
			}
		}
		if got := names(u); got != "INBOX* INBOX/x Archive* Drafts* Junk* Sent* Trash* a (a/b) a/b/c mine" {
			t.Errorf("names %s", got)
		}
		if m, _ := u.Lookup("mine"); strings.Join(m.SpecialUse, " ") != `\Important` {
			t.Errorf("%+v", m)
		}
		if m, ok := u.Lookup("iNbOx"); !ok || m.Name != Inbox || !m.HasChildren {
			t.Errorf("%+v", m)
		}
	})
}

func TestDelete(t *testing.T) {
	inRig(t, func(r *rig) {
		u := r.open("u")
		defer u.Close()
		first, err := u.Create(r.ctx, "a", nil)
		r.must(err)
		_, err = u.Create(r.ctx, "a/b", nil)
		r.must(err)
		r.append(u, "a", 1)
		before, _ := u.Lookup("a")
		m := r.sel(u, "a")
		told := m.Changed()
		r.must(u.Delete(r.ctx, "a"))
		<-told
		if !m.Deleted() {
			t.Error("the session that has it selected doesn't know")
		}
		_, err = m.SetFlags(r.ctx, FlagChange{UIDs: uidset.Of(1)})
		r.wantErr("STORE in a deleted mailbox", err, ErrNoMailbox)
		m.Close()
		if got := names(u); got != "INBOX* Archive* Drafts* Junk* Sent* Trash* (a) a/b" {
			t.Errorf("names %s", got)
		}
		r.wantErr("delete a name without mailbox", u.Delete(r.ctx, "a"), ErrNoMailbox)
		r.wantErr("delete nothing", u.Delete(r.ctx, "x//y"), ErrNoMailbox)
		r.wantErr("delete INBOX", u.Delete(r.ctx, "inbox"), ErrCannot)
		_, err = u.Select(r.ctx, "a", false)
		r.wantErr("select a name without mailbox", err, ErrNoMailbox)
		again, err := u.Create(r.ctx, "a", nil)
		r.must(err)
		after, _ := u.Lookup("a")
		if again == first || after.UIDValidity == before.UIDValidity {
			t.Errorf("created again as %+v, was %+v", after, before)
		}
		r.wantShow(r.sel(u, "a"), "")
	})
}

func TestRename(t *testing.T) {
	inRig(t, func(r *rig) {
		u := r.open("u")
		defer u.Close()
		id, err := u.Create(r.ctx, "a/b", nil)
		r.must(err)
		r.append(u, "a/b", 1)
		r.must(u.Subscribe(r.ctx, "a/b", true))
		m := r.sel(u, "a/b")
		r.wantCost("rename", "PUT root 1", 1, func() { r.must(u.Rename(r.ctx, "a", "x/y")) })
		if m.Name() != "x/y/b" || m.ID() != id {
			t.Errorf("selected mailbox is %s %s now", m.Name(), m.ID())
		}
		r.wantShow(m, "1 mail 1")
		if got := names(u); got != "INBOX* Archive* Drafts* Junk* Sent* Trash* (a/b)* (x) (x/y) x/y/b" {
			t.Errorf("names %s", got)
		}
		r.wantErr("onto itself", u.Rename(r.ctx, "x/y/b", "x/y/b"), ErrExists)
		r.wantErr("onto INBOX", u.Rename(r.ctx, "x/y/b", "inbox"), ErrExists)
		r.wantErr("to a bad name", u.Rename(r.ctx, "x/y/b", "q\n"), ErrCannot)
		r.wantErr("of nothing", u.Rename(r.ctx, "nothing", "q"), ErrNoMailbox)
	})
}

// TestRenameInbox: RFC 9051 section 6.3.6: its mails go, it stays, and so do
// its children.
func TestRenameInbox(t *testing.T) {
	inRig(t, func(r *rig) {
		u := r.open("u")
		defer u.Close()
		_, err := u.Create(r.ctx, "INBOX/child", nil)
		r.must(err)
		r.append(u, "INBOX", 1, 2, 3)
		m := r.sel(u, "INBOX")
		r.store(m, AddFlags, `\Seen key`, 2)
		inbox, _ := u.Lookup("INBOX")
		r.must(u.Rename(r.ctx, "inbox", "old"))
		r.wantShow(m, "")
		r.wantShow(r.sel(u, "old"), `1 mail 1; 2 mail 2 \Seen key; 3 mail 3`)
		if now, _ := u.Lookup("INBOX"); now.ID != inbox.ID || now.UIDValidity != inbox.UIDValidity {
			t.Errorf("INBOX is %+v now, was %+v", now, inbox)
		}
		if got := names(u); got != "INBOX* INBOX/child Archive* Drafts* Junk* Sent* Trash* old" {
			t.Errorf("names %s", got)
		}
		r.wantErr("onto another", u.Rename(r.ctx, "INBOX", "old"), ErrExists)
		r.deliver("u", 4)
		r.wantShow(m, "4 mail 4")
	})
}

func TestSubscribe(t *testing.T) {
	withRig(t, Config{MaxSubscriptions: 7}, func(r *rig) {
		u := r.open("u")
		defer u.Close()
		for _, n := range []string{"missing/deep", "Sent", "inbox"} {
			r.must(u.Subscribe(r.ctx, n, true))
		}
		r.wantErr("one more", u.Subscribe(r.ctx, "more", true), ErrLimit)
		r.wantErr("a bad name", u.Subscribe(r.ctx, "a//b", true), ErrCannot)
		r.must(u.Subscribe(r.ctx, "a//b", false))
		r.must(u.Subscribe(r.ctx, "not subscribed", false))
		if got := strings.Join(u.Subscriptions(), " "); got != "INBOX Archive Drafts Junk Sent Trash missing/deep" {
			t.Errorf("subscriptions %s", got)
		}
		r.must(u.Subscribe(r.ctx, "INBOX", false))
		if got := names(u); got != "INBOX Archive* Drafts* Junk* Sent* Trash* (missing/deep)*" {
			t.Errorf("names %s", got)
		}
	})
}
