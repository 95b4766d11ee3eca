package message

import "encoding/binary"

// dictionary holds the strings that MIME headers are mostly made of, so that a
// summary holds a byte in their place. A string is only replaced if it is
// exactly the same, case included. The order is part of the summary format:
// new ones are added at the end. The first 64 take one byte.
var dictionary = [...]string{
	"text", "plain", "html", "charset", "utf-8", "UTF-8", "us-ascii", "US-ASCII",
	"iso-8859-1", "ISO-8859-1", "windows-1252", "7bit", "8bit", "quoted-printable", "base64", "binary",
	"multipart", "alternative", "mixed", "related", "boundary", "name", "filename", "attachment",
	"inline", "application", "octet-stream", "pdf", "image", "png", "jpeg", "gif",
	"message", "rfc822", "signed", "report", "digest", "delivery-status", "format", "flowed",
	"delsp", "yes", "no", "type", "text/html", "multipart/alternative", "protocol", "micalg",
	"pgp-sha256", "pgp-sha512", "sha-256", "application/pgp-signature", "application/pkcs7-signature", "pgp-signature", "pkcs7-signature", "smime.p7s",
	"report-type", "size", "creation-date", "modification-date", "calendar", "method", "REQUEST", "start",
	"filename*", "name*", "zip", "msword", "vnd.openxmlformats-officedocument.wordprocessingml.document",
	"vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	"vnd.openxmlformats-officedocument.presentationml.presentation",
	"iso-8859-15", "ISO-8859-15", "iso-8859-2", "iso-2022-jp", "ISO-2022-JP", "gb2312", "gbk", "gb18030", "big5",
	"koi8-r", "KOI8-R", "windows-1251", "euc-kr", "shift_jis", "windows-1250", "utf8", "UTF8", "ascii",
	"7BIT", "8BIT", "Quoted-Printable", "QUOTED-PRINTABLE", "Base64", "BASE64", "7Bit", "8Bit",
	"TEXT", "PLAIN", "HTML", "svg+xml", "webp", "csv", "xml", "json", "ics", "rfc822-headers",
	"disposition-notification", "encrypted", "pgp-encrypted", "application/pgp-encrypted", "feedback-report",
	"external-body", "partial", "global", "video", "mp4", "audio", "mpeg", "x-unix-mode", "jpg",
	"x-zip-compressed", "vnd.ms-excel", "x-pkcs7-signature", "application/x-pkcs7-signature", "read-date", "REPLY", "CANCEL",
	"en", "de", "fr", "en-US",
}

var dictionaryIDs = func() map[string]uint64 {
	m := make(map[string]uint64, len(dictionary))
	for i, s := range dictionary {
		m[s] = uint64(i)
	}
	return m
}()

const maxDictionaryString = 80 // none is longer

// appendToken appends a string: uvarint 2i+1 for entry i of the dictionary,
// else uvarint 2n and its n bytes.
func appendToken(dst, s []byte) []byte {
	if len(s) <= maxDictionaryString {
		if i, ok := dictionaryIDs[string(s)]; ok {
			return binary.AppendUvarint(dst, i<<1|1)
		}
	}
	dst = binary.AppendUvarint(dst, uint64(len(s))<<1)
	return append(dst, s...)
}

// tokenString is string(s) without an allocation for what is in the dictionary.
func tokenString(s []byte) string {
	if len(s) <= maxDictionaryString {
		if i, ok := dictionaryIDs[string(s)]; ok {
			return dictionary[i]
		}
	}
	return string(s)
}
