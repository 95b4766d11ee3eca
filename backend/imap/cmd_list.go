package imap

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/mailstore"
)

var listCommands = []command{
	define("LIST", loggedIn, 0, wire.ParseList, runList),
	define("LSUB", loggedIn, 0, wire.ParseLsub, runLsub),
	define("NAMESPACE", loggedIn, 0, parseNone, runNamespace),
}

// runNamespace is NAMESPACE (RFC 9051 section 6.3.10): one, the user's own.
func runNamespace(_ context.Context, s *session, _ *request, _ none) (reply, error) {
	s.enc.Raw(`* NAMESPACE (("" "`).Raw(string(mailstore.Separator)).Raw(`")) NIL NIL`).CRLF()
	return ok("NAMESPACE completed"), nil
}

// runList is LIST (RFC 9051 section 6.3.9), with the options of RFC 5258,
// RFC 5819 and RFC 6154.
func runList(ctx context.Context, s *session, _ *request, a wire.List) (reply, error) {
	if !a.Extended && a.Patterns[0] == "" {
		// What the hierarchy looks like, not a mailbox.
		s.enc.List("LIST", wire.ListEntry{Attrs: []string{`\Noselect`}, Separator: mailstore.Separator})
		return ok("LIST completed"), nil
	}
	patterns, err := s.patterns(&a)
	if err != nil {
		return reply{}, err
	}
	all := s.user.Mailboxes()
	var parents map[string]bool
	if a.Select&wire.ListRecursiveMatch != 0 {
		parents = parentsOf(all, func(m *mailstore.MailboxInfo) bool { return selects(m, a.Select) })
		all = withMissing(all, parents)
	}
	for i := range all {
		info := &all[i]
		chosen := selects(info, a.Select)
		if !chosen && !parents[info.Name] || !anyMatches(patterns, info.Name) {
			continue
		}
		entry := wire.ListEntry{Attrs: attributes(info, &a), Separator: mailstore.Separator, Name: info.Name}
		if parents[info.Name] {
			entry.ChildInfo = []string{"SUBSCRIBED"}
		}
		s.enc.List("LIST", entry)
		if a.Return&wire.ReturnStatus != 0 && chosen && !info.NonExistent {
			if err := s.listStatus(ctx, info.Name, a.StatusItems); err != nil {
				return reply{}, err
			}
		}
	}
	return ok("LIST completed"), nil
}

// patterns compiles a LIST's patterns. Together they are bounded, as each is
// tried on each mailbox.
func (s *session) patterns(a *wire.List) ([]*pattern, error) {
	total := 0
	patterns := make([]*pattern, len(a.Patterns))
	for i, p := range a.Patterns {
		total += len(a.Reference) + len(p) + 64
		if total > s.srv.cfg.Limits.ListPatterns {
			return nil, bad("Too many patterns")
		}
		patterns[i] = newPattern(a.Reference, p)
	}
	return patterns, nil
}

func anyMatches(patterns []*pattern, name string) bool {
	for _, p := range patterns {
		if p.matches(name) {
			return true
		}
	}
	return false
}

// selects reports whether a name is one that the selection options ask for.
// Names that exist only as subscriptions are seen through SUBSCRIBED alone.
func selects(info *mailstore.MailboxInfo, sel wire.ListSelect) bool {
	if sel&wire.ListSubscribed != 0 {
		if !info.Subscribed {
			return false
		}
	} else if info.NonExistent && !info.HasChildren {
		return false
	}
	return sel&wire.ListSpecialUse == 0 || len(info.SpecialUse) > 0
}

// parentsOf are the names above those that chosen picks, whether they exist or
// not.
func parentsOf(all []mailstore.MailboxInfo, chosen func(*mailstore.MailboxInfo) bool) map[string]bool {
	parents := map[string]bool{}
	for i := range all {
		if !chosen(&all[i]) {
			continue
		}
		name := all[i].Name
		for cut := strings.LastIndexByte(name, mailstore.Separator); cut > 0; cut = strings.LastIndexByte(name, mailstore.Separator) {
			name = name[:cut]
			if parents[name] {
				break // and so are those above it
			}
			parents[name] = true
		}
	}
	return parents
}

// withMissing is all with those names that it lacks: they are only above
// subscribed names.
func withMissing(all []mailstore.MailboxInfo, names map[string]bool) []mailstore.MailboxInfo {
	have := make(map[string]bool, len(names))
	for i := range all {
		if names[all[i].Name] {
			have[all[i].Name] = true
		}
	}
	if len(have) == len(names) {
		return all
	}
	all = slices.Clip(all) // shared with others
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !have[name] {
			all = append(all, mailstore.MailboxInfo{Name: name, NonExistent: true})
		}
	}
	return all
}

// attributes are the mailbox attributes of a LIST response (RFC 9051 section
// 7.3.1). CHILDREN and SPECIAL-USE are told unasked, as clients that don't know
// to ask use them.
func attributes(info *mailstore.MailboxInfo, a *wire.List) []string {
	attrs := make([]string, 0, 4)
	if info.NonExistent {
		// \Noselect is implied, but clients of RFC 3501 know only that.
		attrs = append(attrs, `\NonExistent`, `\Noselect`)
	}
	if info.Subscribed && (a.Select&wire.ListSubscribed != 0 || a.Return&wire.ReturnSubscribed != 0) {
		attrs = append(attrs, `\Subscribed`)
	}
	switch {
	case info.HasChildren:
		attrs = append(attrs, `\HasChildren`)
	case !info.NonExistent:
		attrs = append(attrs, `\HasNoChildren`)
	}
	return append(attrs, info.SpecialUse...)
}

// listStatus is the STATUS of one mailbox of a LIST (RFC 5819 section 2). One
// that can't be told, or is gone, is left out.
func (s *session) listStatus(ctx context.Context, name string, items []wire.StatusItem) error {
	err := s.status(ctx, name, items)
	if errors.Is(err, mailstore.ErrOvertaken) || errors.Is(err, mailstore.ErrClosed) || ctx.Err() != nil {
		return err
	}
	if err != nil {
		s.log().Warn("status of a listed mailbox failed", "error", logText(err))
	}
	return nil
}

// runLsub is LSUB (RFC 3501 section 6.3.9). A "%" shows a name that is not
// subscribed but has subscribed names below that the pattern doesn't reach.
func runLsub(_ context.Context, s *session, _ *request, a wire.List) (reply, error) {
	if a.Patterns[0] == "" {
		s.enc.List("LSUB", wire.ListEntry{Attrs: []string{`\Noselect`}, Separator: mailstore.Separator})
		return ok("LSUB completed"), nil
	}
	patterns, err := s.patterns(&a)
	if err != nil {
		return reply{}, err
	}
	p := patterns[0]
	all := s.user.Mailboxes()
	hidden := parentsOf(all, func(m *mailstore.MailboxInfo) bool { return m.Subscribed && !p.matches(m.Name) })
	all = withMissing(all, hidden)
	for i := range all {
		info := &all[i]
		if !p.matches(info.Name) || !info.Subscribed && !hidden[info.Name] {
			continue
		}
		entry := wire.ListEntry{Separator: mailstore.Separator, Name: info.Name}
		if !info.Subscribed {
			entry.Attrs = []string{`\Noselect`}
		}
		s.enc.List("LSUB", entry)
	}
	return ok("LSUB completed"), nil
}
