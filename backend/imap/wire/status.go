package wire

import (
	"github.com/emersion/go-imap/v2"

	"mailbackend.io/backend/uidset"
)

// Code is a response code (RFC 9051 section 7.1) with its arguments, encoded,
// behind the name. The zero Code is none. A code without arguments is
// Code{Name: imap.ResponseCodeTryCreate}.
type Code struct {
	Name imap.ResponseCode
	Args string
}

// The names of codes that package imap doesn't have.
const (
	CodeReadOnly      imap.ResponseCode = "READ-ONLY"
	CodeReadWrite     imap.ResponseCode = "READ-WRITE"
	CodeClosed        imap.ResponseCode = "CLOSED"       // RFC 9051, RFC 7162
	CodeNoModSeq      imap.ResponseCode = "NOMODSEQ"     // RFC 7162
	CodeUIDNotSticky  imap.ResponseCode = "UIDNOTSTICKY" // RFC 4315
	CodeNotSaved      imap.ResponseCode = "NOTSAVED"     // RFC 5182
	CodeUseAttr       imap.ResponseCode = "USEATTR"      // RFC 6154
	CodeCompression   imap.ResponseCode = "COMPRESSIONACTIVE"
	CodeParse                           = imap.ResponseCodeParse
	CodeExpungeIssued imap.ResponseCode = "EXPUNGEISSUED" // RFC 9051
	CodeHasChildren                     = imap.ResponseCodeHasChildren
)

// CodeUIDValidity is UIDVALIDITY n.
func CodeUIDValidity(n uint32) Code { return numberCode("UIDVALIDITY", uint64(n)) }

// CodeUIDNext is UIDNEXT n.
func CodeUIDNext(n uint32) Code { return numberCode("UIDNEXT", uint64(n)) }

// CodeUnseen is UNSEEN seq, the first unseen message (RFC 3501).
func CodeUnseen(seq uint32) Code { return numberCode("UNSEEN", uint64(seq)) }

// CodeHighestModSeq is HIGHESTMODSEQ n (RFC 7162).
func CodeHighestModSeq(n uint64) Code { return numberCode("HIGHESTMODSEQ", n) }

// CodePermanentFlags is PERMANENTFLAGS (flags).
func CodePermanentFlags(flags []string) Code {
	return Code{"PERMANENTFLAGS", string(AppendWords(nil, flags))}
}

// CodeCapability is CAPABILITY caps.
func CodeCapability(caps []string) Code {
	words := AppendWords(nil, caps)
	return Code{"CAPABILITY", string(words[1 : len(words)-1])}
}

// CodeBadCharset is BADCHARSET (charsets).
func CodeBadCharset(charsets []string) Code {
	return Code{imap.ResponseCodeBadCharset, string(AppendWords(nil, charsets))}
}

// CodeAppendUID is APPENDUID (RFC 4315); uids are those of the messages in their
// order.
func CodeAppendUID(validity uint32, uids uidset.Set) Code {
	return Code{"APPENDUID", string(uids.Append(append(appendUint(nil, uint64(validity)), ' ')))}
}

// CodeCopyUID is COPYUID (RFC 4315): dst[i] is the copy of src[i]. Neither is
// empty.
func CodeCopyUID(validity uint32, src, dst []uint32) Code {
	b := append(appendUint(nil, uint64(validity)), ' ')
	b = append(AppendNumbers(b, src), ' ')
	return Code{"COPYUID", string(AppendNumbers(b, dst))}
}

// CodeModified is MODIFIED set (RFC 7162 section 3.1.3).
func CodeModified(set uidset.Set) Code { return Code{"MODIFIED", set.String()} }

// CodeMailboxID is MAILBOXID (id) (RFC 8474).
func CodeMailboxID(id string) Code { return Code{"MAILBOXID", "(" + id + ")"} }

func numberCode(name imap.ResponseCode, n uint64) Code {
	return Code{name, string(appendUint(nil, n))}
}

// Status appends a status response (RFC 9051 section 7.1): tag "" is "*". text
// must be a single line; an empty one becomes the type's name, for the grammar
// wants some.
func (e *Encoder) Status(tag string, t imap.StatusResponseType, code Code, text string) {
	if tag == "" {
		tag = "*"
	}
	b := append(e.Take(), tag...)
	b = append(append(b, ' '), t...)
	b = append(b, ' ')
	if code.Name != "" {
		b = append(append(b, '['), code.Name...)
		if code.Args != "" {
			b = append(append(b, ' '), code.Args...)
		}
		b = append(b, "] "...)
	}
	if text == "" {
		text = string(t)
	}
	e.Put(appendLine(b, text))
	e.CRLF()
}

// Continue appends a continuation request (RFC 9051 section 7.6).
func (e *Encoder) Continue(text string) {
	e.Put(appendLine(append(e.Take(), "+ "...), text))
	e.CRLF()
}

// appendLine appends text with what would end the line made harmless: error
// texts may carry what others wrote.
func appendLine(dst []byte, text string) []byte {
	for i := 0; i < len(text); i++ {
		if c := text[i]; c == 0 || c == '\r' || c == '\n' {
			dst = append(dst, ' ')
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}
