package lmtp

import (
	"context"
)

// bdat: RFC 3030 section 2. The octets follow the command whatever the answer,
// so they are always read. BDAT LAST has one reply per recipient (RFC 2033
// section 4.2); every other BDAT has one.
func (s *session) bdat(ctx context.Context, args string) error {
	size, last, ok := parseBDAT(args)
	if !ok || size > floodFactor*s.srv.cfg.MaxMessage {
		// How much follows is not known, or more than is worth reading.
		s.reply(501, "5.5.4", "BDAT needs a size, and LAST or nothing")
		if err := s.c.Flush(); err != nil {
			return err
		}
		return errQuit
	}
	if len(s.tx.rcpts) == 0 {
		if err := s.c.Discard(size); err != nil {
			return err
		}
		s.reply(503, "5.5.1", "No valid recipients")
		return nil
	}
	mail := &s.tx.mail
	failedBefore := mail.failed != nil
	if !s.tx.chunks {
		s.tx.chunks = true
		_ = mail.begin(ctx, s.srv.deps.Clock, size, s.srv.cfg.MemoryWait) // kept in mail.failed
	}
	if err := s.readChunk(mail, size); err != nil {
		return err
	}
	switch {
	case last:
		return s.finish(ctx)
	case failedBefore:
		return s.wrong(503, "5.5.1", "The mail was refused already")
	case mail.failed != nil:
		s.refuse(mail.failed)
	default:
		s.reply(250, "2.0.0", "Chunk taken")
	}
	return nil
}

// chunkStep is how much room is made for a chunk at a time, so that memory
// follows what really comes.
const chunkStep = 1 << 20

// readChunk reads a chunk, or skips it if the mail is refused.
func (s *session) readChunk(mail *collector, size int64) error {
	for size > 0 {
		n := min(size, chunkStep)
		size -= n
		room := mail.room(int(n))
		var err error
		if room != nil {
			err = s.c.ReadFull(room)
		} else if err = s.c.Discard(n); err == nil {
			err = mail.flooded()
		}
		if err != nil {
			return err
		}
	}
	return nil
}
