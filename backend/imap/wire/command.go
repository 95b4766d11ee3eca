package wire

// Raw is one command as it was read: its lines without CRLF, and the literals
// between them.
//
// Invariant: len(Lines) == len(Literals)+1 for a whole command, and each line
// but the last ends in a literal's announcement ({n}, {n+}, ~{n}).
type Raw struct {
	Lines    [][]byte
	Literals [][]byte
}

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
