package contract

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"mailbackend.io/backend/objstore"
)

// model runs random requests against the store and against a map, and compares.
func model(t *suite) {
	const steps = 600
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	m := &modelRun{suite: t, rnd: rand.New(rand.NewPCG(seed, 0)), objects: map[string]modelObject{}}
	for i := range steps {
		key := fmt.Sprintf("d%d/e%d/%d", m.rnd.IntN(2), m.rnd.IntN(2), m.rnd.IntN(4))
		switch m.rnd.IntN(7) {
		case 0, 1:
			m.putIfAbsent(key, fmt.Appendf(nil, "step %d", i))
		case 2:
			m.putIfMatch(key, fmt.Appendf(nil, "step %d", i))
		case 3, 4:
			m.get(key)
		case 5:
			m.delete(key)
		case 6:
			m.compareList()
		}
	}
}

type modelObject struct {
	data []byte
	tag  objstore.ETag
}

type modelRun struct {
	*suite
	rnd     *rand.Rand
	objects map[string]modelObject
}

func (m *modelRun) check(what, key string, err, want error) {
	m.Helper()
	if want == nil && err == nil || want != nil && errors.Is(err, want) {
		return
	}
	m.Fatalf("%s %q: got %v, the model says %v", what, key, err, want)
}

func (m *modelRun) putIfAbsent(key string, data []byte) {
	tag, err := m.s.PutIfAbsent(m.ctx, key, objstore.Blob{data})
	if _, ok := m.objects[key]; ok {
		m.check("PutIfAbsent", key, err, objstore.ErrPrecondition)
		return
	}
	m.check("PutIfAbsent", key, err, nil)
	m.objects[key] = modelObject{data, tag}
}

func (m *modelRun) putIfMatch(key string, data []byte) {
	old, ok := m.objects[key]
	tag := old.tag
	if m.rnd.IntN(4) == 0 || !ok {
		tag, ok = "0123456789abcdef0123456789abcdef", false
	}
	next, err := m.s.PutIfMatch(m.ctx, key, objstore.Blob{data}, tag)
	if !ok {
		m.check("PutIfMatch", key, err, objstore.ErrPrecondition)
		return
	}
	m.check("PutIfMatch", key, err, nil)
	m.objects[key] = modelObject{data, next}
}

func (m *modelRun) get(key string) {
	obj, err := m.s.Get(m.ctx, key, objstore.Range{})
	want, ok := m.objects[key]
	if !ok {
		m.check("Get", key, err, objstore.ErrNotFound)
		return
	}
	m.check("Get", key, err, nil)
	if !bytes.Equal(obj.Data, want.data) || obj.ETag != want.tag {
		m.Fatalf("Get %q: %q %s, the model says %q %s", key, obj.Data, obj.ETag, want.data, want.tag)
	}
}

func (m *modelRun) delete(key string) {
	keys := []string{key}
	for k := range m.objects {
		if m.rnd.IntN(6) == 0 {
			keys = append(keys, k)
		}
	}
	m.check("Delete", key, m.s.Delete(m.ctx, keys), nil)
	for _, k := range keys {
		delete(m.objects, k)
	}
}

// compareList stays within one directory, where the order is promised.
func (m *modelRun) compareList() {
	prefix := fmt.Sprintf("d%d/e%d/", m.rnd.IntN(2), m.rnd.IntN(2))
	after, limit := "", 1+m.rnd.IntN(5)
	if m.rnd.IntN(2) == 0 {
		after = fmt.Sprintf("%s%d", prefix, m.rnd.IntN(4))
	}
	var want []string
	for k := range m.objects {
		if strings.HasPrefix(k, prefix) && k > after {
			want = append(want, k)
		}
	}
	slices.Sort(want)
	got, more := m.list(prefix, after, limit)
	if len(want) > limit && !more {
		m.Fatalf("LIST %q after %q limit %d: no more, the model has %q", prefix, after, limit, want)
	}
	m.same("LIST "+prefix+" after "+after, got, append([]string(nil), want[:min(limit, len(want))]...))
}
