package search

import (
	"strings"
	"time"
)

const months = "janfebmaraprmayjunjulaugsepoctnovdec"

// dateDay is the day that a Date field names, counted from 1970-01-01, as it
// stands there: without regard to its time and zone (RFC 9051 section 6.4.4,
// SENTON). It reads RFC 5322's form with or without the day's name, two-digit
// years (RFC 5322 section 4.3), comments before the date, and the order of
// asctime, and is content with what stands around it.
func dateDay(value []byte) (day int64, ok bool) {
	if len(value) > 1000 {
		return 0, false
	}
	words := strings.FieldsFunc(stripComments(string(value)), func(r rune) bool {
		return r == ' ' || r == '\t' || r == '\r' || r == '\n' || r == ',' || r == '-'
	})
	for i, w := range words {
		m := month(w)
		if m == 0 {
			continue
		}
		if i > 0 && i+1 < len(words) {
			if d, y := number(words[i-1]), year(words[i+1]); d > 0 && y > 0 {
				return date(y, m, d)
			}
		}
		if i+2 < len(words) { // Mon Jan  2 15:04:05 2006
			for _, w := range words[i+2:] {
				if y := number(w); y >= 1000 {
					return date(y, m, number(words[i+1]))
				}
			}
		}
		return 0, false
	}
	return 0, false
}

func date(year int, m time.Month, day int) (int64, bool) {
	t := time.Date(year, m, day, 0, 0, 0, 0, time.UTC)
	return t.Unix() / 86400, t.Day() == day && t.Month() == m
}

// stripComments removes what stands in parentheses.
func stripComments(s string) string {
	if !strings.ContainsRune(s, '(') {
		return s
	}
	var b strings.Builder
	depth := 0
	for _, c := range []byte(s) {
		switch {
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
			b.WriteByte(' ')
		case depth == 0:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func month(w string) time.Month {
	if len(w) < 3 {
		return 0
	}
	i := strings.Index(months, strings.ToLower(w[:3]))
	if i < 0 || i%3 != 0 {
		return 0
	}
	return time.Month(i/3 + 1)
}

// number is w's value, 0 if it isn't a number of at most four digits.
func number(w string) int {
	if w == "" || len(w) > 4 {
		return 0
	}
	n := 0
	for _, c := range []byte(w) {
		if c < '0' || c > '9' {
			return 0
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// year reads a year of two, three or four digits (RFC 5322 section 4.3).
func year(w string) int {
	n := number(w)
	switch {
	case len(w) == 2 && n < 50:
		return 2000 + n
	case len(w) == 2 || len(w) == 3:
		return 1900 + n
	case len(w) == 4:
		return n
	}
	return 0
}
