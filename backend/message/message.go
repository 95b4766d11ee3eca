// Package message is one mail: from its bytes to a Summary (structure,
// envelope, cached header lines, preview) and to the object that is stored,
// and back. It is pure: no I/O, no clock, no goroutines. It never changes a
// byte of a mail, never refuses one, and does not know mailboxes, UIDs or
// protocols, except that a Summary can render itself as IMAP's ENVELOPE and
// BODYSTRUCTURE.
//
// A stored mail is a zstd file (RFC 8878): a skippable frame that holds the
// Meta, then the mail in independent frames, the first of them for the header
// lines that were put in front for this recipient.
//
//	0             4          8                                HeadSize
//	┌─────────────┬──────────┬────────────────────────────────┬────────────┬────────────┬──
//	│ 50 2A 4D 18 │ size u32 │ format frame "MBMO" 1: Meta    │ zstd frame │ zstd frame │ …
//	│ skippable   │          │ GUID … Summary                 │ prefix     │ ≤ 512 KiB  │
//	└─────────────┴──────────┴────────────────────────────────┴────────────┴────────────┴──
//
// The Meta's payload is four ids, two dates, and tagged fields; a Summary is:
//
//	┌─────┬────────┬──────┬────────┬─────────┬───────────┬────────┬──────────────────────┐
//	│ ver │ fields │ size │ prefix │ preview │ hashes of │ header │ nodes of the MIME    │
//	│ u8  │ known  │      │ size   │         │ names     │ fields │ tree, parents first  │
//	└─────┴────────┴──────┴────────┴─────────┴───────────┴────────┴──────────────────────┘
//
// docs/formats.md tells every byte.
package message

// ID is a 128-bit identifier.
type ID = [16]byte

// Limits bound what Parse keeps of one mail, whatever the mail looks like.
// Over a limit a mail is still stored and served whole; only its structure is
// told in less detail.
type Limits struct {
	// MaxParts is how many MIME parts are told apart. What comes behind is
	// one opaque part.
	MaxParts int
	// MaxDepth is how deep multiparts and message/rfc822 may nest. What is
	// deeper is an opaque part.
	MaxDepth int
	// MaxCachedHeader is how many bytes of header lines the summary holds
	// in all (those of embedded messages included). One field may take half
	// of what is left. Address lists beyond that are cut in the ENVELOPE,
	// at an address.
	MaxCachedHeader int
	// MaxPartText is how many bytes of Content-* values (types, parameters,
	// descriptions) the summary holds in all. Parameters beyond it are left out.
	MaxPartText int
	// MaxBoundary is how long a boundary may be (RFC 2046 allows 70).
	MaxBoundary int
	// PreviewBytes is how many bytes of the first text part are decoded in
	// search of a preview.
	PreviewBytes int
	// PreviewChars is how many characters a preview may have (RFC 8970: 200).
	PreviewChars int
}

// DefaultLimits are the limits that real mail never reaches.
func DefaultLimits() Limits {
	return Limits{
		MaxParts:        1000,
		MaxDepth:        50,
		MaxCachedHeader: 128 << 10,
		MaxPartText:     32 << 10,
		MaxBoundary:     1000,
		PreviewBytes:    4096,
		PreviewChars:    200,
	}
}
