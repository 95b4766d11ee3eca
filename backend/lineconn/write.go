package lineconn

import (
	"net"
)

// writeChunk is how many bytes one WriteTimeout is for: a slow reader of a
// large mail is not cut off as long as it takes this much in that time.
const writeChunk = 128 << 10

// Write buffers p; what exceeds the buffer goes to the network. The first
// failed write makes all later ones fail.
func (c *Conn) Write(p []byte) (int, error) {
	if c.writeErr != nil {
		return 0, c.writeErr
	}
	if len(p) > writeSize-len(c.wbuf) {
		return c.writeThrough(p)
	}
	if len(p) > 0 {
		c.takeWriteBuffer()
		c.wbuf = append(c.wbuf, p...) // fits: appends in place
	}
	return len(p), nil
}

// WriteString is Write for a string.
func (c *Conn) WriteString(s string) (int, error) {
	if c.writeErr != nil {
		return 0, c.writeErr
	}
	for n := 0; ; {
		c.takeWriteBuffer()
		k := copy(c.wbuf[len(c.wbuf):writeSize], s[n:])
		c.wbuf = c.wbuf[:len(c.wbuf)+k]
		if n += k; n == len(s) {
			return n, nil
		}
		if err := c.Flush(); err != nil {
			return n, err
		}
	}
}

// AvailableBuffer returns an empty slice into the write buffer, to be appended
// to and given to the very next Write, which then copies nothing.
func (c *Conn) AvailableBuffer() []byte {
	c.takeWriteBuffer()
	return c.wbuf[len(c.wbuf):]
}

// Flush sends what is buffered and gives the buffer back to the pool.
func (c *Conn) Flush() error {
	if c.wbuf == nil {
		return c.writeErr
	}
	if len(c.wbuf) > 0 && c.writeErr == nil {
		c.send(nil, c.wbuf)
	}
	writePool.Put((*[writeSize]byte)(c.wbuf[:writeSize]))
	c.wbuf = nil
	return c.writeErr
}

func (c *Conn) takeWriteBuffer() {
	if c.wbuf == nil {
		c.wbuf = writePool.Get().(*[writeSize]byte)[:0]
	}
}

// writeThrough sends what is buffered together with p.
func (c *Conn) writeThrough(p []byte) (int, error) {
	written := 0
	for len(p) > 0 {
		part := p[:min(len(p), writeChunk)]
		p = p[len(part):]
		if len(p) == 0 && len(part) <= writeSize/2 && len(c.wbuf) == 0 {
			// A short rest waits for what is written next.
			c.takeWriteBuffer()
			c.wbuf = append(c.wbuf, part...)
			written += len(part)
			break
		}
		if !c.send(c.wbuf, part) {
			return written, c.writeErr
		}
		written += len(part)
		if c.wbuf != nil {
			c.wbuf = c.wbuf[:0]
		}
	}
	return written, nil
}

// send writes a (which may be empty) and b under one deadline, with one system
// call where the connection can. It reports success and records the error.
func (c *Conn) send(a, b []byte) bool {
	err := c.nc.SetWriteDeadline(deadline(c.o.WriteTimeout))
	if err == nil {
		var n int64
		if len(a) == 0 {
			var k int
			k, err = c.nc.Write(b)
			n = int64(k)
		} else {
			pieces := net.Buffers{a, b}
			n, err = pieces.WriteTo(c.nc)
		}
		c.out.Add(n)
	}
	c.writeErr = err
	return err == nil
}
