// Package content derives the ETags of the stores that compute their own, and
// joins pieces. It knows no store.
package content

import (
	"encoding/hex"

	"github.com/zeebo/xxh3"

	"mailbackend.io/backend/objstore"
)

// Tag is the ETag of these bytes: as on S3, the same bytes give the same tag.
// 128 bits tell any two roots of honest writers apart; it is no defence against
// a writer who looks for collisions.
func Tag(data objstore.Blob) objstore.ETag {
	var sum [16]byte
	if len(data) == 1 {
		sum = xxh3.Hash128(data[0]).Bytes()
	} else {
		h := xxh3.New()
		for _, p := range data {
			_, _ = h.Write(p) // never fails
		}
		sum = h.Sum128().Bytes()
	}
	var text [32]byte
	hex.Encode(text[:], sum[:])
	return objstore.ETag(text[:])
}

// Cut returns the bytes of data that r names.
func Cut(data []byte, r objstore.Range) []byte {
	off, n := Bounds(int64(len(data)), r)
	return data[off : off+n]
}

// Bounds turns r into offset and length within an object of size bytes.
// A negative offset counts as 0.
func Bounds(size int64, r objstore.Range) (off, n int64) {
	off = min(max(r.Offset, 0), size)
	n = size - off
	if r.Length > 0 {
		n = min(n, r.Length)
	}
	return off, n
}
