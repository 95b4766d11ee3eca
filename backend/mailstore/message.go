package mailstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	gosync "sync"

	"mailbackend.io/backend/message"
)

// Message is one mail's bytes. It holds no resource that needs closing, and is
// for one goroutine at a time.
type Message struct {
	m    *Mailbox
	uid  uint32
	size int64
	meta *message.Meta // once known
}

// Message opens a message for reading. It costs no request; reading does.
// ErrMessageGone.
func (m *Mailbox) Message(ctx context.Context, uid uint32) (*Message, error) {
	if err := m.check("open message", false); err != nil {
		return nil, err
	}
	v := m.View()
	i, ok := v.Find(uid)
	if !ok {
		return nil, fmt.Errorf("message %d of mailbox %q: %w", uid, m.Name(), ErrMessageGone)
	}
	return &Message{m: m, uid: uid, size: int64(v.At(i).Size)}, nil
}

// UID is the message's.
func (msg *Message) UID() uint32 { return msg.uid }

// Size is the mail's octets.
func (msg *Message) Size() int64 { return msg.size }

// ReadRange writes the n bytes from off to w, frame by frame. A range that
// reaches past the end is cut; n < 0 means to the end. An error of w is
// returned as it is. ErrMessageGone if the mail turns out to be gone; it is
// expunged then.
func (msg *Message) ReadRange(ctx context.Context, w io.Writer, off, n int64) error {
	if off < 0 {
		return fmt.Errorf("read message %d from %d: %w", msg.uid, off, ErrCannot)
	}
	if n < 0 || n > msg.size-off {
		n = msg.size - off
	}
	if n <= 0 {
		return nil
	}
	s := msg.m.u.e.s
	key := msg.m.key(msg.uid)
	data, err := msg.m.takeAhead(ctx, msg.uid)
	if data == nil && err == nil {
		data = s.bodies.hit(key)
	}
	whole := msg.size <= s.cfg.SmallRead || n >= msg.size/2 && msg.size <= s.cfg.WholeRead
	piece := s.cfg.WholeRead
	if data == nil && err == nil && whole {
		if s.reads.take(msg.size) {
			defer s.reads.give(msg.size)
			data, err = s.bodies.get(ctx, key, msg.m.loader(msg.uid))
		} else {
			piece = message.FrameBytes
		}
	}
	if err == nil {
		src := &frameSource{msg: msg, data: data, whole: data != nil, piece: piece}
		err = src.copy(ctx, w, off, n)
	}
	var we *writeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &we):
		return we.err
	}
	s.noteChange(msg.m.u.e) // a mail that is gone was expunged
	return fmt.Errorf("message %d: %w", msg.uid, failed("read mail of mailbox", msg.m.Name(), err))
}

// loader reads a whole stored mail.
func (m *Mailbox) loader(uid uint32) func(context.Context) ([]byte, error) {
	return func(ctx context.Context) ([]byte, error) { return m.folder().Object(ctx, uid, 0, 0) }
}

// writeError is an error of the reader's io.Writer.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }

// frameSource gives the frames of one stored mail: from data that holds it
// whole, or from windows that are read as they are needed.
type frameSource struct {
	msg   *Message
	data  []byte // bytes of the object from at
	at    int64
	whole bool
	piece int64 // about how much to read at a time
}

// frameBuffers are for decoded frames.
var frameBuffers = gosync.Pool{New: func() any { return new([]byte) }}

// copy writes the bytes off..off+n-1 of the mail, n > 0.
func (s *frameSource) copy(ctx context.Context, w io.Writer, off, n int64) error {
	meta, err := s.head(ctx, off, n)
	if err != nil {
		return err
	}
	buf := frameBuffers.Get().(*[]byte)
	defer frameBuffers.Put(buf)
	var raw int64                  // offset in the mail
	stored := int64(meta.HeadSize) // offset in the object
	for i, f := range meta.Frames {
		if raw >= off+n {
			break
		}
		if raw+int64(f.Raw) > off {
			b, err := s.bytes(ctx, stored, int64(f.Stored), func() int64 { return span(meta.Frames[i:], off+n-raw) })
			if err != nil {
				return err
			}
			*buf, err = message.DecodeFrames((*buf)[:0], b, int(f.Raw))
			if err == nil && len(*buf) != int(f.Raw) {
				err = fmt.Errorf("frame of %d bytes, %d were announced", len(*buf), f.Raw)
			}
			if err != nil {
				return fmt.Errorf("mail object damaged: %w", err)
			}
			if _, err := w.Write((*buf)[max(off-raw, 0):min(off+n-raw, int64(f.Raw))]); err != nil {
				return &writeError{err}
			}
		}
		raw += int64(f.Raw)
		stored += int64(f.Stored)
	}
	if raw < off+n {
		return fmt.Errorf("mail object damaged: its frames end at %d, the mail at %d", raw, s.msg.size)
	}
	return nil
}

// span is how many stored bytes the frames take that hold the next n bytes.
func span(frames []message.Frame, n int64) (stored int64) {
	for _, f := range frames {
		if n <= 0 {
			break
		}
		stored += int64(f.Stored)
		n -= int64(f.Raw)
	}
	return stored
}

// head returns the object's meta, and reads so much of its start that the
// wanted bytes are likely among it if they are near.
func (s *frameSource) head(ctx context.Context, off, n int64) (*message.Meta, error) {
	if s.msg.meta != nil {
		return s.msg.meta, nil
	}
	if !s.whole {
		need := int64(message.HeadGuess)
		if off < message.FrameBytes {
			need += message.FrameBytes // the first frame, likely
		}
		if n > message.FrameBytes {
			need = max(need, s.piece)
		}
		if err := s.read(ctx, 0, need); err != nil {
			return nil, err
		}
	}
	for {
		meta, err := message.ReadMeta(s.data)
		var short message.ErrShort
		if errors.As(err, &short) && !s.whole && int64(short.Need) > int64(len(s.data)) {
			if err := s.read(ctx, 0, int64(short.Need)); err != nil {
				return nil, err
			}
			if len(s.data) >= short.Need {
				continue
			}
		}
		if err != nil {
			return nil, fmt.Errorf("mail object damaged: %w", err)
		}
		s.msg.meta = &meta
		return &meta, nil
	}
}

// bytes returns n stored bytes from off, n > 0. If they have to be read, all
// tells how many behind off will be asked for in the end.
func (s *frameSource) bytes(ctx context.Context, off, n int64, all func() int64) ([]byte, error) {
	has := func() bool { return off >= s.at && off+n <= s.at+int64(len(s.data)) }
	if !has() {
		if s.whole {
			return nil, fmt.Errorf("mail object damaged: it ends at %d", len(s.data))
		}
		if err := s.read(ctx, off, max(n, min(all(), s.piece))); err != nil {
			return nil, err
		}
		if !has() {
			return nil, fmt.Errorf("mail object damaged: it ends at %d", s.at+int64(len(s.data)))
		}
	}
	return s.data[off-s.at : off-s.at+n], nil
}

// read reads a window of the object.
func (s *frameSource) read(ctx context.Context, off, n int64) error {
	data, err := s.msg.m.folder().Object(ctx, s.msg.uid, off, n)
	if err != nil {
		return err
	}
	s.data, s.at = data, off
	return nil
}
