package mailstore

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/uidset"
)

// flagState is one message as the model knows it.
type flagState struct {
	flags    index.Flags
	keywords []string // folded, sorted
	modseq   uint64
}

func plan(t interface{ Fatal(...any) }, m *index.Mailbox, c FlagChange, cfg Config, limit int) (FlagResult, []index.Op, error) {
	w := flagWork{change: c, cfg: &cfg, todo: c.UIDs.Clone(), limit: limit}
	var err error
	if w.flags, w.keywords, err = parseFlags(c.Flags, &cfg); err != nil {
		return FlagResult{}, nil, err
	}
	var all []index.Op
	for first := true; first || !w.todo.Empty(); first = false {
		seq := m.View().HighestModSeq()
		if err := w.fits(m.View(), first); err != nil {
			return FlagResult{}, nil, err
		}
		ops, err := w.plan(m.View(), func() uint64 { seq++; return seq })
		if err != nil {
			return FlagResult{}, nil, err
		}
		if err := m.Apply(ops...); err != nil {
			t.Fatal(err)
		}
		all = append(all, ops...)
		w.finish()
	}
	return w.result, all, nil
}

func mailboxOf(t interface{ Fatal(...any) }, uids ...uint32) *index.Mailbox {
	m := index.NewMailbox()
	for i, uid := range uids {
		if err := m.Apply(index.Op{Kind: index.OpAppend, ModSeq: uint64(i + 1), UID: uid, Size: 1}); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// TestFlagsAgainstModel compares every mode with a model that works message by
// message.
func TestFlagsAgainstModel(t *testing.T) {
	cfg := DefaultConfig()
	rapid.Check(t, func(t *rapid.T) {
		uids := rapid.SliceOfNDistinct(rapid.Uint32Range(1, 12), 0, 8, rapid.ID[uint32]).Draw(t, "uids")
		slices.Sort(uids)
		m := mailboxOf(t, uids...)
		model := map[uint32]flagState{}
		for i, uid := range uids {
			model[uid] = flagState{modseq: uint64(i + 1)}
		}
		limit := rapid.IntRange(1, 4).Draw(t, "limit")
		for range rapid.IntRange(1, 6).Draw(t, "changes") {
			c := FlagChange{
				UIDs:              uidset.Of(rapid.SliceOfN(rapid.Uint32Range(1, 14), 0, 8).Draw(t, "of")...),
				Mode:              FlagMode(rapid.IntRange(0, 2).Draw(t, "mode")),
				Flags:             rapid.SliceOfN(rapid.SampledFrom([]string{`\Seen`, `\Deleted`, "a", "A", "b", "c"}), 0, 4).Draw(t, "flags"),
				HasUnchangedSince: rapid.Bool().Draw(t, "conditional"),
				UnchangedSince:    rapid.Uint64Range(0, 20).Draw(t, "since"),
			}
			res, ops, err := plan(t, m, c, cfg, limit)
			if err != nil {
				t.Fatal(err)
			}
			checkAgainstModel(t, m.View(), model, c, res, ops, cfg)
		}
	})
}

func checkAgainstModel(t *rapid.T, v *index.View, model map[uint32]flagState, c FlagChange, res FlagResult, ops []index.Op, cfg Config) {
	given, keywords, _ := parseFlags(c.Flags, &cfg)
	for uid := range c.UIDs.All() {
		old, there := model[uid]
		if !there {
			if uid < v.UIDNext() && !res.Missing.Contains(uid) {
				t.Fatalf("%d is not among the missing %v", uid, res.Missing)
			}
			continue
		}
		if c.HasUnchangedSince && old.modseq > c.UnchangedSince {
			if !res.Modified.Contains(uid) {
				t.Fatalf("%d of modseq %d is not among the modified %v", uid, old.modseq, res.Modified)
			}
			continue
		}
		now := flagState{flags: old.flags, keywords: slices.Clone(old.keywords), modseq: old.modseq}
		switch c.Mode {
		case AddFlags:
			now.flags |= given
		case RemoveFlags:
			now.flags &^= given
		case ReplaceFlags:
			now.flags, now.keywords = given, nil
		}
		for _, k := range keywords {
			k = strings.ToLower(k)
			now.keywords = slices.DeleteFunc(now.keywords, func(o string) bool { return o == k })
			if c.Mode != RemoveFlags {
				now.keywords = append(now.keywords, k)
			}
		}
		slices.Sort(now.keywords)
		changed := now.flags != old.flags || !slices.Equal(now.keywords, old.keywords)
		if changed != res.Changed.Contains(uid) {
			t.Fatalf("%d changed: %v, told %v", uid, changed, res.Changed)
		}
		i, _ := v.Find(uid)
		now.modseq = v.At(i).ModSeq
		if changed != (now.modseq > old.modseq) {
			t.Fatalf("%d changed: %v, modseq %d to %d", uid, changed, old.modseq, now.modseq)
		}
		model[uid] = now
	}
	for uid, want := range model {
		i, ok := v.Find(uid)
		if !ok {
			t.Fatalf("%d is gone", uid)
		}
		rec := v.At(i)
		var have []string
		for _, k := range v.Keywords(rec.Keywords) {
			have = append(have, strings.ToLower(k))
		}
		slices.Sort(have)
		if rec.Flags != want.flags || rec.ModSeq != want.modseq || !slices.Equal(have, want.keywords) {
			t.Fatalf("%d is %+v %q, want %+v", uid, rec, have, want)
		}
	}
	if uint64(len(ops)) != res.Changed.Len() {
		t.Fatalf("%d ops for %v", len(ops), res.Changed)
	}
}

func TestFlagLimits(t *testing.T) {
	cfg := DefaultConfig()
	cfg.MaxMessageKeywords, cfg.MaxMailboxKeywords = 3, 5
	m := mailboxOf(t, 1, 2)
	store := func(uid uint32, mode FlagMode, flags string) error {
		t.Helper()
		before := m.View()
		_, _, err := plan(t, m, FlagChange{UIDs: uidset.Of(uid), Mode: mode, Flags: strings.Fields(flags)}, cfg, 1)
		if err != nil && m.View() != before {
			t.Errorf("%s: failed and changed something", flags)
		}
		return err
	}
	for _, c := range []struct {
		uid   uint32
		mode  FlagMode
		flags string
		err   error
	}{
		{1, AddFlags, "a b", nil},
		{1, AddFlags, "c d", ErrLimit}, // four on one message
		{1, AddFlags, "C", nil},
		{1, AddFlags, "c A", nil},
		{2, ReplaceFlags, "d e f", ErrLimit}, // six in the mailbox
		{2, ReplaceFlags, "d e", nil},
		{2, RemoveFlags, "x y z", nil}, // removing what isn't there adds nothing
		{2, AddFlags, "a", nil},
		{2, AddFlags, "b", ErrLimit},
	} {
		if err := store(c.uid, c.mode, c.flags); !errors.Is(err, c.err) {
			t.Errorf("mode %d of %s on %d: %v, want %v", c.mode, c.flags, c.uid, err, c.err)
		}
	}
}

// TestFlagsOfWholeMailbox: a set that no one can enumerate costs no more than
// the mailbox has.
func TestFlagsOfWholeMailbox(t *testing.T) {
	m := mailboxOf(t, 3, 5, 9)
	all := uidset.OfRanges(uidset.Range{First: 1, Last: 1<<32 - 1})
	res, ops, err := plan(t, m, FlagChange{UIDs: all, Mode: AddFlags, Flags: []string{`\Seen`}}, DefaultConfig(), storeBatch)
	if err != nil || len(ops) != 3 {
		t.Fatalf("%d ops, %v", len(ops), err)
	}
	if got := fmt.Sprint(res.Changed, " ", res.Missing); got != "3,5,9 1:2,4,6:8" {
		t.Errorf("changed and missing: %s", got)
	}
}
