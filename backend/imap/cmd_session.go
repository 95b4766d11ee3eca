package imap

import (
	"context"
	"log/slog"
	"strings"

	"mailbackend.io/backend/imap/wire"
)

var sessionCommands = []command{
	define("CAPABILITY", anyState, 0, parseNone, runCapability),
	define("NOOP", anyState, 0, parseNone, runNoop),
	define("LOGOUT", anyState, noUpdates, parseNone, runLogout),
	define("ID", anyState, 0, wire.ParseID, runID),
	define("ENABLE", loggedIn, 0, wire.ParseEnable, runEnable),
}

// runCapability is CAPABILITY (RFC 9051 section 6.1.1).
func runCapability(_ context.Context, s *session, _ *request, _ none) (reply, error) {
	s.enc.Raw("* CAPABILITY")
	for _, c := range s.capabilities() {
		s.enc.Raw(" ").Raw(c)
	}
	s.enc.CRLF()
	return ok("CAPABILITY completed"), nil
}

// runNoop is NOOP (RFC 9051 section 6.1.2): an occasion to be told what changed.
func runNoop(context.Context, *session, *request, none) (reply, error) {
	return ok("NOOP completed"), nil
}

// runLogout is LOGOUT (RFC 9051 section 6.1.3).
func runLogout(_ context.Context, s *session, _ *request, _ none) (reply, error) {
	s.enc.Status("", respBye, wire.Code{}, "Logging out")
	r := ok("LOGOUT completed")
	r.after = func() error {
		if err := s.push(); err != nil {
			return err
		}
		return errLogout
	}
	return r, nil
}

// idLogged bounds what the log takes of a client's ID.
const idLogged = 200

// runID is ID (RFC 2971).
func runID(_ context.Context, s *session, _ *request, id wire.ID) (reply, error) {
	if len(id.Fields) > 0 && s.srv.log.Enabled(context.Background(), slog.LevelDebug) {
		var b strings.Builder
		for _, f := range id.Fields {
			if b.Len() > idLogged {
				break
			}
			b.WriteString(f.Name[:min(len(f.Name), idLogged)] + "=" + f.Value[:min(len(f.Value), idLogged)] + " ")
		}
		s.log().Debug("client", "id", b.String())
	}
	s.enc.Raw(`* ID ("name" `).String(s.srv.cfg.Name)
	if v := s.srv.cfg.Version; v != "" {
		s.enc.Raw(` "version" `).String(v)
	}
	s.enc.Raw(")").CRLF()
	return ok("ID completed"), nil
}

// enables are what ENABLE can turn on (RFC 9051 section 6.3.1, RFC 7162 section
// 3.2.3), by name in upper case.
var enables = []struct {
	upper, name string
	on          enabled
}{
	{"CONDSTORE", "CONDSTORE", condStore},
	{"QRESYNC", "QRESYNC", qResync | condStore},
	{"IMAP4REV2", "IMAP4rev2", rev2},
}

// runEnable is ENABLE (RFC 9051 section 6.3.1). What is not known is ignored.
func runEnable(_ context.Context, s *session, _ *request, a wire.Enable) (reply, error) {
	var on enabled
	names := ""
	for _, c := range a.Capabilities {
		for _, e := range enables {
			if c == e.upper && !strings.Contains(names+" ", " "+e.name+" ") {
				on |= e.on
				names += " " + e.name
			}
		}
	}
	s.enc.Raw("* ENABLED").Raw(names).CRLF()
	if on&condStore != 0 {
		s.enableCondStore()
	}
	s.enabled |= on
	s.enc.SetUTF8(s.enabled&rev2 != 0)
	return ok("ENABLE completed"), nil
}

// enableCondStore is what a CONDSTORE-enabling command does besides its work
// (RFC 7162 section 3.1): from now on the client is told modseqs, and first the
// highest one, if a mailbox was selected before.
func (s *session) enableCondStore() {
	if s.enabled&condStore != 0 {
		return
	}
	s.enabled |= condStore
	if s.sel != nil {
		s.untagged(wire.CodeHighestModSeq(s.sel.highestModSeq()), "Highest")
	}
}
