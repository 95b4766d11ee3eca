package wire

import (
	"fmt"
	"strings"
	"testing"
)

// showItem is an item in a form that shows all of it.
func showItem(i FetchItem) string {
	out := fmt.Sprint(i.Kind)
	if i.Kind == FetchSection || i.Kind == FetchBinary || i.Kind == FetchBinarySize {
		out += string(i.Section.Append(nil, false))
	}
	if i.HasPartial {
		out += fmt.Sprintf("<%d.%d>", i.Partial.Offset, i.Partial.Count)
	}
	if !i.Peek {
		out += "!"
	}
	if i.Lazy {
		out += " lazy"
	}
	return out
}

func showFetch(f Fetch) string {
	var items []string
	for _, i := range f.Items {
		items = append(items, showItem(i))
	}
	out := f.Set.String() + " " + strings.Join(items, " ")
	if f.ChangedSince != 0 {
		out += fmt.Sprintf(" since %d", f.ChangedSince)
	}
	if f.Vanished {
		out += " vanished"
	}
	return out
}

func TestParseFetch(t *testing.T) {
	checkParse(t, "FETCH", ParseFetch, showFetch, []parseCase{
		{" 1 FLAGS", "1 FLAGS"},
		{" 1:* fast", "1:* FLAGS INTERNALDATE RFC822.SIZE"},
		{" $ ALL", "$ FLAGS INTERNALDATE RFC822.SIZE ENVELOPE"},
		{" 2,4 FULL", "2,4 FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY"},
		{" 1 (UID FLAGS uid INTERNALDATE RFC822.SIZE ENVELOPE BODY BODYSTRUCTURE)",
			"1 UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY BODYSTRUCTURE"},
		{" 1 (RFC822 RFC822.HEADER RFC822.TEXT)", "1 RFC822! RFC822.HEADER RFC822.TEXT!"},
		{" 1 (MODSEQ EMAILID THREADID SAVEDATE PREVIEW)", "1 MODSEQ EMAILID THREADID SAVEDATE PREVIEW"},
		{" 1 BODY[]", "1 BODY[]!"},
		{" 1 body.peek[]<0.2048>", "1 BODY[]<0.2048>"},
		{" 1 BODY[HEADER]", "1 BODY[HEADER]!"},
		{" 1 BODY.PEEK[header.fields (From \"To\" {7}\r\nSubject)]", "1 BODY[HEADER.FIELDS (From To Subject)]"},
		{" 1 BODY.PEEK[4.2.2.HEADER.FIELDS.NOT (x y:z)]<1.1>", "1 BODY[4.2.2.HEADER.FIELDS.NOT (x y:z)]<1.1>"},
		{" 1 (BODY[1.MIME] BODY[1] BODY[TEXT] BODY[1.TEXT])", "1 BODY[1.MIME]! BODY[1]! BODY[TEXT]! BODY[1.TEXT]!"},
		{" 1 (BINARY[1] BINARY.PEEK[1.2]<3.4> BINARY.SIZE[2] BINARY[])", "1 BINARY[1]! BINARY[1.2]<3.4> BINARY.SIZE[2] BINARY[]!"},
		{" 1 (PREVIEW (LAZY) UID)", "1 PREVIEW lazy UID"},
		{" 1 PREVIEW (LAZY)", "1 PREVIEW lazy"},
		{" 1 PREVIEW (CHANGEDSINCE 5)", "1 PREVIEW MODSEQ since 5"},
		{" 1 PREVIEW (LAZY) (CHANGEDSINCE 5)", "1 PREVIEW lazy MODSEQ since 5"},
		{" 1 (FLAGS) (CHANGEDSINCE 12345)", "1 FLAGS MODSEQ since 12345"},
		{" 1 (MODSEQ FLAGS) (CHANGEDSINCE 12345)", "1 MODSEQ FLAGS since 12345"},
		{" 1 BODY[]<0.9223372036854775807>", "1 BODY[]<0.9223372036854775807>!"},
		{" 1 (FAST)", "!expected a FETCH item at octet 11"},
		{" 1 ()", "!expected a FETCH item at octet 12"},
		{" 1 FOO", "!expected a FETCH item at octet 10"},
		{" 1 FAST FLAGS", "!expected ( at octet 15"},
		{" 1 ENVELOPE[]", "!expected a FETCH item at octet 10"},
		{" 1 BODYSTRUCTURE[]", "!expected a FETCH item at octet 10"},
		{" 1 BODY.PEEK", "!expected a FETCH item at octet 10"},
		{" 1 BODY[FOO]", "!expected HEADER, HEADER.FIELDS, TEXT, or MIME of a part at octet 15"},
		{" 1 BODY[MIME]", "!expected HEADER, HEADER.FIELDS, TEXT, or MIME of a part at octet 15"},
		{" 1 BODY[HEADER.FIELDS ()]", "!expected a list of header fields at octet 29"},
		{" 1 BODY[HEADER.FIELDS]", "!expected a space at octet 28"},
		{" 1 BODY[1.]", "!expected a part number or a section's name at octet 17"},
		{" 1 BODY[0]", "!expected a number of 32 bits above zero at octet 15"},
		{" 1 BODY[1", "!expected . at octet 16"},
		{" 1 BODY[]<0.0>", "!expected a count above zero at octet 19"},
		{" 1 BODY[]<0>", "!expected . at octet 18"},
		{" 1 BODY[]<-1.5>", "!expected a number of 63 bits at octet 17"},
		{" 1 BODY[]<0.9223372036854775808>", "!expected a count above zero at octet 19"},
		{" 1 BINARY[1.MIME]", "!expected a part's number at octet 16"},
		{" 1 BINARY.SIZE[1]<0.1>", "!expected a space at octet 24"},
		{" 1 BODY[" + strings.Repeat("1.", 100) + "1]", "!the part's path is too long at octet 215"},
		{" 1 FLAGS (CHANGEDSINCE 0)", "!expected a modseq above zero at octet 30"},
		{" 1 FLAGS (VANISHED)", "!expected VANISHED in UID FETCH and with CHANGEDSINCE at octet 26"},
		{" 1 FLAGS (CHANGEDSINCE 1 VANISHED)", "!expected VANISHED in UID FETCH and with CHANGEDSINCE at octet 41"},
		{" 1 FLAGS (FOO)", "!expected a modifier of FETCH at octet 17"},
		{" 1 (FLAGS", "!expected a space or ) at octet 16"},
		{" 1", "!expected a space at octet 9"},
	})
	checkParse(t, "UID FETCH", ParseFetch, showFetch, []parseCase{
		{" 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)", "1:* FLAGS MODSEQ since 1 vanished"},
		{" 1:* (FLAGS) (VANISHED CHANGEDSINCE 1)", "1:* FLAGS MODSEQ since 1 vanished"},
		{" 1:* (FLAGS) (VANISHED)", "!expected VANISHED in UID FETCH and with CHANGEDSINCE at octet 34"},
	})
}

func TestListLimit(t *testing.T) {
	o := testOptions(false)
	o.Limits.List = 2
	checkParseWith(t, o, "FETCH", ParseFetch, showFetch, []parseCase{
		{" 1 (UID FLAGS)", "1 UID FLAGS"},
		{" 1 (UID FLAGS BODY)", "!the list is too long at octet 21"},
	})
	c := command(t, "a FETCH 1 (UID FLAGS BODY)", o)
	if _, err := ParseFetch(c.Args); !IsLimit(err) {
		t.Errorf("%v is not a limit", err)
	}
}
