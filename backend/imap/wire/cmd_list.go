package wire

// ListSelect are LIST's selection options (RFC 5258 section 3.1).
type ListSelect uint8

// The selection options.
const (
	ListSubscribed     ListSelect = 1 << iota // SUBSCRIBED
	ListRemote                                // REMOTE
	ListRecursiveMatch                        // RECURSIVEMATCH
	ListSpecialUse                            // SPECIAL-USE (RFC 6154)
)

// ListReturn are LIST's return options (RFC 5258 section 3.2).
type ListReturn uint8

// The return options.
const (
	ReturnSubscribed ListReturn = 1 << iota // SUBSCRIBED
	ReturnChildren                          // CHILDREN
	ReturnSpecialUse                        // SPECIAL-USE (RFC 6154)
	ReturnStatus                            // STATUS (…) (RFC 5819)
)

// List is LIST or LSUB (RFC 9051 section 6.3.9, RFC 5258).
type List struct {
	// Extended: selection options, return options or a pattern list were
	// used, so the answers are those of RFC 5258.
	Extended bool
	Select   ListSelect
	// Reference and Patterns are UTF-8; "%" and "*" in Patterns are
	// wildcards. In the basic form there is one pattern.
	Reference   string
	Patterns    []string
	Return      ListReturn
	StatusItems []StatusItem // of ReturnStatus
}
