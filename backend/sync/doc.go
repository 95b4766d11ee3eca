// Package sync keeps one user's mail in step with object storage: the root
// manifest and the claim on it, ranges of UIDs and modseqs, storing and removing
// mails, the local log, uploads, release, takeover and what late mail needs.
// The protocol is docs/sync.md. Its name shadows the standard library's package,
// which is imported here as gosync.
//
// It does not speak any mail protocol, does not decide who serves a user or
// when to upload (package mailstore does), does not parse mail and knows nothing
// of segment formats (packages message and index do).
package sync
