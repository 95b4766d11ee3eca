package lineconn

import "sync"

// Buffers come in two sizes: small ones hold commands, large ones hold streams
// and output. What is longer than a large one (a very long line) is not pooled.
const (
	smallSize = 4 << 10
	largeSize = 32 << 10
	writeSize = 16 << 10
)

var (
	smallPool = sync.Pool{New: func() any { return new([smallSize]byte) }}
	largePool = sync.Pool{New: func() any { return new([largeSize]byte) }}
	writePool = sync.Pool{New: func() any { return new([writeSize]byte) }}
)

func newBuffer(size int) []byte {
	switch {
	case size <= smallSize:
		return smallPool.Get().(*[smallSize]byte)[:]
	case size <= largeSize:
		return largePool.Get().(*[largeSize]byte)[:]
	}
	return make([]byte, size)
}

// release gives the input buffer back. What is in it is lost.
func (c *Conn) release() {
	switch len(c.buf) {
	case smallSize:
		smallPool.Put((*[smallSize]byte)(c.buf))
	case largeSize:
		largePool.Put((*[largeSize]byte)(c.buf))
	}
	c.buf, c.r, c.w = nil, 0, 0
}
