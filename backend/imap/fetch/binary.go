package fetch

import (
	"errors"
	"io"

	"mailbackend.io/backend/imap/bodyio"
	"mailbackend.io/backend/imap/wire"
	"mailbackend.io/backend/message"
)

// binary appends BINARY[…] or BINARY.SIZE[…] (RFC 9051 section 6.4.5, RFC 3516):
// the part with its transfer encoding undone. Multiparts and messages have none
// that would count.
func (p *Plan) binary(e *wire.Encoder, it *item, src *source) error {
	off, n, ok := p.locate(it, src)
	if !ok {
		if it.Kind == wire.FetchBinarySize {
			e.Raw("0")
		} else {
			e.Raw("NIL")
		}
		return nil
	}
	encoding := ""
	if part, ok := src.m.Summary.Part(it.Section.Path); ok && len(it.Section.Path) > 0 && !part.IsMultipart && !part.IsMessage {
		encoding = part.Encoding
	}
	produce := func(w io.Writer) error {
		if n == 0 {
			return nil
		}
		body, err := src.body()
		if err != nil {
			return err
		}
		if p.reader == nil {
			p.reader = new(bodyio.Reader)
		}
		p.reader.Reset(src.ctx, body, off, n)
		var r io.Reader = p.reader
		if encoding != "" {
			var known bool
			if r, known = message.NewTransferReader(encoding, r); !known {
				return ErrUnknownCTE
			}
		}
		_, err = io.Copy(w, r)
		return err
	}
	if it.Kind == wire.FetchBinary {
		return p.measured(e, it, produce)
	}
	m := measure{limit: it.wanted(), count: true}
	if err := produce(&m); err != nil && !errors.Is(err, errEnough) {
		return err
	}
	e.Number(uint64(m.n))
	return nil
}
