package contract

import (
	"fmt"
	"slices"

	"mailbackend.io/backend/objstore"
)

func listEmpty(t *suite) {
	for _, prefix := range []string{"", "a/", "a/b/c/"} {
		keys, more := t.list(prefix, "", 0)
		if len(keys) != 0 || more {
			t.Fatalf("LIST %q of the empty store: %q, more %v", prefix, keys, more)
		}
	}
	t.create("a/x", nil)
	t.ok(t.s.Delete(t.ctx, []string{"a/x"}))
	keys, more := t.list("a/", "", 0)
	if len(keys) != 0 || more {
		t.Fatalf("LIST of the emptied directory: %q, more %v", keys, more)
	}
}

func listOrder(t *suite) {
	// Put in another order than that of the bytes.
	names := []string{"m/b", "m/a", "m/a-", "m/a.", "m/a0", "m/é", "m/z", "m/Z", "m/~", "m/00000000ff", "m/0000000100", "m/00"}
	for i, n := range names {
		t.create(n, noise(1, i))
	}
	page, err := t.s.List(t.ctx, "m/", "", 0)
	t.ok(err)
	var keys []string
	for _, o := range page.Objects {
		keys = append(keys, o.Key)
		if want := int64(slices.Index(names, o.Key)); o.Size != want {
			t.Fatalf("LIST: %q has size %d, want %d", o.Key, o.Size, want)
		}
		if o.Modified.IsZero() {
			t.Fatalf("LIST: %q has no time", o.Key)
		}
	}
	slices.Sort(names)
	t.same("LIST", keys, names)
	if page.More {
		t.Fatal("LIST of everything says there is more")
	}
}

func listStartAfter(t *suite) {
	var all []string
	for i := 2; i <= 40; i += 2 {
		k := fmt.Sprintf("u/mail/%04d", i)
		all = append(all, k)
		t.create(k, nil)
	}
	t.create("u/root", nil)
	t.create("t/mail/0003", nil)
	for i := range 43 {
		after := fmt.Sprintf("u/mail/%04d", i)
		keys, _ := t.list("u/mail/", after, 0)
		at, found := slices.BinarySearch(all, after)
		if found {
			at++
		}
		t.same("LIST after "+after, keys, append([]string(nil), all[at:]...))
	}
	for after, want := range map[string][]string{"": all, "a": all, "u/mai": all, "u/mail/": all, "u/mailx": nil, "u/n": nil, "z": nil} {
		keys, _ := t.list("u/mail/", after, 0)
		t.same("LIST after "+after, keys, want)
	}
}

func listPages(t *suite) {
	var all []string
	for i := range 25 {
		all = append(all, fmt.Sprintf("p/%02d", i))
		t.create(all[i], nil)
	}
	for _, limit := range []int{1, 2, 7, 24, 25, 26, 1000, 0, -1, 5000} {
		var got []string
		after := ""
		for n := 0; ; n++ {
			keys, more := t.list("p/", after, limit)
			if limit > 0 && len(keys) > limit {
				t.Fatalf("LIST with limit %d gives %d keys", limit, len(keys))
			}
			got = append(got, keys...)
			if !more {
				break
			}
			if len(keys) == 0 || n > len(all) {
				t.Fatalf("LIST with limit %d says there is more but gives none", limit)
			}
			after = keys[len(keys)-1]
		}
		t.same(fmt.Sprintf("pages of %d", limit), got, all)
	}
}

func listPrefix(t *suite) {
	for _, k := range []string{"a/1", "a-/1", "a0/1", "ab/1", "b/a/1", "b/aa/1", "a1"} {
		t.create(k, nil)
	}
	for prefix, want := range map[string][]string{
		"a/": {"a/1"}, "ab/": {"ab/1"}, "b/": {"b/a/1", "b/aa/1"}, "b/a/": {"b/a/1"}, "c/": nil, "a1/": nil, "a/1/": nil,
	} {
		keys, _ := t.list(prefix, "", 0)
		slices.Sort(keys) // the order across directories is not promised
		t.same("LIST "+prefix, keys, want)
	}
}

// listNested: everything below a prefix is there, once, whatever the depth and
// the size of the pages. The order of keys in different directories is not
// relied upon, and so not tested.
func listNested(t *suite) {
	want := map[string]bool{}
	for _, u := range []string{"00/ann", "00/ann.b", "00/ann-c", "ff/zoe"} {
		for _, k := range []string{"/root", "/m1/mail/0001", "/m1/mail/0002", "/m1/index/x", "/m2/mail/0001"} {
			want["p/"+u+k] = true
			t.create("p/"+u+k, nil)
		}
	}
	keys, _ := t.list("p/", "", 0)
	seen := map[string]bool{}
	for _, k := range keys {
		if !want[k] || seen[k] {
			t.Fatalf("LIST: %q is unknown or twice there", k)
		}
		seen[k] = true
	}
	if len(seen) != len(want) {
		t.Fatalf("LIST gives %d keys, want %d", len(seen), len(want))
	}
	keys, _ = t.list("p/00/ann/", "", objstore.MaxList)
	if len(keys) != 5 {
		t.Fatalf("LIST of one user gives %q", keys)
	}
}
