package mailstore

import (
	"fmt"
	"time"

	"mailbackend.io/backend/sync"
)

// Separator is the hierarchy separator of mailbox names.
const Separator = '/'

// DefaultMailbox is a mailbox that every user gets at first contact. It is
// subscribed, as INBOX is: many clients show nothing else.
type DefaultMailbox struct {
	Name string
	// SpecialUse is an attribute of RFC 6154 such as `\Drafts`, or empty.
	SpecialUse string
}

// Config are the limits and intervals of a Store. The zero value of a field
// means its default (see DefaultConfig), unless its comment says otherwise.
type Config struct {
	// UploadInterval is how long a change may stay uploaded nowhere.
	UploadInterval time.Duration
	// UploadSpread is how much earlier than that users are uploaded at the
	// most, each by an amount of its own.
	UploadSpread time.Duration
	// MaxUploads bounds the users that are uploaded at one time.
	MaxUploads int
	// MaxReleases bounds the users that are released at one time.
	MaxReleases int
	// UploadTimeout bounds one upload or release of one user.
	UploadTimeout time.Duration
	// RetryFirst is the pause after a failed upload; it doubles with each
	// further failure, up to UploadInterval.
	RetryFirst time.Duration
	// LoadTimeout bounds the loading of one user.
	LoadTimeout time.Duration

	// ActiveWindow is how long after its last delivery or session a user
	// counts as active. After that its indexes leave memory.
	ActiveWindow time.Duration
	// MaxLoadedUsers bounds the users whose indexes are in memory. Beyond
	// it the least recently used that have no session are unloaded; if all
	// have sessions, further users are refused with ErrUnavailable.
	MaxLoadedUsers int
	// MaxStubs bounds the users whose claim is kept, loaded or not.
	// Beyond it the least recently used that have no session are uploaded
	// and released.
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
	// QuotaBytes bounds the octets of all mails of one user; 0 means no quota.
	QuotaBytes int64
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
	// ReadParallel bounds the parallel reads of one COPY or MOVE.
	ReadParallel int
	// PrefetchMessages and PrefetchBytes bound what is read ahead of one
	// session.
	PrefetchMessages int
	PrefetchBytes    int64
	// SmallRead is the size in bytes up to which a mail is read whole,
	// whatever part of it is wanted.
	SmallRead int64
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
		UploadInterval:  5 * time.Minute,
		MaxUploads:      32,
		MaxReleases:     64,
		UploadTimeout:   2 * time.Minute,
		RetryFirst:      5 * time.Second,
		LoadTimeout:     time.Minute,
		ActiveWindow:    15 * time.Minute,
		MaxLoadedUsers:  150_000,
		MaxStubs:        1_000_000,
		MaxUserSessions: 100,
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
		MaxMailboxKeywords: 256,
		CopyMessages:       256,
		CopyBytes:          16 << 20,
		ReadParallel:       16,
		PrefetchMessages:   16,
		PrefetchBytes:      8 << 20,
		SmallRead:          1 << 20,
		WholeRead:          8 << 20,
		ReadBytes:          256 << 20,
		BodyCacheBytes:     64 << 20,
	}
}

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	d := DefaultConfig()
	fill(&c.UploadInterval, d.UploadInterval)
	fill(&c.UploadSpread, d.UploadSpread)
	fill(&c.MaxUploads, d.MaxUploads)
	fill(&c.MaxReleases, d.MaxReleases)
	fill(&c.UploadTimeout, d.UploadTimeout)
	fill(&c.RetryFirst, d.RetryFirst)
	fill(&c.LoadTimeout, d.LoadTimeout)
	fill(&c.ActiveWindow, d.ActiveWindow)
	fill(&c.MaxLoadedUsers, d.MaxLoadedUsers)
	fill(&c.MaxStubs, d.MaxStubs)
	fill(&c.MaxUserSessions, d.MaxUserSessions)
	if c.DefaultMailboxes == nil {
		c.DefaultMailboxes = d.DefaultMailboxes
	}
	fill(&c.MaxMailboxes, d.MaxMailboxes)
	fill(&c.MaxSubscriptions, d.MaxSubscriptions)
	fill(&c.MaxNameLength, d.MaxNameLength)
	fill(&c.MaxNameDepth, d.MaxNameDepth)
	fill(&c.MaxMessageSize, d.MaxMessageSize)
	fill(&c.MaxMultiAppend, d.MaxMultiAppend)
	fill(&c.MaxKeywordLength, d.MaxKeywordLength)
	fill(&c.MaxMessageKeywords, d.MaxMessageKeywords)
	fill(&c.MaxMailboxKeywords, d.MaxMailboxKeywords)
	fill(&c.CopyMessages, d.CopyMessages)
	fill(&c.CopyBytes, d.CopyBytes)
	fill(&c.ReadParallel, d.ReadParallel)
	fill(&c.PrefetchMessages, d.PrefetchMessages)
	fill(&c.PrefetchBytes, d.PrefetchBytes)
	fill(&c.ReadParallel, d.ReadParallel)
	fill(&c.SmallRead, d.SmallRead)
	fill(&c.WholeRead, d.WholeRead)
	fill(&c.ReadBytes, d.ReadBytes)
	fill(&c.BodyCacheBytes, d.BodyCacheBytes)
	return c
}

func fill[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// nameLimits are those of mailbox names.
func (c *Config) nameLimits() NameLimits {
	return NameLimits{Length: c.MaxNameLength, Depth: c.MaxNameDepth}
}

// initial are the mailboxes of a new user.
func (c *Config) initial() ([]sync.NewMailbox, error) {
	boxes := []sync.NewMailbox{{Name: Inbox, Subscribed: true}}
	names := map[string]bool{Inbox: true}
	for _, d := range c.DefaultMailboxes {
		name, err := CanonicalName(d.Name, c.nameLimits())
		if err != nil {
			return nil, fmt.Errorf("default mailbox: %w", err)
		}
		if names[name] {
			return nil, fmt.Errorf("default mailbox %q is there twice: %w", name, ErrExists)
		}
		names[name] = true
		m := sync.NewMailbox{Name: name, Subscribed: true}
		if d.SpecialUse != "" {
			use, err := CanonicalSpecialUse(d.SpecialUse)
			if err != nil {
				return nil, fmt.Errorf("default mailbox %q: %w", name, err)
			}
			m.SpecialUse = []string{use}
		}
		boxes = append(boxes, m)
	}
	return boxes, nil
}
