// Package auth turns credentials into a user identity. It knows no protocol
// and no mail.
package auth

import (
	"context"
	"errors"
)

// Identity is an authenticated or looked-up user.
type Identity struct {
	// User is the canonical name, under which mail is stored.
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

// Source is a user database. Implementations are safe for concurrent use.
type Source interface {
	// Authenticate checks a password. ErrBadCredentials, ErrUnavailable.
	Authenticate(ctx context.Context, user, password string) (Identity, error)
	// Lookup finds a user without a password, for deliveries.
	// ErrUnknownUser, ErrUnavailable.
	Lookup(ctx context.Context, user string) (Identity, error)
}
