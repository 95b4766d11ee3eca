package wire

import "strings"

// Flag consumes a flag that clients may set: a keyword, or a system flag, which
// comes back in its usual case (RFC 9051 section 2.3.2). "\*", "\Recent" and
// system flags that don't exist are refused.
func (d *Decoder) Flag() (string, error) {
	start := d.pos
	if !d.Accept('\\') {
		w, err := d.word(isAtom, d.opts.Limits.Atom, "a flag")
		return string(w), err
	}
	w, err := d.word(isAtom, d.opts.Limits.Atom, "a flag")
	if err != nil {
		return "", err
	}
	for _, f := range systemFlags {
		if strings.EqualFold(string(w), f[1:]) {
			return f, nil
		}
	}
	d.pos = start
	return "", d.want("a flag that clients may set")
}

// systemFlags are the flags of RFC 9051 section 2.3.2 that clients set.
var systemFlags = [...]string{`\Seen`, `\Answered`, `\Flagged`, `\Deleted`, `\Draft`}

// FlagList consumes "(" flags ")". The result is not nil.
func (d *Decoder) FlagList() ([]string, error) {
	flags := []string{}
	err := d.List(func() error {
		f, err := d.Flag()
		flags = append(flags, f)
		return err
	})
	return flags, err
}
