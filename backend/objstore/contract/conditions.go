package contract

import (
	"crypto/rand"
	"fmt"

	"mailbackend.io/backend/objstore"
)

func putIfAbsent(t *suite) {
	tag := t.create("u/root", []byte("first"))
	for range 2 {
		_, err := t.s.PutIfAbsent(t.ctx, "u/root", objstore.Blob{[]byte("second")})
		t.is(err, objstore.ErrPrecondition)
	}
	t.holds("u/root", []byte("first"), tag)
	t.ok(t.s.Delete(t.ctx, []string{"u/root"}))
	t.create("u/root", []byte("again"))
	t.holds("u/root", []byte("again"), "")
}

// putIfAbsentSameBytes: one's own write is refused like another's.
func putIfAbsentSameBytes(t *suite) {
	tag := t.create("twice", []byte("equal"))
	_, err := t.s.PutIfAbsent(t.ctx, "twice", objstore.Blob{[]byte("equal")})
	t.is(err, objstore.ErrPrecondition)
	t.holds("twice", []byte("equal"), tag)
}

func putIfMatch(t *suite) {
	_, err := t.s.PutIfMatch(t.ctx, "u/root", objstore.Blob{[]byte("x")}, "d41d8cd98f00b204e9800998ecf8427e")
	t.is(err, objstore.ErrPrecondition)
	_, err = t.s.Head(t.ctx, "u/root")
	t.is(err, objstore.ErrNotFound)

	tag := t.create("u/root", []byte("version 0"))
	other := t.create("u/other", []byte("another object"))
	former := []objstore.ETag{other, "nonsense"}
	for i := 1; i <= 5; i++ {
		data := fmt.Appendf(nil, "version %d", i)
		next, err := t.s.PutIfMatch(t.ctx, "u/root", objstore.Blob{data}, tag)
		t.ok(err)
		if next == tag || next == "" {
			t.Fatalf("version %d has ETag %q, the one before %q", i, next, tag)
		}
		former = append(former, tag)
		tag = next
		t.holds("u/root", data, tag)
		for _, f := range former {
			_, err := t.s.PutIfMatch(t.ctx, "u/root", objstore.Blob{[]byte("stale")}, f)
			t.is(err, objstore.ErrPrecondition)
		}
		t.holds("u/root", data, tag)
	}
	t.ok(t.s.Delete(t.ctx, []string{"u/root"}))
	_, err = t.s.PutIfMatch(t.ctx, "u/root", objstore.Blob{[]byte("risen")}, tag)
	t.is(err, objstore.ErrPrecondition)
	_, err = t.s.Head(t.ctx, "u/root")
	t.is(err, objstore.ErrNotFound)
}

// sameBytesTwice: whether equal content has equal ETags is the store's affair,
// but an ETag that was given must match as long as the object wasn't replaced.
func sameBytesTwice(t *suite) {
	data := objstore.Blob{[]byte("equal")}
	tag := t.create("same", data[0])
	for range 3 {
		next, err := t.s.PutIfMatch(t.ctx, "same", data, tag)
		t.ok(err)
		t.holds("same", data[0], next)
		tag = next
	}
}

func deleteSome(t *suite) {
	t.ok(t.s.Delete(t.ctx, nil))
	t.ok(t.s.Delete(t.ctx, []string{"never/was"}))
	for _, k := range []string{"m/1", "m/2", "m/3", "n/1"} {
		t.create(k, []byte(k))
	}
	t.ok(t.s.Delete(t.ctx, []string{"m/1", "m/9", "m/3", "other/dir/x"}))
	keys, _ := t.list("", "", 0)
	t.same("LIST", keys, []string{"m/2", "n/1"})
	t.ok(t.s.Delete(t.ctx, []string{"m/1"}))
	t.ok(t.s.Delete(t.ctx, []string{"m/2", "m/2"}))
	// A directory is not removed by its name.
	t.ok(t.s.Delete(t.ctx, []string{"n"}))
	t.holds("n/1", []byte("n/1"), "")
	// Nor is what looks like a directory in the way of a new object.
	t.create("m", []byte("an object now"))
	t.holds("m", []byte("an object now"), "")
}

func delete1000(t *suite) {
	var keys []string
	for i := range objstore.MaxDelete {
		k := fmt.Sprintf("d%d/%04d", i%3, i)
		keys = append(keys, k)
		if i%10 == 0 { // most are missing
			t.create(k, nil)
		}
	}
	t.create("d1/stays", []byte("x"))
	if t.s.Delete(t.ctx, append(keys, "d1/stays")) == nil {
		t.Fatalf("Delete of %d keys was taken", len(keys)+1)
	}
	t.ok(t.s.Delete(t.ctx, keys))
	left, _ := t.list("", "", 0)
	t.same("LIST", left, []string{"d1/stays"})
	t.ok(t.s.Delete(t.ctx, keys))
}

func probe(t *suite) {
	for _, prefix := range []string{"", "some/prefix/"} {
		t.ok(objstore.Probe(t.ctx, t.s, prefix, rand.Reader))
		keys, _ := t.list("", "", 0)
		t.same("what the probe leaves", keys, []string(nil))
	}
}
