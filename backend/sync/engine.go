package sync

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	gosync "sync"
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
	// KeepPending bounds the bytes of bodies that were read and wait to be
	// written to the cache, over all users. Negative: bodies are not put
	// into the cache.
	KeepPending int64
	// SummaryWindow is how many bytes of a summary section are read with one
	// request at the most.
	SummaryWindow int64
	// GarbageBatch is how many segments that root names no longer are
	// collected before they are deleted with one request.
	GarbageBatch int
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
		KeepPending:        32 << 20,
		SummaryWindow:      8 << 20,
		GarbageBatch:       16,
		MaxRoot:            64 << 20,
		Plan:               index.DefaultPlanLimits(),
		Message:            message.DefaultLimits(),
	}
}

// Engine loads users for one run of one pod. Safe for concurrent use.
type Engine struct {
	cfg   Config
	store objstore.Store
	cache *cache.Cache // may be nil
	clk   clock.Clock
	self  Holder
	log   *slog.Logger

	keeping pendingBytes

	randMu gosync.Mutex
	rand   io.Reader
}

// NewEngine returns an engine. c may be nil: then nothing is cached and
// nothing survives a crash of the process but what object storage has. rand
// gives random bytes (crypto/rand.Reader but in tests); it need not be safe for
// concurrent use. An error means that cfg.Prefix or self can't be used.
//
// store bounds each attempt of a request in time (objstore.Retry does): work
// in the background gives it contexts without a deadline.
func NewEngine(cfg Config, store objstore.Store, c *cache.Cache, clk clock.Clock, rand io.Reader, self Holder, log *slog.Logger) (*Engine, error) {
	if err := checkPrefix(cfg.Prefix); err != nil {
		return nil, fmt.Errorf("sync: %w", err)
	}
	if self.Pod == "" || self.Incarnation == "" || len(self.Pod) > maxHolderName || len(self.Incarnation) > maxHolderName {
		return nil, fmt.Errorf("sync: holder %q/%q: empty or too long", self.Pod, self.Incarnation)
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Engine{cfg: cfg.withDefaults(), store: store, cache: c, clk: clk, self: self, log: log, rand: rand}, nil
}

// withDefaults fills in the fields that are zero.
func (c Config) withDefaults() Config {
	d := DefaultConfig()
	c.UIDRange = cmp.Or(c.UIDRange, d.UIDRange)
	c.ModSeqRange = cmp.Or(c.ModSeqRange, d.ModSeqRange)
	c.MaxRescanMailCount = cmp.Or(c.MaxRescanMailCount, d.MaxRescanMailCount)
	c.ConfirmAge = cmp.Or(c.ConfirmAge, d.ConfirmAge)
	c.OpenRangeAge = cmp.Or(c.OpenRangeAge, d.OpenRangeAge)
	c.RelistFirst = cmp.Or(c.RelistFirst, d.RelistFirst)
	c.RetryFirst = cmp.Or(c.RetryFirst, d.RetryFirst)
	c.RetryMax = cmp.Or(c.RetryMax, d.RetryMax)
	c.MaxParallel = cmp.Or(c.MaxParallel, d.MaxParallel)
	c.MaxUnresolved = cmp.Or(c.MaxUnresolved, d.MaxUnresolved)
	c.WholeObject = cmp.Or(c.WholeObject, d.WholeObject)
	c.CacheAppended = cmp.Or(c.CacheAppended, d.CacheAppended)
	c.KeepPending = cmp.Or(c.KeepPending, d.KeepPending)
	c.SummaryWindow = cmp.Or(c.SummaryWindow, d.SummaryWindow)
	c.GarbageBatch = cmp.Or(c.GarbageBatch, d.GarbageBatch)
	c.MaxRoot = cmp.Or(c.MaxRoot, d.MaxRoot)
	c.Plan = cmp.Or(c.Plan, d.Plan)
	c.Message = cmp.Or(c.Message, d.Message)
	return c
}

// newID makes a random id.
func (e *Engine) newID() index.ID {
	var id index.ID
	e.randMu.Lock()
	defer e.randMu.Unlock()
	if _, err := io.ReadFull(e.rand, id[:]); err != nil {
		// Ids that might repeat are worse than none: a GUID tells one's
		// own mail from another's.
		panic("sync: no random bytes: " + err.Error())
	}
	return id
}

// backoff is the pause before attempt n (from 1 on) of something that is
// repeated until it is settled: doubling, with up to a half taken off at random.
func (e *Engine) backoff(n int) time.Duration {
	d := e.cfg.RetryFirst
	for ; n > 1 && d < e.cfg.RetryMax; n-- {
		d *= 2
	}
	d = min(d, e.cfg.RetryMax)
	id := e.newID()
	return d - time.Duration(uint64(d)/2*uint64(id[0])/256)
}

// unixNow is the time in seconds since 1970.
func (e *Engine) unixNow() int64 { return e.clk.Now().Unix() }
