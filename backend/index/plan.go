package index

// PlanLimits are the bounds that PlanUpload keeps.
type PlanLimits struct {
	MaxLogs      int   // log segments beside the base; default 4
	FoldFraction int   // fold when the logs exceed 1/FoldFraction of the base; default 4
	SmallBase    int64 // a base whose records section is not larger is always rewritten; default 32 KiB
	MaxCold      int   // segments referenced for ids and summaries; default 32
	MinColdMerge int   // segments merged at a time, at least; default 9
	MaxColdBytes int64 // a segment with more bytes of ids and summaries is never merged; default 64 MiB
}

// DefaultPlanLimits are the defaults.
func DefaultPlanLimits() PlanLimits {
	return PlanLimits{MaxLogs: 4, FoldFraction: 4, SmallBase: 32 << 10, MaxCold: 32, MinColdMerge: 9, MaxColdBytes: 64 << 20}
}

// Upload is the situation that PlanUpload judges.
type Upload struct {
	// Segments as root names them, oldest first.
	Segments []SegmentInfo
	// Ops is how many ops are to be uploaded.
	Ops int
	// View is the mailbox with those ops applied; nil if its base is not
	// loaded (deliveries only).
	View *View
	// Local reports whether a segment's hot sections (cold: its ids and
	// summaries) can be had without a request. nil: none.
	Local  func(s SegmentInfo, cold bool) bool
	Limits PlanLimits
}

// Plan says what the one new segment object holds and what root names
// afterwards. Numbers are positions in Upload.Segments, ascending.
type Plan struct {
	// Base: the new segment is a base made of the View (Segment.View), and no
	// older records are needed any more. Else it is a log.
	Base bool
	// Depth is the new segment's Segment.Depth.
	Depth uint8
	// MergeLogs are the logs whose ops go in front of the new ones in the
	// new log.
	MergeLogs []int
	// MergeCold are the segments whose ids and summaries go into the new
	// segment (Segment.Merge).
	MergeCold []int
	// DropCold are segments whose ids and summaries belong to no message
	// any more.
	DropCold []int
	// FetchLogs and FetchCold are those of MergeLogs and MergeCold that
	// are not local and must be read first.
	FetchLogs, FetchCold []int
	// Reason says why, for logs and people.
	Reason string
}

// PlanUpload decides. It keeps the number of segments with records at one base
// and MaxLogs logs, the number of segments with ids and summaries at about
// MaxCold, and the bytes rewritten for it bounded (docs/formats-index.md).
func PlanUpload(u Upload) Plan { panic("index: not yet") }

// Result is the list of segments that root names once the new segment is
// committed, and the names of those it names no longer: garbage after the
// commit.
func (p Plan) Result(old []SegmentInfo, new SegmentInfo) (segments []SegmentInfo, garbage []string) {
	panic("index: not yet")
}
