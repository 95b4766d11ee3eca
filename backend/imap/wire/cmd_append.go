package wire

import "time"

// Append is APPEND (RFC 9051 section 6.3.12, RFC 3502).
type Append struct {
	Mailbox  string
	Messages []AppendMessage // at least one
}

// AppendMessage is one message of an APPEND.
type AppendMessage struct {
	Flags []string
	Date  time.Time // zero: not given
	// Data aliases the command's literal. It is empty for a client that
	// gives up after a MULTIAPPEND has begun (RFC 3502), which is not an
	// error here.
	Data []byte
	// UTF8: sent as UTF8 (~{n}) (RFC 6855 section 4). Binary: sent as a
	// literal8 (RFC 3516), as UTF8 is too.
	UTF8, Binary bool
}

// ParseAppend parses APPEND's arguments.
func ParseAppend(d *Decoder) (a Append, err error) {
	if a.Mailbox, err = d.spMailbox(); err != nil {
		return a, err
	}
	for {
		if len(a.Messages) >= d.opts.Limits.AppendMails {
			return a, d.beyond("too many messages in one APPEND")
		}
		if err = d.SP(); err != nil {
			return a, err
		}
		m, err := d.appendMessage()
		if err != nil {
			return a, err
		}
		a.Messages = append(a.Messages, m)
		if d.AtEnd() {
			return a, nil
		}
	}
}

func (d *Decoder) appendMessage() (m AppendMessage, err error) {
	if d.peek() == '(' {
		if m.Flags, err = d.appendFlags(); err != nil {
			return m, err
		}
		if err = d.SP(); err != nil {
			return m, err
		}
	}
	if d.peek() == '"' {
		if m.Date, err = d.DateTime(); err != nil {
			return m, err
		}
		if err = d.SP(); err != nil {
			return m, err
		}
	}
	if d.AcceptWord("UTF8") {
		if err = d.SP(); err != nil {
			return m, err
		}
		if err = d.Expect('('); err != nil {
			return m, err
		}
		m.UTF8 = true
	}
	start := d.pos
	if m.Data, m.Binary, err = d.Literal(); err != nil {
		return m, err
	}
	if m.UTF8 {
		if !m.Binary {
			d.line--
			d.base -= len(d.raw.Lines[d.line])
			d.pos = start
			return m, d.want("a literal8 (~{n})")
		}
		err = d.Expect(')')
	}
	return m, err
}

// appendFlags consumes the flag list. Clients that copy between servers pass
// \Recent on, which is dropped here, though not in STORE.
func (d *Decoder) appendFlags() ([]string, error) {
	flags := []string{}
	err := d.List(func() error {
		if d.peek() == '\\' {
			d.pos++
			if d.AcceptWord("RECENT") {
				return nil
			}
			d.pos--
		}
		f, err := d.Flag()
		flags = append(flags, f)
		return err
	})
	return flags, err
}

// ParseAppendHead reads the mailbox of an APPEND whose first literal is
// announced but not read, so that the engine can refuse before it asks for the
// message: raw holds what was read so far. ok is false when the mailbox is not
// there yet (it may be a literal itself) or the command isn't a good APPEND.
func ParseAppendHead(raw Raw, o Options) (mailbox string, ok bool) {
	c, err := ParseCommand(raw, o)
	if err != nil || c.Name != "APPEND" || c.UID {
		return "", false
	}
	mailbox, err = c.Args.spMailbox()
	return mailbox, err == nil
}
