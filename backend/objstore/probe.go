package objstore

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"
)

// Probe checks at start that the store keeps the promises that mail's safety
// rests on: it writes a few small objects under prefix (empty, or ending in
// "/"), in a directory that rnd names, and removes them again. It makes some 25
// requests, one after the other. The error names the first property that
// doesn't hold. That racing writers are told apart can't be seen this way; the
// contract suite tests that.
func Probe(ctx context.Context, s Store, prefix string, rnd io.Reader) (err error) {
	if err := CheckPrefix(prefix); err != nil {
		return err
	}
	var id [8]byte
	if _, err := io.ReadFull(rnd, id[:]); err != nil {
		return fmt.Errorf("object store probe: random name: %w", err)
	}
	p := &probe{ctx: ctx, s: s, dir: prefix + "probe-" + hex.EncodeToString(id[:]) + "/"}
	p.a, p.b, p.c = p.dir+"a1", p.dir+"a2", p.dir+"b"
	defer func() {
		if err != nil {
			p.cleanUp()
		}
	}()
	for _, step := range probeSteps {
		if err := step.check(p); err != nil {
			return fmt.Errorf("object store probe: %s: %w", step.property, err)
		}
	}
	return nil
}

type probe struct {
	ctx       context.Context
	s         Store
	dir       string
	a, b, c   string // keys in this order
	tagA, tag ETag   // of a's first version, of its second
}

// probeSteps build on each other.
var probeSteps = []struct {
	property string
	check    func(*probe) error
}{
	{"a missing object is reported as such", (*probe).missing},
	{"an object can be created", (*probe).create},
	{"If-None-Match: * protects an existing object", (*probe).absentHonoured},
	{"GET returns the bytes and the ETag that were put", (*probe).getWhole},
	{"GET of a range returns that range", (*probe).getRange},
	{"If-Match with another object's ETag changes nothing", (*probe).wrongTag},
	{"If-Match with the current ETag replaces the object", (*probe).replace},
	{"If-Match with a former ETag changes nothing", (*probe).formerTag},
	{"If-Match on a missing object creates nothing", (*probe).matchMissing},
	{"LIST shows what was just written, in order", (*probe).list},
	{"LIST starts after the key that is asked for", (*probe).listAfter},
	{"DELETE removes objects and takes missing ones", (*probe).remove},
	{"LIST no longer shows what was just removed", (*probe).listEmpty},
}

func (p *probe) cleanUp() {
	// The caller's time may be over.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.ctx), 10*time.Second)
	defer cancel()
	// The error that led here is the one to report.
	_ = p.s.Delete(ctx, []string{p.a, p.b, p.c})
}

// want is nil if got is an error of that kind.
func want(kind, got error) error {
	switch {
	case errors.Is(got, kind):
		return nil
	case got == nil:
		return fmt.Errorf("got success, want: %w", kind)
	}
	return got
}

// holds checks a's content.
func (p *probe) holds(content string, tag ETag) error {
	obj, err := p.s.Get(p.ctx, p.a, Range{})
	if err != nil {
		return err
	}
	if string(obj.Data) != content || obj.Size != int64(len(content)) {
		return fmt.Errorf("object holds %.40q of size %d, want %q", obj.Data, obj.Size, content)
	}
	if obj.ETag != tag {
		return fmt.Errorf("GET gives ETag %q, the put gave %q", obj.ETag, tag)
	}
	return nil
}

const probeFirst, probeOther, probeSecond = "probe: the first version", "probe: another object", "probe: second version"

func blob(s string) Blob { return Blob{[]byte(s)} }

func (p *probe) missing() error {
	if _, err := p.s.Get(p.ctx, p.a, Range{}); want(ErrNotFound, err) != nil {
		return want(ErrNotFound, err)
	}
	_, err := p.s.Head(p.ctx, p.a)
	return want(ErrNotFound, err)
}

func (p *probe) create() (err error) {
	if p.tagA, err = p.s.PutIfAbsent(p.ctx, p.a, blob(probeFirst)); err != nil {
		return err
	}
	if p.tagA == "" {
		return errors.New("no ETag in the answer")
	}
	return nil
}

func (p *probe) absentHonoured() error {
	_, err := p.s.PutIfAbsent(p.ctx, p.a, blob(probeOther))
	if err := want(ErrPrecondition, err); err != nil {
		return err
	}
	return p.holds(probeFirst, p.tagA)
}

func (p *probe) getWhole() error {
	if err := p.holds(probeFirst, p.tagA); err != nil {
		return err
	}
	info, err := p.s.Head(p.ctx, p.a)
	if err == nil && (info.ETag != p.tagA || info.Size != int64(len(probeFirst))) {
		err = fmt.Errorf("HEAD gives ETag %q and size %d, want %q and %d", info.ETag, info.Size, p.tagA, len(probeFirst))
	}
	return err
}

func (p *probe) getRange() error {
	size := int64(len(probeFirst))
	for _, r := range []Range{{2, 5}, {7, 0}, {size - 1, 100}, {size, 1}, {0, 3}} {
		obj, err := p.s.Get(p.ctx, p.a, r)
		if err != nil {
			return fmt.Errorf("offset %d length %d: %w", r.Offset, r.Length, err)
		}
		end := size
		if r.Length > 0 {
			end = min(end, r.Offset+r.Length)
		}
		if wanted := probeFirst[r.Offset:end]; !bytes.Equal(obj.Data, []byte(wanted)) || obj.Size != size {
			return fmt.Errorf("offset %d length %d gives %.40q of size %d, want %q of %d", r.Offset, r.Length, obj.Data, obj.Size, wanted, size)
		}
	}
	return nil
}

func (p *probe) wrongTag() error {
	tag, err := p.s.PutIfAbsent(p.ctx, p.b, blob(probeOther))
	if err != nil {
		return err
	}
	_, err = p.s.PutIfMatch(p.ctx, p.a, blob(probeSecond), tag)
	if err := want(ErrPrecondition, err); err != nil {
		return err
	}
	return p.holds(probeFirst, p.tagA)
}

func (p *probe) replace() (err error) {
	if p.tag, err = p.s.PutIfMatch(p.ctx, p.a, blob(probeSecond), p.tagA); err != nil {
		return err
	}
	if p.tag == "" || p.tag == p.tagA {
		return fmt.Errorf("ETag %q of the new version does not tell it from %q", p.tag, p.tagA)
	}
	return p.holds(probeSecond, p.tag)
}

func (p *probe) formerTag() error {
	_, err := p.s.PutIfMatch(p.ctx, p.a, blob(probeFirst), p.tagA)
	if err := want(ErrPrecondition, err); err != nil {
		return err
	}
	return p.holds(probeSecond, p.tag)
}

func (p *probe) matchMissing() error {
	_, err := p.s.PutIfMatch(p.ctx, p.c, blob(probeOther), p.tag)
	if err := want(ErrPrecondition, err); err != nil {
		return err
	}
	_, err = p.s.Head(p.ctx, p.c)
	return want(ErrNotFound, err)
}

// listed checks one page.
func (p *probe) listed(startAfter string, limit int, keys ...string) error {
	page, err := p.s.List(p.ctx, p.dir, startAfter, limit)
	if err != nil {
		return err
	}
	var got []string
	for _, o := range page.Objects {
		got = append(got, o.Key)
	}
	if fmt.Sprint(got) != fmt.Sprint(keys) {
		return fmt.Errorf("LIST after %q gives %q, want %q", startAfter, got, keys)
	}
	return nil
}

func (p *probe) list() error {
	if _, err := p.s.PutIfAbsent(p.ctx, p.c, blob(probeOther)); err != nil {
		return err
	}
	return p.listed("", 0, p.a, p.b, p.c)
}

func (p *probe) listAfter() error {
	if err := p.listed(p.a, 1, p.b); err != nil {
		return err
	}
	// A key that doesn't exist, between the second and the third.
	return p.listed(p.b+"0", 0, p.c)
}

func (p *probe) remove() error {
	if err := p.s.Delete(p.ctx, []string{p.a, p.dir + "missing", p.b, p.c}); err != nil {
		return err
	}
	for _, key := range []string{p.a, p.b, p.c} {
		if _, err := p.s.Head(p.ctx, key); want(ErrNotFound, err) != nil {
			return want(ErrNotFound, err)
		}
	}
	return nil
}

func (p *probe) listEmpty() error { return p.listed("", 0) }
