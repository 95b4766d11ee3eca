// Package imap is the IMAP server: IMAP4rev1 (RFC 3501) and IMAP4rev2 (RFC
// 9051) with the extensions that docs/imap.md lists. It accepts connections,
// reads commands within limits, keeps each session's picture of its mailbox in
// step with what the client was told, and runs commands on a Store.
//
// It does not know object storage, files or indexes' formats (package
// mailstore does), and leaves the syntax to package wire, message sets to
// msgset, SEARCH programs to search and the rendering of FETCH to fetch.
//
// # How a command runs
//
// A connection is one goroutine. It waits, holding no buffer, until the client
// sends something (conn.go); reads one command with its literals (reader.go);
// finds it in the table (command.go) and parses it; runs it (the cmd_*.go
// files, one per command or small family, each naming its RFC section); tells
// the client what changed in the selected mailbox meanwhile (update.go); and
// sends the tagged response (reply.go). Pipelined commands run one after the
// other.
//
// # What a session shows
//
// A client numbers messages by what it was told, not by what is there. So a
// session keeps the index.View that its client knows and moves it on only
// together with the EXPUNGE, VANISHED, EXISTS and FETCH responses that say so.
//
// Invariant: what the untagged responses so far imply (which UID has which
// number, which flags) is what the session's shown view holds.
//
// To add a command, write its run function and enter it in a family's slice of
// definitions; to add a capability, enter it in capability.go.
package imap
