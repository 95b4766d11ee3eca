package imap

import (
	"bytes"
	"fmt"
	"io"

	"slices"
	"testing"
	"time"

	goimap "github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"

	"mailbackend.io/test/corpus"
)

// goClient is go-imap's client, with what it was told unasked.
type goClient struct {
	*imapclient.Client
	t       *testing.T
	exists  chan uint32
	expunge chan uint32
}

func newGoClient(t *testing.T, ts *testServer) *goClient {
	t.Helper()
	g := &goClient{t: t, exists: make(chan uint32, 100), expunge: make(chan uint32, 100)}
	o := &imapclient.Options{UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Expunge: func(n uint32) { g.expunge <- n },
		Mailbox: func(data *imapclient.UnilateralDataMailbox) {
			if data.NumMessages != nil {
				g.exists <- *data.NumMessages
			}
		},
	}}
	g.Client = imapclient.New(ts.l.dial(), o)
	t.Cleanup(func() { _ = g.Close() })
	if err := g.WaitGreeting(); err != nil {
		t.Fatal(err)
	}
	return g
}

// must fails the test on an error.
func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// TestGoIMAPClient is a day of go-imap's client, as IMAP4rev1 and as IMAP4rev2.
func TestGoIMAPClient(t *testing.T) {
	for _, rev2 := range []bool{false, true} {
		t.Run(fmt.Sprintf("rev2=%v", rev2), func(t *testing.T) {
			ts := newRealServer(t, Config{AllowPlaintextAuth: true})
			g := newGoClient(t, ts)
			if err := g.Authenticate(sasl.NewPlainClient("", "alice", "secret")); err != nil {
				t.Fatal(err)
			}
			if rev2 {
				must[*imapclient.EnableData](t)(g.Enable(goimap.CapIMAP4rev2).Wait())
			}
			g.mailboxes(rev2)
			g.messages(ts)
			g.news(ts)
			if err := g.Logout().Wait(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// mailboxes creates, renames, lists and deletes.
func (g *goClient) mailboxes(rev2 bool) {
	t := g.t
	for _, name := range []string{"Work", "Work/Räume", "Old"} {
		if err := g.Create(name, nil).Wait(); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Rename("Old", "Work/Older", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	list := must[[]*goimap.ListData](t)(g.List("", "Work*", &goimap.ListOptions{
		ReturnStatus: &goimap.StatusOptions{NumMessages: true, NumUnseen: true, Size: true},
	}).Collect())
	var names []string
	for _, l := range list {
		names = append(names, l.Mailbox)
		if l.Status == nil || *l.Status.NumMessages != 0 || *l.Status.Size != 0 {
			t.Errorf("status of %s: %+v", l.Mailbox, l.Status)
		}
	}
	slices.Sort(names)
	if want := []string{"Work", "Work/Older", "Work/Räume"}; !slices.Equal(names, want) {
		t.Errorf("listed %q, want %q (rev2: %v)", names, want, rev2)
	}
	if err := g.Delete("Work/Older").Wait(); err != nil {
		t.Fatal(err)
	}
	ns := must[*goimap.NamespaceData](t)(g.Namespace().Wait())
	if len(ns.Personal) != 1 || ns.Personal[0].Delim != '/' {
		t.Errorf("namespace %+v", ns)
	}
}

// messages appends, fetches, searches, changes and moves.
func (g *goClient) messages(ts *testServer) {
	t := g.t
	var mails [][]byte
	for i := range 10 {
		raw := corpus.Realistic(7, i)
		mails = append(mails, raw)
		app := g.Append("INBOX", int64(len(raw)), &goimap.AppendOptions{Flags: []goimap.Flag{goimap.FlagFlagged}, Time: testTime.Add(time.Hour)})
		if _, err := app.Write(raw); err != nil {
			t.Fatal(err)
		}
		if err := app.Close(); err != nil {
			t.Fatal(err)
		}
		if data := must[*goimap.AppendData](t)(app.Wait()); data.UID != goimap.UID(i+1) {
			t.Errorf("APPENDUID %d of mail %d", data.UID, i)
		}
	}
	sel := must[*goimap.SelectData](t)(g.Select("INBOX", nil).Wait())
	if sel.NumMessages != 10 || sel.UIDNext != 11 {
		t.Errorf("selected %+v", sel)
	}
	whole := &goimap.FetchItemBodySection{Peek: true}
	got := must[[]*imapclient.FetchMessageBuffer](t)(g.Fetch(goimap.SeqSetNum(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), &goimap.FetchOptions{
		UID: true, Flags: true, Envelope: true, InternalDate: true, RFC822Size: true,
		BodyStructure: &goimap.FetchItemBodyStructure{Extended: true}, BodySection: []*goimap.FetchItemBodySection{whole},
	}).Collect())
	for i, m := range got {
		if body := m.FindBodySection(whole); !bytes.Equal(body, mails[i]) || m.RFC822Size != int64(len(mails[i])) {
			t.Errorf("mail %d came back with %d bytes, size %d; it has %d", i, len(body), m.RFC822Size, len(mails[i]))
		}
		if m.Envelope == nil || m.BodyStructure == nil || !m.InternalDate.Equal(testTime.Add(time.Hour)) || len(m.Flags) == 0 {
			t.Errorf("mail %d: %+v", i, m)
		}
	}
	found := must[*goimap.SearchData](t)(g.UIDSearch(&goimap.SearchCriteria{Flag: []goimap.Flag{goimap.FlagFlagged}}, nil).Wait())
	if n := len(found.AllUIDs()); n != 10 {
		t.Errorf("search found %d", n)
	}
	must[[]*imapclient.FetchMessageBuffer](t)(g.Store(goimap.SeqSetNum(1, 2), &goimap.StoreFlags{Op: goimap.StoreFlagsAdd, Flags: []goimap.Flag{goimap.FlagDeleted, "$Work"}}, nil).Collect())
	must[*imapclient.MoveData](t)(g.Move(goimap.SeqSetNum(10), "Work/Räume").Wait())
	must[*goimap.CopyData](t)(g.Copy(goimap.SeqSetNum(9), "Work/Räume").Wait())
	if gone := must[[]uint32](t)(g.Expunge().Collect()); len(gone) != 2 {
		t.Errorf("expunged %v", gone)
	}
	st := must[*goimap.StatusData](t)(g.Status("Work/Räume", &goimap.StatusOptions{NumMessages: true, UIDNext: true}).Wait())
	if *st.NumMessages != 2 || st.UIDNext != 3 {
		t.Errorf("status %+v", st)
	}
}

// news waits in IDLE for what others do.
func (g *goClient) news(ts *testServer) {
	t := g.t
	idle := must[*imapclient.IdleCommand](t)(g.Idle())
	for len(g.exists) > 0 {
		<-g.exists
	}
	ts.deliver("alice", "INBOX", "News")
	select {
	case n := <-g.exists:
		if n != 8 {
			t.Errorf("%d messages exist", n)
		}
	case <-time.After(patience):
		t.Fatal("no news")
	}
	if err := idle.Close(); err != nil {
		t.Fatal(err)
	}
	if err := idle.Wait(); err != nil {
		t.Fatal(err)
	}
	text := &goimap.FetchItemBodySection{Specifier: goimap.PartSpecifierText}
	cmd := g.Fetch(goimap.SeqSetNum(8), &goimap.FetchOptions{BodySection: []*goimap.FetchItemBodySection{text}})
	for m := cmd.Next(); m != nil; m = cmd.Next() {
		for item := m.Next(); item != nil; item = m.Next() {
			if b, ok := item.(imapclient.FetchItemDataBodySection); ok {
				data := must[[]byte](t)(io.ReadAll(b.Literal))
				if !bytes.Contains(data, []byte("this is News.")) {
					t.Errorf("text %q", data)
				}
			}
		}
	}
	if err := cmd.Close(); err != nil {
		t.Fatal(err)
	}
}
