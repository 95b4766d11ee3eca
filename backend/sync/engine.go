package sync

import (
	"context"
	"io"
	"log/slog"
	"time"

	"mailbackend.io/backend/cache"
	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/index"
	"mailbackend.io/backend/message"
	"mailbackend.io/backend/objstore"
)

// Holder is one run of one pod. The zero Holder is nobody: a released user.
type Holder struct{ Pod, Incarnation string }

// Config are the limits and intervals of an Engine. The zero value of a field
// means its default (see DefaultConfig), except for Prefix.
type Config struct {
	// Prefix of all keys, without slashes at its ends. May be empty.
	Prefix string
	// UIDRange and ModSeqRange are how many UIDs and modseqs of each mailbox
	// a claim reserves, and each commit tops up to.
	UIDRange    uint32
	ModSeqRange uint64
	// MaxRescanMailCount is the number of mails stored into one folder after
	// which its index is due for upload though nothing else has changed.
	MaxRescanMailCount int
	// ConfirmAge: if the last confirmed commit is older, root is read beside
	// the PUT of a mail before that is acknowledged.
	ConfirmAge time.Duration
	// OpenRangeAge is how long open ranges are looked at for late mail.
	OpenRangeAge time.Duration
	// RelistFirst is the first interval at which open ranges are listed
	// again; it doubles each time.
	RelistFirst time.Duration
	// RetryFirst and RetryMax bound the doubling pause between attempts to
	// settle a write whose outcome is unknown.
	RetryFirst, RetryMax time.Duration
	// MaxParallel bounds the parallel requests of one operation.
	MaxParallel int
	// MaxUnresolved bounds the mails of one account whose outcome is unknown.
	// Beyond it further ones are refused at once.
	MaxUnresolved int
	// WholeObject is the size in bytes up to which a mail object is read and
	// cached whole.
	WholeObject int64
	// CacheAppended is the size in bytes up to which a mail stored into an
	// open folder is put into the cache beside.
	CacheAppended int64
	// MaxRoot bounds the decoded size of root in bytes.
	MaxRoot int
	// Plan bounds the segments of one mailbox.
	Plan index.PlanLimits
	// Message are the limits for mails that sync has to parse itself.
	Message message.Limits
}

// DefaultConfig are the defaults.
func DefaultConfig() Config {
	return Config{
		UIDRange:           64,
		ModSeqRange:        1 << 20,
		MaxRescanMailCount: 10,
		ConfirmAge:         15 * time.Minute,
		OpenRangeAge:       24 * time.Hour,
		RelistFirst:        time.Minute,
		RetryFirst:         250 * time.Millisecond,
		RetryMax:           30 * time.Second,
		MaxParallel:        16,
		MaxUnresolved:      64,
		WholeObject:        1 << 20,
		CacheAppended:      256 << 10,
		MaxRoot:            64 << 20,
		Plan:               index.DefaultPlanLimits(),
		Message:            message.DefaultLimits(),
	}
}

// Engine loads users for one run of one pod. Safe for concurrent use.
type Engine struct{}

// NewEngine returns an engine. c may be nil: then nothing is cached and
// nothing survives a crash of the process but what object storage has. rand
// gives random bytes (crypto/rand.Reader but in tests); it need not be safe for
// concurrent use. An error means that cfg.Prefix or self can't be used.
func NewEngine(cfg Config, store objstore.Store, c *cache.Cache, clk clock.Clock, rand io.Reader, self Holder, log *slog.Logger) (*Engine, error) {
	panic("sync: NewEngine")
}

// LoadOptions say what a Load is for.
type LoadOptions struct {
	// Initial are the mailboxes that a user has from the first contact on.
	Initial []NewMailbox
	// Open names mailboxes whose index will be read: their segments are
	// fetched beside the claim, so that a following Folder.Open costs no
	// further round. Unknown names are ignored.
	Open []string
	// Scan names mailboxes that mail will be delivered to: they are listed
	// beside the claim (after it, if the last holder did not release).
	Scan []string
	// OnDue, if set, is called without locks when deliveries alone made an
	// upload due (Account.Due). It must not block.
	OnDue func(*Account)
}

// Load claims the user and returns the account, which this engine alone may
// change until it ends. It takes the user over from whoever has it: routing
// decides before. The caller makes sure that an engine has one account per
// user: a second Load overtakes the first. user must not be empty.
//
// Errors: ErrUnavailable, ErrRootCorrupt, ErrRootLost, or of ctx.
func (e *Engine) Load(ctx context.Context, user string, o LoadOptions) (*Account, error) {
	panic("sync: Load")
}
