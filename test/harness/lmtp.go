package harness

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"time"
)

// LMTP is a small LMTP client (RFC 2033).
type LMTP struct {
	conn net.Conn
	text *textproto.Conn
}

// DialLMTP connects and says LHLO.
func DialLMTP(addr string) (*LMTP, error) {
	conn, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		return nil, err
	}
	c := &LMTP{conn: conn, text: textproto.NewConn(conn)}
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		return nil, err
	}
	if _, _, err = c.text.ReadResponse(220); err == nil {
		err = c.cmd(250, "LHLO test.example.org")
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

// Close closes the connection without a QUIT.
func (c *LMTP) Close() { c.conn.Close() }

func (c *LMTP) cmd(code int, format string, args ...any) error {
	if err := c.text.PrintfLine(format, args...); err != nil {
		return err
	}
	_, _, err := c.text.ReadResponse(code)
	return err
}

// Deliver sends one mail by DATA. The mail must end in CRLF, or the protocol
// adds one. errs has one entry per recipient, nil where the server answered
// 250; err is set when the transaction broke down, and then nothing is known.
func (c *LMTP) Deliver(from string, to []string, mail []byte) (errs []error, err error) {
	return c.deliver(from, to, func(n int) error {
		if err := c.cmd(354, "DATA"); err != nil {
			return err
		}
		data := bytes.ReplaceAll(mail, []byte("\r\n."), []byte("\r\n.."))
		if bytes.HasPrefix(data, []byte(".")) {
			data = append([]byte("."), data...)
		}
		if len(data) > 0 && !bytes.HasSuffix(data, []byte("\r\n")) {
			data = append(bytes.Clone(data), "\r\n"...)
		}
		_, err := c.conn.Write(append(bytes.Clone(data), ".\r\n"...))
		return err
	})
}

// DeliverChunks sends one mail by BDAT (RFC 3030): any bytes, exactly.
func (c *LMTP) DeliverChunks(from string, to []string, mail []byte) (errs []error, err error) {
	return c.deliver(from, to, func(int) error {
		_, err := c.conn.Write(append(fmt.Appendf(nil, "BDAT %d LAST\r\n", len(mail)), mail...))
		return err
	})
}

func (c *LMTP) deliver(from string, to []string, send func(int) error) ([]error, error) {
	if err := c.conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		return nil, err
	}
	if err := c.cmd(250, "MAIL FROM:<%s>", from); err != nil {
		return nil, err
	}
	errs := make([]error, len(to))
	accepted := 0
	for i, rcpt := range to {
		err := c.cmd(250, "RCPT TO:<%s>", rcpt)
		var answer *textproto.Error
		if err != nil && !errors.As(err, &answer) {
			return nil, err
		}
		if errs[i] = err; err == nil {
			accepted++
		}
	}
	if accepted == 0 {
		return errs, c.cmd(250, "RSET")
	}
	if err := send(accepted); err != nil {
		return nil, err
	}
	for i := range to {
		if errs[i] != nil {
			continue
		}
		_, _, err := c.text.ReadResponse(250)
		var answer *textproto.Error
		if err != nil && !errors.As(err, &answer) {
			return nil, err
		}
		errs[i] = err
	}
	return errs, nil
}
