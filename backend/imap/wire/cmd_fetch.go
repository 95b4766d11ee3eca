package wire

import "slices"

// FetchKind is what a FETCH item asks for.
type FetchKind uint8

// The FETCH items.
const (
	FetchUID           FetchKind = iota + 1
	FetchFlags                   // FLAGS
	FetchInternalDate            // INTERNALDATE
	FetchSize                    // RFC822.SIZE
	FetchEnvelope                // ENVELOPE
	FetchBody                    // BODY: the structure without extension data
	FetchBodyStructure           // BODYSTRUCTURE
	FetchSection                 // BODY[…]
	FetchRFC822                  // RFC822 (RFC 3501)
	FetchRFC822Header            // RFC822.HEADER
	FetchRFC822Text              // RFC822.TEXT
	FetchBinary                  // BINARY[…] (RFC 9051, RFC 3516)
	FetchBinarySize              // BINARY.SIZE[…]
	FetchModSeq                  // MODSEQ (RFC 7162)
	FetchEmailID                 // EMAILID (RFC 8474)
	FetchThreadID                // THREADID
	FetchSaveDate                // SAVEDATE (RFC 8514)
	FetchPreview                 // PREVIEW (RFC 8970)
)

// FetchItem is one item of a FETCH.
type FetchItem struct {
	Kind       FetchKind
	Section    Section // FetchSection, FetchBinary, FetchBinarySize
	Partial    Partial
	HasPartial bool
	// Peek: \Seen is not to be set. Items that never set it have Peek set,
	// so an item without Peek makes the message seen.
	Peek bool
	Lazy bool // PREVIEW (LAZY)
}

// Fetch is FETCH and UID FETCH (RFC 9051 section 6.4.5). UID is not added to
// the Items of a UID FETCH.
type Fetch struct {
	Set   NumSet
	Items []FetchItem // macros expanded, repetitions removed; at least one
	// ChangedSince is CHANGEDSINCE's value, at least 1 (RFC 7162 section
	// 3.1.4.1), which also adds MODSEQ to Items; 0: not given. Vanished: section 3.2.6; only in a UID FETCH
	// with CHANGEDSINCE.
	ChangedSince uint64
	Vanished     bool
}

// fetchSpec is how an item is written.
type fetchSpec struct {
	kind FetchKind
	seen bool // it sets \Seen
	// section: [section] follows; part: [part] follows, without a
	// specifier; partial: <partial> may follow.
	section, part, partial bool
	options                func(*Decoder, *FetchItem) error
}

// fetchItems are the items by name; BODY with and without a section differ.
var fetchItems = map[string]fetchSpec{
	"UID":           {kind: FetchUID},
	"FLAGS":         {kind: FetchFlags},
	"INTERNALDATE":  {kind: FetchInternalDate},
	"RFC822.SIZE":   {kind: FetchSize},
	"ENVELOPE":      {kind: FetchEnvelope},
	"BODY":          {kind: FetchBody},
	"BODYSTRUCTURE": {kind: FetchBodyStructure},
	"BODY[":         {kind: FetchSection, seen: true, section: true, partial: true},
	"BODY.PEEK[":    {kind: FetchSection, section: true, partial: true},
	"RFC822":        {kind: FetchRFC822, seen: true},
	"RFC822.HEADER": {kind: FetchRFC822Header},
	"RFC822.TEXT":   {kind: FetchRFC822Text, seen: true},
	"BINARY[":       {kind: FetchBinary, seen: true, part: true, partial: true},
	"BINARY.PEEK[":  {kind: FetchBinary, part: true, partial: true},
	"BINARY.SIZE[":  {kind: FetchBinarySize, part: true},
	"MODSEQ":        {kind: FetchModSeq},
	"EMAILID":       {kind: FetchEmailID},
	"THREADID":      {kind: FetchThreadID},
	"SAVEDATE":      {kind: FetchSaveDate},
	"PREVIEW":       {kind: FetchPreview, options: previewOptions},
}

// fetchMacros stand alone and are not in a list.
var fetchMacros = map[string][]FetchKind{
	"FAST": {FetchFlags, FetchInternalDate, FetchSize},
	"ALL":  {FetchFlags, FetchInternalDate, FetchSize, FetchEnvelope},
	"FULL": {FetchFlags, FetchInternalDate, FetchSize, FetchEnvelope, FetchBody},
}

// fetchParams are FETCH's modifiers (RFC 4466 section 2.4).
var fetchParams = map[string]func(*Decoder, *Fetch) error{
	"CHANGEDSINCE": func(d *Decoder, f *Fetch) (err error) {
		if err = d.SP(); err != nil {
			return err
		}
		f.ChangedSince, err = d.ModSeq()
		return err
	},
	"VANISHED": func(_ *Decoder, f *Fetch) error {
		f.Vanished = true
		return nil
	},
}

// ParseFetch parses FETCH's arguments.
func ParseFetch(d *Decoder) (f Fetch, err error) {
	if f.Set, err = d.spNumSet(); err != nil {
		return f, err
	}
	if err = d.SP(); err != nil {
		return f, err
	}
	if err = f.parseItems(d); err != nil || d.AtEnd() {
		return f, err
	}
	if err = params(d, &f, fetchParams, "a modifier of FETCH"); err != nil {
		return f, err
	}
	if modseq := (FetchItem{Kind: FetchModSeq, Peek: true}); f.ChangedSince != 0 && !slices.ContainsFunc(f.Items, modseq.same) {
		f.Items = append(f.Items, modseq)
	}
	if f.Vanished && (f.ChangedSince == 0 || !d.uid) {
		return f, d.want("VANISHED in UID FETCH and with CHANGEDSINCE")
	}
	return f, d.End()
}

func (f *Fetch) parseItems(d *Decoder) error {
	for name, kinds := range fetchMacros {
		if d.AcceptWord(name) {
			for _, k := range kinds {
				f.Items = append(f.Items, FetchItem{Kind: k, Peek: true})
			}
			return nil
		}
	}
	one := func() error {
		item, err := d.fetchItem()
		if err == nil && !slices.ContainsFunc(f.Items, item.same) {
			f.Items = append(f.Items, item)
		}
		return err
	}
	if d.peek() != '(' {
		return one()
	}
	if err := d.List(one); err != nil {
		return err
	}
	if len(f.Items) == 0 {
		return d.want("a FETCH item")
	}
	return nil
}

// same reports whether both items ask for the same.
func (i FetchItem) same(o FetchItem) bool {
	return i.Kind == o.Kind && i.Partial == o.Partial && i.HasPartial == o.HasPartial && i.Peek == o.Peek &&
		i.Section.Spec == o.Section.Spec && slices.Equal(i.Section.Path, o.Section.Path) && slices.Equal(i.Section.Fields, o.Section.Fields)
}

func (d *Decoder) fetchItem() (item FetchItem, err error) {
	start := d.pos
	w, err := d.word(isItem, d.opts.Limits.Atom, "a FETCH item")
	if err != nil {
		return item, err
	}
	name := upper(w)
	if d.peek() == '[' {
		name += "["
	}
	spec := fetchItems[name]
	item.Kind, item.Peek = spec.kind, !spec.seen
	if spec.kind == 0 {
		d.pos = start
		return item, d.want("a FETCH item")
	}
	if spec.section || spec.part {
		start = d.pos
		if item.Section, err = d.Section(); err != nil {
			return item, err
		}
		if spec.part && item.Section.Spec != SectionAll {
			d.pos = start
			return item, d.want("a part's number")
		}
	}
	if spec.partial {
		if item.Partial, item.HasPartial, err = d.partial(); err != nil {
			return item, err
		}
	}
	if spec.options != nil {
		err = spec.options(d, &item)
	}
	return item, err
}

// previewOptions consumes SP "(LAZY)" if it is there (RFC 8970 section 3.1).
func previewOptions(d *Decoder, item *FetchItem) error {
	if rest := d.rest(); len(rest) < 2 || rest[0] != ' ' || rest[1] != '(' {
		return nil
	}
	start := d.pos
	d.pos++
	err := d.List(func() error {
		if !d.AcceptWord("LAZY") || item.Lazy {
			return d.want("LAZY")
		}
		item.Lazy = true
		return nil
	})
	if err != nil && d.pos == start+2 && !item.Lazy {
		// Not in a list, PREVIEW may be followed by the modifiers of FETCH.
		d.pos = start
		return nil
	}
	return err
}

// fetchNames are the items' names as responses carry them.
var fetchNames = [...]string{
	FetchUID:           "UID",
	FetchFlags:         "FLAGS",
	FetchInternalDate:  "INTERNALDATE",
	FetchSize:          "RFC822.SIZE",
	FetchEnvelope:      "ENVELOPE",
	FetchBody:          "BODY",
	FetchBodyStructure: "BODYSTRUCTURE",
	FetchSection:       "BODY",
	FetchRFC822:        "RFC822",
	FetchRFC822Header:  "RFC822.HEADER",
	FetchRFC822Text:    "RFC822.TEXT",
	FetchBinary:        "BINARY",
	FetchBinarySize:    "BINARY.SIZE",
	FetchModSeq:        "MODSEQ",
	FetchEmailID:       "EMAILID",
	FetchThreadID:      "THREADID",
	FetchSaveDate:      "SAVEDATE",
	FetchPreview:       "PREVIEW",
}

// String is the item's name in a response, without its section.
func (k FetchKind) String() string { return fetchNames[k] }
