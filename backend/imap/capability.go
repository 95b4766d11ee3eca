package imap

import "strconv"

// capability is a row of the list that CAPABILITY tells.
type capability struct {
	name string
	// states are those in which it is told.
	states state
	// when, if set, is a further condition.
	when func(*session) bool
}

// capabilityTable is what this server can do, and when it says so. Before login
// it tells little: enough for clients to log in, and to see that it is worth it.
var capabilityTable = []capability{
	{name: "IMAP4rev2", states: anyState},                                       // RFC 9051
	{name: "IMAP4rev1", states: anyState},                                       // RFC 3501
	{name: "LITERAL+", states: anyState},                                        // RFC 7888
	{name: "SASL-IR", states: notAuthenticated},                                 // RFC 4959
	{name: "STARTTLS", states: notAuthenticated, when: (*session).offersTLS},    // RFC 9051
	{name: "LOGINDISABLED", states: notAuthenticated, when: (*session).noLogin}, // RFC 9051
	{name: "AUTH=PLAIN", states: notAuthenticated, when: (*session).mayLogin},   // RFC 4616
	{name: "AUTH=LOGIN", states: notAuthenticated, when: (*session).mayLogin},   //
	{name: "ID", states: anyState},                                              // RFC 2971
	{name: "ENABLE", states: anyState},                                          // RFC 5161
	{name: "IDLE", states: anyState},                                            // RFC 2177
	{name: "NAMESPACE", states: loggedIn},                                       // RFC 2342
	{name: "CHILDREN", states: loggedIn},                                        // RFC 3348
	{name: "UNSELECT", states: loggedIn},                                        // RFC 3691
	{name: "UIDPLUS", states: loggedIn},                                         // RFC 4315
	{name: "MOVE", states: loggedIn},                                            // RFC 6851
	{name: "SPECIAL-USE", states: loggedIn},                                     // RFC 6154
	{name: "CREATE-SPECIAL-USE", states: loggedIn},                              // RFC 6154
	{name: "LIST-EXTENDED", states: loggedIn},                                   // RFC 5258
	{name: "LIST-STATUS", states: loggedIn},                                     // RFC 5819
	{name: "STATUS=SIZE", states: loggedIn},                                     // RFC 8438
	{name: "ESEARCH", states: loggedIn},                                         // RFC 4731
	{name: "SEARCHRES", states: loggedIn},                                       // RFC 5182
	{name: "WITHIN", states: loggedIn},                                          // RFC 5032
	{name: "MULTIAPPEND", states: loggedIn},                                     // RFC 3502
	{name: "CONDSTORE", states: loggedIn},                                       // RFC 7162
	{name: "QRESYNC", states: loggedIn},                                         // RFC 7162
	{name: "OBJECTID", states: loggedIn},                                        // RFC 8474
	{name: "SAVEDATE", states: loggedIn},                                        // RFC 8514
}

// capabilities are what the session can do in its present state.
func (s *session) capabilities() []string {
	caps := make([]string, 0, len(capabilityTable)+1)
	for _, c := range capabilityTable {
		if c.states&s.state() != 0 && (c.when == nil || c.when(s)) {
			caps = append(caps, c.name)
		}
	}
	if s.user != nil {
		caps = append(caps, "APPENDLIMIT="+strconv.FormatInt(s.srv.cfg.Limits.Message, 10)) // RFC 7889
	}
	return caps
}

func (s *session) offersTLS() bool { return !s.secure && s.srv.cfg.TLS != nil }
func (s *session) noLogin() bool   { return !s.mayLogin() }
