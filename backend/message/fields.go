package message

import (
	"bytes"
	"encoding/binary"
)

// field numbers a header field whose lines a summary holds. The numbers are
// part of the summary format: new ones are added at the end.
type field uint8

const (
	fNone field = iota
	fDate
	fSubject
	fFrom
	fSender
	fReplyTo
	fTo
	fCc
	fBcc
	fInReplyTo
	fMessageID
	fReferences // the last of those that embedded messages keep, too
	fContentType
	fContentTransferEncoding
	fContentDisposition
	fContentDescription
	fContentID
	fContentLanguage
	fContentLocation
	fContentMD5
	fMIMEVersion
)

// fieldNames are the fields' canonical names. They are those that mail clients
// were seen to ask for in message lists, and those that SORT and THREAD need.
var fieldNames = [...]string{
	fNone: "", fDate: "Date", fSubject: "Subject", fFrom: "From", fSender: "Sender",
	fReplyTo: "Reply-To", fTo: "To", fCc: "Cc", fBcc: "Bcc",
	fInReplyTo: "In-Reply-To", fMessageID: "Message-ID", fReferences: "References",
	fContentType: "Content-Type", fContentTransferEncoding: "Content-Transfer-Encoding",
	fContentDisposition: "Content-Disposition", fContentDescription: "Content-Description",
	fContentID: "Content-ID", fContentLanguage: "Content-Language",
	fContentLocation: "Content-Location", fContentMD5: "Content-MD5", fMIMEVersion: "MIME-Version",
	21: "Return-Path", 22: "Delivered-To", 23: "Envelope-To", 24: "X-Original-To",
	25: "Priority", 26: "X-Priority", 27: "Importance", 28: "X-MSMail-Priority",
	29: "Newsgroups", 30: "Followup-To", 31: "Organization", 32: "User-Agent", 33: "X-Mailer",
	34: "List-ID", 35: "List-Post", 36: "List-Unsubscribe", 37: "List-Unsubscribe-Post",
	38: "List-Subscribe", 39: "List-Help", 40: "List-Archive", 41: "List-Owner",
	42: "Mailing-List", 43: "Mail-Followup-To", 44: "Mail-Reply-To",
	45: "Disposition-Notification-To", 46: "Return-Receipt-To", 47: "Auto-Submitted",
	48: "Precedence", 49: "X-Label", 50: "Keywords", 51: "X-Keywords", 52: "Comments",
	53: "Lines", 54: "Resent-Date", 55: "Resent-From", 56: "Resent-To", 57: "Resent-Message-ID",
	58: "X-Spam-Flag", 59: "X-Spam-Status", 60: "X-Spam-Level", 61: "X-Spam",
	62: "X-Draft-Info", 63: "X-Identity-Key", 64: "X-Account-Key", 65: "X-TUID",
	66: "X-Uniform-Type-Identifier", 67: "X-Universally-Unique-Identifier",
	68: "Authentication-Results", 69: "DKIM-Signature", 70: "BIMI-Indicator",
	71: "BIMI-Location", 72: "X-BIMI-Indicator-Hash", 73: "Autocrypt", 74: "Chat-Version",
	75: "Thread-Topic", 76: "Thread-Index", 77: "Supersedes", 78: "Delivery-Date",
	79: "X-Virus-Flag", 80: "X-MS-Has-Attach", 81: "X-Forwarded-Message-Id", 82: "Expires",
}

const maxFieldName = 32 // no known name is longer

var fieldIDs = func() map[string]field {
	m := make(map[string]field, len(fieldNames))
	for id, name := range fieldNames[1:] {
		m[string(bytes.ToUpper([]byte(name)))] = field(id + 1)
	}
	return m
}()

// fieldID finds a field by its name, in any case. hash is that of fieldHash.
func fieldID(name []byte) (id field, hash uint16) {
	var up [maxFieldName]byte
	if len(name) > maxFieldName {
		return fNone, fieldHash(name)
	}
	for i, c := range name {
		up[i] = upper(c)
	}
	if id = fieldIDs[string(up[:len(name)])]; id != fNone {
		return id, 0
	}
	return fNone, fieldHash(name)
}

// fieldHash is FNV-1a over the upper-case name, its halves xored: part of the
// summary format.
func fieldHash[T []byte | string](name T) uint16 {
	h := uint32(2166136261)
	for i := range len(name) {
		h = (h ^ uint32(upper(name[i]))) * 16777619
	}
	return uint16(h>>16) ^ uint16(h)
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - 32
	}
	return c
}

// How an entry of the fields area is stored.
const (
	entryCanonical = 1 // only the value, "Name: " and CR LF are left out
	entryCut       = 2 // less than what the mail has
	entryShift     = 2
)

// appendEntry appends one field to a fields area. line is the whole field
// with its line ends.
func appendEntry(dst []byte, id field, line []byte, cut bool) []byte {
	flags := uint64(0)
	name := fieldNames[id]
	n := len(name)
	if !cut && len(line) >= n+4 && string(line[:n]) == name && line[n] == ':' && line[n+1] == ' ' && bytes.HasSuffix(line, crlf) {
		flags, line = entryCanonical, line[n+2:len(line)-2]
	}
	if cut {
		flags = entryCut
	}
	dst = append(dst, byte(id))
	dst = binary.AppendUvarint(dst, uint64(len(line))<<entryShift|flags)
	return append(dst, line...)
}

var crlf = []byte("\r\n")

// entry is one field of a fields area.
type entry struct {
	id    field
	flags byte
	data  []byte
}

// nextEntry takes the first entry off area. ok is false at its end, or where
// it isn't well-formed.
func nextEntry(area []byte) (e entry, rest []byte, ok bool) {
	if len(area) < 2 {
		return e, nil, false
	}
	e.id = field(area[0])
	v, n := uint64(area[1]), 1
	if v >= 0x80 {
		v, n = binary.Uvarint(area[1:])
	}
	if n <= 0 || e.id == fNone || int(e.id) >= len(fieldNames) || v>>entryShift > uint64(len(area)-1-n) {
		return e, nil, false
	}
	e.flags = byte(v & (1<<entryShift - 1))
	end := 1 + n + int(v>>entryShift)
	e.data = area[1+n : end : end]
	return e, area[end:], true
}

// appendLine appends the field as it is in the mail. A missing line end at the
// end of the mail is added.
func (e entry) appendLine(dst []byte) []byte {
	if e.flags&entryCanonical != 0 {
		dst = append(dst, fieldNames[e.id]...)
		dst = append(dst, ": "...)
		dst = append(dst, e.data...)
		return append(dst, crlf...)
	}
	dst = append(dst, e.data...)
	if n := len(e.data); n == 0 || e.data[n-1] != '\n' {
		dst = append(dst, crlf...)
	}
	return dst
}

// value is what stands behind the colon, trimmed but not unfolded.
func (e entry) value() []byte {
	v := e.data
	if e.flags&entryCanonical == 0 {
		i := bytes.IndexByte(v, ':')
		if i < 0 {
			return nil
		}
		v = v[i+1:]
	}
	return trimSpace(v)
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func trimSpace(v []byte) []byte {
	for len(v) > 0 && isSpace(v[0]) {
		v = v[1:]
	}
	for len(v) > 0 && isSpace(v[len(v)-1]) {
		v = v[:len(v)-1]
	}
	return v
}

// unfold removes line ends (a CR only together with its LF) from a value. The
// result aliases v when there is nothing to remove, else scratch's memory.
func unfold(scratch, v []byte) []byte {
	if bytes.IndexByte(v, '\n') < 0 {
		return v
	}
	out := scratch[:0]
	for i, c := range v {
		if c == '\n' || c == '\r' && i+1 < len(v) && v[i+1] == '\n' {
			continue
		}
		out = append(out, c)
	}
	return out
}
