package index

import (
	"encoding/binary"

	"mailbackend.io/backend/format"
)

// The payload of a base's records section is tagged fields (format.Writer):
//
//	tag 1  state     ┌────────────┬────────────┬──────────┬──────────────────────┐
//	                 │ uidNext uv │ highest uv │ floor uv │ history pruned to uv │
//	                 └────────────┴────────────┴──────────┴──────────────────────┘
//	tag 2  keywords  ┌──────────┬────────────────────────────────────┬─────
//	                 │ count uv │ set: count uv, (length uv, bytes)… │ …      sets are numbered from 1
//	                 └──────────┴────────────────────────────────────┴─────
//	tag 3  absent    ┌──────────┬────────────────────────────┬─────────────────┬───────────┬─────
//	                 │ count uv │ first − former last − 1 uv │ last − first uv │ modseq uv │ …
//	                 └──────────┴────────────────────────────┴─────────────────┴───────────┴─────
//	tag 4  vanished  ┌──────────┬────────────────────┬────────────────────────┬─────────────────┬─────
//	                 │ count uv │ modseq − former uv │ first − former first zv│ last − first uv │ …
//	                 └──────────┴────────────────────┴────────────────────────┴─────────────────┴─────
//	tag 5  records   up to 1024 in UID order; once per chunk, ascending:
//	                 ┌──────────┬───────────────────────────────────────────────────────┐
//	                 │ count uv │ seven columns, each length uv and that many bytes:    │
//	                 └──────────┴───────────────────────────────────────────────────────┘
//	                   uids      uid − former − 1 uv (the first: uid − 1)
//	                   flags     u8 each
//	                   keywords  set number uv each; empty: none has any
//	                   sizes     uv each
//	                   internal  internal date − former zv (the first: itself)
//	                   save      save date − internal date zv each
//	                   modseqs   own modseq − former zv (the first: itself)
//
// Modseqs are the messages' own ones. Which UIDs were expunged is not written:
// they are the ones below uidNext that are neither recorded nor absent.
const (
	baseState = 1 + iota
	baseKeywords
	baseAbsent
	baseVanished
	baseRecords
)

var magicBase = format.Magic{'M', 'B', 'X', 'B'}

const baseColumns = 7

// encodeBase is the records section of a base of v, which must be a Mailbox's
// view (none is Gone).
func encodeBase(v *View) ([]byte, error) {
	var w format.Writer
	w.Field(baseState, func(w *format.Writer) {
		w.Uvarint(uint64(v.uidNext))
		w.Uvarint(v.highest)
		w.Uvarint(v.floor)
		w.Uvarint(v.history.pruned)
	})
	renumbered, used := usedKeywords(v)
	w.Field(baseKeywords, func(w *format.Writer) {
		w.Uvarint(uint64(len(used)))
		for _, k := range used {
			writeNames(w, v.kwSets[k])
		}
	})
	w.Field(baseAbsent, func(w *format.Writer) { writeAbsent(w, v.absent) })
	w.Field(baseVanished, func(w *format.Writer) { writeHistory(w, v.history.entries) })
	e := chunkEncoder{renumbered: renumbered, former: 0}
	for _, c := range v.chunks {
		for i := range c.len() {
			e.add(c, i)
			if e.n == maxChunk {
				e.flush(&w)
			}
		}
	}
	e.flush(&w)
	return seal(magicBase, w.B, MaxBase)
}

// usedKeywords returns the sets that messages have, and their numbers in the
// base by their numbers in the view.
func usedKeywords(v *View) (renumbered []Keywords, used []Keywords) {
	renumbered = make([]Keywords, len(v.kwSets))
	for _, c := range v.chunks {
		for _, k := range c.keywords {
			if k != 0 && renumbered[k] == 0 {
				used = append(used, k)
				renumbered[k] = Keywords(len(used))
			}
		}
	}
	return renumbered, used
}

func writeAbsent(w *format.Writer, absent absentees) {
	w.Uvarint(uint64(len(absent)))
	next := uint32(1)
	for _, a := range absent {
		w.Uvarint(uint64(a.first - next))
		w.Uvarint(uint64(a.last - a.first))
		w.Uvarint(a.modseq)
		next = a.last + 1
	}
}

func writeHistory(w *format.Writer, entries []vanished) {
	w.Uvarint(uint64(len(entries)))
	var former vanished
	for _, e := range entries {
		w.Uvarint(e.modseq - former.modseq)
		w.Varint(int64(e.first) - int64(former.first))
		w.Uvarint(uint64(e.last - e.first))
		former = e
	}
}

// chunkEncoder collects records by column.
type chunkEncoder struct {
	renumbered []Keywords
	n          int
	former     uint32 // last UID written
	internal   int64
	modseq     int64
	keywords   bool // any in this chunk
	cols       [baseColumns][]byte
	body       []byte
}

func (e *chunkEncoder) add(c *chunk, i int) {
	internal, modseq := int64(c.internal.at(i)), int64(c.modseqs.at(i))
	k := e.renumbered[c.kw(i)]
	e.cols[0] = binary.AppendUvarint(e.cols[0], uint64(c.uids[i]-e.former-1))
	e.cols[1] = append(e.cols[1], byte(c.flags[i]))
	e.cols[2] = binary.AppendUvarint(e.cols[2], uint64(k))
	e.cols[3] = binary.AppendUvarint(e.cols[3], uint64(c.sizes[i]))
	e.cols[4] = binary.AppendVarint(e.cols[4], internal-e.internal)
	e.cols[5] = binary.AppendVarint(e.cols[5], int64(c.save.at(i))-internal)
	e.cols[6] = binary.AppendVarint(e.cols[6], modseq-e.modseq)
	e.former, e.internal, e.modseq = c.uids[i], internal, modseq
	e.keywords = e.keywords || k != 0
	e.n++
}

func (e *chunkEncoder) flush(w *format.Writer) {
	if e.n == 0 {
		return
	}
	if !e.keywords {
		e.cols[2] = e.cols[2][:0]
	}
	body := format.Writer{B: e.body[:0]}
	body.Uvarint(uint64(e.n))
	for i := range e.cols {
		body.Bytes(e.cols[i])
		e.cols[i] = e.cols[i][:0]
	}
	w.Uvarint(baseRecords)
	w.Bytes(body.B)
	e.body = body.B
	// Each chunk is readable by itself but for its first UID.
	e.n, e.internal, e.modseq, e.keywords = 0, 0, 0, false
}
