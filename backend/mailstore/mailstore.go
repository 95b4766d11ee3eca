// Package mailstore is what the protocols see of a user's mail: users,
// mailboxes, messages and the news of changes. It keeps the register of loaded
// users, decides when what is uploaded (architecture section 6), checks names
// and limits, and streams mails.
//
// It does not speak a protocol, does not authenticate, does not parse mail and
// never touches the object store or a file itself: package sync does, which
// this package drives.
//
// The way in is a [Store]: Open gives a session its [User], Select a
// [Mailbox], Message a [Message]; Deliver is the whole of LMTP's side. All
// types are safe for concurrent use unless their comment says otherwise.
//
// Errors wrap one of the sentinels of errors.go where a protocol has a
// response code for it; every other error is a temporary failure.
package mailstore
