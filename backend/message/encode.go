package message

import (
	"encoding/binary"
)

// summaryVersion is the first byte of an encoded summary.
const summaryVersion = 1

// encode writes what the pass found; see docs/formats.md.
func (x *indexer) encode() []byte {
	x.sortHashes()
	var room [1024]byte
	preview := x.makePreview(room[:0])
	own := x.nodes[0].fields
	n := 32 + len(preview) + 2*len(x.hashes) + len(x.fields) + len(x.text) + 24*len(x.nodes)
	b := make([]byte, 0, n)
	b = append(b, summaryVersion, byte(len(fieldNames)-1))
	b = binary.AppendUvarint(b, uint64(len(x.raw)))
	b = binary.AppendUvarint(b, 0)
	b = binary.AppendUvarint(b, uint64(len(preview)))
	b = append(b, preview...)
	b = appendHashes(b, x.hashes, x.manyNames)
	b = binary.AppendUvarint(b, uint64(own[1]-own[0]))
	b = append(b, x.fields[own[0]:own[1]]...)
	for i := range x.nodes {
		b = x.appendNode(b, &x.nodes[i])
	}
	return b
}

// appendHashes encodes the sorted hashes of names, or that they are too many.
func appendHashes(b []byte, hashes []uint16, unknown bool) []byte {
	if unknown {
		return append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(len(hashes)+1))
	for _, h := range hashes {
		b = binary.LittleEndian.AppendUint16(b, h)
	}
	return b
}

// headEmbedded in a node's first byte: the root of an embedded message.
const headEmbedded = 4

func (x *indexer) appendNode(b []byte, n *node) []byte {
	head := byte(n.kind)
	if n.embedded {
		head |= headEmbedded
	}
	b = append(b, head)
	b = binary.AppendUvarint(b, uint64(n.gap))
	b = binary.AppendUvarint(b, uint64(n.body-n.off))
	b = binary.AppendUvarint(b, uint64(n.end-n.body))
	switch n.kind {
	case kindText, kindMessage:
		b = binary.AppendUvarint(b, uint64(n.lines))
	case kindMulti:
		b = binary.AppendUvarint(b, uint64(n.children))
	}
	b = append(b, x.text[n.text[0]:n.text[1]]...)
	if n.embedded {
		f := x.fields[n.fields[0]:n.fields[1]]
		b = binary.AppendUvarint(b, uint64(len(f)))
		b = append(b, f...)
	}
	return b
}
