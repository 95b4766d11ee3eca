package sync

import (
	"sort"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mailbackend.io/backend/index"
)

func TestEscapeUser(t *testing.T) {
	for _, c := range []struct{ user, want string }{
		{"alice", "alice"},
		{"alice@example.org", "alice@example.org"},
		{"Alice", "=41lice"},
		{"..", "=2e=2e"},
		{".", "=2e"},
		{".a.b.", "=2ea.b=2e"},
		{"a/../b", "a=2f..=2fb"},
		{"a=b", "a=3db"},
		{"ä", "=c3=a4"},
		{"a\x00b", "a=00b"},
		{"a+b", "a=2bb"},
		{strings.Repeat("x", 160), strings.Repeat("x", 160)},
	} {
		got := EscapeUser(c.user)
		if got != c.want {
			t.Errorf("EscapeUser(%q) = %q, want %q", c.user, got, c.want)
		}
		if back, hashed, err := UnescapeUser(got); err != nil || hashed || back != c.user {
			t.Errorf("UnescapeUser(%q) = %q, %v, %v", got, back, hashed, err)
		}
	}
	long := EscapeUser(strings.Repeat("x", 161))
	if _, hashed, err := UnescapeUser(long); err != nil || !hashed || len(long) != 66 {
		t.Errorf("long name: %q: hashed %v, %v", long, hashed, err)
	}
	for _, bad := range []string{"", "=", "=4", "=zz", "=4A", "Alice", "a/b", "=61", ".", "=h12"} {
		if user, _, err := UnescapeUser(bad); err == nil {
			t.Errorf("UnescapeUser(%q) = %q", bad, user)
		}
	}
}

// checkSegments fails if key is not what every S3 server takes.
func checkSegments(t interface{ Fatalf(string, ...any) }, key string) {
	for segment := range strings.SplitSeq(key, "/") {
		if segment == "" || segment == "." || segment == ".." || len(segment) >= 200 ||
			segment != strings.ToLower(segment) || strings.ContainsAny(segment, "\\%+ ?#*\x00") {
			t.Fatalf("key %q: segment %q", key, segment)
		}
	}
}

func TestKeysOfTwoUsersNeverMeet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-zA-Z./=@h0-9]{1,12}`), rapid.StringMatching(`x{150,170}`))
		a, b := name.Draw(t, "a"), name.Draw(t, "b")
		if a == "" || b == "" {
			return
		}
		pa, pb := UserPrefix("p", a), UserPrefix("p", b)
		checkSegments(t, RootKey(pa))
		if (a == b) != (pa == pb) {
			t.Fatalf("users %q and %q: prefixes %q and %q", a, b, pa, pb)
		}
		if a != b && (strings.HasPrefix(pa, pb) || strings.EqualFold(pa, pb)) {
			t.Fatalf("users %q and %q: prefixes %q and %q", a, b, pa, pb)
		}
	})
}

func TestKeysListInUIDOrder(t *testing.T) {
	id := newMailboxID(index.ID{1, 2, 3})
	rapid.Check(t, func(t *rapid.T) {
		uids := rapid.SliceOfN(rapid.Uint32Range(1, index.MaxUID), 2, 20).Draw(t, "uids")
		p := UserPrefix("", "u")
		var keys []string
		for _, u := range uids {
			keys = append(keys, MailKey(p, id, u))
		}
		sort.Strings(keys)
		last := uint32(0)
		for _, k := range keys {
			checkSegments(t, k)
			parsed, err := ParseKey(p, k)
			if err != nil || parsed.Kind != KeyMail || parsed.Mailbox != id || parsed.UID < last {
				t.Fatalf("%q: %+v, %v after %d", k, parsed, err, last)
			}
			last = parsed.UID
		}
	})
}

func TestParseKey(t *testing.T) {
	p := UserPrefix("mail", "alice")
	id := newMailboxID(index.ID{9})
	name := SegmentName(7, true, index.ID{1})
	if k, err := ParseKey(p, IndexKey(p, id, name)); err != nil || k != (Key{Kind: KeySegment, Mailbox: id, Segment: name}) {
		t.Errorf("segment: %+v, %v", k, err)
	}
	if k, err := ParseKey(p, RootKey(p)); err != nil || k.Kind != KeyRoot {
		t.Errorf("root: %+v, %v", k, err)
	}
	if epoch, base, err := ParseSegmentName(name); err != nil || epoch != 7 || !base {
		t.Errorf("segment name %q: %d, %v, %v", name, epoch, base, err)
	}
	m := MailPrefix(p, id)
	for _, bad := range []string{
		"", p, p + "rootx", m, m + "1", m + "0000000000", m + "4294967295", m + "9999999999", m + "00000000001",
		m + "+000000001", m + "0000000001/x", p + "root/mail/0000000001", p + "../x/mail/0000000001",
		IndexPrefix(p, id) + "x", IndexPrefix(p, id) + strings.ToUpper(name), p + string(id) + "/other/x",
	} {
		if k, err := ParseKey(p, bad); err == nil {
			t.Errorf("ParseKey(%q) = %+v", bad, k)
		}
	}
}

func TestCheckPrefix(t *testing.T) {
	for _, ok := range []string{"", "mail", "a/b-c_1.x"} {
		if err := checkPrefix(ok); err != nil {
			t.Errorf("checkPrefix(%q): %v", ok, err)
		}
	}
	for _, bad := range []string{"/", "a/", "/a", "a//b", ".", "a/../b", "a b", "ä", "a%b", strings.Repeat("x", 200)} {
		if checkPrefix(bad) == nil {
			t.Errorf("checkPrefix(%q) passed", bad)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	p := UserPrefix("", "u")
	f.Add(p + "root")
	f.Add(MailKey(p, newMailboxID(index.ID{1}), 7))
	f.Add(IndexKey(p, newMailboxID(index.ID{1}), SegmentName(1, false, index.ID{2})))
	f.Fuzz(func(t *testing.T, key string) {
		k, err := ParseKey(p, key)
		if err != nil {
			return
		}
		var again string
		switch k.Kind {
		case KeyRoot:
			again = RootKey(p)
		case KeyMail:
			again = MailKey(p, k.Mailbox, k.UID)
		case KeySegment:
			again = IndexKey(p, k.Mailbox, k.Segment)
		}
		if again != key {
			t.Fatalf("%q became %q", key, again)
		}
	})
}

func FuzzUnescapeUser(f *testing.F) {
	f.Add("alice@example.org")
	f.Add("=41lice")
	f.Add(EscapeUser(strings.Repeat("x", 200)))
	f.Fuzz(func(t *testing.T, segment string) {
		if user, hashed, err := UnescapeUser(segment); err == nil && !hashed && EscapeUser(user) != segment {
			t.Fatalf("%q is %q, which is %q", segment, user, EscapeUser(user))
		}
	})
}
