package search

import (
	"fmt"
	"testing"

	"mailbackend.io/backend/imap/bodyio"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/mailstore"
	"mailbackend.io/backend/message"
	"mailbackend.io/test/corpus"

	"context"
	"iter"
)

// parsed is an mbox with its summaries at hand, as a store that caches them.
type parsed struct {
	*mbox
	sums []message.Summary // of UID 1, 2, …
}

func (m parsed) Summaries(_ context.Context, uids []uint32) iter.Seq2[mailstore.Item, error] {
	return func(yield func(mailstore.Item, error) bool) {
		for _, u := range uids {
			if !yield(mailstore.Item{UID: u, Summary: m.sums[(u-1)%uint32(len(m.sums))]}, nil) {
				return
			}
		}
	}
}

func (m parsed) Message(_ context.Context, uid uint32) (body, error) {
	return m.raw[(uid-1)%uint32(len(m.sums))+1], nil
}

// benchmark runs a program over n messages; an operation is one search.
func benchmark(b *testing.B, n int, program string) {
	const kinds = 200 // different mails
	m := parsed{mbox: &mbox{idx: index.NewMailbox(), raw: map[uint32][]byte{}}}
	for i := range kinds {
		m.raw[uint32(i+1)] = corpus.Realistic(1, i)
		m.sums = append(m.sums, message.Parse(m.raw[uint32(i+1)], message.DefaultLimits()))
	}
	var ops []index.Op
	for i := range n {
		ops = append(ops, index.Op{Kind: index.OpAppend, ModSeq: uint64(i + 1), UID: uint32(i + 1), Flags: index.Flags(i % 32), Size: 5000, InternalDate: int64(i) * 1000})
	}
	if err := m.idx.Apply(ops...); err != nil {
		b.Fatal(err)
	}
	v := m.idx.View()
	p, err := Compile(&parse(b, program).SearchProgram)
	if err != nil {
		b.Fatal(err)
	}
	src := From[bodyio.Body](boxed{m})
	b.ReportAllocs()
	for b.Loop() {
		r, err := p.Run(b.Context(), v, src, session(), 0)
		if err != nil || r.Seqs.Empty() {
			b.Fatal(fmt.Sprint(r.Seqs.Len()), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/message")
}

// boxed is parsed with bodies as the engine has them.
type boxed struct{ parsed }

func (m boxed) Message(ctx context.Context, uid uint32) (bodyio.Body, error) {
	return m.parsed.Message(ctx, uid)
}

func BenchmarkUnseen(b *testing.B)  { benchmark(b, 100_000, "UNSEEN UNDELETED") }
func BenchmarkDates(b *testing.B)   { benchmark(b, 100_000, "OR SINCE 1-Jan-1972 LARGER 10000") }
func BenchmarkSubject(b *testing.B) { benchmark(b, 10_000, `SUBJECT "re"`) }
func BenchmarkFrom(b *testing.B)    { benchmark(b, 10_000, `OR FROM "ann" TO "e"`) }
func BenchmarkBody(b *testing.B)    { benchmark(b, 200, `BODY "the"`) }
