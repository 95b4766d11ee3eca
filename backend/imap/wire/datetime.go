package wire

import "time"

// months are the names of RFC 9051's date-month.
const months = "JanFebMarAprMayJunJulAugSepOctNovDec"

// Date consumes a date (RFC 9051 section 9): d-Mmm-yyyy, quoted or not. It is
// returned as the day counted from 1970-01-01.
func (d *Decoder) Date() (day int64, err error) {
	start := d.pos
	quoted := d.Accept('"')
	dd, n, ok := d.fixedDigits(1, 2)
	year, month, ok2 := d.monthAndYear()
	if !ok || !ok2 || n == 0 || !validDay(year, month, dd) || quoted && !d.Accept('"') {
		d.pos = start
		return 0, d.want("a date (1-Jan-2000)")
	}
	return time.Date(year, month, dd, 0, 0, 0, 0, time.UTC).Unix() / 86400, nil
}

// DateTime consumes a date-time: "dd-Mmm-yyyy hh:mm:ss +zzzz", where the day's
// first digit may be a space.
func (d *Decoder) DateTime() (time.Time, error) {
	start := d.pos
	t, ok := d.dateTime()
	if !ok {
		d.pos = start
		return t, d.want(`a date and time ("01-Jan-2000 00:00:00 +0000")`)
	}
	return t, nil
}

func (d *Decoder) dateTime() (t time.Time, ok bool) {
	if !d.Accept('"') {
		return t, false
	}
	// RFC 9051 wants two digits or a space and one; "1-Jan" is accepted as well.
	digits := 2
	if d.Accept(' ') {
		digits = 1
	}
	day, _, ok := d.fixedDigits(1, digits)
	year, month, ok2 := d.monthAndYear()
	if !ok || !ok2 || !validDay(year, month, day) || !d.Accept(' ') {
		return t, false
	}
	var hms [3]int
	for i := range hms {
		if i > 0 && !d.Accept(':') {
			return t, false
		}
		if hms[i], _, ok = d.fixedDigits(2, 2); !ok {
			return t, false
		}
	}
	// A leap second is accepted and becomes the next minute's first.
	if hms[0] > 23 || hms[1] > 59 || hms[2] > 60 || !d.Accept(' ') {
		return t, false
	}
	sign := 1
	if d.Accept('-') {
		sign = -1
	} else if !d.Accept('+') {
		return t, false
	}
	zone, _, ok := d.fixedDigits(4, 4)
	if !ok || zone%100 > 59 || zone/100 > 24 || !d.Accept('"') {
		return t, false
	}
	offset := sign * (zone/100*3600 + zone%100*60)
	return time.Date(year, month, day, hms[0], hms[1], hms[2], 0, time.FixedZone("", offset)), true
}

// monthAndYear consumes "-Mmm-yyyy".
func (d *Decoder) monthAndYear() (year int, month time.Month, ok bool) {
	rest := d.rest()
	if len(rest) < 9 || rest[0] != '-' || rest[4] != '-' {
		return 0, 0, false
	}
	name := upper(rest[1:4])
	for m := range 12 {
		if name == upper([]byte(months[3*m:3*m+3])) {
			month = time.Month(m + 1)
		}
	}
	d.pos += 5
	year, _, ok = d.fixedDigits(4, 4)
	return year, month, ok && month != 0
}

// fixedDigits consumes atLeast to atMost digits.
func (d *Decoder) fixedDigits(atLeast, atMost int) (value, n int, ok bool) {
	rest := d.rest()
	for n < atMost && n < len(rest) && classes[rest[n]]&isDigit != 0 {
		value = value*10 + int(rest[n]-'0')
		n++
	}
	d.pos += n
	return value, n, n >= atLeast
}

// validDay reports whether the month has the day.
func validDay(year int, month time.Month, day int) bool {
	return day >= 1 && time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Month() == month && day <= 31
}
