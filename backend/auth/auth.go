// Package auth turns credentials into a user identity: password checks, user
// look-ups for deliveries, and the one rule for user names. It knows no
// protocol and no mail.
package auth

import (
	"context"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Identity is an authenticated or looked-up user.
type Identity struct {
	// User is the canonical name (see Canonical), under which mail is stored.
	User string
}

// Errors that callers branch on.
var (
	// ErrBadCredentials: unknown user or wrong password; which of them is
	// not told.
	ErrBadCredentials = errors.New("authentication failed")
	// ErrUnknownUser: Lookup found no such user.
	ErrUnknownUser = errors.New("no such user")
	// ErrUnavailable: the source can't be asked now.
	ErrUnavailable = errors.New("authentication temporarily unavailable")
)

// Source is a user database. Implementations are safe for concurrent use and
// take any bytes as user names and passwords.
type Source interface {
	// Authenticate checks a password. ErrBadCredentials, ErrUnavailable.
	Authenticate(ctx context.Context, user, password string) (Identity, error)
	// Lookup finds a user without a password, for deliveries.
	// ErrUnknownUser, ErrUnavailable.
	Lookup(ctx context.Context, user string) (Identity, error)
}

// MaxUserName is the longest user name, in bytes.
const MaxUserName = 1024

// Canonical is the one spelling of a user name: Unicode NFC, lower case. ok is
// false for what is no user name: empty, longer than MaxUserName, not UTF-8,
// or with control or unassigned characters.
func Canonical(user string) (name string, ok bool) {
	if user == "" || len(user) > MaxUserName || !utf8.ValidString(user) {
		return "", false
	}
	name = norm.NFC.String(strings.ToLower(norm.NFC.String(user)))
	for _, r := range name {
		if !unicode.IsGraphic(r) || unicode.IsSpace(r) && r != ' ' {
			return "", false
		}
	}
	return name, len(name) <= MaxUserName
}
