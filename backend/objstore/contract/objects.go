package contract

import (
	"context"
	"fmt"
	"strings"

	"mailbackend.io/backend/objstore"
)

func missing(t *suite) {
	for _, key := range []string{"nothing", "no/such/object"} {
		_, err := t.s.Get(t.ctx, key, objstore.Range{})
		t.is(err, objstore.ErrNotFound)
		_, err = t.s.Get(t.ctx, key, objstore.Range{Offset: 10, Length: 5})
		t.is(err, objstore.ErrNotFound)
		_, err = t.s.Head(t.ctx, key)
		t.is(err, objstore.ErrNotFound)
	}
	// The directory of an object is no object.
	t.create("dir/sub/object", []byte("x"))
	_, err := t.s.Get(t.ctx, "dir/sub", objstore.Range{})
	t.is(err, objstore.ErrNotFound)
	_, err = t.s.Head(t.ctx, "dir")
	t.is(err, objstore.ErrNotFound)
}

func sizes(t *suite) {
	for i, n := range []int{0, 1, 3000, 4095, 4096, 65535, 65536, 65537, 1 << 20, 9<<20 + 7} {
		key := fmt.Sprintf("sizes/%08d", n)
		data := noise(uint64(i), n)
		tag := t.create(key, data)
		t.holds(key, data, tag)
		tag2, err := t.s.PutIfMatch(t.ctx, key, objstore.Blob{data, {0}}, tag)
		t.ok(err)
		t.holds(key, append(data, 0), tag2)
	}
}

func pieces(t *suite) {
	long := noise(1, 200_000)
	for i, p := range []objstore.Blob{
		nil, {}, {nil}, {{}, {}}, {[]byte("a")}, {nil, []byte("a"), {}, []byte("bc"), nil},
		{long[:1], long[1:70_000], nil, long[70_000:]},
	} {
		var whole []byte
		for _, b := range p {
			whole = append(whole, b...)
		}
		key := fmt.Sprintf("pieces/%d", i)
		tag, err := t.s.PutIfAbsent(t.ctx, key, p)
		t.ok(err)
		t.holds(key, whole, tag)
	}
	var many objstore.Blob
	var whole []byte
	for i := range 3000 { // more than one writev takes
		b := noise(uint64(i), i%7)
		many, whole = append(many, b), append(whole, b...)
	}
	tag, err := t.s.PutIfAbsent(t.ctx, "pieces/many", many)
	t.ok(err)
	t.holds("pieces/many", whole, tag)
}

func ranges(t *suite) {
	const size = 100_000
	data := noise(7, size)
	t.create("ranges/long", data)
	t.create("ranges/empty", nil)
	for _, r := range []objstore.Range{
		{}, {Offset: 0, Length: 1}, {Offset: 0, Length: size}, {Offset: 0, Length: size + 1}, {Offset: 1, Length: 1},
		{Offset: 500, Length: 0}, {Offset: 500, Length: -1}, {Offset: 65_000, Length: 2000}, {Offset: size - 1, Length: 1},
		{Offset: size - 1, Length: 1 << 40}, {Offset: size - 10}, {Offset: size}, {Offset: size, Length: 1}, {Offset: size + 1, Length: 5},
		{Offset: 1 << 40, Length: 1 << 40},
	} {
		obj, err := t.s.Get(t.ctx, "ranges/long", r)
		t.ok(err)
		from, to := min(r.Offset, size), int64(size)
		if r.Length > 0 {
			to = min(to, from+r.Length)
		}
		if string(obj.Data) != string(data[from:to]) {
			t.Fatalf("range %+v: got %d bytes, want %d", r, len(obj.Data), to-from)
		}
		if obj.Size != size {
			t.Fatalf("range %+v: size %d, want that of the whole object, %d", r, obj.Size, size)
		}
		obj, err = t.s.Get(t.ctx, "ranges/empty", r)
		t.ok(err)
		if len(obj.Data) != 0 || obj.Size != 0 {
			t.Fatalf("range %+v of the empty object: %d bytes, size %d", r, len(obj.Data), obj.Size)
		}
	}
}

// ownBytes: neither the writer's nor the reader's buffer is the store's.
func ownBytes(t *suite) {
	data := []byte("as it was put")
	t.create("own", data)
	copy(data, "XXXX")
	obj, err := t.s.Get(t.ctx, "own", objstore.Range{})
	t.ok(err)
	t.same("after the writer's change", obj.Data, "as it was put")
	copy(obj.Data, "YYYY")
	t.holds("own", []byte("as it was put"), "")
}

var odd = []string{
	"a", "UPPER/lower", "with space/in it", "%2F%20%", "plus+and&amp;<xml>\"'", "=;:@,$!*()", "~tilde-._", "#hash?query=1",
	"back\\slash", "ünï/cödé", "日本語/メール", "🙂/🙂🙂", "e\u0301/combining", "a..b/..c/d..", "x/.hidden", "trailing./dots...", "-dash/--",
	"CON/nul.txt", "[brackets]{braces}|pipe^`", strings.Repeat("s", objstore.MaxSegment),
	"deep/" + strings.Repeat("d/", 100) + "end",
	strings.Repeat(strings.Repeat("k", 199)+"/", 5) + "last", strings.Repeat("é", 100) + "/2-byte",
}

func oddKeys(t *suite) {
	for i, key := range odd {
		t.create(key, []byte(fmt.Sprint(i)))
	}
	for i, key := range odd {
		t.holds(key, []byte(fmt.Sprint(i)), "")
		dir := key[:strings.LastIndexByte(key, '/')+1]
		if dir == "" {
			continue
		}
		keys, _ := t.list(dir, "", 0)
		t.same("LIST of "+dir, keys, []string{key})
		keys, _ = t.list(dir, key, 0)
		t.same("LIST after "+key, keys, []string(nil))
	}
	keys, _ := t.list("", "", 0)
	if len(keys) != len(odd) {
		t.Fatalf("LIST of everything gives %d keys, want %d: %q", len(keys), len(odd), keys)
	}
	t.ok(t.s.Delete(t.ctx, odd))
	keys, _ = t.list("", "", 0)
	t.same("LIST after Delete", keys, []string(nil))
}

func badKeys(t *suite) {
	bad := []string{
		"", "/", "a/", "/a", "a//b", ".", "..", "a/.", "a/./b", "../a", "a/../b", ".first", "nul\x00", "line\nfeed", "del\x7f",
		"not\xffutf8", strings.Repeat("s", objstore.MaxSegment+1), strings.Repeat("long/", 205),
	}
	for _, key := range bad {
		_, err := t.s.Get(t.ctx, key, objstore.Range{})
		t.is(err, objstore.ErrBadKey)
		_, err = t.s.Head(t.ctx, key)
		t.is(err, objstore.ErrBadKey)
		_, err = t.s.PutIfAbsent(t.ctx, key, objstore.Blob{[]byte("x")})
		t.is(err, objstore.ErrBadKey)
		_, err = t.s.PutIfMatch(t.ctx, key, objstore.Blob{[]byte("x")}, "tag")
		t.is(err, objstore.ErrBadKey)
		t.is(t.s.Delete(t.ctx, []string{"fine", key}), objstore.ErrBadKey)
	}
	for _, prefix := range []string{"/", "a", "a//", "../", "a/./", "x\x00/"} {
		_, err := t.s.List(t.ctx, prefix, "", 0)
		t.is(err, objstore.ErrBadKey)
	}
	keys, _ := t.list("", "", 0)
	t.same("LIST", keys, []string(nil))
}

// ended: a context that is over stops a request before it does anything.
func ended(t *suite) {
	tag := t.create("ended", []byte("1"))
	ctx, cancel := context.WithCancel(t.ctx)
	cancel()
	_, err := t.s.Get(ctx, "ended", objstore.Range{})
	t.is(err, context.Canceled)
	_, err = t.s.Head(ctx, "ended")
	t.is(err, context.Canceled)
	_, err = t.s.PutIfAbsent(ctx, "never", objstore.Blob{[]byte("x")})
	t.is(err, context.Canceled)
	_, err = t.s.PutIfMatch(ctx, "ended", objstore.Blob{[]byte("x")}, tag)
	t.is(err, context.Canceled)
	t.is(t.s.Delete(ctx, []string{"ended"}), context.Canceled)
	_, err = t.s.List(ctx, "", "", 0)
	t.is(err, context.Canceled)
	t.holds("ended", []byte("1"), tag)
	keys, _ := t.list("", "", 0)
	t.same("LIST", keys, []string{"ended"})
}
