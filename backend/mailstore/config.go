package mailstore

import "time"

// Separator is the hierarchy separator of mailbox names.
const Separator = '/'

// DefaultMailbox is a mailbox that every user gets at first contact.
type DefaultMailbox struct {
	Name string
	// SpecialUse is an attribute of RFC 6154 such as `\Drafts`, or empty.
	SpecialUse string
}

// Config are the limits and intervals of a Store. The zero value of a field
// means its default (see DefaultConfig).
type Config struct {
	// UploadInterval is how long a change may stay uploaded nowhere.
	UploadInterval time.Duration
	// MaxRescanMailCount is the number of deliveries into one mailbox
	// after which its index is uploaded though nothing else has changed.
	MaxRescanMailCount int
	// MaxUploads bounds the users that are uploaded at one time.
	MaxUploads int
	// UploadTimeout bounds one upload of one user.
	UploadTimeout time.Duration

	// ActiveWindow is how long after its last delivery or session a user
	// counts as active.
	ActiveWindow time.Duration
	// IdleUnload is how long after its last use a user's views stay in memory.
	IdleUnload time.Duration
	// MaxLoadedUsers bounds the users whose indexes are in memory; users
	// with sessions are never unloaded for it.
	MaxLoadedUsers int
	// MaxStubs bounds the users whose claim is kept, loaded or not.
	// Beyond it the least recently used are uploaded and released.
	MaxStubs int
	// MaxSessions bounds the handles of all users; 0 means no bound.
	MaxSessions int
	// MaxUserSessions bounds the handles of one user.
	MaxUserSessions int
	// MemoryLimit, in bytes, is the memory use above which no new session
	// is let in. 0 means no limit; it needs MemoryUsed.
	MemoryLimit uint64
	// MemoryUsed tells the bytes in use now. It is called once per Open.
	MemoryUsed func() uint64

	// DefaultMailboxes are created at a user's first contact. INBOX is
	// there in any case. nil means the default; empty means INBOX alone.
	DefaultMailboxes []DefaultMailbox
	// MaxMailboxes bounds the mailboxes of one user.
	MaxMailboxes int
	// MaxSubscriptions bounds the subscribed names of one user.
	MaxSubscriptions int
	// MaxNameLength is the longest mailbox name in bytes of UTF-8.
	MaxNameLength int
	// MaxNameDepth is the largest number of levels of a mailbox name.
	MaxNameDepth int

	// MaxMessageSize is the largest mail in bytes.
	MaxMessageSize int64
	// MaxMultiAppend bounds the messages of one APPEND (RFC 3502).
	MaxMultiAppend int
	// MaxKeywordLength bounds a keyword's name in bytes.
	MaxKeywordLength int
	// MaxMessageKeywords bounds the keywords of one message.
	MaxMessageKeywords int
	// MaxMailboxKeywords bounds the different keywords in one mailbox.
	MaxMailboxKeywords int

	// CopyMessages and CopyBytes bound one window of a COPY or MOVE: the
	// messages that are read and stored in parallel.
	CopyMessages int
	CopyBytes    int64
	// PrefetchMessages and PrefetchBytes bound what is read ahead of one
	// session.
	PrefetchMessages int
	PrefetchBytes    int64
	// WholeRead is the size up to which a mail is read with one request;
	// larger ones are read in pieces of about that size.
	WholeRead int64
	// ReadBytes bounds the bytes of mails that all sessions together hold
	// in flight.
	ReadBytes int64
	// BodyCacheBytes bounds the store's memory of recently read mails.
	BodyCacheBytes int64
}

// DefaultConfig are the defaults.
func DefaultConfig() Config {
	return Config{
		UploadInterval:     5 * time.Minute,
		MaxRescanMailCount: 10,
		MaxUploads:         16,
		UploadTimeout:      2 * time.Minute,
		ActiveWindow:       15 * time.Minute,
		IdleUnload:         15 * time.Minute,
		MaxLoadedUsers:     20_000,
		MaxStubs:           200_000,
		MaxUserSessions:    100,
		DefaultMailboxes: []DefaultMailbox{
			{"Drafts", `\Drafts`},
			{"Sent", `\Sent`},
			{"Junk", `\Junk`},
			{"Trash", `\Trash`},
			{"Archive", `\Archive`},
		},
		MaxMailboxes:       10_000,
		MaxSubscriptions:   20_000,
		MaxNameLength:      1000,
		MaxNameDepth:       32,
		MaxMessageSize:     64 << 20,
		MaxMultiAppend:     1000,
		MaxKeywordLength:   100,
		MaxMessageKeywords: 64,
		MaxMailboxKeywords: 1000,
		CopyMessages:       32,
		CopyBytes:          16 << 20,
		PrefetchMessages:   16,
		PrefetchBytes:      8 << 20,
		WholeRead:          8 << 20,
		ReadBytes:          256 << 20,
		BodyCacheBytes:     64 << 20,
	}
}
