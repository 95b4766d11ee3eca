package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/message"
	"mailbackend.io/backend/sync"
	"mailbackend.io/backend/uidset"
)

var ops map[Kind]opFunc

func init() {
	ops = map[Kind]opFunc{
		Append: doAppend, AppendMany: doAppendMany, Flags: doFlags, Expunge: doExpunge,
		Copy: doCopy, Move: doMove, Fetch: doFetch, Session: doSession,
		Create: doCreate, Rename: doRename, Delete: doDelete,
		Upload:    func(o *operation) error { return o.w.upload(o.q, o.a, o.a.Upload) },
		UploadAll: func(o *operation) error { return o.w.upload(o.q, o.a, o.a.UploadAll) },
		Release:   func(o *operation) error { return o.w.upload(o.q, o.a, o.a.Release) },
		Unload:    func(o *operation) error { o.a.Unload(); return nil },
	}
}

// folder picks a folder: mostly INBOX.
func (o *operation) folder(n int) (*sync.Folder, error) {
	root := o.a.Root()
	m := root.ByName(sync.Inbox)
	if n%3 == 0 && len(root.Mailboxes) > 0 {
		m = &root.Mailboxes[n/3%len(root.Mailboxes)]
	}
	if m == nil {
		o.w.fail("created-mailbox-is-there", "root has no INBOX to %s", o.q.name)
		return nil, sync.ErrNoMailbox
	}
	f, ok := o.a.Folder(m.ID)
	if !ok {
		return nil, sync.ErrNoMailbox
	}
	return f, nil
}

// open opens a folder; its view is checked.
func (o *operation) open(f *sync.Folder) (*index.View, error) {
	if _, err := f.Open(o.ctx); err != nil {
		return nil, err
	}
	if !o.told() {
		return nil, errDied
	}
	if v := o.w.led.see(o.q, o.a, f); v != nil {
		return v, nil
	}
	return nil, sync.ErrNotOpen
}

// mailOf makes the mail of a token.
func mailOf(tok token, content int, flags index.Flags) sync.NewMail {
	return sync.NewMail{Body: message.NewBody(rawOf(content), message.DefaultLimits()), Flags: flags, InternalDate: time.Unix(int64(tok), 0)}
}

func rawOf(content int) []byte {
	return fmt.Appendf(nil, "From: a@example.org\r\nSubject: content %d\r\nMessage-ID: <%d@example.org>\r\n\r\nbody %d\r\n", content, content, content)
}

func (o *operation) flags() index.Flags { return index.Flags(o.r.IntN(32)) }

func doAppend(o *operation) error {
	f, err := o.folder(o.s.N)
	if err != nil {
		return err
	}
	tok, content := o.w.led.newMail(0)
	o.w.note("%s stores mail %d", o.q.name, tok)
	uid, err := f.Append(o.ctx, mailOf(tok, content, o.flags()))
	if err == nil && o.told() {
		o.w.led.ack(tok, o.q, f, uid)
	}
	return err
}

func doAppendMany(o *operation) error {
	f, err := o.folder(o.s.N)
	if err != nil {
		return err
	}
	var mails []sync.NewMail
	var toks []token
	for range 2 + o.r.IntN(3) {
		tok, content := o.w.led.newMail(0)
		toks = append(toks, tok)
		mails = append(mails, mailOf(tok, content, o.flags()))
	}
	o.w.note("%s stores mails %d", o.q.name, toks)
	uids, err := f.AppendMany(o.ctx, mails)
	if err != nil || !o.told() {
		return err
	}
	if len(uids) != len(toks) || !slices.IsSorted(uids) {
		o.w.fail("uids-ascending-in-session", "%d mails were stored under UIDs %d", len(toks), uids)
		return nil
	}
	for i, uid := range uids {
		o.w.led.ack(toks[i], o.q, f, uid)
	}
	return nil
}

func doFlags(o *operation) error {
	f, err := o.folder(o.s.N)
	if err != nil {
		return err
	}
	if _, err := o.open(f); err != nil {
		return err
	}
	var made []int
	var modseqs []uint64
	flags, at, many := o.flags(), o.r.Float64(), o.r.IntN(3)
	_, err = f.Update(o.ctx, func(v *index.View, next func() uint64) (todo []index.Op) {
		if v.Len() == 0 {
			return nil
		}
		first := int(at * float64(v.Len()))
		made, modseqs = nil, nil
		for _, r := range v.Range(first, first+1+many) {
			k := o.w.led.newVersion(tokenOf(r), o.q, o.a.Epoch(), flags)
			made, modseqs = append(made, k), append(modseqs, next())
			todo = append(todo, index.Op{Kind: index.OpFlags, UID: r.UID, ModSeq: modseqs[len(modseqs)-1], Flags: flags, Keywords: []string{fmt.Sprint("v", k)}})
		}
		return todo
	})
	if err == nil && o.told() {
		o.w.note("%s changes flags, versions %d", o.q.name, made)
		o.w.led.ackVersions(made, modseqs)
		o.w.led.see(o.q, o.a, f)
	}
	return err
}

// choose picks some messages of a view.
func (o *operation) choose(v *index.View) (uids []uint32, toks []token) {
	if v.Len() == 0 {
		return nil, nil
	}
	first := o.r.IntN(v.Len())
	for _, r := range v.Range(first, first+1+o.r.IntN(3)) {
		uids = append(uids, r.UID)
		toks = append(toks, tokenOf(r))
	}
	return uids, toks
}

func doExpunge(o *operation) error {
	f, err := o.folder(o.s.N)
	if err != nil {
		return err
	}
	v, err := o.open(f)
	if err != nil {
		return err
	}
	uids, _ := o.choose(v)
	return o.expunge(f, uids)
}

func (o *operation) expunge(f *sync.Folder, uids []uint32) error {
	v := f.View()
	if v == nil {
		return sync.ErrNotOpen
	}
	var toks []token
	byUID := map[uint32]token{}
	for _, uid := range uids {
		if i, ok := v.Find(uid); ok {
			byUID[uid] = tokenOf(v.At(i))
			toks = append(toks, byUID[uid])
		}
	}
	o.w.led.asked(toks)
	o.w.note("%s expunges UIDs %d of %s", o.q.name, uids, f.ID())
	removed, err := f.Expunge(o.ctx, uidset.Of(uids...))
	if !o.told() {
		return err
	}
	var gone []token
	for uid := range removed.All() {
		if tok, ok := byUID[uid]; ok {
			gone = append(gone, tok)
		}
	}
	o.w.note("%s says that UIDs %s of %s are expunged", o.q.name, removed, f.ID())
	o.w.led.expunged(gone, o.q)
	return err
}

func doCopy(o *operation) error { return o.copy(false) }
func doMove(o *operation) error { return o.copy(true) }

// copy copies messages of a folder to another or the same, and then expunges
// them for a move.
func (o *operation) copy(move bool) error {
	from, err := o.folder(o.s.N)
	if err != nil {
		return err
	}
	to, err := o.folder(o.r.IntN(1000))
	if err != nil {
		return err
	}
	v, err := o.open(from)
	if err != nil {
		return err
	}
	uids, toks := o.choose(v)
	var mails []sync.NewMail
	var copies []token
	for i, uid := range uids {
		b, err := o.object(from, uid, toks[i])
		if err != nil {
			return err
		}
		tok, _ := o.w.led.newMail(o.w.led.contentOf(toks[i]))
		copies = append(copies, tok)
		mails = append(mails, sync.NewMail{Object: b, InternalDate: time.Unix(int64(tok), 0)})
	}
	if len(mails) == 0 {
		return nil
	}
	o.w.note("%s copies UIDs %d of %s to %s as mails %d", o.q.name, uids, from.ID(), to.ID(), copies)
	stored, err := to.AppendMany(o.ctx, mails)
	if err != nil || !o.told() {
		return err
	}
	for i, uid := range stored {
		o.w.led.ack(copies[i], o.q, to, uid)
	}
	if !move {
		return nil
	}
	return o.expunge(from, uids)
}

func (l *ledger) contentOf(tok token) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.mails[tok]; m != nil {
		return m.content
	}
	return 0
}

// object reads a message's object and checks that it is the mail that its UID
// names.
func (o *operation) object(f *sync.Folder, uid uint32, tok token) ([]byte, error) {
	return readObject(o.ctx, o.w, f, uid, tok)
}

func readObject(ctx context.Context, w *world, f *sync.Folder, uid uint32, tok token) ([]byte, error) {
	b, err := f.Object(ctx, uid, 0, 0)
	if err != nil {
		return nil, err
	}
	meta, raw, err := message.ReadAll(b)
	switch {
	case err != nil:
		w.fail("uid-names-one-mail", "object of UID %d of %s can't be read: %v", uid, f.ID(), err)
	case token(meta.InternalDate) != tok || !bytes.Equal(raw, rawOf(w.led.contentOf(tok))):
		w.fail("uid-names-one-mail", "object of UID %d of %s is mail %d %q, the index says mail %d", uid, f.ID(), meta.InternalDate, raw, tok)
	}
	return b, nil
}

func doFetch(o *operation) error {
	f, err := o.folder(o.s.N)
	if err != nil {
		return err
	}
	v, err := o.open(f)
	if err != nil {
		return err
	}
	uids, toks := o.choose(v)
	for i, uid := range uids {
		if _, err := o.object(f, uid, toks[i]); err != nil && !errors.Is(err, sync.ErrMessageGone) {
			return err
		}
	}
	return checkSummaries(o.ctx, o.w, f, v)
}

// checkSummaries checks that summaries and identifiers are those of the mails.
func checkSummaries(ctx context.Context, w *world, f *sync.Folder, v *index.View) error {
	var uids []uint32
	for _, r := range v.All() {
		uids = append(uids, r.UID)
	}
	for s, err := range f.Summaries(ctx, uids) {
		if err != nil {
			return err
		}
		i, _ := v.Find(s.UID)
		want := fmt.Sprint("content ", w.led.contentOf(tokenOf(v.At(i))))
		if got := s.Summary.Envelope().Subject; got != want {
			w.fail("uid-names-one-mail", "summary of UID %d of %s is of %q, the mail is %q", s.UID, f.ID(), got, want)
		}
	}
	ids, err := f.IDs(ctx, uidset.Of(uids...))
	if err != nil {
		return err
	}
	w.led.mu.Lock()
	defer w.led.mu.Unlock()
	for uid, id := range ids {
		p := place{f.ID(), uid}
		if old, ok := w.led.guids[p]; ok && old != id.GUID {
			w.fail("uid-names-one-mail", "UID %d of %s had GUID %x, has %x", uid, f.ID(), old, id.GUID)
		}
		w.led.guids[p] = id.GUID
	}
	return nil
}

// upload uploads, or releases; what was acknowledged before is committed then.
func (w *world) upload(q *process, a *sync.Account, do func(context.Context) error) error {
	start := procClock{q}.Now()
	acked := w.led.ackedOf(q, a.Epoch())
	ctx, cancel := context.WithTimeout(w.ctx, 10*time.Minute)
	defer cancel()
	err := do(ctx)
	if err != nil || !q.gate() {
		return err
	}
	if since, changed := a.ChangedAt(); changed && !since.After(start) && a.Err() == nil {
		return nil // another upload is under way
	}
	w.note("%s has uploaded versions %d", q.name, acked)
	w.led.committed(acked, a.Epoch())
	return nil
}
