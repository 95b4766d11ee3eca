package search

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mailbackend.io/backend/imap/msgset"
	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/mailstore"
	"mailbackend.io/backend/message"
	"mailbackend.io/backend/uidset"
)

// mbox is a Mailbox in memory that counts what it is asked for.
type mbox struct {
	idx  *index.Mailbox
	raw  map[uint32][]byte
	ids  map[uint32]index.IDs
	lost uidset.Set // gone since the view was taken

	summaries, opened, prefetched int
}

type body []byte

func (b body) ReadRange(_ context.Context, w io.Writer, off, n int64) error {
	_, err := w.Write(b[min(off, int64(len(b))):min(off+n, int64(len(b)))])
	return err
}

func (m *mbox) Summaries(_ context.Context, uids []uint32) iter.Seq2[mailstore.Item, error] {
	return func(yield func(mailstore.Item, error) bool) {
		for _, u := range uids {
			if m.lost.Contains(u) {
				continue
			}
			m.summaries++
			if !yield(mailstore.Item{UID: u, Summary: message.Parse(m.raw[u], message.DefaultLimits())}, nil) {
				return
			}
		}
	}
}

func (m *mbox) IDs(_ context.Context, uid uint32) (index.IDs, error) {
	if m.lost.Contains(uid) {
		return index.IDs{}, mailstore.ErrMessageGone
	}
	return m.ids[uid], nil
}

func (m *mbox) Message(_ context.Context, uid uint32) (body, error) {
	if m.lost.Contains(uid) {
		return nil, mailstore.ErrMessageGone
	}
	m.opened++
	return m.raw[uid], nil
}

func (m *mbox) Prefetch(uids []uint32) { m.prefetched += len(uids) }

// mail is one message of a test's mailbox; lines are separated by LF here.
type mail struct {
	uid      uint32
	flags    index.Flags
	keywords []string
	date     string // of delivery; saved an hour later
	raw      string
}

func newMbox(t testing.TB, mails []mail) *mbox {
	t.Helper()
	m := &mbox{idx: index.NewMailbox(), raw: map[uint32][]byte{}, ids: map[uint32]index.IDs{}}
	for _, x := range mails {
		raw := strings.ReplaceAll(x.raw, "\n", "\r\n")
		date, err := time.Parse(time.RFC3339, x.date)
		if err != nil {
			t.Fatal(err)
		}
		ids := index.IDs{EmailID: index.ID{byte(x.uid)}, ThreadID: index.ID{byte(x.uid / 4)}}
		err = m.idx.Apply(index.Op{
			Kind: index.OpAppend, ModSeq: uint64(x.uid) * 10, UID: x.uid, Flags: x.flags, Keywords: x.keywords,
			Size: uint32(len(raw)), InternalDate: date.Unix(), SaveDate: date.Add(time.Hour).Unix(), IDs: ids,
		})
		if err != nil {
			t.Fatal(err)
		}
		m.raw[x.uid], m.ids[x.uid] = []byte(raw), ids
	}
	return m
}

// parse reads a program as a client writes it; LF stands for CRLF.
func parse(t testing.TB, program string) *wire.Search {
	t.Helper()
	var raw wire.Raw
	rest := []byte("a SEARCH " + program)
	for {
		line, after, found := bytes.Cut(rest, []byte("\n"))
		raw.Lines = append(raw.Lines, line)
		size, _, _, ok, _ := wire.TrailingLiteral(line)
		if !found || !ok {
			break
		}
		raw.Literals = append(raw.Literals, after[:size])
		rest = after[size:]
	}
	c, err := wire.ParseCommand(raw, wire.Options{Limits: wire.DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	s, err := wire.ParseSearch(c.Args)
	if err != nil {
		t.Fatalf("%s: %v", program, err)
	}
	return &s
}

func session() Session {
	return Session{
		Now:    time.Date(2024, 3, 10, 12, 0, 0, 0, time.UTC),
		Saved:  uidset.Of(2, 4, 77),
		Recent: uidset.Of(8, 9),
	}
}

func find(t testing.TB, m *mbox, program string) (Result, error) {
	t.Helper()
	s := parse(t, program)
	p, err := Compile(&s.SearchProgram)
	if err != nil {
		return Result{}, err
	}
	return p.Run(t.Context(), m.idx.View(), From(m), session(), s.Return)
}

// testMails are messages 1 to 7.
var testMails = []mail{
	{1, index.Seen, nil, "2024-01-01T00:00:00Z", "From: Ann Lee <ann@example.org>\nTo: bob@example.net\nSubject: Hello World\nDate: Mon, 1 Jan 2024 23:30:00 -0800\n\nplain text, nothing else\n"},
	{2, index.Seen | index.Flagged, []string{"$Junk"}, "2024-01-02T23:59:59Z", "From: =?utf-8?q?J=C3=B6rg_M=C3=BCller?= <joerg@example.org>\nSubject: =?iso-8859-1?q?Gr=FC=DFe?=\n =?utf-8?b?IGF1cyBCZXJsaW4=?=\nX-Spam: yes\nDate: 2 Jan 2024 10:00:00 +0000\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nSch=F6ne Gr=FC=DFe, =\nwelt\n"},
	{4, index.Deleted, []string{"$junk", "Work"}, "2024-03-10T11:59:00Z", "From: carol@example.com\nCc: ann@example.org\nSubject: multi\nDate: Sun, 10 Mar 2024 01:00:00 +1400\nContent-Type: multipart/mixed; boundary=b\n\npreamble secret\n--b\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\nVGhlIHF1aWNrIGJyb3duIGZveA==\n--b\nContent-Type: application/octet-stream\n\nhidden attachment\n--b\nContent-Type: text/html\n\n<p>lazy <b>dog</b></p>\n--b--\n"},
	{5, index.Answered | index.Draft, nil, "2024-02-29T00:00:00Z", "From: x@y\nBcc: hidden@example.org\nSubject:\nContent-Type: message/rfc822\n\nFrom: inner@example.org\nSubject: =?utf-8?q?nested_=C3=A4?=\n\ninner words\n"},
	{8, 0, nil, "2024-03-09T12:00:00Z", "Subject: CAFE\u0301 au lait\nDate: nonsense\n\nΑΒΓ ςigma \u212b ﬁne\n"},
	{9, index.Seen, nil, "2024-03-09T12:00:01Z", "no header at all"},
	{20, 0, nil, "2024-03-10T12:00:00Z", ""},
}

func TestKeys(t *testing.T) {
	m := newMbox(t, testMails)
	for _, c := range []struct{ program, want string }{
		{`ALL`, "1:7"},
		{`2,4:*`, "2,4:7"},
		{`UID 2:5`, "2:4"},
		{`UID 100:*`, "7"},
		{`$`, "2:3"},
		{`UID $ 3`, "3"},
		{`SEEN`, "1:2,6"},
		{`UNSEEN`, "3:5,7"},
		{`FLAGGED`, "2"}, {`DELETED`, "3"}, {`ANSWERED DRAFT`, "4"}, {`NOT DRAFT UNANSWERED`, "1:3,5:7"},
		{`KEYWORD $junk`, "2:3"}, {`KEYWORD WORK`, "3"}, {`UNKEYWORD $Junk`, "1,4:7"}, {`KEYWORD none`, ""},
		{`RECENT`, "5:6"}, {`OLD`, "1:4,7"}, {`NEW`, "5"},
		{`BEFORE 2-Jan-2024`, "1"}, {`ON 2-Jan-2024`, "2"}, {`SINCE 10-Mar-2024`, "3,7"},
		{`SAVEDBEFORE 2-Jan-2024`, "1"}, {`SAVEDON 3-Jan-2024`, "2"}, {`SAVEDSINCE 10-Mar-2024`, "3,7"}, {`SAVEDATESUPPORTED`, "1:7"},
		{`YOUNGER 86399`, "3,6:7"}, {`YOUNGER 86400`, "3,5:7"}, {`OLDER 86400`, "1:2,4:5"}, {`OLDER 60 YOUNGER 60`, "3"},
		{`LARGER 15`, "1:6"}, {`SMALLER 17`, "6:7"}, {`SMALLER 1`, "7"},
		{`MODSEQ 90`, "6:7"}, {`MODSEQ 0`, "1:7"},
		{`EMAILID M04000000000000000000000000000000`, "3"}, {`THREADID T02000000000000000000000000000000`, "5:6"},
		{`EMAILID T04000000000000000000000000000000`, ""}, {`NOT EMAILID nonsense`, "1:7"}, {`THREADID T00000000000000000000000000000000`, ""},
		{`FROM ann`, "1"}, {`FROM "ANN LEE"`, "1"}, {`FROM <ann@example.org>`, "1"}, {`FROM inner`, ""}, {`CC ann`, "3"}, {`TO bob`, "1"}, {`BCC hidden`, "4"},
		{`FROM "Lee <ann"`, "1"},
		{`CHARSET UTF-8 FROM "Jörg"`, "2"}, {`FROM "JÖRG MÜLLER"`, "2"}, {`FROM {6}` + "\nJo\u0308rg", "2"},
		{`CHARSET ISO-8859-1 FROM {4}` + "\nJ\xf6rg", "2"},
		{`SUBJECT "grüße aus berlin"`, "2"}, {`SUBJECT hello`, "1"}, {`SUBJECT "o w"`, "1"}, {`SUBJECT ""`, "1:5"}, {`SUBJECT utf-8`, ""},
		{`SUBJECT cafe`, "5"}, {`SUBJECT "café"`, "5"}, {`SUBJECT "CAFÉ AU"`, "5"},
		{`HEADER X-Spam ""`, "2"}, {`HEADER x-spam YES`, "2"}, {`HEADER X-Spam no`, ""}, {`HEADER Content-Type multipart`, "3"}, {`NOT HEADER From ""`, "5:7"},
		{`SENTON 1-Jan-2024`, "1"}, {`SENTON 10-Mar-2024`, "3"}, {`SENTBEFORE 2-Jan-2024`, "1"}, {`SENTSINCE 2-Jan-2024`, "2:3"}, {`NOT SENTSINCE 1-Jan-1970`, "4:7"},
		{`BODY nothing`, "1"}, {`BODY hello`, ""}, {`TEXT hello`, "1"}, {`TEXT "subject: hello"`, "1"}, {`BODY "grüße, welt"`, "2"}, {`BODY "schone"`, ""}, {`BODY scho`, "2"},
		{`BODY "quick brown"`, "3"}, {`BODY "lazy <b>dog"`, "3"}, {`BODY "hidden attachment"`, ""}, {`BODY secret`, ""}, {`BODY VGhl`, ""},
		{`BODY inner@example`, "4"}, {`BODY "nested ä"`, "4"}, {`BODY "INNER WORDS"`, "4"}, {`TEXT hidden@example`, "4"},
		{`BODY "αβγ σIGMA å fine"`, "5"}, {`BODY ""`, "1:7"}, {`TEXT ""`, "1:7"}, {`TEXT "no header"`, "6"},
		{`TEXT "x-spam: yes"`, "2"},
		{`OR BODY quick OR SUBJECT hello UID 20`, "1,3,7"},
		{`NOT (OR TEXT ann BODY inner)`, "2,5:7"},
		{`NOT TEXT ann NOT BODY inner SEEN`, "2,6"},
		{`(1:3 (OR SEEN DELETED)) NOT 2`, "1,3"},
		{`OR (BODY quick FROM carol) (BODY quick FROM ann)`, "3"},
	} {
		got, err := find(t, m, c.program)
		if err != nil {
			t.Errorf("%s: %v", c.program, err)
			continue
		}
		if got.Seqs.String() != c.want {
			t.Errorf("%s: %s, want %s", c.program, got.Seqs, c.want)
		}
	}
}

func TestErrors(t *testing.T) {
	m := newMbox(t, testMails)
	for _, c := range []struct {
		program string
		want    error
	}{
		{`CHARSET X-UNKNOWN ALL`, ErrBadCharset},
		{`CHARSET US-ASCII TEXT "ä"`, ErrBadCharset},
		{`TEXT {1}` + "\n\xff", ErrBadCharset},
		{`CHARSET UTF-8 TEXT {1}` + "\n\xff", ErrBadCharset},
		{`CHARSET EUC-KR TEXT {1}` + "\n\xff", ErrBadCharset},
		{`8`, msgset.ErrNoSuchMessage},
		{`OR NOT 8:9 ALL`, msgset.ErrNoSuchMessage},
	} {
		if _, err := find(t, m, c.program); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.program, err, c.want)
		}
	}
	for _, name := range []string{"utf-8", "UTF8", "US-ASCII", "ISO-8859-1", "iso-8859-15", "WINDOWS-1252", "cp1252", "KOI8-R", "Shift_JIS", "GB18030", "Big5", "EUC-KR"} {
		if _, err := find(t, m, "CHARSET "+name+" ALL"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Nothing is read that the phases before can do without.
func TestPhases(t *testing.T) {
	m := newMbox(t, testMails)
	for _, c := range []struct {
		program           string
		summaries, opened int
	}{
		{`UNSEEN SINCE 1-Jan-2024 KEYWORD x`, 0, 0},
		{`SUBJECT hello`, 7, 0},
		{`SEEN SUBJECT hello`, 3, 0},
		{`SUBJECT hello SEEN`, 3, 0},
		{`OR SEEN SUBJECT hello`, 4, 0},
		{`BODY x`, 7, 7},
		{`BODY x FLAGGED`, 1, 1},
		{`BODY x SUBJECT multi`, 7, 1},
		{`OR BODY x UID 1:9`, 1, 1},
		{`EMAILID M04000000000000000000000000000000`, 0, 0},
		{`EMAILID M04000000000000000000000000000000 SUBJECT x`, 1, 0},
		{`BODY x NOT ALL`, 0, 0},
	} {
		m.summaries, m.opened, m.prefetched = 0, 0, 0
		if _, err := find(t, m, c.program); err != nil {
			t.Fatal(err)
		}
		if m.summaries != c.summaries || m.opened != c.opened || m.prefetched != c.opened {
			t.Errorf("%s: %d summaries, %d opened, %d prefetched, want %d, %d", c.program, m.summaries, m.opened, m.prefetched, c.summaries, c.opened)
		}
	}
}

// A header key whose field isn't in the summary is decided by the header.
func TestUncachedHeader(t *testing.T) {
	lim := message.DefaultLimits()
	long := "X-Long: " + strings.Repeat("x ", lim.MaxCachedHeader) + "needle\n"
	m := newMbox(t, []mail{
		{1, 0, nil, "2024-01-01T00:00:00Z", long + "X-After: here\nDate: 1 Jan 2024 00:00:00 +0000\n\ntext\n"},
		{2, 0, nil, "2024-01-01T00:00:00Z", "X-Long: short\nX-After: there\n\ntext\n"},
	})
	for _, c := range []struct{ program, want string }{
		{`HEADER X-Long "x x"`, "1"}, {`HEADER X-After here`, "1:2"}, {`HEADER X-After there`, "2"}, {`NOT HEADER X-Long ""`, ""},
		{`HEADER X-Nothing ""`, ""}, {`SENTON 1-Jan-2024`, "1"}, {`TEXT needle`, "1"}, {`HEADER X-Long short BODY text`, "2"},
	} {
		if got, err := find(t, m, c.program); err != nil || got.Seqs.String() != c.want {
			t.Errorf("%s: %v %v, want %s", c.program, got.Seqs, err, c.want)
		}
	}
}

func TestGone(t *testing.T) {
	m := newMbox(t, testMails)
	m.lost = uidset.Of(1, 4)
	for _, c := range []struct{ program, want string }{
		{`NOT BODY quick`, "2,4:7"},
		{`NOT SUBJECT quick`, "2,4:7"},
		{`NOT EMAILID M09000000000000000000000000000000`, "2,4:5,7"},
	} {
		if got, err := find(t, m, c.program); err != nil || got.Seqs.String() != c.want {
			t.Errorf("%s: %v %v, want %s", c.program, got.Seqs, err, c.want)
		}
	}
	// Expunged, but still shown: the session could not be told yet.
	m = newMbox(t, testMails)
	old := m.idx.View()
	if err := m.idx.Apply(index.Op{Kind: index.OpExpunge, ModSeq: 1000, UIDs: uidset.Of(1)}); err != nil {
		t.Fatal(err)
	}
	shown, _ := index.Advance(old, m.idx.View(), true)
	s := parse(t, "ALL")
	p, err := Compile(&s.SearchProgram)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Run(t.Context(), shown, From(m), session(), 0); err != nil || got.Seqs.String() != "2:7" {
		t.Errorf("ALL with a gone message: %v %v", got.Seqs, err)
	}
}

func TestEndsAndModSeq(t *testing.T) {
	m := newMbox(t, testMails)
	for _, c := range []struct {
		program, want string
		modseq        uint64
	}{
		{`SEEN`, "1:2,6", 90},
		{`RETURN () SEEN`, "1:2,6", 90},
		{`RETURN (MIN) SEEN`, "1", 10},
		{`RETURN (MAX) SEEN`, "6", 90},
		{`RETURN (MIN MAX SAVE) SEEN`, "1,6", 90},
		{`RETURN (MIN COUNT) SEEN`, "1:2,6", 90},
		{`RETURN (SAVE) SEEN`, "1:2,6", 90},
		{`RETURN (MIN MAX) KEYWORD x`, "", 0},
		{`RETURN (MIN) BODY "e"`, "1", 10},
		{`RETURN (MAX) 1:4 BODY "e"`, "4", 50},
		{`RETURN (MIN MAX) SUBJECT multi`, "3", 40},
	} {
		if got, err := find(t, m, c.program); err != nil || got.Seqs.String() != c.want || got.ModSeq != c.modseq {
			t.Errorf("%s: %v %d %v, want %s %d", c.program, got.Seqs, got.ModSeq, err, c.want, c.modseq)
		}
	}
}

// A search for one end reads no more than it needs.
func TestEndsStopEarly(t *testing.T) {
	mails := make([]mail, 1000)
	for i := range mails {
		mails[i] = mail{uint32(i + 1), 0, nil, "2024-01-01T00:00:00Z", "Subject: x\n\ntext\n"}
	}
	m := newMbox(t, mails)
	for _, program := range []string{`RETURN (MIN) BODY text`, `RETURN (MAX) BODY text`} {
		m.opened = 0
		if _, err := find(t, m, program); err != nil || m.opened > firstBatch {
			t.Errorf("%s opens %d messages, %v", program, m.opened, err)
		}
	}
}

// TestAlgebra: a compound program finds what set algebra makes of what its parts
// find.
func TestAlgebra(t *testing.T) {
	m := newMbox(t, testMails)
	all := uidset.OfRanges(uidset.Range{First: 1, Last: 7})
	leaves := []string{`ALL`, `SEEN`, `2:4`, `UID 5:*`, `FROM a`, `SUBJECT ""`, `BODY e`, `TEXT ann`, `KEYWORD work`, `LARGER 100`,
		`EMAILID M04000000000000000000000000000000`, `SENTSINCE 1-Jan-2024`, `$`, `HEADER X-Spam y`, `BODY inner`}
	rapid.Check(t, func(rt *rapid.T) {
		var build func(depth int) (string, uidset.Set)
		build = func(depth int) (string, uidset.Set) {
			kind := rapid.IntRange(0, 3).Draw(rt, "kind")
			if depth == 0 || kind == 0 {
				leaf := rapid.SampledFrom(leaves).Draw(rt, "leaf")
				r, err := find(t, m, leaf)
				if err != nil {
					rt.Fatal(err)
				}
				return leaf, r.Seqs
			}
			a, as := build(depth - 1)
			if kind == 1 {
				return "NOT (" + a + ")", minus(all, as)
			}
			b, bs := build(depth - 1)
			if kind == 2 {
				return "(" + a + " " + b + ")", as.Intersect(bs)
			}
			return "OR (" + a + ") (" + b + ")", merge(as, bs)
		}
		program, want := build(4)
		got, err := find(t, m, program)
		if err != nil {
			rt.Fatal(err)
		}
		if !got.Seqs.Equal(want) {
			rt.Fatalf("%s: %v, want %v", program, got.Seqs, want)
		}
		ends, err := find(t, m, "RETURN (MIN MAX) "+program)
		if err != nil || ends.Seqs.Min() != want.Min() || ends.Seqs.Max() != want.Max() || ends.Seqs.Len() > 2 {
			rt.Fatalf("%s: ends %v %v of %v", program, ends.Seqs, err, want)
		}
	})
}

func minus(a, b uidset.Set) uidset.Set {
	out := a.Clone()
	for _, r := range b.Ranges() {
		out.Remove(r.First, r.Last)
	}
	return out
}

func TestCancelled(t *testing.T) {
	m := newMbox(t, testMails)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, program := range []string{"ALL", "SUBJECT x", "BODY x"} {
		p, err := Compile(&parse(t, program).SearchProgram)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Run(ctx, m.idx.View(), From(m), session(), 0); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", program, err)
		}
	}
}

// FuzzProgram: any program and its negation divide the mailbox between them.
func FuzzProgram(f *testing.F) {
	for _, seed := range []string{
		`ALL`, `OR SEEN NOT (FROM a BODY "b")`, `CHARSET ISO-8859-1 TEXT x`, `UID 1:* $ HEADER X-Spam ""`, `SENTON 1-Jan-2024 LARGER 5 MODSEQ 5`,
		`EMAILID M04000000000000000000000000000000 KEYWORD x NEW OLDER 5`, `RETURN (MIN) OR BODY e TEXT "\\"`,
	} {
		f.Add(seed)
	}
	m := newMbox(f, testMails)
	view := m.idx.View()
	f.Fuzz(func(t *testing.T, text string) {
		c, err := wire.ParseCommand(wire.Raw{Lines: [][]byte{[]byte("a SEARCH " + text)}}, wire.Options{Limits: wire.DefaultLimits()})
		if err != nil {
			return
		}
		s, err := wire.ParseSearch(c.Args)
		if err != nil {
			return
		}
		p, err := Compile(&s.SearchProgram)
		if err != nil {
			return
		}
		found, err := p.Run(t.Context(), view, From(m), session(), 0)
		if err != nil {
			return
		}
		s.Key = wire.SearchKey{Op: wire.OpNot, Keys: []wire.SearchKey{s.Key}}
		p, err = Compile(&s.SearchProgram)
		if err != nil {
			t.Fatal(err)
		}
		others, err := p.Run(t.Context(), view, From(m), session(), 0)
		if err != nil {
			t.Fatal(err)
		}
		if found.Seqs.Len()+others.Seqs.Len() != uint64(view.Len()) || !found.Seqs.Intersect(others.Seqs).Empty() {
			t.Fatalf("%s: %v, and its negation %v", text, found.Seqs, others.Seqs)
		}
	})
}
