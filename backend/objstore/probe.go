package objstore

import (
	"context"
	"io"
)

// Probe checks at start that the store keeps the promises that no data loss
// depends on: it writes a few objects under prefix (empty, or ending in "/"),
// and removes them again. The error names the first property that failed.
func Probe(ctx context.Context, s Store, prefix string, rnd io.Reader) error { panic("soon") }
