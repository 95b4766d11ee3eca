package harness

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// IMAP is a raw IMAP client: what is sent and what comes back are bytes. It
// checks the framing (lines, literals, tags) and nothing else.
type IMAP struct {
	conn net.Conn
	r    *bufio.Reader
	tag  int
	// Timeout bounds each command.
	Timeout time.Duration
}

// Response is one response line with its literals: Text has each literal
// replaced by its {n}, Literals has their bytes in order.
type Response struct {
	Text     string
	Literals [][]byte
}

// DialIMAP connects and reads the greeting.
func DialIMAP(addr string) (*IMAP, error) {
	conn, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		return nil, err
	}
	c := &IMAP{conn: conn, r: bufio.NewReaderSize(conn, 64<<10), Timeout: 60 * time.Second}
	g, err := c.Read()
	if err == nil && !strings.HasPrefix(g.Text, "* OK") {
		err = fmt.Errorf("greeting %q", g.Text)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

// LoginIMAP connects and logs in with the password of development servers.
func LoginIMAP(addr, user string) (*IMAP, error) {
	c, err := DialIMAP(addr)
	if err != nil {
		return nil, err
	}
	if _, err := c.OK("LOGIN %s dev", Quote(user)); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Close closes the connection without a LOGOUT.
func (c *IMAP) Close() { c.conn.Close() }

// Quote makes s a quoted string.
func Quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

var literal = regexp.MustCompile(`\{(\d+)\}$`)

// Read reads one response.
func (c *IMAP) Read() (Response, error) {
	if err := c.conn.SetReadDeadline(time.Now().Add(c.Timeout)); err != nil {
		return Response{}, err
	}
	var resp Response
	var text strings.Builder
	for {
		line, err := c.r.ReadSlice('\n')
		for errors.Is(err, bufio.ErrBufferFull) {
			text.Write(line)
			line, err = c.r.ReadSlice('\n')
		}
		if err != nil {
			return resp, fmt.Errorf("after %q: %w", text.String(), err)
		}
		if !bytes.HasSuffix(line, []byte("\r\n")) {
			return resp, fmt.Errorf("line without CRLF: %q", line)
		}
		text.Write(line[:len(line)-2])
		m := literal.FindStringSubmatch(lastBytes(text.String(), 20))
		if m == nil {
			resp.Text = text.String()
			return resp, nil
		}
		n, err := strconv.Atoi(m[1])
		if err != nil || n > 1<<30 {
			return resp, fmt.Errorf("literal of %s bytes", m[1])
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(c.r, b); err != nil {
			return resp, fmt.Errorf("literal of %d bytes: %w", n, err)
		}
		resp.Literals = append(resp.Literals, b)
	}
}

func lastBytes(s string, n int) string { return s[max(0, len(s)-n):] }

// Send writes bytes as they are.
func (c *IMAP) Send(b []byte) error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(c.Timeout)); err != nil {
		return err
	}
	_, err := c.conn.Write(b)
	return err
}

// Do runs one command and returns its untagged responses and the tagged line
// without its tag. Literals must be non-synchronizing.
func (c *IMAP) Do(format string, args ...any) (untagged []Response, tagged string, err error) {
	c.tag++
	tag := "t" + strconv.Itoa(c.tag)
	if err := c.Send([]byte(tag + " " + fmt.Sprintf(format, args...) + "\r\n")); err != nil {
		return nil, "", err
	}
	return c.Until(tag)
}

// Until reads responses up to the tagged one.
func (c *IMAP) Until(tag string) (untagged []Response, tagged string, err error) {
	for {
		r, err := c.Read()
		if err != nil {
			return untagged, "", err
		}
		if rest, ok := strings.CutPrefix(r.Text, tag+" "); ok {
			return untagged, rest, nil
		}
		if !strings.HasPrefix(r.Text, "* ") {
			return untagged, "", fmt.Errorf("unexpected response %q", r.Text)
		}
		if strings.HasPrefix(r.Text, "* BYE") && !strings.HasPrefix(tag, "logout") {
			return untagged, "", fmt.Errorf("server said %q", r.Text)
		}
		untagged = append(untagged, r)
	}
}

// OK is Do for commands that must succeed.
func (c *IMAP) OK(format string, args ...any) ([]Response, error) {
	un, tagged, err := c.Do(format, args...)
	if err == nil && !strings.HasPrefix(tagged, "OK") {
		err = fmt.Errorf("%s", tagged)
	}
	if err != nil {
		return un, fmt.Errorf("%.60q: %w", fmt.Sprintf(format, args...), err)
	}
	return un, nil
}

// Append stores a mail with a non-synchronizing literal and returns its
// APPENDUID.
func (c *IMAP) Append(mailbox string, flags string, mail []byte) (validity, uid uint32, err error) {
	c.tag++
	tag := "t" + strconv.Itoa(c.tag)
	head := fmt.Sprintf("%s APPEND %s (%s) {%d+}\r\n", tag, Quote(mailbox), flags, len(mail))
	if err := c.Send(append(append([]byte(head), mail...), "\r\n"...)); err != nil {
		return 0, 0, err
	}
	_, tagged, err := c.Until(tag)
	if err != nil {
		return 0, 0, err
	}
	if _, err := fmt.Sscanf(tagged, "OK [APPENDUID %d %d]", &validity, &uid); err != nil {
		return 0, 0, fmt.Errorf("APPEND: %s", tagged)
	}
	return validity, uid, nil
}

// Mail is what Fetch finds of one message.
type Mail struct {
	UID   uint32
	Flags string
	Body  []byte
}

var fetchUID = regexp.MustCompile(`\bUID (\d+)`)
var fetchFlags = regexp.MustCompile(`FLAGS \(([^)]*)\)`)

// Fetch reads UID and flags of the given UIDs ("1:*"), with body their bytes
// too, in the order in which the server sends them.
func (c *IMAP) Fetch(uids string, body bool) ([]Mail, error) {
	items := "(UID FLAGS)"
	if body {
		items = "(UID FLAGS BODY.PEEK[])"
	}
	un, err := c.OK("UID FETCH %s %s", uids, items)
	if err != nil {
		return nil, err
	}
	var mails []Mail
	for _, r := range un {
		uid, flags := fetchUID.FindStringSubmatch(r.Text), fetchFlags.FindStringSubmatch(r.Text)
		if uid == nil || flags == nil || !strings.Contains(r.Text, " FETCH (") {
			continue
		}
		n, err := strconv.ParseUint(uid[1], 10, 32)
		if err != nil {
			return nil, err
		}
		m := Mail{UID: uint32(n), Flags: flags[1]}
		if body {
			switch {
			case len(r.Literals) == 1:
				m.Body = r.Literals[0]
			case strings.Contains(r.Text, `BODY[] ""`):
			default:
				return nil, fmt.Errorf("FETCH without a body: %q", r.Text)
			}
		}
		mails = append(mails, m)
	}
	return mails, nil
}
