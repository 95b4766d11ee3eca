package cache

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"mailbackend.io/backend/format"
)

// blockSize is how much data one checksum is for: what GetRange has to read at
// least.
const blockSize = 64 << 10

var errDamagedFile = errors.New("damaged file")

// header describes a data file.
type header struct {
	kind          Kind
	mailbox, name string
	size          int64
	sums          []byte // four bytes per block
	length        int64  // of the header itself
}

// appendHeader appends the header of a file that holds data.
func appendHeader(dst []byte, kind Kind, mailbox, name string, data []byte) []byte {
	var w format.Writer
	w.B = make([]byte, 0, len(mailbox)+len(name)+24+len(data)/blockSize*4)
	w.Byte(byte(kind))
	w.String(mailbox)
	w.String(name)
	w.Uvarint(uint64(len(data)))
	for off := 0; off < len(data); off += blockSize {
		w.Uint32(format.Checksum(data[off:min(off+blockSize, len(data))]))
	}
	return format.Seal(dst, fileMagic, version, w.B)
}

// parseHeader reads the header at the start of b, of a file of fileSize bytes.
// With need > 0, b is too short: need bytes of the file are wanted.
func parseHeader(b []byte, fileSize int64) (h header, need int, err error) {
	size, err := format.FrameSize(b, fileMagic)
	if err != nil {
		return h, 0, err
	}
	if int64(size) > fileSize {
		return h, 0, errDamagedFile
	}
	if size > len(b) {
		return h, size, nil
	}
	f, err := format.Open(b, fileMagic, version, size)
	if err != nil {
		return h, 0, err
	}
	r := format.NewReader(f.Payload)
	h = header{kind: Kind(r.Byte()), mailbox: r.String(), name: r.String(), length: int64(f.Size)}
	n := r.Uvarint()
	if n > uint64(fileSize) {
		return h, 0, errDamagedFile
	}
	h.size = int64(n)
	h.sums = r.Raw(int((h.size + blockSize - 1) / blockSize * 4))
	if err := r.Err(); err != nil {
		return h, 0, err
	}
	if r.Len() != 0 || h.length+h.size != fileSize {
		return h, 0, fmt.Errorf("%w: %d bytes, header %d, data %d", errDamagedFile, fileSize, h.length, h.size)
	}
	return h, 0, nil
}

// is tells whether the file is the one asked for.
func (h header) is(kind Kind, mailbox, name string) bool {
	return h.kind == kind && h.mailbox == mailbox && h.name == name
}

// verify checks data, which starts at block first and ends at a block's or the
// file's end.
func (h header) verify(data []byte, first int64) error {
	for i := first; len(data) > 0; i++ {
		block := data[:min(len(data), blockSize)]
		data = data[len(block):]
		if format.Checksum(block) != binary.LittleEndian.Uint32(h.sums[i*4:]) {
			return fmt.Errorf("%w: checksum of block %d", errDamagedFile, i)
		}
	}
	return nil
}

// readRange reads and verifies the blocks of an open file that hold the bytes
// off..off+n-1, cut at the end of the data. n < 0 means to the end.
func readRange(f File, fileSize int64, kind Kind, mailbox, name string, off, n int64) ([]byte, error) {
	if n < 0 || n > fileSize { // also so that nothing below overflows
		n = fileSize
	}
	first := int64(1024) // enough for the header of most files
	if off == 0 && n >= fileSize {
		first = fileSize // all of it with one read
	}
	b, err := readAt(f, 0, min(first, fileSize))
	if err != nil {
		return nil, err
	}
	h, need, err := parseHeader(b, fileSize)
	if err == nil && need > 0 {
		if b, err = readAt(f, 0, int64(need)); err == nil {
			h, _, err = parseHeader(b, fileSize)
		}
	}
	if err != nil {
		return nil, err
	}
	if !h.is(kind, mailbox, name) {
		return nil, fmt.Errorf("%w: holds %q %q", errDamagedFile, h.mailbox, h.name)
	}
	if off >= h.size {
		return nil, nil
	}
	n = min(n, h.size-off)
	block := off / blockSize
	from := block * blockSize
	to := min(h.size, (off+n+blockSize-1)/blockSize*blockSize)
	var data []byte
	if int64(len(b)) >= h.length+to {
		data = b[h.length+from : h.length+to]
	} else if data, err = readAt(f, h.length+from, to-from); err != nil {
		return nil, err
	}
	if err := h.verify(data, block); err != nil {
		return nil, err
	}
	return data[off-from : off-from+n : off-from+n], nil
}

func readAt(f File, off, n int64) ([]byte, error) {
	b := make([]byte, n)
	k, err := f.ReadAt(b, off)
	if k == len(b) {
		return b, nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: %w", errDamagedFile, io.ErrUnexpectedEOF)
	}
	return nil, err
}

// writeData writes a data file's bytes: small ones at once.
func writeData(f File, head, data []byte) error {
	if len(data) <= blockSize {
		_, err := f.Write(append(head, data...))
		return err
	}
	if _, err := f.Write(head); err != nil {
		return err
	}
	_, err := f.Write(data)
	return err
}
