package wire

import "math"

// The readers of search keys' arguments; the space before is consumed.

func argString(d *Decoder, k *SearchKey) error {
	var err error
	if classes[d.peek()]&isAString != 0 {
		k.Str, err = d.word(isAString, d.opts.Limits.SearchString, "a string")
		return err
	}
	k.Str, err = d.String()
	if len(k.Str) > d.opts.Limits.SearchString {
		return d.beyond("the search string is too long")
	}
	return err
}

func argHeader(d *Decoder, k *SearchKey) error {
	start := d.pos
	name, err := d.AString()
	if err != nil {
		return err
	}
	if name == "" || len(name) > d.opts.Limits.Atom {
		d.pos = min(start, d.pos)
		return d.want("a header field's name")
	}
	k.Field = upper([]byte(name))
	if err := d.SP(); err != nil {
		return err
	}
	return argString(d, k)
}

func argKeyword(d *Decoder, k *SearchKey) (err error) {
	// RFC 9051 wants an atom; a system flag is a mistake that finds nothing.
	k.Field, err = d.Atom()
	return err
}

func argSet(d *Decoder, k *SearchKey) (err error) {
	k.Set, err = d.NumSet()
	return err
}

func argNumber64(d *Decoder, k *SearchKey) (err error) {
	k.Num, err = d.Number64()
	return err
}

func argInterval(d *Decoder, k *SearchKey) error {
	n, err := d.NzNumber()
	k.Num = uint64(n)
	return err
}

func argDate(d *Decoder, k *SearchKey) (err error) {
	k.Day, err = d.Date()
	return err
}

func argID(d *Decoder, k *SearchKey) error {
	id, err := d.AString()
	if len(id) > d.opts.Limits.Atom {
		return d.beyond("the id is too long")
	}
	k.Field = id
	return err
}

// argModSeq consumes ["/flags/…" SP ("priv"|"shared"|"all") SP] modseq (RFC 7162
// section 3.1.5). Modseqs are kept per message, not per flag, so the entry is
// read over, as the RFC allows.
func argModSeq(d *Decoder, k *SearchKey) error {
	if d.peek() == '"' {
		if _, err := d.quoted(); err != nil {
			return err
		}
		if err := d.SP(); err != nil {
			return err
		}
		if !d.AcceptWord("ALL") && !d.AcceptWord("PRIV") && !d.AcceptWord("SHARED") {
			return d.want("all, priv or shared")
		}
		if err := d.SP(); err != nil {
			return err
		}
	}
	n, err := d.digits(math.MaxInt64, "a modseq")
	k.Num = n
	return err
}
