package auth

import (
	"context"
	"crypto/subtle"
)

// AnyUser is the Source of development servers: every well-formed user name
// exists and has the one password.
type AnyUser struct{ Password string }

// Authenticate implements Source.
func (a AnyUser) Authenticate(_ context.Context, user, password string) (Identity, error) {
	name, ok := Canonical(user)
	if !ok || subtle.ConstantTimeCompare([]byte(password), []byte(a.Password)) != 1 {
		return Identity{}, ErrBadCredentials
	}
	return Identity{User: name}, nil
}

// Lookup implements Source.
func (a AnyUser) Lookup(_ context.Context, user string) (Identity, error) {
	name, ok := Canonical(user)
	if !ok {
		return Identity{}, ErrUnknownUser
	}
	return Identity{User: name}, nil
}
