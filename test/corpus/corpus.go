// Package corpus makes mails for tests, demos and benchmarks: All gives odd
// ones, one of every way in which mail goes wrong; Realistic gives the
// everyday kind. Both are made by code and always the same. It doesn't judge how a mail
// must be understood: bytes in must be bytes out, that is all.
package corpus

// Message is one odd mail.
type Message struct {
	Name string // unique, fit for a file name
	Raw  []byte
}

// All returns the odd mails, at least 200, always the same and in the same order.
func All() []Message { panic("corpus: All") }

// Realistic returns mail i of the mailbox that seed stands for: correct CRLF
// mail of several languages with multiparts, attachments, encoded words and
// 8-bit text, in threads; a large one now and then.
func Realistic(seed uint64, i int) []byte { panic("corpus: Realistic") }
