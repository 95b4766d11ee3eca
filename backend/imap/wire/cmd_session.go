package wire

// Login is LOGIN (RFC 9051 section 6.2.3).
type Login struct{ User, Password string }

// Authenticate is AUTHENTICATE (RFC 9051 section 6.2.2).
type Authenticate struct {
	Mechanism string // upper-case
	// Initial is the decoded initial response (SASL-IR); nil if none was
	// given, empty but not nil for "=".
	Initial []byte
}

// ID is ID (RFC 2971): pairs in the order they were sent; nil for NIL.
type ID struct{ Fields []IDField }

// IDField is one pair of an ID. Null: the value was NIL.
type IDField struct {
	Name, Value string
	Null        bool
}

// Enable is ENABLE (RFC 9051 section 6.3.1): capabilities in upper case.
type Enable struct{ Capabilities []string }
