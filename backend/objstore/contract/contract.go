// Package contract is the suite that every object store must pass.
package contract

import (
	"testing"

	"mailbackend.io/backend/objstore"
)

// Run tests the store that open returns, which is empty and used by nobody
// else; open is called once for every subtest.
func Run(t *testing.T, open func(t *testing.T) objstore.Store) { panic("soon") }
