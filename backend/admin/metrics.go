package admin

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"mailbackend.io/backend/cache"
	"mailbackend.io/backend/mailstore"
	"mailbackend.io/backend/objstore"
)

// Sources are the snapshots that metrics are made of. All are called at each
// scrape, from any goroutine.
type Sources struct {
	Requests func() objstore.Stats
	Users    func() mailstore.Stats
	Cache    func() cache.Usage
}

// newRegistry defines every metric.
func newRegistry(src Sources) *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	reg.MustRegister(&requests{src.Requests})
	gauge := func(name, help string, value func() float64) {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "mailbackend_" + name, Help: help}, value))
	}
	users := func(f func(mailstore.Stats) int) func() float64 {
		return func() float64 { return float64(f(src.Users())) }
	}
	gauge("users_active", "Users with mail received or a session within the active window.", users(func(s mailstore.Stats) int { return s.Active }))
	gauge("users_loaded", "Users whose indexes are in memory.", users(func(s mailstore.Stats) int { return s.Loaded }))
	gauge("users_claimed", "Users whose claim is held, with or without indexes in memory.", users(func(s mailstore.Stats) int { return s.Users }))
	gauge("users_dirty", "Users with changes that are not uploaded yet.", users(func(s mailstore.Stats) int { return s.Dirty }))
	gauge("users_uploading", "Users that are being uploaded.", users(func(s mailstore.Stats) int { return s.Uploading }))
	gauge("uploads_queued", "Users whose upload is due and waits for a turn.", users(func(s mailstore.Stats) int { return s.Queued }))
	gauge("body_cache_bytes", "Memory held by recently read mails.", func() float64 { return float64(src.Users().BodyCacheBytes) })
	gauge("sessions", "Open sessions.", users(func(s mailstore.Stats) int { return s.Sessions }))
	gauge("oldest_dirty_timestamp_seconds", "Time of the oldest change that is not uploaded yet, 0 if there is none.", func() float64 {
		if t := src.Users().OldestDirty; !t.IsZero() {
			return float64(t.UnixMilli()) / 1e3
		}
		return 0
	})
	gauge("cache_bytes", "Bytes in the local cache.", func() float64 { return float64(src.Cache().Bytes) })
	gauge("cache_budget_bytes", "Bytes that the local cache may take.", func() float64 { return float64(src.Cache().Budget) })
	return reg
}

// requests makes counters of the object store's statistics.
type requests struct{ stats func() objstore.Stats }

var (
	requestsTotal = prometheus.NewDesc("mailbackend_objstore_requests_total", "Requests to the object store.", []string{"kind"}, nil)
	bytesTotal    = prometheus.NewDesc("mailbackend_objstore_bytes_total", "Bytes of objects read from or sent to the object store.", []string{"kind"}, nil)
	failuresTotal = prometheus.NewDesc("mailbackend_objstore_failures_total", "Requests to the object store without the answer that was hoped for.", []string{"kind", "reason"}, nil)
	inFlight      = prometheus.NewDesc("mailbackend_objstore_requests_in_flight", "Requests to the object store that are under way.", []string{"kind"}, nil)
)

// Describe implements prometheus.Collector.
func (r *requests) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{requestsTotal, bytesTotal, failuresTotal, inFlight} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (r *requests) Collect(ch chan<- prometheus.Metric) {
	counter := func(d *prometheus.Desc, v int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	for op, s := range r.stats() {
		kind := objstore.Op(op).String()
		counter(requestsTotal, s.Requests, kind)
		counter(bytesTotal, s.Bytes, kind)
		counter(failuresTotal, s.Precondition, kind, "precondition")
		counter(failuresTotal, s.Throttled, kind, "throttled")
		counter(failuresTotal, s.Unknown, kind, "unknown")
		counter(failuresTotal, s.Failed, kind, "failed")
		ch <- prometheus.MustNewConstMetric(inFlight, prometheus.GaugeValue, float64(s.InFlight), kind)
	}
}
