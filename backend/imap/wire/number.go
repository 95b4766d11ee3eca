package wire

import "math"

// digits consumes a number up to limit. Leading zeros are accepted.
func (d *Decoder) digits(limit uint64, what string) (uint64, error) {
	rest := d.rest()
	var n uint64
	i := 0
	for ; i < len(rest) && classes[rest[i]]&isDigit != 0; i++ {
		digit := uint64(rest[i] - '0')
		if n > (limit-digit)/10 {
			return 0, d.want(what)
		}
		n = n*10 + digit
	}
	if i == 0 {
		return 0, d.want(what)
	}
	d.pos += i
	return n, nil
}

// Number consumes a number of 32 bits.
func (d *Decoder) Number() (uint32, error) {
	n, err := d.digits(math.MaxUint32, "a number of 32 bits")
	return uint32(n), err
}

// NzNumber consumes a number of 32 bits that isn't zero.
func (d *Decoder) NzNumber() (uint32, error) {
	start := d.pos
	n, err := d.digits(math.MaxUint32, "a number of 32 bits above zero")
	if err == nil && n == 0 {
		d.pos = start
		err = d.want("a number of 32 bits above zero")
	}
	return uint32(n), err
}

// Number64 consumes a number of 63 bits: sizes (RFC 9051), and modseqs that may
// be zero (RFC 7162).
func (d *Decoder) Number64() (uint64, error) {
	return d.digits(math.MaxInt64, "a number of 63 bits")
}

// ModSeq consumes a modseq of 63 bits that isn't zero.
func (d *Decoder) ModSeq() (uint64, error) {
	start := d.pos
	n, err := d.digits(math.MaxInt64, "a modseq above zero")
	if err == nil && n == 0 {
		d.pos = start
		err = d.want("a modseq above zero")
	}
	return n, err
}

// signed consumes a number with an optional "-" that isn't zero and fits 32
// bits: a position of PARTIAL (RFC 9394).
func (d *Decoder) signed() (int64, error) {
	negative := d.Accept('-')
	n, err := d.NzNumber()
	if negative {
		return -int64(n), err
	}
	return int64(n), err
}
