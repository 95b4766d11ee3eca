package index

import (
	"cmp"
	"fmt"
	"slices"
)

// PlanLimits are the bounds that PlanUpload keeps. Zero values mean the
// defaults.
type PlanLimits struct {
	MaxLogs      int   // log segments beside the base; default 4
	FoldFraction int   // fold when the logs exceed 1/FoldFraction of the base; default 4
	SmallBase    int64 // a base whose records section is not larger is always rewritten; default 32 KiB
	MaxCold      int   // segments referenced for ids and summaries; default 32
	MinColdMerge int   // of those, merged at a time at least; default 9
	MaxColdBytes int64 // ids and summaries merged at a time at most; larger segments never; default 64 MiB
}

// DefaultPlanLimits are the defaults.
func DefaultPlanLimits() PlanLimits {
	return PlanLimits{MaxLogs: 4, FoldFraction: 4, SmallBase: 32 << 10, MaxCold: 32, MinColdMerge: 9, MaxColdBytes: 64 << 20}
}

func (l PlanLimits) withDefaults() PlanLimits {
	d := DefaultPlanLimits()
	l.MaxLogs = cmp.Or(max(l.MaxLogs, 0), d.MaxLogs)
	l.FoldFraction = cmp.Or(max(l.FoldFraction, 0), d.FoldFraction)
	l.SmallBase = cmp.Or(max(l.SmallBase, 0), d.SmallBase)
	l.MaxCold = cmp.Or(max(l.MaxCold, 0), d.MaxCold)
	l.MinColdMerge = max(cmp.Or(max(l.MinColdMerge, 0), d.MinColdMerge), 2)
	l.MaxColdBytes = cmp.Or(max(l.MaxColdBytes, 0), d.MaxColdBytes)
	return l
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
	Local  func(s *SegmentInfo, cold bool) bool
	Limits PlanLimits
}

// Plan says what the one new segment object holds and what root names
// afterwards. Numbers are positions in Upload.Segments, ascending.
type Plan struct {
	// Base: the new segment is a base made of the View (Segment.Base), and
	// no older records are needed any more. Else it is a log.
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
// MaxCold, and the bytes rewritten for it bounded:
//
//   - A loaded mailbox whose base is small, or whose logs reached a fraction of
//     it, gets a new base: each record of the base is rewritten once per that
//     fraction of changes.
//   - Else the ops become a new log. If there are MaxLogs already, the newest of
//     them join it: those that were rewritten least often (Depth), which is the
//     least work there is for so few logs: n uploads rewrite no op more than d
//     times, n = (d+4 choose 4), d = 13 for 2,380 uploads.
//   - Ids and summaries are merged when more than MaxCold segments have some:
//     the smallest ones, and those of about the same size.
func PlanUpload(u Upload) Plan {
	u.Limits = u.Limits.withDefaults()
	if u.Local == nil {
		u.Local = func(*SegmentInfo, bool) bool { return false }
	}
	var p Plan
	u.planRecords(&p)
	u.planCold(&p)
	return p
}

// planRecords chooses between a base and a log.
func (u *Upload) planRecords(p *Plan) {
	base, logs, ops := -1, []int{}, u.Ops
	for i := range u.Segments {
		switch s := &u.Segments[i]; {
		case !s.HasRecords():
		case s.Base:
			base = i
		default:
			logs = append(logs, i)
			ops += s.RecordCount
		}
	}
	if u.View != nil {
		if p.Reason = u.foldReason(base, ops); p.Reason != "" {
			p.Base = true
			return
		}
	}
	if len(logs) < u.Limits.MaxLogs {
		p.Reason = fmt.Sprintf("log %d of %d", len(logs)+1, u.Limits.MaxLogs)
		return
	}
	// Invariant: from the oldest to the newest log, Depth doesn't rise.
	newest := u.Segments[logs[len(logs)-1]].Depth
	first := len(logs)
	for first > 0 && (u.Segments[logs[first-1]].Depth <= newest || first+1 > u.Limits.MaxLogs) {
		first--
	}
	p.MergeLogs = logs[first:]
	for _, i := range p.MergeLogs {
		p.Depth = max(p.Depth, u.Segments[i].Depth)
		if !u.Local(&u.Segments[i], false) {
			p.FetchLogs = append(p.FetchLogs, i)
		}
	}
	p.Depth = min(p.Depth, 254) + 1
	p.Reason = fmt.Sprintf("%d logs joined, %d stay", len(p.MergeLogs), first)
}

func (u *Upload) foldReason(base, ops int) string {
	switch {
	case base < 0:
		return "no base yet"
	case u.Segments[base].Records.Length <= u.Limits.SmallBase:
		return fmt.Sprintf("base of %d bytes is small", u.Segments[base].Records.Length)
	case ops >= u.Segments[base].RecordCount/u.Limits.FoldFraction:
		return fmt.Sprintf("%d ops reached 1/%d of the base's %d messages", ops, u.Limits.FoldFraction, u.Segments[base].RecordCount)
	}
	return ""
}

// planCold decides about ids and summaries.
func (u *Upload) planCold(p *Plan) {
	var candidates []int
	total, dead := 1, int64(0) // the new segment has some, too
	var all int64
	for i := range u.Segments {
		s := &u.Segments[i]
		if !s.HasCold() {
			continue
		}
		live := u.live(s)
		if live == 0 {
			p.DropCold = append(p.DropCold, i)
			continue
		}
		total++
		all += s.coldSize()
		dead += s.coldSize() * int64(s.ColdCount-live) / int64(max(s.ColdCount, 1))
		if s.coldSize() <= u.Limits.MaxColdBytes {
			candidates = append(candidates, i)
		}
	}
	if len(p.DropCold) > 0 {
		p.Reason += fmt.Sprintf("; ids and summaries of %d segments are of expunged mails only", len(p.DropCold))
	}
	switch {
	case total > u.Limits.MaxCold:
		u.mergeSmallest(p, candidates)
	case dead > all/2 && dead > u.Limits.SmallBase:
		u.mergeThinned(p, candidates)
	}
	slices.Sort(p.MergeCold)
	for _, i := range p.MergeCold {
		if !u.Local(&u.Segments[i], true) {
			p.FetchCold = append(p.FetchCold, i)
		}
	}
}

// live is how many messages of the segment's ids and summaries are still
// there, at most.
func (u *Upload) live(s *SegmentInfo) int {
	if u.View == nil || s.FirstUID == 0 {
		return s.ColdCount
	}
	return min(s.ColdCount, u.View.Search(s.LastUID+1)-u.View.Search(s.FirstUID))
}

// mergeSmallest takes the MinColdMerge smallest candidates and those that are
// not much larger. So sizes spread over tiers, and each summary is rewritten
// once per tier. Without the mailbox loaded, local ones are preferred.
func (u *Upload) mergeSmallest(p *Plan, candidates []int) {
	if u.View == nil {
		local := slices.DeleteFunc(slices.Clone(candidates), func(i int) bool { return !u.Local(&u.Segments[i], true) })
		if len(local) >= u.Limits.MinColdMerge {
			candidates = local
		}
	}
	slices.SortStableFunc(candidates, func(a, b int) int {
		return cmp.Compare(u.Segments[a].coldSize(), u.Segments[b].coldSize())
	})
	sum := int64(0)
	for n, i := range candidates {
		size := u.Segments[i].coldSize()
		if n >= 2 && sum+size > u.Limits.MaxColdBytes || n >= u.Limits.MinColdMerge && size > 2*sum/int64(n) {
			break
		}
		sum += size
		p.MergeCold = append(p.MergeCold, i)
	}
	p.Reason += fmt.Sprintf("; ids and summaries of %d segments merged", len(p.MergeCold))
}

// mergeThinned takes the segments of which more than half is dead.
func (u *Upload) mergeThinned(p *Plan, candidates []int) {
	sum := int64(0)
	for _, i := range candidates {
		s := &u.Segments[i]
		if 2*u.live(s) < s.ColdCount && sum+s.coldSize() <= u.Limits.MaxColdBytes {
			sum += s.coldSize()
			p.MergeCold = append(p.MergeCold, i)
		}
	}
	p.Reason += fmt.Sprintf("; ids and summaries of %d segments, more than half of expunged mails, merged", len(p.MergeCold))
}

// Result is the list of segments that root names once the new segment is
// committed, and the names of those it names no longer: garbage after the
// commit.
func (p *Plan) Result(old []SegmentInfo, new SegmentInfo) (segments []SegmentInfo, garbage []string) {
	for i, s := range old {
		if p.Base || slices.Contains(p.MergeLogs, i) {
			s.Records = Section{}
		}
		if slices.Contains(p.MergeCold, i) || slices.Contains(p.DropCold, i) {
			s.IDs, s.Summaries = Section{}, Section{}
		}
		if !s.HasRecords() && !s.HasCold() {
			garbage = append(garbage, s.Name)
			continue
		}
		segments = append(segments, s)
	}
	return append(segments, new), garbage
}

// Foreign chooses, from the directories that the caller knows by segment name,
// those that the new segment repeats (Segment.Foreign): of segments that keep
// ids and summaries but have no records, so that nobody opens them. A log
// without MergeLogs repeats none: the segments that did are all still opened.
func (p *Plan) Foreign(old []SegmentInfo, known map[string]Directory) map[string]Directory {
	if !p.Base && len(p.MergeLogs) == 0 {
		return nil
	}
	foreign := map[string]Directory{}
	segments, _ := p.Result(old, SegmentInfo{})
	for i := range segments {
		s := &segments[i]
		if d, ok := known[s.Name]; ok && s.HasCold() && !s.HasRecords() {
			foreign[s.Name] = d
		}
	}
	return foreign
}
