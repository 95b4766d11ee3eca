package sync

import (
	"fmt"
	"math"
	"time"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/message"
)

// NewMail is a mail to store.
type NewMail struct {
	// Body and Prefix (whole header lines or nothing) are the mail...
	Body   *message.Body
	Prefix []byte
	// ...or Object is the whole stored object of another mail: its content
	// and identifiers of the content are taken over (COPY).
	Object []byte

	Flags    index.Flags
	Keywords []string
	// InternalDate and SaveDate; zero means now.
	InternalDate, SaveDate time.Time
	// ThreadID; zero: not known, or that of Object.
	ThreadID index.ID
}

// systemFlags are the names of index.Flags, by bit.
var systemFlags = [...]string{`\Seen`, `\Answered`, `\Flagged`, `\Deleted`, `\Draft`}

// flagNames lists flags and keywords as the mail's object keeps them.
func flagNames(flags index.Flags, keywords []string) []string {
	var names []string
	for i, name := range systemFlags {
		if flags&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return append(names, keywords...)
}

// parseFlags is the reverse of flagNames. What can't be a flag is left out.
func parseFlags(names []string) (flags index.Flags, keywords []string) {
next:
	for _, name := range names {
		for i, s := range systemFlags {
			if name == s {
				flags |= 1 << i
				continue next
			}
		}
		if isKeyword(name) && len(keywords) < index.MaxKeywords {
			keywords = append(keywords, name)
		}
	}
	return flags, keywords
}

func isKeyword(name string) bool {
	if name == "" || name[0] == '\\' || len(name) > index.MaxKeywordLen {
		return false
	}
	for i := range len(name) {
		if name[i] <= ' ' || name[i] >= 0x7f {
			return false
		}
	}
	return true
}

// sealMail encodes a mail for the folder, under a GUID of its own.
func (f *Folder) sealMail(m *NewMail) (*sealedMail, error) {
	now := f.a.e.clk.Now()
	if m.InternalDate.IsZero() {
		m.InternalDate = now
	}
	if m.SaveDate.IsZero() {
		m.SaveDate = now
	}
	meta := message.Meta{
		GUID: f.a.e.newID(), ThreadID: m.ThreadID,
		MailboxID: string(f.id), MailboxName: f.name(),
		InternalDate: m.InternalDate.Unix(), SaveDate: m.SaveDate.Unix(),
		Flags: flagNames(m.Flags, m.Keywords),
	}
	var data [][]byte
	var err error
	if m.Body != nil {
		data, meta, err = m.Body.Object(m.Prefix, meta)
	} else {
		var old message.Meta
		if old, err = message.ReadMeta(m.Object); err == nil {
			if meta.ThreadID == (index.ID{}) {
				meta.ThreadID = old.ThreadID
			}
			data, meta, err = message.Recode(m.Object, meta)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: encoding a mail: %w", f, err)
	}
	return f.encoded(data, meta)
}

// encoded makes a mail ready that is encoded.
func (f *Folder) encoded(data [][]byte, meta message.Meta) (*sealedMail, error) {
	op, err := opOf(&meta)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f, err)
	}
	return &sealedMail{guid: meta.GUID, blob: data, op: op, meta: meta}, nil
}

// opOf is the OpAppend of a stored mail, without UID and modseq.
func opOf(meta *message.Meta) (index.Op, error) {
	if meta.Size < 0 || meta.Size > math.MaxUint32 {
		return index.Op{}, fmt.Errorf("a mail of %d bytes", meta.Size)
	}
	op := index.Op{
		Kind: index.OpAppend, UID: 1, ModSeq: 1, Size: uint32(meta.Size),
		InternalDate: meta.InternalDate, SaveDate: meta.SaveDate,
		IDs: index.IDs{GUID: meta.GUID, EmailID: meta.EmailID, ThreadID: meta.ThreadID},
	}
	op.Flags, op.Keywords = parseFlags(meta.Flags)
	if b := meta.Summary.Bytes(); len(b) <= index.MaxSummary {
		op.Summary = b // else it is read from the object when needed
	}
	if err := op.Validate(); err != nil {
		return index.Op{}, err
	}
	return op, nil
}

// name is the mailbox's name, a hint for the rebuild of a lost root.
func (f *Folder) name() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.nameHint
}
