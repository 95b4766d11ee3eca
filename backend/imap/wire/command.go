package wire

// Command is a command's head; Args is positioned behind its name.
type Command struct {
	Tag string
	// Name is upper-case and without the UID prefix: "FETCH".
	Name string
	// UID: the name was prefixed ("UID FETCH"); message numbers of it are
	// UIDs. The parser accepts the prefix before any name, so the engine's
	// table decides where it may stand.
	UID  bool
	Args *Decoder
}

// FullName is the name as commands are listed: "UID FETCH".
func (c *Command) FullName() string {
	if c.UID {
		return "UID " + c.Name
	}
	return c.Name
}

// ParseCommand reads a command's tag and name. After an error Command.Tag is
// set if at least the tag could be read; otherwise the answer is untagged.
func ParseCommand(raw Raw, o Options) (Command, error) {
	d := newDecoder(raw, o)
	var c Command
	tag, err := d.word(isTag, o.Limits.Atom, "a tag")
	if err != nil {
		return c, err
	}
	c.Tag = string(tag)
	if err := d.SP(); err != nil {
		return c, err
	}
	for {
		name, err := d.word(isAtom, o.Limits.Atom, "a command name")
		if err != nil {
			return c, err
		}
		c.Name = upper(name)
		if c.Name != "UID" || c.UID {
			break
		}
		c.UID = true
		if err := d.SP(); err != nil {
			return c, err
		}
	}
	d.uid = c.UID
	c.Args = d
	return c, nil
}

// Peek tells the tag and upper-case name ("UID FETCH" for prefixed ones) of a
// command whose first line is there, for the engine's decisions about its
// literals. What can't be read is empty.
func Peek(line []byte, o Options) (tag, name string) {
	c, err := ParseCommand(Raw{Lines: [][]byte{line}}, o)
	if err != nil {
		return c.Tag, ""
	}
	return c.Tag, c.FullName()
}
