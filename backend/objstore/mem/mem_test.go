package mem_test

import (
	"testing"

	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/contract"
	"mailbackend.io/backend/objstore/mem"
)

func TestContract(t *testing.T) {
	contract.Run(t, func(*testing.T) objstore.Store { return mem.New(mem.Options{}) })
}

func TestContractWithLatency(t *testing.T) {
	contract.Run(t, func(*testing.T) objstore.Store { return mem.New(mem.Options{Latency: 1, Log: true}).As("pod") })
}
