package index

import (
	"errors"
	"fmt"
)

// Bounds of what an Op may carry.
const (
	MaxUID        = 1<<32 - 2 // so that UIDNext fits 32 bits
	MaxModSeq     = 1<<63 - 1 // RFC 7162 section 7: mod-sequence-value
	MaxKeywords   = 512       // keywords of one message
	MaxKeywordLen = 255       // octets of one keyword
	MaxSummary    = 1 << 20   // octets of one message's summary
)

// allFlags are the flags that exist.
const allFlags = Seen | Answered | Flagged | Deleted | Draft

// ErrInvalid is what every error of Op.Validate wraps.
var ErrInvalid = errors.New("invalid operation")

// Validate checks an op's form: a known kind, a modseq of 1..MaxModSeq, UIDs
// within 1..MaxUID, known flags, keywords of printable ASCII without space and
// within their limits, a summary within MaxSummary.
func (o *Op) Validate() error {
	if o.ModSeq == 0 || o.ModSeq > MaxModSeq {
		return fmt.Errorf("%w: modseq %d", ErrInvalid, o.ModSeq)
	}
	switch o.Kind {
	case OpAppend, OpFlags:
		if o.UID == 0 || o.UID > MaxUID {
			return fmt.Errorf("%w: UID %d", ErrInvalid, o.UID)
		}
		if o.Flags&^allFlags != 0 {
			return fmt.Errorf("%w: UID %d: flags %#x", ErrInvalid, o.UID, o.Flags)
		}
		if len(o.Summary) > MaxSummary {
			return fmt.Errorf("%w: UID %d: summary of %d bytes, limit %d", ErrInvalid, o.UID, len(o.Summary), MaxSummary)
		}
		if err := validKeywords(o.Keywords); err != nil {
			return fmt.Errorf("%w: UID %d: %w", ErrInvalid, o.UID, err)
		}
	case OpExpunge, OpMissing:
		if o.UIDs.Max() > MaxUID {
			return fmt.Errorf("%w: UID %d", ErrInvalid, o.UIDs.Max())
		}
	case OpFloor:
	default:
		return fmt.Errorf("%w: kind %d", ErrInvalid, o.Kind)
	}
	return nil
}

func validKeywords(names []string) error {
	if len(names) > MaxKeywords {
		return fmt.Errorf("%d keywords, limit %d", len(names), MaxKeywords)
	}
	for _, n := range names {
		if n == "" || len(n) > MaxKeywordLen {
			return fmt.Errorf("keyword of %d bytes, limit %d", len(n), MaxKeywordLen)
		}
		for i := range len(n) {
			if n[i] <= ' ' || n[i] >= 0x7f {
				return fmt.Errorf("keyword %q", n)
			}
		}
	}
	return nil
}
