package objstore_test

import (
	"errors"
	"strings"
	"testing"

	"mailbackend.io/backend/objstore"
)

func TestCheckKey(t *testing.T) {
	for key, good := range map[string]bool{
		"a": true, "a/b": true, "a/.b": true, "a..": true, "..a/b": false, ".a": false, "ä/é": true, "a b": true,
		strings.Repeat("x", 200): true, strings.Repeat("x", 201): false, strings.Repeat(strings.Repeat("x", 127)+"/", 8)[:1023]: true,
		strings.Repeat(strings.Repeat("x", 127)+"/", 9)[:1025]: false,
		"": false, "/": false, "a/": false, "/a": false, "a//b": false, "a/./b": false, "a/..": false, "..": false,
		"a\x00": false, "a\n": false, "a\x7f": false, "a\xff": false,
	} {
		if err := objstore.CheckKey(key); (err == nil) != good || err != nil && !errors.Is(err, objstore.ErrBadKey) {
			t.Errorf("CheckKey(%.40q) = %v, want good: %v", key, err, good)
		}
	}
	for prefix, good := range map[string]bool{"": true, "a/": true, "a/b/": true, "/": false, "a": false, "a//": false, "../": false, ".a/": false} {
		if err := objstore.CheckPrefix(prefix); (err == nil) != good || err != nil && !errors.Is(err, objstore.ErrBadKey) {
			t.Errorf("CheckPrefix(%q) = %v, want good: %v", prefix, err, good)
		}
	}
	key := "pre/00/user/0123456789/mail/0000000001"
	if n := testing.AllocsPerRun(100, func() { _ = objstore.CheckKey(key) }); n != 0 {
		t.Errorf("CheckKey allocates %v times", n)
	}
}

// FuzzCheckKey: what is taken has only segments that are safe as file names.
func FuzzCheckKey(f *testing.F) {
	for _, s := range []string{"a/b", "../x", "a//b", "\x00", "é/.x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if objstore.CheckKey(key) != nil {
			return
		}
		if len(key) > objstore.MaxKey || key[0] == '.' || strings.ContainsRune(key, 0) {
			t.Fatalf("%q was taken", key)
		}
		for _, seg := range strings.Split(key, "/") {
			if seg == "" || seg == "." || seg == ".." || len(seg) > objstore.MaxSegment {
				t.Fatalf("%q was taken", key)
			}
		}
	})
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		err, is error
		want    bool
	}{
		{objstore.ErrUnknownOutcome, objstore.ErrUnavailable, true},
		{objstore.ErrThrottled, objstore.ErrUnavailable, true},
		{objstore.ErrUnavailable, objstore.ErrUnknownOutcome, false},
		{objstore.ErrPrecondition, objstore.ErrUnavailable, false},
		{objstore.Fail(objstore.OpGet, "k", nil, objstore.ErrThrottled, errors.New("x")), objstore.ErrUnavailable, true},
		{objstore.Fail(objstore.OpGet, "k", errors.New("x"), objstore.ErrNotFound), objstore.ErrNotFound, true},
	} {
		if errors.Is(c.err, c.is) != c.want {
			t.Errorf("%v is %v: want %v", c.err, c.is, c.want)
		}
	}
	if err := objstore.Fail(objstore.OpGet, "k", nil, nil); err != nil {
		t.Errorf("Fail without a reason: %v", err)
	}
	got := objstore.Fail(objstore.OpPutIfMatch, "a\nb", objstore.ErrThrottled, errors.New("503")).Error()
	if want := `object store: PUT-if-match "a\nb": object store asks to slow down: 503`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
