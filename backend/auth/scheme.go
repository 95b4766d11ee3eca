package auth

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"

	"github.com/go-crypt/crypt"
	"github.com/go-crypt/crypt/algorithm"
	"github.com/go-crypt/crypt/algorithm/argon2"
	"github.com/go-crypt/crypt/algorithm/bcrypt"
	"github.com/go-crypt/crypt/algorithm/shacrypt"
)

// verifier checks passwords against one stored hash.
type verifier interface {
	// matches reports whether password is the one that was hashed.
	matches(password string) (bool, error)
}

type plain string

func (p plain) matches(password string) (bool, error) {
	return subtle.ConstantTimeCompare([]byte(p), []byte(password)) == 1, nil
}

type digest struct{ algorithm.Digest }

func (d digest) matches(password string) (bool, error) { return d.MatchAdvanced(password) }

// schemes are the {SCHEME} prefixes of Dovecot's passwd files and the crypt(3)
// prefixes that each allows.
var schemes = map[string][]string{
	"PLAIN":        nil,
	"CLEARTEXT":    nil,
	"ARGON2ID":     {"$argon2id$"},
	"ARGON2I":      {"$argon2i$"},
	"BLF-CRYPT":    {"$2y$", "$2b$", "$2a$"},
	"BCRYPT":       {"$2y$", "$2b$", "$2a$"},
	"SHA512-CRYPT": {"$6$"},
	"CRYPT":        {"$6$", "$2y$", "$2b$", "$2a$", "$argon2id$", "$argon2i$"},
}

var errScheme = errors.New("unknown password scheme")

// parseStored reads a stored password of the form {SCHEME}hash. Without a
// scheme it is taken as CRYPT, as Dovecot does for passwd files.
func parseStored(dec *crypt.Decoder, stored string) (verifier, error) {
	name, hash := "CRYPT", stored
	if strings.HasPrefix(stored, "{") {
		end := strings.IndexByte(stored, '}')
		if end < 0 {
			return nil, fmt.Errorf("%w: no closing brace", errScheme)
		}
		name, hash = strings.ToUpper(stored[1:end]), stored[end+1:]
	}
	prefixes, ok := schemes[name]
	if !ok {
		return nil, fmt.Errorf("%w %q", errScheme, name)
	}
	if prefixes == nil {
		return plain(hash), nil
	}
	for _, p := range prefixes {
		if strings.HasPrefix(hash, p) {
			d, err := dec.Decode(hash)
			if err != nil {
				return nil, fmt.Errorf("hash of scheme %s: %w", name, err)
			}
			return digest{d}, nil
		}
	}
	return nil, fmt.Errorf("hash does not look like scheme %s", name)
}

// newDecoder knows the algorithms of schemes, no others.
func newDecoder() (*crypt.Decoder, error) {
	dec := crypt.NewDecoder()
	for _, register := range []func(algorithm.DecoderRegister) error{
		argon2.RegisterDecoder, bcrypt.RegisterDecoder, shacrypt.RegisterDecoder,
	} {
		if err := register(dec); err != nil {
			return nil, fmt.Errorf("auth: register hash algorithms: %w", err)
		}
	}
	return dec, nil
}
