// Package format is the frame that every binary format of mailbackend wears,
// in object storage and in the local cache: a magic, a version, the codecs the
// payload went through, lengths and a checksum. It also has the bounded
// readers and writers that payloads are built with. It does not know what is
// in a payload.
//
//	 0        4     5        6            6+n          10+n      14+n      18+n
//	┌────────┬─────┬────────┬────────────┬────────────┬─────────┬─────────┬──────────────┐
//	│ magic  │ ver │ n      │ n codec    │ payload    │ stored  │ crc32c  │ stored bytes │
//	│ 4 byte │ u8  │ codecs │ ids, u8    │ length u32 │ len u32 │ u32     │              │
//	└────────┴─────┴────────┴────────────┴────────────┴─────────┴─────────┴──────────────┘
//
// Integers are little-endian. The checksum (CRC-32C) covers every byte of the
// frame but itself. Codecs are listed in the order in which they were applied
// by the writer; a reader undoes them from the last to the first.
package format

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"runtime"

	"github.com/klauspost/compress/zstd"
)

// Magic names a format.
type Magic [4]byte

// Codec is one transformation of a payload.
type Codec byte

// The codecs. Zero is never used, so that a zeroed header is invalid.
const (
	// Zstd is RFC 8878.
	Zstd Codec = 1
)

const (
	maxCodecs = 4
	fixedSize = 4 + 1 + 1 + 4 + 4 + 4
)

// Errors of Open. A frame that fails with one of them is damaged or foreign.
var (
	ErrMagic    = errors.New("format: wrong magic")
	ErrVersion  = errors.New("format: unknown version")
	ErrChecksum = errors.New("format: checksum does not hold")
	ErrShort    = errors.New("format: truncated")
	ErrTooLarge = errors.New("format: larger than allowed")
	ErrCodec    = errors.New("format: unknown codec")
	ErrCorrupt  = errors.New("format: malformed payload")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Checksum is the CRC-32C that all formats use.
func Checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// Seal appends to dst a frame around payload and returns the extended slice.
// With no codecs the payload is stored as it is. It panics if payload is 4 GiB
// or larger or a codec is unknown: both are the caller's to rule out.
func Seal(dst []byte, magic Magic, version byte, payload []byte, codecs ...Codec) []byte {
	if len(codecs) > maxCodecs || uint64(len(payload)) > 1<<32-1 {
		panic("format: payload or codec chain too large to seal")
	}
	start := len(dst)
	dst = append(dst, magic[:]...)
	dst = append(dst, version, byte(len(codecs)))
	for _, c := range codecs {
		dst = append(dst, byte(c))
	}
	lens := len(dst)
	dst = append(dst, make([]byte, 12)...)
	body := len(dst)
	switch len(codecs) {
	case 0:
		dst = append(dst, payload...)
	default:
		stored := payload
		for _, c := range codecs {
			stored = c.encode(stored)
		}
		dst = append(dst, stored...)
	}
	binary.LittleEndian.PutUint32(dst[lens:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(dst[lens+4:], uint32(len(dst)-body))
	binary.LittleEndian.PutUint32(dst[lens+8:], sum(dst[start:lens+8], dst[body:]))
	return dst
}

func sum(head, body []byte) uint32 {
	return crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, body)
}

// Frame is an opened frame.
type Frame struct {
	Version byte
	// Payload is what Seal was given. Without codecs it aliases the input.
	Payload []byte
	// Size is how many bytes of the input the frame took.
	Size int
}

// FrameSize returns how many bytes the frame at the start of b takes, from its
// header alone: at most 22 bytes of b are needed. ErrShort means that b is too
// short to tell.
func FrameSize(b []byte, magic Magic) (int, error) {
	if len(b) < fixedSize {
		return 0, ErrShort
	}
	if Magic(b[:4]) != magic {
		return 0, fmt.Errorf("%w: % x instead of %q", ErrMagic, b[:4], magic[:])
	}
	n := int(b[5])
	if n > maxCodecs {
		return 0, fmt.Errorf("%w: chain of %d", ErrCodec, n)
	}
	if len(b) < fixedSize+n {
		return 0, ErrShort
	}
	size := uint64(fixedSize+n) + uint64(binary.LittleEndian.Uint32(b[10+n:]))
	if size > 1<<32-1 {
		return 0, ErrTooLarge
	}
	return int(size), nil
}

// Verify checks the frame at the start of b without decoding its payload, so
// that it may be copied as it is, and returns its size.
func Verify(b []byte, magic Magic) (int, error) {
	size, err := FrameSize(b, magic)
	if err != nil {
		return 0, err
	}
	if len(b) < size {
		return 0, fmt.Errorf("%w: %d of %d bytes", ErrShort, len(b), size)
	}
	lens := 6 + int(b[5])
	if got, want := sum(b[:lens+8], b[lens+12:size]), binary.LittleEndian.Uint32(b[lens+8:]); got != want {
		return 0, fmt.Errorf("%w: %08x instead of %08x", ErrChecksum, got, want)
	}
	return size, nil
}

// Open reads the frame at the start of b, which may be followed by other
// bytes. maxVersion is the newest version the caller reads; maxPayload bounds
// the decoded size, so that a hostile frame can't exhaust memory.
func Open(b []byte, magic Magic, maxVersion byte, maxPayload int) (Frame, error) {
	size, err := Verify(b, magic)
	if err != nil {
		return Frame{}, err
	}
	n := int(b[5])
	lens := 6 + n
	payloadLen := uint64(binary.LittleEndian.Uint32(b[lens:]))
	stored := b[lens+12 : size : size]
	if v := b[4]; v == 0 || v > maxVersion {
		return Frame{}, fmt.Errorf("%w: %d, newest known is %d", ErrVersion, v, maxVersion)
	}
	if payloadLen > uint64(maxPayload) {
		return Frame{}, fmt.Errorf("%w: payload of %d bytes, limit %d", ErrTooLarge, payloadLen, maxPayload)
	}
	payload := stored
	for i := n - 1; i >= 0; i-- {
		if payload, err = Codec(b[6+i]).decode(payload, maxPayload); err != nil {
			return Frame{}, err
		}
	}
	if uint64(len(payload)) != payloadLen {
		return Frame{}, fmt.Errorf("%w: payload of %d bytes, header says %d", ErrCorrupt, len(payload), payloadLen)
	}
	return Frame{Version: b[4], Payload: payload, Size: size}, nil
}

func (c Codec) encode(src []byte) []byte {
	if c != Zstd {
		panic(fmt.Sprintf("format: codec %d", c))
	}
	return encoder.EncodeAll(src, make([]byte, 0, len(src)/2+64))
}

func (c Codec) decode(src []byte, limit int) ([]byte, error) {
	if c != Zstd {
		return nil, fmt.Errorf("%w: %d", ErrCodec, c)
	}
	return Decompress(nil, src, limit)
}

// The coders are shared by all: as many buffers are worked on at a time as there
// are processors, and others wait. They are not in a sync.Pool, because an encoder
// is about 1.6 MB, which each garbage collection would have made anew; and they are
// complete when the program starts, because what a coder makes lazily (a channel)
// would belong to the testing/synctest bubble that used it first.
var (
	encoder  = newEncoder(runtime.GOMAXPROCS(0))
	decoders = newDecoders(runtime.GOMAXPROCS(0))
)

func newEncoder(parallel int) *zstd.Encoder {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(parallel), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(true), zstd.WithWindowSize(1<<20), zstd.WithSingleSegment(true))
	if err != nil {
		panic("format: zstd encoder: " + err.Error()) // the options are constants
	}
	enc.EncodeAll(nil, nil)
	return enc
}

func newDecoders(parallel int) chan *zstd.Decoder {
	idle := make(chan *zstd.Decoder, parallel)
	for range parallel {
		dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(512<<20), zstd.WithDecoderMaxMemory(4<<30))
		if err != nil {
			panic("format: zstd decoder: " + err.Error())
		}
		idle <- dec
	}
	return idle
}

// tinyFrame is the zstd frame of one byte. A decoder holds on to the input it
// was last given until it is given another.
var tinyFrame = encoder.EncodeAll([]byte{0}, nil)

// decodeAll appends the content of the frames in src to dst.
func decodeAll(dst, src []byte) ([]byte, error) {
	dec := <-decoders
	defer func() { decoders <- dec }()
	out, err := dec.DecodeAll(src, dst)
	if len(src) > 64<<10 {
		var b [1]byte
		_, _ = dec.DecodeAll(tinyFrame, b[:0])
	}
	return out, err
}

// Compress appends one zstd frame of src, with content size and checksum.
func Compress(dst, src []byte) []byte {
	return encoder.EncodeAll(src, dst)
}

// Decompress appends the content of the zstd frames in src to dst, at most
// limit bytes of it: ErrTooLarge if there is more. Every frame must state its
// content size, as Compress does. Skippable frames are skipped.
func Decompress(dst, src []byte, limit int) ([]byte, error) {
	// Bounds first: the sizes that the frames state are checked before a
	// byte is decoded, and the decoder holds frames to what they state.
	total := 0
	for rest := src; len(rest) > 0; {
		var h zstd.Header
		if err := h.Decode(rest); err != nil {
			return dst, fmt.Errorf("%w: zstd header: %w", ErrCorrupt, err)
		}
		if h.Skippable {
			skip := h.HeaderSize + int(h.SkippableSize)
			if skip > len(rest) {
				return dst, fmt.Errorf("%w: skippable frame", ErrShort)
			}
			rest = rest[skip:]
			continue
		}
		if !h.HasFCS {
			return dst, fmt.Errorf("%w: zstd frame without content size", ErrCorrupt)
		}
		if h.FrameContentSize > uint64(limit-total) {
			return dst, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)
		}
		total += int(h.FrameContentSize)
		n, err := zstdFrameLen(rest, h)
		if err != nil {
			return dst, err
		}
		rest = rest[n:]
	}
	if cap(dst)-len(dst) < total {
		dst = append(make([]byte, 0, len(dst)+total), dst...)
	}
	out, err := decodeAll(dst, src)
	if err != nil {
		return dst, fmt.Errorf("%w: zstd: %w", ErrCorrupt, err)
	}
	return out, nil
}

// zstdFrameLen walks the blocks of the frame at the start of b (RFC 8878
// section 3.1.1.2) and returns its length.
func zstdFrameLen(b []byte, h zstd.Header) (int, error) {
	n := h.HeaderSize
	for {
		if len(b) < n+3 {
			return 0, fmt.Errorf("%w: zstd block header", ErrShort)
		}
		bh := uint32(b[n]) | uint32(b[n+1])<<8 | uint32(b[n+2])<<16
		n += 3
		size := int(bh >> 3)
		if (bh>>1)&3 == 1 { // RLE: one byte stands for size
			size = 1
		}
		if n += size; n > len(b) {
			return 0, fmt.Errorf("%w: zstd block", ErrShort)
		}
		if bh&1 != 0 {
			break
		}
	}
	if h.HasCheckSum {
		n += 4
	}
	if n > len(b) {
		return 0, fmt.Errorf("%w: zstd checksum", ErrShort)
	}
	return n, nil
}
