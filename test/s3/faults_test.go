package s3test

import (
	"bytes"
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/objstore"
)

// faultyProxy stands between the adapter and the real server, and does what
// networks and busy servers do, as a seed decides.
type faultyProxy struct {
	target *url.URL
	client *http.Client

	mu    sync.Mutex
	rnd   *rand.Rand
	calm  bool
	count map[string]int
	late  sync.WaitGroup
}

func (p *faultyProxy) pick() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	what := "pass"
	if !p.calm {
		what = []string{"pass", "pass", "pass", "pass", "pass", "drop request", "drop answer", "slow down", "late", "twice"}[p.rnd.IntN(10)]
	}
	p.count[what]++
	return what
}

func (p *faultyProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	switch p.pick() {
	case "drop request":
		panic(http.ErrAbortHandler)
	case "drop answer":
		p.forward(r, body)
		panic(http.ErrAbortHandler)
	case "slow down":
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "<Error><Code>SlowDown</Code><Message>injected</Message></Error>")
	case "late":
		// The client is told nothing; the server gets the request when
		// its sender is long trying something else.
		p.late.Go(func() {
			time.Sleep(20 * time.Millisecond)
			p.forward(r, body)
		})
		panic(http.ErrAbortHandler)
	case "twice":
		p.forward(r, body)
		p.answer(w, r, body)
	default:
		p.answer(w, r, body)
	}
}

// forward sends a request on and returns the answer's status, header and body.
func (p *faultyProxy) forward(r *http.Request, body []byte) (int, http.Header, []byte) {
	out, err := http.NewRequest(r.Method, p.target.String()+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return http.StatusBadGateway, nil, nil
	}
	// The signature covers the host that the client sees.
	out.Host, out.Header = r.Host, r.Header.Clone()
	res, err := p.client.Do(out)
	if err != nil {
		return http.StatusBadGateway, nil, nil
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return http.StatusBadGateway, nil, nil
	}
	return res.StatusCode, res.Header, answer
}

func (p *faultyProxy) answer(w http.ResponseWriter, r *http.Request, body []byte) {
	status, header, answer := p.forward(r, body)
	for k, v := range header {
		w.Header()[k] = v
	}
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}

// ledger is what one writer was told.
type ledger struct {
	stored, absent map[string]string
	unknown        int
	root           string // last acknowledged version
	open           bool   // a later one may be there
}

func (l *ledger) write(ctx context.Context, s objstore.Store, worker, writes int) error {
	rootKey := fmt.Sprintf("u%d/root", worker)
	rootTag, err := s.PutIfAbsent(ctx, rootKey, objstore.Blob{fmt.Appendf(nil, "root of %d: start", worker)})
	if err != nil {
		return fmt.Errorf("first root: %w", err)
	}
	for i := range writes {
		key := fmt.Sprintf("u%d/mail/%04d", worker, i)
		body := fmt.Sprintf("mail %d of %d", i, worker)
		_, err := s.PutIfAbsent(ctx, key, objstore.Blob{[]byte(body)})
		switch {
		case err == nil:
			l.stored[key] = body
		case errors.Is(err, objstore.ErrUnknownOutcome):
			l.unknown++
		case errors.Is(err, objstore.ErrUnavailable):
			l.absent[key] = body
		default:
			return fmt.Errorf("%s: %w", key, err)
		}
		root := fmt.Sprintf("root of %d: %d", worker, i)
		tag, err := s.PutIfMatch(ctx, rootKey, objstore.Blob{[]byte(root)}, rootTag)
		switch {
		case err == nil:
			l.root, rootTag = root, tag
		case errors.Is(err, objstore.ErrUnavailable):
			l.open = true
			return nil // a holder that doesn't know its root stops
		default:
			return fmt.Errorf("%s: %w", rootKey, err)
		}
	}
	return nil
}

// Whatever happens between here and the server: what was acknowledged is there,
// what was refused is not, and no writer is told that it lost a race against
// itself.
func TestFaultyNetwork(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	c := config(t)
	target, err := url.Parse(c.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &faultyProxy{
		target: target, rnd: rand.New(rand.NewPCG(seed, 0)), count: map[string]int{},
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}},
	}
	srv := httptest.NewServer(proxy)
	defer srv.Close()
	direct := open(t, c)
	c.Endpoint = srv.URL
	counter := objstore.NewCounter(open(t, c))
	s := objstore.Retry(counter, objstore.RetryConfig{
		Attempts: 8, Wait: 5 * time.Millisecond, ThrottledWait: 5 * time.Millisecond, MaxWait: 20 * time.Millisecond,
	}, clock.System{}, crand.Reader)

	const workers, writes = 6, 25
	ledgers := make([]*ledger, workers)
	var wg sync.WaitGroup
	for i := range workers {
		ledgers[i] = &ledger{stored: map[string]string{}, absent: map[string]string{}}
		wg.Go(func() {
			if err := ledgers[i].write(t.Context(), s, i, writes); err != nil {
				t.Errorf("worker %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	proxy.late.Wait()

	total := 0
	for i, l := range ledgers {
		total += len(l.stored)
		for key, body := range l.stored {
			obj, err := direct.Get(t.Context(), key, objstore.Range{})
			if err != nil || string(obj.Data) != body {
				t.Errorf("%s was acknowledged and is %q, %v", key, obj.Data, err)
			}
		}
		for key := range l.absent {
			if _, err := direct.Get(t.Context(), key, objstore.Range{}); !errors.Is(err, objstore.ErrNotFound) {
				t.Errorf("%s was refused and is there: %v", key, err)
			}
		}
		obj, err := direct.Get(t.Context(), fmt.Sprintf("u%d/root", i), objstore.Range{})
		if err != nil || !l.open && string(obj.Data) != l.root {
			t.Errorf("root %d is %q, %v, acknowledged was %q", i, obj.Data, err, l.root)
		}
	}
	t.Logf("%d stored; proxy: %v; requests: %v", total, proxy.count, counter.Stats())
	if total < workers*writes/2 {
		t.Errorf("only %d of %d were stored", total, workers*writes)
	}
}
