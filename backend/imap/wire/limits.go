package wire

// Limits bound what a parser accepts. A command beyond them is answered with
// BAD. The lengths of lines and literals are the engine's to bound: it decides
// before it reads them.
type Limits struct {
	Atom         int // octets of an atom, a flag, a tag or a command name
	List         int // elements of one list (flags, header fields, items, options, patterns)
	Depth        int // nesting of search keys; NOT and OR nest too
	SearchKeys   int // search keys in one program
	NumRanges    int // ranges of one sequence set
	PartDepth    int // numbers in a section's part path
	AppendMails  int // messages of one APPEND (RFC 3502)
	Mailbox      int // octets of a mailbox name after decoding
	SearchString int // octets of one search string
}

// DefaultLimits are generous to real clients.
func DefaultLimits() Limits {
	return Limits{
		Atom:         1000,
		List:         1000,
		Depth:        100,
		SearchKeys:   2000,
		NumRanges:    50_000,
		PartDepth:    100,
		AppendMails:  1000,
		Mailbox:      1000,
		SearchString: 8192,
	}
}

// Options are how a connection's commands are to be read.
type Options struct {
	Limits Limits
	// UTF8: the client enabled IMAP4rev2 (RFC 9051) or UTF8=ACCEPT (RFC
	// 6855), so mailbox names are UTF-8; otherwise they are in modified
	// UTF-7 (RFC 3501 section 5.1.3).
	UTF8 bool
}
