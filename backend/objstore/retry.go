package objstore

import (
	"io"
	"time"

	"mailbackend.io/backend/clock"
)

// RetryConfig bounds what Retry does for one call. Zero fields take the value
// of DefaultRetry.
type RetryConfig struct {
	// Attempts is the most requests that one call makes, read-backs not counted.
	Attempts int
	// Budget is the longest that one call takes, waits included.
	Budget time.Duration
	// Attempt is the time that one request may take, to which comes what
	// its bytes take at MinRate bytes per second.
	Attempt time.Duration
	MinRate int64
	// Largest is the size in bytes that is assumed of a Get whose length
	// isn't known.
	Largest int64
	// Wait is the longest wait after the first failed attempt; it doubles
	// with each further one up to MaxWait. ThrottledWait takes the place
	// of Wait when the store asked for a slower pace.
	Wait, MaxWait, ThrottledWait time.Duration
}

// DefaultRetry suits an object store in the same region.
var DefaultRetry = RetryConfig{
	Attempts: 5, Budget: 60 * time.Second,
	Attempt: 15 * time.Second, MinRate: 1 << 20, Largest: 32 << 20,
	Wait: 50 * time.Millisecond, MaxWait: 5 * time.Second, ThrottledWait: 500 * time.Millisecond,
}

// Retry returns next with retries.
func Retry(next Store, cfg RetryConfig, clk clock.Clock, rnd io.Reader) Store { panic("soon") }
