package lmtp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"sync"

	"mailbackend.io/backend/mailstore"
	"mailbackend.io/backend/message"
)

// finish delivers the mail that has come, answers for every recipient in the
// order of the RCPTs (RFC 2033 section 4.2) and ends the transaction. The
// replies leave at once: what is stored is not told late because the next mail
// is in the pipeline.
func (s *session) finish(ctx context.Context) error {
	defer s.reset()
	if err := s.tx.mail.failed; err != nil {
		for range s.tx.rcpts {
			s.refuse(err)
		}
		s.log.Info("mail refused", "id", s.tx.id, "recipients", len(s.tx.rcpts), "reason", err)
		return s.c.Flush()
	}
	results := s.deliver(ctx)
	for i, r := range s.tx.rcpts {
		s.answer(r, results[i])
	}
	return s.c.Flush()
}

// refuse answers for a mail that was not taken.
func (s *session) refuse(err error) {
	if errors.Is(err, errTooLarge) {
		s.reply(552, "5.3.4", s.tooLarge())
		return
	}
	s.reply(452, "4.3.1", "Too many mails are coming in, try later")
}

// answer tells what became of one recipient's mail.
func (s *session) answer(r recipient, err error) {
	name := "<" + r.address + "> "
	switch {
	case err == nil:
		s.reply(250, "2.0.0", name+"stored, "+s.tx.id)
	case errors.Is(err, mailstore.ErrTooLarge):
		s.reply(552, "5.2.3", name+"mail is larger than the mailbox takes")
	case errors.Is(err, mailstore.ErrQuota) && s.srv.cfg.QuotaTemporary:
		s.reply(452, "4.2.2", name+"mailbox is full")
	case errors.Is(err, mailstore.ErrQuota):
		s.reply(552, "5.2.2", name+"mailbox is full")
	default:
		s.reply(451, "4.3.0", name+"can't be stored now, try later")
	}
}

// copyKey names one copy: a recipient that is there twice gets one.
type copyKey struct{ user, mailbox string }

// deliver stores the mail for all recipients, some at a time, and returns what
// became of each.
func (s *session) deliver(ctx context.Context) []error {
	results := make([]error, len(s.tx.rcpts))
	body, err := s.parse(s.tx.mail.data)
	if err != nil {
		for i := range results {
			results[i] = err
		}
		return results
	}
	trace := s.trace()
	first := map[copyKey]int{}
	slots := make(chan struct{}, s.srv.cfg.Parallel)
	var wg sync.WaitGroup
	for i, r := range s.tx.rcpts {
		key := copyKey{r.user, r.mailbox}
		if _, twice := first[key]; twice {
			continue
		}
		first[key] = i
		if len(s.tx.rcpts) == 1 {
			results[i] = s.deliverTo(ctx, r, body, trace.lines(r.address))
			break
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			results[i] = s.deliverTo(ctx, r, body, trace.lines(r.address))
		})
	}
	wg.Wait()
	for i, r := range s.tx.rcpts {
		results[i] = results[first[copyKey{r.user, r.mailbox}]]
	}
	return results
}

// errPanic: a mail that broke the parser or the store. It must not take other
// connections down, and the client may try another backend.
var errPanic = errors.New("internal error")

func (s *session) recovered(err *error) {
	if r := recover(); r != nil {
		s.log.Error("delivery panicked", "id", s.tx.id, "panic", r, "stack", string(debug.Stack()))
		*err = errPanic
	}
}

func (s *session) parse(raw []byte) (body *message.Body, err error) {
	defer s.recovered(&err)
	return message.NewBody(raw, s.srv.cfg.Limits), nil
}

// deliverTo stores one copy.
func (s *session) deliverTo(ctx context.Context, r recipient, body *message.Body, prefix []byte) (err error) {
	defer s.recovered(&err)
	err = s.srv.deps.Store.Deliver(ctx, mailstore.Delivery{User: r.user, Mailbox: r.mailbox, Body: body, Prefix: prefix})
	if err != nil {
		s.log.Warn("delivery failed", "id", s.tx.id, "user", r.user, "error", err)
		return err
	}
	s.log.Info("delivered", "id", s.tx.id, "user", r.user, "octets", len(s.tx.mail.data)+len(prefix))
	return nil
}

// trace is what the trace lines of all recipients have in common.
type trace struct{ from, received, date string }

// trace describes the transaction: RFC 5321 section 4.4, with the protocol
// names of RFC 3848 and 6531.
func (s *session) trace() trace {
	with := "LMTP"
	if s.tx.utf8 {
		with = "UTF8LMTP"
	}
	if _, secure := s.c.TLS(); secure {
		with += "S"
	}
	return trace{
		from: s.tx.from,
		received: fmt.Sprintf("Received: from %s (%s)\r\n\tby %s with %s id %s\r\n",
			s.client, addressLiteral(s.c.RemoteAddr()), s.srv.cfg.Hostname, with, s.tx.id),
		date: s.srv.deps.Clock.Now().Format("Mon, 02 Jan 2006 15:04:05 -0700"),
	}
}

// addressLiteral is a TCP-info (RFC 5321 section 4.4).
func addressLiteral(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	switch {
	case !ok:
		return "local"
	case tcp.IP.To4() != nil:
		return "[" + tcp.IP.String() + "]"
	}
	return "[IPv6:" + tcp.IP.String() + "]"
}

// lines are the header lines in front of one recipient's mail.
func (t trace) lines(rcpt string) []byte {
	return fmt.Appendf(nil, "Return-Path: <%s>\r\nDelivered-To: %s\r\n%s\tfor <%s>; %s\r\n", t.from, rcpt, t.received, rcpt, t.date)
}
