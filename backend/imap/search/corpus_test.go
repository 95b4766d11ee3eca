package search

import (
	"testing"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/message"
	"mailbackend.io/test/corpus"
)

// TestCorpusHeaders: whether a header key is decided by the summary or by the
// header itself makes no difference, whatever the mail.
func TestCorpusHeaders(t *testing.T) {
	p, err := Compile(&parse(t, `FROM ada TO "" SUBJECT odd HEADER Message-ID "<" SENTON 6-Jan-2025 SENTSINCE 1-Jan-1970 CC ben HEADER Date 10:11 SUBJECT "é"`).SearchProgram)
	if err != nil {
		t.Fatal(err)
	}
	m := &mbox{idx: index.NewMailbox()}
	r, err := newRun(p, m.idx.View(), From(m), session())
	if err != nil {
		t.Fatal(err)
	}
	decided := 0
	for _, c := range corpus.All() {
		bySum := candidate{sum: message.Parse(c.Raw, message.DefaultLimits())}
		byText := candidate{sum: bySum.sum, text: r.text()}
		off, n, _ := bySum.sum.Section(nil, "HEADER")
		if err := r.scanHeader(t.Context(), body(c.Raw), off, n, byText.text.inHeader, true); err != nil {
			t.Fatal(err)
		}
		byText.text.headerRead = true
		for _, k := range p.headers {
			short, long := r.header(k, &bySum), r.header(k, &byText)
			if short != unknown && short != long {
				t.Errorf("%s: key %d (%s %q): %d by the summary, %d by the header", c.Name, k.slot, k.field, k.text, short, long)
			}
			if short == yes {
				decided++
			}
		}
	}
	if decided < 500 {
		t.Errorf("only %d matches: the corpus isn't what this test takes it for", decided)
	}
}

// TestCorpusText: any mail's text can be searched, and what nearly all of them
// hold is found.
func TestCorpusText(t *testing.T) {
	var mails []mail
	all := corpus.All()
	for i := range all {
		mails = append(mails, mail{uint32(i + 1), 0, nil, "2024-01-01T00:00:00Z", ""})
	}
	m := newMbox(t, mails)
	for i := range all {
		m.raw[uint32(i+1)] = all[i].Raw
	}
	got, err := find(t, m, `OR TEXT "odd mail" OR BODY "first line" TEXT "example.com"`)
	if err != nil {
		t.Fatal(err)
	}
	if got.Seqs.Len() < 100 {
		t.Errorf("found in %d mails of %d", got.Seqs.Len(), len(all))
	}
}
