package sync

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"mailbackend.io/backend/index"
)

// The key layout (docs/sync.md, "Keys"):
//
//	<prefix>/<hash2>/<user>/root
//	<prefix>/<hash2>/<user>/<mailbox-id>/mail/<uid>
//	<prefix>/<hash2>/<user>/<mailbox-id>/index/<segment>
//
// Every part is made of lower-case letters, digits and "-_.@=" only, never
// starts or ends with a dot and is at most maxUserSegment bytes long, so that every
// S3 server and every file system takes it and no two users share a key, not even
// where case is ignored.

const (
	maxUserSegment = 160
	hashedUser     = "=h" // no escaped name starts so: "h" is not a hex digit
	uidDigits      = 10
	mailboxIDBytes = 12
	rootName       = "root"
)

// EscapeUser returns the key segment of a user name. Names that are equal have
// equal segments and no others do. Long names are hashed; root has the name.
func EscapeUser(user string) string {
	var b strings.Builder
	for i := range len(user) {
		c := user[i]
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_', c == '@':
			b.WriteByte(c)
		case c == '.' && i > 0 && i < len(user)-1:
			b.WriteByte(c)
		default:
			b.WriteByte('=')
			b.WriteString(hex.EncodeToString([]byte{c}))
		}
		if b.Len() > maxUserSegment {
			sum := sha256.Sum256([]byte(user))
			return hashedUser + hex.EncodeToString(sum[:])
		}
	}
	return b.String()
}

// UnescapeUser is the reverse of EscapeUser. hashed means that the segment is
// that of a name which only root knows.
func UnescapeUser(segment string) (user string, hashed bool, err error) {
	if rest, ok := strings.CutPrefix(segment, hashedUser); ok {
		if len(rest) != 2*sha256.Size || !isLowerHex(rest) {
			return "", false, fmt.Errorf("user segment %q: not a hash", segment)
		}
		return "", true, nil
	}
	var b []byte
	for i := 0; i < len(segment); i++ {
		if segment[i] != '=' {
			b = append(b, segment[i])
			continue
		}
		if i+3 > len(segment) || !isLowerHex(segment[i+1:i+3]) {
			return "", false, fmt.Errorf("user segment %q: bad escape", segment)
		}
		c, _ := strconv.ParseUint(segment[i+1:i+3], 16, 8)
		b = append(b, byte(c))
		i += 2
	}
	if user = string(b); user == "" || EscapeUser(user) != segment {
		return "", false, fmt.Errorf("user segment %q: not what its name escapes to", segment)
	}
	return user, false, nil
}

// checkPrefix refuses a key prefix that not every S3 server takes.
func checkPrefix(prefix string) error {
	if prefix == "" {
		return nil
	}
	for segment := range strings.SplitSeq(prefix, "/") {
		if segment == "" || segment == "." || segment == ".." || len(segment) >= 200 {
			return fmt.Errorf("key prefix %q: bad segment %q", prefix, segment)
		}
		for i := range len(segment) {
			if c := segment[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`\{}^%[]"<>~#|?*:&+=,;$`, c) >= 0 {
				return fmt.Errorf("key prefix %q: character %q is not portable", prefix, c)
			}
		}
	}
	return nil
}

// UserPrefix is what the keys of all of a user's objects start with; it ends
// in a slash. prefix is Config.Prefix.
func UserPrefix(prefix, user string) string {
	sum := sha256.Sum256([]byte(user))
	hash2 := hex.EncodeToString(sum[:1])
	if prefix != "" {
		prefix += "/"
	}
	return prefix + hash2 + "/" + EscapeUser(user) + "/"
}

// RootKey is the key of a user's root.
func RootKey(userPrefix string) string { return userPrefix + rootName }

// MailPrefix is what the keys of a mailbox's mails start with.
func MailPrefix(userPrefix string, id MailboxID) string { return userPrefix + string(id) + "/mail/" }

// MailKey is the key of one mail. Keys of one mailbox list in UID order.
func MailKey(userPrefix string, id MailboxID, uid uint32) string {
	return MailPrefix(userPrefix, id) + formatUID(uid)
}

// IndexPrefix is what the keys of a mailbox's index segments start with.
func IndexPrefix(userPrefix string, id MailboxID) string { return userPrefix + string(id) + "/index/" }

// IndexKey is the key of an index segment.
func IndexKey(userPrefix string, id MailboxID, segment string) string {
	return IndexPrefix(userPrefix, id) + segment
}

// KeyKind tells what a key of a user names.
type KeyKind uint8

// The kinds of key.
const (
	KeyRoot KeyKind = iota + 1
	KeyMail
	KeySegment
)

// Key is a parsed key.
type Key struct {
	Kind    KeyKind
	Mailbox MailboxID // of KeyMail and KeySegment
	UID     uint32    // of KeyMail
	Segment string    // of KeySegment
}

// ParseKey takes the key of an object of a user apart. An error means that the
// key is none that this package makes.
func ParseKey(userPrefix, key string) (Key, error) {
	rest, ok := strings.CutPrefix(key, userPrefix)
	if !ok {
		return Key{}, fmt.Errorf("key %q: not below %q", key, userPrefix)
	}
	if rest == rootName {
		return Key{Kind: KeyRoot}, nil
	}
	parts := strings.Split(rest, "/")
	if len(parts) != 3 || !MailboxID(parts[0]).Valid() {
		return Key{}, fmt.Errorf("key %q: unknown", key)
	}
	k := Key{Mailbox: MailboxID(parts[0])}
	switch parts[1] {
	case "mail":
		uid, ok := parseUID(parts[2])
		if !ok {
			return Key{}, fmt.Errorf("key %q: bad UID", key)
		}
		k.Kind, k.UID = KeyMail, uid
	case "index":
		if _, _, err := ParseSegmentName(parts[2]); err != nil {
			return Key{}, fmt.Errorf("key %q: %w", key, err)
		}
		k.Kind, k.Segment = KeySegment, parts[2]
	default:
		return Key{}, fmt.Errorf("key %q: unknown", key)
	}
	return k, nil
}

func formatUID(uid uint32) string {
	var b [uidDigits]byte
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte('0' + uid%10)
		uid /= 10
	}
	return string(b[:])
}

func parseUID(s string) (uint32, bool) {
	if len(s) != uidDigits {
		return 0, false
	}
	var n uint64
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + uint64(s[i]-'0')
	}
	return uint32(n), n >= 1 && n <= index.MaxUID
}

// SegmentName makes the name of an index segment: epoch of the claim that
// wrote it, b for a base or l for a log, and a random id.
func SegmentName(epoch uint64, base bool, id index.ID) string {
	kind := "l"
	if base {
		kind = "b"
	}
	return fmt.Sprintf("%016x-%s-%s", epoch, kind, hex.EncodeToString(id[:]))
}

// ParseSegmentName is the reverse of SegmentName.
func ParseSegmentName(name string) (epoch uint64, base bool, err error) {
	bad := len(name) != 16+3+32 || name[16] != '-' || name[18] != '-' ||
		(name[17] != 'b' && name[17] != 'l') || !isLowerHex(name[:16]) || !isLowerHex(name[19:])
	if bad {
		return 0, false, fmt.Errorf("segment name %q: malformed", name)
	}
	epoch, err = strconv.ParseUint(name[:16], 16, 64)
	return epoch, name[17] == 'b', err
}

// newMailboxID makes a mailbox id of random bytes.
func newMailboxID(random index.ID) MailboxID {
	return MailboxID("m" + hex.EncodeToString(random[:mailboxIDBytes]))
}

// Valid tells whether the id is one that this package makes. Everything that
// comes from outside is checked by it before it becomes a part of a key.
func (id MailboxID) Valid() bool {
	return len(id) == 1+2*mailboxIDBytes && id[0] == 'm' && isLowerHex(string(id[1:]))
}

func isLowerHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
