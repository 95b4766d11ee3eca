package wire

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

// parsers are all argument parsers, as the fuzzer calls them.
var parsers = map[string]func(*Decoder) (any, error){
	"NOOP":         func(d *Decoder) (any, error) { return nil, ParseNothing(d) },
	"LOGIN":        func(d *Decoder) (any, error) { return ParseLogin(d) },
	"AUTHENTICATE": func(d *Decoder) (any, error) { return ParseAuthenticate(d) },
	"ID":           func(d *Decoder) (any, error) { return ParseID(d) },
	"ENABLE":       func(d *Decoder) (any, error) { return ParseEnable(d) },
	"SELECT":       func(d *Decoder) (any, error) { return ParseSelect(d) },
	"CREATE":       func(d *Decoder) (any, error) { return ParseCreate(d) },
	"DELETE":       func(d *Decoder) (any, error) { return ParseMailbox(d) },
	"RENAME":       func(d *Decoder) (any, error) { return ParseRename(d) },
	"LIST":         func(d *Decoder) (any, error) { return ParseList(d) },
	"LSUB":         func(d *Decoder) (any, error) { return ParseLsub(d) },
	"STATUS":       func(d *Decoder) (any, error) { return ParseStatus(d) },
	"APPEND":       func(d *Decoder) (any, error) { return ParseAppend(d) },
	"FETCH":        func(d *Decoder) (any, error) { return ParseFetch(d) },
	"STORE":        func(d *Decoder) (any, error) { return ParseStore(d) },
	"SEARCH":       func(d *Decoder) (any, error) { return ParseSearch(d) },
	"COPY":         func(d *Decoder) (any, error) { return ParseCopy(d) },
	"EXPUNGE":      func(d *Decoder) (any, error) { return ParseSet(d) },
}

// FuzzCommand reads bytes as the engine does and parses the command, whatever
// its name says with that name's parser, else with all. It must not panic, must
// give errors of its own type with a position in the command, must give the same
// twice, and must not change its input.
func FuzzCommand(f *testing.F) {
	for _, seed := range []string{
		"a NOOP\r\n",
		"a LOGIN {3}\r\nbob {6+}\r\nsecret\r\n",
		"a LOGIN \"bo\\\"b\" \"x\\\\\"\r\n",
		"a AUTHENTICATE PLAIN AGJvYgB4\r\n",
		"a ID (\"name\" NIL)\r\n",
		"a ENABLE CONDSTORE IMAP4rev2\r\n",
		"a SELECT x (CONDSTORE QRESYNC (1 2 3:4 (1:2 3:4)))\r\n",
		"a CREATE x (USE (\\Sent))\r\n",
		"a RENAME inbox Entw&APw-rfe\r\n",
		"a LIST (SUBSCRIBED RECURSIVEMATCH) \"\" (a b/%) RETURN (CHILDREN STATUS (MESSAGES))\r\n",
		"a LSUB \"\" *\r\n",
		"a STATUS x (MESSAGES HIGHESTMODSEQ)\r\n",
		"a APPEND x (\\Seen) \"17-Jul-1996 02:44:25 -0700\" {3}\r\nabc UTF8 (~{2+}\r\n\xc3\xa4)\r\n",
		"a UID FETCH 1:*,4 (FLAGS BODY.PEEK[1.2.HEADER.FIELDS (From To)]<0.5> BINARY[1] PREVIEW (LAZY)) (CHANGEDSINCE 5 VANISHED)\r\n",
		"a STORE $ (UNCHANGEDSINCE 5) +FLAGS.SILENT (\\Deleted x)\r\n",
		"a UID SEARCH RETURN (MIN PARTIAL 1:5) CHARSET UTF-8 OR NOT (FROM a 1:*) HEADER x {2}\r\nyz ON 1-Jan-2000 MODSEQ \"/flags/x\" all 5\r\n",
		"a COPY 1:* inbox\r\n",
		"a UID EXPUNGE 5\r\n",
		"a SEARCH {99999999999999999999}\r\n",
	} {
		f.Add([]byte(seed), true)
	}
	o := testOptions(false)
	o.Limits.Depth, o.Limits.List, o.Limits.SearchKeys, o.Limits.NumRanges = 10, 20, 20, 20
	f.Fuzz(func(t *testing.T, b []byte, utf8 bool) {
		before := bytes.Clone(b)
		raw, _, ok := split(b)
		if !ok {
			return
		}
		o := o
		o.UTF8 = utf8
		c, err := ParseCommand(raw, o)
		if err != nil {
			checkError(t, raw, err)
			return
		}
		for name, parse := range parsers {
			if parsers[c.Name] != nil && c.Name != name {
				continue
			}
			head, rest := *c.Args, *c.Args
			v, err := parse(&head)
			if err != nil {
				checkError(t, raw, err)
			} else if !head.AtEnd() {
				t.Fatalf("%s accepts %q and leaves something over", name, b)
			}
			again, err2 := parse(&rest)
			if !reflect.DeepEqual(v, again) || (err == nil) != (err2 == nil) {
				t.Fatalf("%s parses %q in two ways", name, b)
			}
		}
		ParseAppendHead(raw, o)
		if !bytes.Equal(b, before) {
			t.Fatalf("input changed to %q", b)
		}
	})
}

func checkError(t *testing.T, raw Raw, err error) {
	t.Helper()
	total := 0
	for _, l := range raw.Lines {
		total += len(l)
	}
	var e *Error
	if !errors.As(err, &e) || e.Pos < 0 || e.Pos > total {
		t.Fatalf("error %v of a command of %d octets", err, total)
	}
}

// FuzzNumSet: what is accepted is rendered as it means.
func FuzzNumSet(f *testing.F) {
	for _, seed := range []string{"1", "*", "$", "1:*,5,7:3", "4294967295:1", "1:2:3", "0", ","} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := newDecoder(Raw{Lines: [][]byte{b}}, testOptions(false))
		s, err := d.NumSet()
		if err != nil || d.End() != nil {
			return
		}
		text := s.Append(nil)
		d = newDecoder(Raw{Lines: [][]byte{text}}, testOptions(false))
		if again, err := d.NumSet(); err != nil || !reflect.DeepEqual(s, again) || d.End() != nil {
			t.Fatalf("%q is rendered as %q", b, text)
		}
		for _, r := range s.Ranges {
			if first, last := r.Bounds(7); first > last || first == 0 {
				t.Fatalf("%v has bounds %d %d", r, first, last)
			}
		}
	})
}
