package mem

import (
	"fmt"
	"strings"
	"time"

	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/internal/content"
)

// object is immutable.
type object struct {
	data     []byte
	etag     objstore.ETag
	modified time.Time
}

func newObject(data objstore.Blob, now time.Time) object {
	joined := make([]byte, 0, data.Len())
	for _, p := range data {
		joined = append(joined, p...)
	}
	return object{data: joined, etag: content.Tag(objstore.Blob{joined}), modified: now}
}

func (o object) info(key string) objstore.Info {
	return objstore.Info{Key: key, Size: int64(len(o.data)), ETag: o.etag, Modified: o.modified}
}

// table is what is stored.
// Invariant: order holds exactly the keys of objects.
type table struct {
	objects map[string]object
	order   sortedKeys
}

func newTable() table { return table{objects: map[string]object{}} }

// put stores o. As on stores that are file systems underneath, no key may be
// the directory of another: tests shall notice.
func (t *table) put(key string, o object) error {
	if _, ok := t.objects[key]; !ok {
		if next, ok := t.order.after(key + "/"); ok && strings.HasPrefix(next, key+"/") {
			return fmt.Errorf("%w %q: is the directory of %q", objstore.ErrBadKey, key, next)
		}
		for i := range len(key) {
			if key[i] != '/' {
				continue
			}
			if _, ok := t.objects[key[:i]]; ok {
				return fmt.Errorf("%w %q: object %q is in its way", objstore.ErrBadKey, key, key[:i])
			}
		}
		t.order.insert(key)
	}
	t.objects[key] = o
	return nil
}

func (t *table) remove(key string) bool {
	if _, ok := t.objects[key]; !ok {
		return false
	}
	delete(t.objects, key)
	t.order.remove(key)
	return true
}

func (t *table) list(prefix, startAfter string, limit int) objstore.Page {
	var page objstore.Page
	from := max(prefix, startAfter)
	t.order.ascend(from, func(key string) bool {
		if !strings.HasPrefix(key, prefix) {
			return false
		}
		if len(page.Objects) == limit {
			page.More = true
			return false
		}
		page.Objects = append(page.Objects, t.objects[key].info(key))
		return true
	})
	return page
}
