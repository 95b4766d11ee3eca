// Package wire is the syntax of IMAP (RFC 9051 section 9, RFC 3501 section 9
// and the extensions that this server speaks): it parses the commands that a
// connection has read and appends responses.
//
// It does no I/O of its own and executes nothing. The engine reads lines and
// literals (TrailingLiteral tells when a literal follows), collects them in a
// Raw, and parses it from memory:
//
//	cmd, err := wire.ParseCommand(raw, opts)   // tag and name
//	args, err := wire.ParseFetch(cmd.Args)     // one function per command
//
// Every parser consumes all of its arguments up to the end of the command, so
// a nil error means that nothing was left over. Errors are *Error and say where
// in the command something else was expected. All limits are in Limits.
//
// Parsed values alias the Raw only where they are []byte (APPEND's data);
// strings are copies.
package wire
