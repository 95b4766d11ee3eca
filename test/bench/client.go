package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"mailbackend.io/test/corpus"
	"mailbackend.io/test/harness"
)

// client is an IMAP client that costs little: it looks for the tagged answer
// and throws the rest away.
type client struct {
	conn net.Conn
	buf  []byte
	n    int
}

func dial(addr string, secure bool) (*client, error) {
	conn, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		return nil, err
	}
	if secure {
		// The measured server's certificate was made for this run.
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	}
	c := &client{conn: conn, buf: make([]byte, 256<<10)}
	_, err = c.until([]byte("* OK"))
	return c, err
}

func login(addr, user string, secure bool) (*client, error) {
	c, err := dial(addr, secure)
	if err != nil {
		return nil, err
	}
	_, err = c.do("LOGIN %s dev", user)
	return c, err
}

// do runs a command and returns how many bytes came back.
func (c *client) do(format string, args ...any) (int, error) {
	c.n++
	tag := fmt.Sprintf("Tag%07d", c.n)
	cmd := fmt.Sprintf(format, args...)
	if _, err := fmt.Fprintf(c.conn, "%s %s\r\n", tag, cmd); err != nil {
		return 0, err
	}
	n, err := c.until([]byte(tag + " "))
	if err != nil {
		return n, fmt.Errorf("%.40s: %w", cmd, err)
	}
	return n, nil
}

// until reads up to the line that begins with mark, which must go on with OK.
func (c *client) until(mark []byte) (total int, err error) {
	if err := c.conn.SetDeadline(time.Now().Add(10 * time.Minute)); err != nil {
		return 0, err
	}
	kept := 0
	for {
		n, err := c.conn.Read(c.buf[kept:])
		if err != nil {
			return total, err
		}
		total += n
		b := c.buf[:kept+n]
		if i := bytes.LastIndex(b, mark); i >= 0 && (i == 0 || b[i-1] == '\n') && bytes.HasSuffix(b, []byte("\r\n")) {
			line := b[i+len(mark):]
			if mark[0] != '*' && !bytes.HasPrefix(line, []byte("OK")) {
				return total, errors.New(strings.TrimSpace(string(line)))
			}
			return total, nil
		}
		keep := min(len(b), 4096) // the tagged line may come in pieces
		kept = copy(c.buf, b[len(b)-keep:])
	}
}

func (c *client) close() { c.conn.Close() }

// mail is the i-th mail of about 5 KB.
func mail(i int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: Sender %d <sender%d@example.org>\r\nTo: Receiver <receiver@example.org>\r\nSubject: Benchmark mail number %d\r\n"+
		"Date: Mon, 02 Jan 2026 15:04:05 +0000\r\nMessage-ID: <%d.bench@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=\"b%d\"\r\n\r\n", i, i, i, i, i)
	text := words(i, 2200)
	fmt.Fprintf(&b, "--b%d\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n--b%[1]d\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>%s</p></body></html>\r\n--b%[1]d--\r\n", i, text, text)
	return b.Bytes()
}

// words is n bytes of text that differs by i.
func words(i, n int) []byte {
	body := corpus.Realistic(uint64(i%50)+100, i)
	var out []byte
	for line := range bytes.Lines(body) {
		if line = bytes.TrimRight(line, "\r\n"); len(line) > 0 && len(line) < 200 && line[0] != '-' {
			out = append(append(out, line...), "\r\n"...)
		}
		if len(out) >= n {
			return out[:n]
		}
	}
	for len(out) < n {
		out = fmt.Appendf(out, "filler %d %d\r\n", i, len(out)*7919)
	}
	return out[:n]
}

// deliver sends n mails in parallel sessions to users named by user(i).
func deliver(addr string, sessions, n int, user func(i int) string) (time.Duration, error) {
	mails := make([][]byte, 64)
	for i := range mails {
		mails[i] = mail(i)
	}
	var wg sync.WaitGroup
	errs := make(chan error, sessions)
	begin := time.Now()
	for s := range sessions {
		wg.Add(1)
		go func() {
			defer wg.Done()
			c, err := harness.DialLMTP(addr)
			if err != nil {
				errs <- err
				return
			}
			defer c.Close()
			for i := s; i < n; i += sessions {
				rcpt, err := c.Deliver("sender@example.org", []string{user(i)}, mails[i%len(mails)])
				if err == nil {
					err = rcpt[0]
				}
				if err != nil {
					errs <- err
					return
				}
			}
		}()
	}
	wg.Wait()
	took := time.Since(begin)
	close(errs)
	return took, <-errs
}
