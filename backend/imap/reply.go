package imap

import (
	"context"
	"errors"
	"fmt"

	goimap "github.com/emersion/go-imap/v2"

	"mailbackend.io/backend/imap/fetch"
	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/mailstore"
)

// Short names for what appears all over the commands.
const (
	respOK  = goimap.StatusResponseTypeOK
	respNo  = goimap.StatusResponseTypeNo
	respBad = goimap.StatusResponseTypeBad
	respBye = goimap.StatusResponseTypeBye

	codeNone        goimap.ResponseCode = ""
	codeUnavailable                     = goimap.ResponseCodeUnavailable
	codeLimit                           = goimap.ResponseCodeLimit
	codeTooBig                          = goimap.ResponseCodeTooBig
	codeServerBug                       = goimap.ResponseCodeServerBug
	codeNonExistent                     = goimap.ResponseCodeNonExistent
)

// reply is a command's tagged response.
type reply struct {
	kind goimap.StatusResponseType
	code wire.Code
	text string
	// pending: the response comes later; the rest is then empty (IDLE).
	pending bool
	// after, if set, runs when the response was sent: STARTTLS, LOGOUT.
	after func() error
}

// ok is the reply of a command that did what it was asked.
func ok(text string) reply { return reply{kind: respOK, text: text} }

// okCode is ok with a response code.
func okCode(code wire.Code, text string) reply { return reply{kind: respOK, code: code, text: text} }

// refusal is a command's failure that is answered with NO or BAD.
type refusal struct{ reply }

// Error is the response's text.
func (r *refusal) Error() string { return string(r.kind) + " " + r.text }

// no refuses with NO; code may be empty.
func no(code goimap.ResponseCode, text string) error {
	return &refusal{reply{kind: respNo, code: wire.Code{Name: code}, text: text}}
}

// bad refuses with BAD.
func bad(text string) error { return &refusal{reply{kind: respBad, text: text}} }

// bye ends the session with an untagged BYE.
type bye struct {
	code goimap.ResponseCode
	text string
}

// Error is the response's text.
func (b *bye) Error() string { return "BYE " + b.text }

// connError is a failure of the connection itself: nothing can be said any more.
type connError struct{ err error }

// Error is the cause's.
func (e *connError) Error() string { return e.err.Error() }

// Unwrap is the cause.
func (e *connError) Unwrap() error { return e.err }

// broken wraps a failure of the connection; nil stays nil.
func broken(err error) error {
	if err == nil {
		return nil
	}
	return &connError{err}
}

// fatal reports whether err ends the session, whatever was being done.
func fatal(err error) bool {
	var b *bye
	var c *connError
	return errors.As(err, &b) || errors.As(err, &c) || errors.Is(err, errLogout)
}

// errLogout: the client asked to end the session.
var errLogout = errors.New("logout")

// storeReplies are the responses for errors of mailstore and its like, in the
// order in which they are looked for (RFC 5530).
var storeReplies = []struct {
	err  error
	code goimap.ResponseCode
	text string
}{
	{mailstore.ErrNoMailbox, codeNonExistent, "No such mailbox"},
	{mailstore.ErrExists, goimap.ResponseCodeAlreadyExists, "A mailbox of that name exists already"},
	{mailstore.ErrCannot, goimap.ResponseCodeCannot, "That is not possible for this mailbox or name"},
	{mailstore.ErrUseAttr, wire.CodeUseAttr, "A mailbox can't be given this special use"},
	{mailstore.ErrTooLarge, codeTooBig, "The message is larger than this server takes"},
	{mailstore.ErrLimit, codeLimit, "A limit of this server is reached"},
	{mailstore.ErrQuota, goimap.ResponseCodeOverQuota, "Over quota"},
	{mailstore.ErrMessageGone, wire.CodeExpungeIssued, "Some of the messages no longer exist"},
	{fetch.ErrUnknownCTE, goimap.ResponseCodeUnknownCTE, "A part's transfer encoding is not known"},
	{mailstore.ErrReadOnly, codeNone, "The mailbox is selected read-only"},
	{mailstore.ErrInUse, goimap.ResponseCodeInUse, "The mailbox is in use"},
	{mailstore.ErrOvertaken, codeUnavailable, "Another server serves this account now"},
	{mailstore.ErrUnavailable, codeUnavailable, "Temporarily unavailable, try again later"},
	{mailstore.ErrClosed, codeUnavailable, "The session is ending"},
	{context.Canceled, codeUnavailable, "The server is shutting down"},
}

// failure is the tagged response for a command's error. known is false for an
// error that the client can do nothing about and an operator should see.
func (s *session) failure(cmd *command, err error) (r reply, known bool) {
	var ref *refusal
	var syntax *wire.Error
	switch {
	case errors.As(err, &ref):
		return ref.reply, true
	case errors.As(err, &syntax) && syntax.Name:
		return reply{kind: respNo, code: wire.Code{Name: goimap.ResponseCodeCannot}, text: syntax.Error()}, true
	case errors.As(err, &syntax):
		return reply{kind: respBad, text: syntax.Error()}, true
	}
	for _, m := range storeReplies {
		if errors.Is(err, m.err) {
			r = reply{kind: respNo, code: wire.Code{Name: m.code}, text: m.text}
			if errors.Is(m.err, mailstore.ErrNoMailbox) && cmd != nil && cmd.flags&tryCreate != 0 {
				r.code.Name = goimap.ResponseCodeTryCreate
			}
			return r, m.code != codeUnavailable
		}
	}
	return reply{kind: respNo, code: wire.Code{Name: codeUnavailable}, text: "Internal error, try again later"}, false
}

// untagged sends "* OK [code] text".
func (s *session) untagged(code wire.Code, text string) { s.enc.Status("", respOK, code, text) }

// sayBye sends an untagged BYE; that it can't be sent any more doesn't matter.
func (s *session) sayBye(b *bye) {
	s.enc.Status("", respBye, wire.Code{Name: b.code}, b.text)
	if s.enc.Flush() == nil {
		_ = s.lc.Flush()
	}
}

// logText is err for the log, bounded.
func logText(err error) string {
	t := fmt.Sprint(err)
	return t[:min(len(t), 500)]
}
