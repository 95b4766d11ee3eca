package imap

import (
	"context"

	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/mailstore"
	"mailbackend.io/backend/message"
	"mailbackend.io/backend/uidset"
)

var appendCommands = []command{
	define("APPEND", loggedIn, tryCreate|takesMessages, wire.ParseAppend, runAppend),
}

// runAppend is APPEND (RFC 9051 section 6.3.12) of one or more messages (RFC
// 3502), all or none, answered with APPENDUID (RFC 4315).
func runAppend(ctx context.Context, s *session, _ *request, a wire.Append) (reply, error) {
	msgs := make([]mailstore.NewMessage, len(a.Messages))
	for i, m := range a.Messages {
		if len(m.Data) == 0 && len(a.Messages) > 1 {
			// How a client changes its mind (RFC 3502 section 3).
			return reply{}, no(codeNone, "An empty message cancels the others")
		}
		msgs[i] = mailstore.NewMessage{
			Body:         message.NewBody(m.Data, s.srv.cfg.Mail),
			Flags:        m.Flags,
			InternalDate: m.Date,
		}
	}
	res, err := s.user.Append(ctx, a.Mailbox, msgs)
	if err != nil {
		return reply{}, err
	}
	return okCode(wire.CodeAppendUID(res.UIDValidity, uidset.Of(res.UIDs...)), "APPEND completed"), nil
}

// readMessage is readLiteral for a message that is being appended: before the
// client is asked for it, what can be told without it is checked. Its memory
// comes out of the server's budget until the command is answered.
func (s *session) readMessage(ctx context.Context, raw *wire.Raw, left *bounds, mailbox string, size uint64, nonSync bool) ([]byte, error) {
	refuse := func(err error, size uint64, sent bool) error {
		r, _ := s.failure(commands["APPEND"], err)
		return s.refuse(raw, r, size, sent)
	}
	lim := &s.srv.cfg.Limits
	switch {
	case size > uint64(lim.Message):
		return nil, refuse(mailstore.ErrTooLarge, size, nonSync)
	case size > uint64(left.messages):
		return nil, refuse(no(codeTooBig, "The messages together are larger than this server takes"), size, nonSync)
	}
	if info, ok := s.user.Lookup(mailbox); !ok || info.NonExistent {
		return nil, refuse(mailstore.ErrNoMailbox, size, nonSync)
	}
	left.messages -= int64(size)

	data := make([]byte, 0, min(size, messageStep))
	for asked := false; ; asked = true {
		// The buffer grows as octets come, so that an announcement alone
		// costs nothing.
		n := min(size-uint64(len(data)), uint64(max(len(data), messageStep)))
		if err := s.reserve(ctx, int64(n)); err != nil {
			return nil, refuse(err, size-uint64(len(data)), asked || nonSync)
		}
		if !asked {
			if err := s.askFor(nonSync); err != nil {
				return nil, err
			}
		}
		have := len(data)
		if cap(data)-have < int(n) {
			larger := make([]byte, have, have+int(n))
			copy(larger, data)
			data = larger
		}
		data = data[:have+int(n)]
		if err := s.lc.ReadFull(data[have:]); err != nil {
			return nil, broken(err)
		}
		if uint64(len(data)) == size {
			return data, nil
		}
	}
}

// messageStep is how many octets of a message are reserved at first.
const messageStep = 1 << 20

// reserve takes n octets of the memory for messages being appended, waiting for
// them if need be.
func (s *session) reserve(ctx context.Context, n int64) error {
	if s.srv.appendMemory.TryAcquire(n) {
		s.held += n
		return nil
	}
	// Answers to commands before must not wait for other clients.
	if err := s.push(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t := s.srv.clock.AfterFunc(s.srv.cfg.Timeouts.AppendMemory, cancel)
	defer t.Stop()
	if s.srv.appendMemory.Acquire(ctx, n) != nil {
		return no(codeLimit, "Too many messages are being stored now, try again later")
	}
	s.held += n
	return nil
}

// releaseMemory gives back what reserve took.
func (s *session) releaseMemory() {
	if s.held > 0 {
		s.srv.appendMemory.Release(s.held)
		s.held = 0
	}
}
