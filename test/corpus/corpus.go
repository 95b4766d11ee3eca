// Package corpus makes mails for tests, demos and benchmarks: All gives odd
// ones, one of every way in which mail goes wrong; Realistic gives the
// everyday kind. Both are made by code and always the same. It doesn't judge
// how a mail must be understood: bytes in must be bytes out, that is all.
package corpus

import (
	"fmt"
	"strings"
	"sync"
)

// Message is one odd mail.
type Message struct {
	Name string // unique, fit for a file name
	Raw  []byte
}

// All returns the odd mails, at least 220, always the same and in the same
// order. The bytes are shared: don't change them.
func All() []Message { return all() }

var all = sync.OnceValue(func() []Message {
	var s set
	lineEndings(&s)
	bytesOdd(&s)
	headersOdd(&s)
	addressesOdd(&s)
	encodingsOdd(&s)
	multipartsOdd(&s)
	boundariesOdd(&s)
	contentTypesOdd(&s)
	nested(&s)
	large(&s)
	everyday(&s)
	return s.list
})

// set collects messages.
type set struct {
	list []Message
	seen map[string]bool
}

// add adds a mail as it is. The name is unique or it panics: a fault of this
// package.
func (s *set) add(name, raw string) {
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	if s.seen[name] || name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		panic(fmt.Sprintf("corpus: name %q", name))
	}
	s.seen[name] = true
	s.list = append(s.list, Message{name, []byte(raw)})
}

// crlf adds a mail written with \n, each turned into CR LF.
func (s *set) crlf(name, raw string) { s.add(name, toCRLF(raw)) }

func toCRLF(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

// plainHeader is the header of a harmless mail, without the empty line.
const plainHeader = `Date: Mon, 6 Jan 2025 10:11:12 +0100
From: Ada Example <ada@example.com>
To: Ben Example <ben@example.net>
Subject: odd mail
Message-ID: <odd.1@example.com>
`
