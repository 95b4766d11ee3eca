package pop3

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/textproto"
	"strconv"

	"mailbackend.io/backend/uidset"
)

// retr: RFC 1939 section 5.
func (s *session) retr(ctx context.Context, args []string) error {
	return s.send(ctx, args[0], func(w io.Writer) io.Writer { return w })
}

// top: RFC 1939 section 7: the header and n lines of the body.
func (s *session) top(ctx context.Context, args []string) error {
	n, err := strconv.ParseUint(args[1], 10, 31)
	if err != nil {
		s.fail("", "That is no number of lines")
		return nil
	}
	return s.send(ctx, args[0], func(w io.Writer) io.Writer { return &topWriter{w: w, lines: n} })
}

// send streams a mail through the writer that wrap makes. On the wire every
// line ends in CRLF, also where the mail has a bare LF, and leading dots are
// doubled. Once the first octets are out, an error can only end the connection.
func (s *session) send(ctx context.Context, arg string, wrap func(io.Writer) io.Writer) error {
	i, ok := s.message(arg)
	if !ok {
		return nil
	}
	r := s.view.At(i)
	body, err := s.drop.Message(ctx, r.UID)
	if err != nil {
		s.failError("read mail", err)
		return nil
	}
	out := &lateWriter{s: s, size: r.Size}
	buf := bufio.NewWriterSize(out, 16<<10)
	dots := textproto.NewWriter(buf).DotWriter()
	if err := body.ReadRange(ctx, wrap(dots), 0, -1); err != nil && !errors.Is(err, errEnough) {
		if !out.begun {
			s.failError("read mail", err)
			return nil
		}
		return err
	}
	if err := dots.Close(); err != nil {
		return err
	}
	return buf.Flush()
}

// lateWriter says +OK before the first octets, so that a mail that can't be
// read at all is still answered -ERR.
type lateWriter struct {
	s     *session
	size  uint32
	begun bool
}

// Write implements io.Writer.
func (w *lateWriter) Write(p []byte) (int, error) {
	if !w.begun {
		w.begun = true
		w.s.ok("%d octets", w.size)
	}
	return w.s.c.Write(p)
}

// errEnough stops reading a mail when TOP has its lines.
var errEnough = errors.New("enough lines")

// topWriter passes on the header, its empty line, and a number of lines.
type topWriter struct {
	w      io.Writer
	lines  uint64
	inBody bool
	length int // of the present line, CR not counted
}

// Write implements io.Writer.
func (t *topWriter) Write(p []byte) (int, error) {
	for i, b := range p {
		if t.inBody && t.lines == 0 {
			n, err := t.w.Write(p[:i])
			return n, errors.Join(err, errEnough)
		}
		switch {
		case b == '\n' && t.inBody:
			t.lines--
		case b == '\n':
			t.inBody = t.length == 0
			t.length = 0
		case b != '\r':
			t.length++
		}
	}
	return t.w.Write(p)
}

// dele: RFC 1939 section 5.
func (s *session) dele(_ context.Context, args []string) error {
	if i, ok := s.message(args[0]); ok {
		s.deleted[i] = true
		s.ok("Marked as deleted")
	}
	return nil
}

// rset: RFC 1939 section 5.
func (s *session) rset(context.Context, []string) error {
	clear(s.deleted)
	s.ok("")
	return nil
}

// quit: RFC 1939 section 6: the UPDATE state, the only place where mail is
// removed.
func (s *session) quit(ctx context.Context, _ []string) error {
	var gone uidset.Set
	for i, d := range s.deleted {
		if d {
			uid := s.view.At(i).UID
			gone.Add(uid, uid)
		}
	}
	if !gone.Empty() {
		if err := s.drop.Expunge(ctx, gone); err != nil {
			s.failError("remove mails", err)
			return errQuit
		}
	}
	s.leave()
	s.ok("Bye")
	return errQuit
}
