package imap

import (
	"context"
	"strings"

	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/mailstore"
)

var mailboxCommands = []command{
	define("CREATE", loggedIn, 0, wire.ParseCreate, runCreate),
	define("DELETE", loggedIn, 0, wire.ParseMailbox, runDelete),
	define("RENAME", loggedIn, 0, wire.ParseRename, runRename),
	define("SUBSCRIBE", loggedIn, 0, wire.ParseMailbox, runSubscribe),
	define("UNSUBSCRIBE", loggedIn, 0, wire.ParseMailbox, runUnsubscribe),
	define("STATUS", loggedIn, 0, wire.ParseStatus, runStatus),
}

// runCreate is CREATE (RFC 9051 section 6.3.4) with USE (RFC 6154 section 3),
// answered with MAILBOXID (RFC 8474 section 4.1).
func runCreate(ctx context.Context, s *session, _ *request, a wire.Create) (reply, error) {
	id, err := s.user.Create(ctx, a.Mailbox, a.SpecialUse)
	if err != nil {
		return reply{}, err
	}
	s.tellSpelling(a.Mailbox)
	return okCode(wire.CodeMailboxID(id), "CREATE completed"), nil
}

// tellSpelling tells a client that enabled IMAP4rev2 how a name that it wrote in
// another way is spelled (RFC 9051 section 6.3.9.8).
func (s *session) tellSpelling(name string) {
	if s.enabled&rev2 == 0 {
		return
	}
	if info, ok := s.user.Lookup(strings.TrimSuffix(name, string(mailstore.Separator))); ok && info.Name != name {
		s.enc.List("LIST", wire.ListEntry{Separator: mailstore.Separator, Name: info.Name, OldName: name})
	}
}

// runDelete is DELETE (RFC 9051 section 6.3.5). A session that deletes its
// selected mailbox has none selected afterwards.
func runDelete(ctx context.Context, s *session, _ *request, a wire.Mailbox) (reply, error) {
	info, found := s.user.Lookup(a.Mailbox)
	if err := s.user.Delete(ctx, a.Mailbox); err != nil {
		return reply{}, err
	}
	if s.sel != nil && found && s.sel.mb.ID() == info.ID {
		s.unselect()
		s.untagged(wire.Code{Name: wire.CodeClosed}, "The selected mailbox was deleted")
	}
	return ok("DELETE completed"), nil
}

// runRename is RENAME (RFC 9051 section 6.3.6). IMAP4rev2 wants the new name
// told, with the old one (section 6.3.9.8).
func runRename(ctx context.Context, s *session, _ *request, a wire.Rename) (reply, error) {
	if err := s.user.Rename(ctx, a.From, a.To); err != nil {
		return reply{}, err
	}
	if info, ok := s.user.Lookup(a.To); ok && s.enabled&rev2 != 0 {
		s.enc.List("LIST", wire.ListEntry{Separator: mailstore.Separator, Name: info.Name, OldName: a.From})
	}
	return ok("RENAME completed"), nil
}

// runSubscribe is SUBSCRIBE (RFC 9051 section 6.3.7). A name that no mailbox
// has may be subscribed: it may be one that comes and goes.
func runSubscribe(ctx context.Context, s *session, _ *request, a wire.Mailbox) (reply, error) {
	return ok("SUBSCRIBE completed"), s.user.Subscribe(ctx, a.Mailbox, true)
}

// runUnsubscribe is UNSUBSCRIBE (RFC 9051 section 6.3.8).
func runUnsubscribe(ctx context.Context, s *session, _ *request, a wire.Mailbox) (reply, error) {
	return ok("UNSUBSCRIBE completed"), s.user.Subscribe(ctx, a.Mailbox, false)
}

// runStatus is STATUS (RFC 9051 section 6.3.11).
func runStatus(ctx context.Context, s *session, _ *request, a wire.Status) (reply, error) {
	return ok("STATUS completed"), s.status(ctx, a.Mailbox, a.Items)
}

// status sends a STATUS response.
func (s *session) status(ctx context.Context, name string, items []wire.StatusItem) error {
	st, err := s.user.Status(ctx, name)
	if err != nil {
		return err
	}
	values := make([]wire.StatusValue, 0, len(items))
	for _, item := range items {
		if item == wire.StatusHighestModSeq {
			s.enableCondStore() // RFC 7162 section 3.1
		}
		if value := statusItems[item]; value != nil {
			v := value(s, &st)
			v.Item = item
			values = append(values, v)
		}
	}
	s.enc.MailboxStatus(name, values)
	return nil
}

// statusItems are the values of STATUS items.
var statusItems = map[wire.StatusItem]func(*session, *mailstore.Status) wire.StatusValue{
	wire.StatusMessages:    func(_ *session, st *mailstore.Status) wire.StatusValue { return number(st.Messages) },
	wire.StatusRecent:      func(_ *session, st *mailstore.Status) wire.StatusValue { return number(st.Recent) },
	wire.StatusUIDNext:     func(_ *session, st *mailstore.Status) wire.StatusValue { return number(st.UIDNext) },
	wire.StatusUIDValidity: func(_ *session, st *mailstore.Status) wire.StatusValue { return number(st.UIDValidity) },
	wire.StatusUnseen:      func(_ *session, st *mailstore.Status) wire.StatusValue { return number(st.Unseen) },
	wire.StatusDeleted:     func(_ *session, st *mailstore.Status) wire.StatusValue { return number(st.Deleted) },
	wire.StatusSize:        func(_ *session, st *mailstore.Status) wire.StatusValue { return wire.StatusValue{Num: st.Size} },
	wire.StatusHighestModSeq: func(_ *session, st *mailstore.Status) wire.StatusValue {
		return wire.StatusValue{Num: max(st.HighestModSeq, 1)}
	},
	wire.StatusMailboxID: func(_ *session, st *mailstore.Status) wire.StatusValue {
		return wire.StatusValue{Str: st.MailboxID}
	},
	wire.StatusAppendLimit: func(s *session, _ *mailstore.Status) wire.StatusValue {
		return wire.StatusValue{Num: uint64(s.srv.cfg.Limits.Message)}
	},
}

func number(n uint32) wire.StatusValue { return wire.StatusValue{Num: uint64(n)} }
