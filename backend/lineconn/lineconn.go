// Package lineconn is the line layer that the protocol servers (IMAP, LMTP,
// POP3) stand on: CRLF lines with a limit, literals and raw streams, deadlines,
// STARTTLS that discards what was sent before the handshake, and idle
// connections that hold no buffers. It knows no protocol.
package lineconn
