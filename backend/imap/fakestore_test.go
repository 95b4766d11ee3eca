package imap

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"mailbackend.io/backend/auth"
	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/mailstore"
	"mailbackend.io/backend/message"
)

// fakeStore is a Store in memory that behaves as mailstore does, with the
// faults that tests want.
type fakeStore struct {
	clock clock.Clock

	mu       sync.Mutex
	accounts map[string]*fakeAccount
	openErr  error // of Open
}

// fakeAccount is one user's mail. Everything is under mu.
type fakeAccount struct {
	mu    sync.Mutex
	clock clock.Clock
	boxes map[string]*fakeBox // by name
	subs  map[string]bool
	last  int           // for mailbox ids and UIDVALIDITYs
	done  chan struct{} // closed: sessions must end
	fail  map[string]error
}

// fakeBox is one mailbox.
type fakeBox struct {
	name, id string
	validity uint32
	use      []string
	mail     *index.Mailbox
	bodies   map[uint32]*fakeMail
	modseq   uint64
	next     uint32 // UID
	recent   uint32 // UIDs from here on are \Recent to whoever comes first
	deleted  bool
	open     map[*fakeMailbox]bool
}

type fakeMail struct {
	body *message.Body
	ids  index.IDs
	gone bool // reading fails
}

func newFakeStore(clk clock.Clock) *fakeStore {
	return &fakeStore{clock: clk, accounts: map[string]*fakeAccount{}}
}

// account makes or finds a user's account.
func (f *fakeStore) account(user string) *fakeAccount {
	f.mu.Lock()
	defer f.mu.Unlock()
	a := f.accounts[user]
	if a == nil {
		a = &fakeAccount{clock: f.clock, boxes: map[string]*fakeBox{}, subs: map[string]bool{}, done: make(chan struct{}), fail: map[string]error{}}
		a.add("INBOX", nil)
		a.subs["INBOX"] = true
		for _, d := range mailstore.DefaultConfig().DefaultMailboxes {
			a.add(d.Name, []string{d.SpecialUse})
			a.subs[d.Name] = true
		}
		f.accounts[user] = a
	}
	return a
}

// Open implements Store.
func (f *fakeStore) Open(_ context.Context, user string) (User, error) {
	f.mu.Lock()
	err := f.openErr
	f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return &fakeUser{f.account(user), user}, nil
}

// Authenticate implements Authenticator: any user, the password "secret".
func (f *fakeStore) Authenticate(_ context.Context, user, password string) (auth.Identity, error) {
	switch {
	case user == "down":
		return auth.Identity{}, auth.ErrUnavailable
	case password != "secret":
		return auth.Identity{}, auth.ErrBadCredentials
	}
	return auth.Identity{User: strings.ToLower(user)}, nil
}

func (a *fakeAccount) add(name string, use []string) *fakeBox {
	a.last++
	b := &fakeBox{name: name, id: "F" + strconv.Itoa(a.last), validity: 1000 + uint32(a.last), use: use,
		mail: index.NewMailbox(), bodies: map[uint32]*fakeMail{}, modseq: 1, next: 1, recent: 1, open: map[*fakeMailbox]bool{}}
	a.boxes[name] = b
	return b
}

var fakeNames = mailstore.NameLimits{Length: 1000, Depth: 32}

func (a *fakeAccount) box(name string) (*fakeBox, error) {
	name, err := mailstore.CanonicalName(name, fakeNames)
	if err != nil || a.boxes[name] == nil {
		return nil, fmt.Errorf("mailbox %q: %w", name, mailstore.ErrNoMailbox)
	}
	return a.boxes[name], nil
}

// apply changes a mailbox and tells the sessions after the lock is released.
func (a *fakeAccount) apply(b *fakeBox, ops ...index.Op) (tell func()) {
	for i := range ops {
		b.modseq++
		ops[i].ModSeq = b.modseq
	}
	if err := b.mail.Apply(ops...); err != nil {
		panic(err)
	}
	var fns []func()
	for m := range b.open {
		m.view = b.mail.View()
		if m.notify != nil {
			fns = append(fns, m.notify)
		}
	}
	return func() {
		for _, fn := range fns {
			fn()
		}
	}
}

// failing lets an operation fail: its name in a.fail.
func (a *fakeAccount) failing(op string) error { return a.fail[op] }

type fakeUser struct {
	*fakeAccount
	name string
}

func (u *fakeUser) Name() string { return u.name }

func (u *fakeUser) OnDone(fn func()) func() {
	stop := make(chan struct{})
	go func() {
		select {
		case <-u.done:
			fn()
		case <-stop:
		}
	}()
	return sync.OnceFunc(func() { close(stop) })
}

func (u *fakeUser) Err() error {
	select {
	case <-u.done:
		return mailstore.ErrOvertaken
	default:
		return nil
	}
}

func (u *fakeUser) Close() {}

func (u *fakeUser) Mailboxes() []mailstore.MailboxInfo {
	u.mu.Lock()
	defer u.mu.Unlock()
	all := map[string]mailstore.MailboxInfo{}
	for name, b := range u.boxes {
		all[name] = mailstore.MailboxInfo{Name: name, ID: b.id, UIDValidity: b.validity, SpecialUse: b.use, Subscribed: u.subs[name]}
	}
	for name := range u.subs {
		if _, ok := all[name]; !ok {
			all[name] = mailstore.MailboxInfo{Name: name, NonExistent: true, Subscribed: true}
		}
	}
	for name := range u.boxes {
		for i := range name {
			if name[i] == '/' {
				p, ok := all[name[:i]]
				if !ok {
					p = mailstore.MailboxInfo{Name: name[:i], NonExistent: true}
				}
				p.HasChildren = true
				all[name[:i]] = p
			}
		}
	}
	return slices.SortedFunc(maps.Values(all), func(a, b mailstore.MailboxInfo) int {
		if (a.Name == "INBOX") != (b.Name == "INBOX") {
			if a.Name == "INBOX" {
				return -1
			}
			return 1
		}
		return strings.Compare(strings.ReplaceAll(a.Name, "/", "\x00"), strings.ReplaceAll(b.Name, "/", "\x00"))
	})
}

func (u *fakeUser) Lookup(name string) (mailstore.MailboxInfo, bool) {
	name, err := mailstore.CanonicalName(name, fakeNames)
	if err != nil {
		return mailstore.MailboxInfo{}, false
	}
	for _, m := range u.Mailboxes() {
		if m.Name == name {
			return m, true
		}
	}
	return mailstore.MailboxInfo{}, false
}

func (u *fakeUser) Create(_ context.Context, name string, use []string) (string, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	name, err := mailstore.CanonicalName(strings.TrimSuffix(name, "/"), fakeNames)
	if err != nil {
		return "", err
	}
	if u.boxes[name] != nil {
		return "", mailstore.ErrExists
	}
	for i := range use {
		if use[i], err = mailstore.CanonicalSpecialUse(use[i]); err != nil {
			return "", err
		}
	}
	return u.add(name, use).id, nil
}

func (u *fakeUser) Delete(_ context.Context, name string) error {
	u.mu.Lock()
	b, err := u.box(name)
	if err != nil || b.name == "INBOX" {
		u.mu.Unlock()
		return errors.Join(err, mailstore.ErrCannot)
	}
	b.deleted = true
	delete(u.boxes, b.name)
	tell := u.apply(b)
	u.mu.Unlock()
	tell()
	return nil
}

func (u *fakeUser) Rename(_ context.Context, from, to string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	b, err := u.box(from)
	if err != nil {
		return err
	}
	to, err = mailstore.CanonicalName(strings.TrimSuffix(to, "/"), fakeNames)
	if err != nil {
		return err
	}
	if u.boxes[to] != nil {
		return mailstore.ErrExists
	}
	old := b.name
	for name, c := range maps.Clone(u.boxes) {
		if name == old || strings.HasPrefix(name, old+"/") {
			delete(u.boxes, name)
			c.name = to + name[len(old):]
			u.boxes[c.name] = c
		}
	}
	if old == "INBOX" {
		u.add("INBOX", nil)
	}
	return nil
}

func (u *fakeUser) Subscribe(_ context.Context, name string, on bool) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	name, err := mailstore.CanonicalName(name, fakeNames)
	if err != nil {
		return err
	}
	if on {
		u.subs[name] = true
	} else {
		delete(u.subs, name)
	}
	return nil
}

func (u *fakeUser) Status(_ context.Context, name string) (mailstore.Status, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	b, err := u.box(name)
	if err != nil {
		return mailstore.Status{}, err
	}
	v := b.mail.View()
	c := v.Counts()
	return mailstore.Status{MailboxID: b.id, UIDValidity: b.validity, UIDNext: v.UIDNext(), Messages: c.Messages, Unseen: c.Unseen,
		Deleted: c.Deleted, Recent: b.next - b.recent, Size: c.Size, DeletedSize: c.DeletedSize, HighestModSeq: v.HighestModSeq()}, nil
}

func (u *fakeUser) Append(_ context.Context, name string, msgs []mailstore.NewMessage) (mailstore.AppendResult, error) {
	u.mu.Lock()
	b, err := u.box(name)
	if err == nil {
		err = u.failing("append")
	}
	if err != nil {
		u.mu.Unlock()
		return mailstore.AppendResult{}, err
	}
	res := mailstore.AppendResult{UIDValidity: b.validity}
	var ops []index.Op
	for _, m := range msgs {
		op := b.newOp(u.clock, m.Body)
		op.Flags, op.Keywords = splitFlags(m.Flags)
		if !m.InternalDate.IsZero() {
			op.InternalDate = m.InternalDate.Unix()
		}
		ops = append(ops, op)
		res.UIDs = append(res.UIDs, op.UID)
	}
	tell := u.apply(b, ops...)
	u.mu.Unlock()
	tell()
	return res, nil
}

// newOp gives a mail its UID.
func (b *fakeBox) newOp(clk clock.Clock, body *message.Body) index.Op {
	uid := b.next
	b.next++
	now := clk.Now().Unix()
	id := index.ID{0: byte(uid >> 8), 1: byte(uid), 15: byte(len(body.Raw()))}
	b.bodies[uid] = &fakeMail{body: body, ids: index.IDs{GUID: id, EmailID: id}}
	return index.Op{Kind: index.OpAppend, UID: uid, Size: uint32(body.Size()), InternalDate: now, SaveDate: now, IDs: b.bodies[uid].ids}
}

func splitFlags(names []string) (f index.Flags, keywords []string) {
	for _, n := range names {
		if bit := systemFlag(n); bit != 0 {
			f |= bit
		} else if n[0] != '\\' {
			keywords = append(keywords, n)
		}
	}
	return f, keywords
}

func (u *fakeUser) Select(_ context.Context, name string, readOnly bool) (Mailbox, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	b, err := u.box(name)
	if err != nil {
		return nil, err
	}
	m := &fakeMailbox{fakeAccount: u.fakeAccount, b: b, readOnly: readOnly, view: b.mail.View()}
	b.open[m] = true
	return m, nil
}
