// Package message is one mail: from its bytes to a summary (structure, envelope, cached header fields) and to the object that is stored, and back. Pure: no I/O.
package message
