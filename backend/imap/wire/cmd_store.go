package wire

// StoreMode is how STORE's flags are to be applied.
type StoreMode uint8

// The modes.
const (
	StoreReplace StoreMode = iota // FLAGS
	StoreAdd                      // +FLAGS
	StoreRemove                   // -FLAGS
)

// Store is STORE and UID STORE (RFC 9051 section 6.4.6, RFC 7162 section
// 3.1.3).
type Store struct {
	Set    NumSet
	Mode   StoreMode
	Silent bool
	Flags  []string // as written; "\*" and "\Recent" are refused
	// UnchangedSince may be 0, which is not the same as not given.
	UnchangedSince    uint64
	HasUnchangedSince bool
}

// Copy is COPY and MOVE and their UID forms (RFC 9051 sections 6.4.7, 6.4.8).
type Copy struct {
	Set     NumSet
	Mailbox string
}

// Set is a command whose only argument is a set: UID EXPUNGE (RFC 4315).
type Set struct{ Set NumSet }
