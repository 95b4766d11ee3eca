package s3_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/s3"
)

func is(t testing.TB, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("got %v, want: %v", err, kind)
	}
}

func isNot(t testing.TB, err, kind error) {
	t.Helper()
	if errors.Is(err, kind) {
		t.Errorf("got %v, which must not be: %v", err, kind)
	}
}

// drop breaks the connection after the request was read: it may have had its
// effect.
func drop(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	panic(http.ErrAbortHandler)
}

func status(code int, s3code string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if s3code == "" {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(code)
			_, _ = io.WriteString(w, "<html><body>from a proxy</body></html>")
			return
		}
		answer(w, code, s3code)
	}
}

// sentinels are all that callers branch on.
var sentinels = map[string]error{
	"not found": objstore.ErrNotFound, "precondition": objstore.ErrPrecondition, "unavailable": objstore.ErrUnavailable,
	"unknown": objstore.ErrUnknownOutcome, "throttled": objstore.ErrThrottled, "denied": objstore.ErrDenied,
}

// kinds names the sentinels that err is.
func kinds(err error) string {
	var all []string
	for _, name := range []string{"not found", "precondition", "denied", "unavailable", "throttled", "unknown"} {
		if errors.Is(err, sentinels[name]) {
			all = append(all, name)
		}
	}
	return strings.Join(all, " ")
}

func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		h                              http.HandlerFunc
		get, head, put, match, del, ls string
	}{
		"lost answer": {drop, "unavailable", "unavailable", "unavailable unknown", "unavailable unknown", "unavailable unknown", "unavailable"},
		"slow down": {status(503, "SlowDown"), "unavailable throttled", "unavailable throttled",
			"unavailable throttled unknown", "unavailable throttled unknown", "unavailable throttled unknown", "unavailable throttled"},
		"busy proxy": {status(503, ""), "unavailable throttled", "unavailable throttled",
			"unavailable throttled unknown", "unavailable throttled unknown", "unavailable throttled unknown", "unavailable throttled"},
		"too many requests": {status(429, "TooManyRequests"), "unavailable throttled", "unavailable throttled",
			"unavailable throttled", "unavailable throttled", "unavailable throttled", "unavailable throttled"},
		"internal error": {status(500, "InternalError"), "unavailable", "unavailable", "unavailable unknown", "unavailable unknown", "unavailable unknown", "unavailable"},
		"bad gateway":    {status(502, ""), "unavailable", "unavailable", "unavailable unknown", "unavailable unknown", "unavailable unknown", "unavailable"},
		"conflict":       {status(409, "ConditionalRequestConflict"), "unavailable", "unavailable", "unavailable", "unavailable", "unavailable", "unavailable"},
		"precondition":   {status(412, "PreconditionFailed"), "precondition", "precondition", "precondition", "precondition", "precondition", "precondition"},
		"no such key":    {status(404, "NoSuchKey"), "not found", "not found", "not found", "precondition", "", "not found"},
		"no such bucket": {status(404, "NoSuchBucket"), "denied", "denied", "denied", "denied", "denied", "denied"},
		"lost proxy":     {status(404, ""), "unavailable", "unavailable", "unavailable", "unavailable", "unavailable", "unavailable"},
		"access denied":  {status(403, "AccessDenied"), "denied", "denied", "denied", "denied", "denied", "denied"},
		"timeout":        {status(400, "RequestTimeout"), "unavailable", "", "unavailable", "unavailable", "unavailable", "unavailable"},
		"expired token":  {status(400, "ExpiredToken"), "unavailable", "", "unavailable", "unavailable", "unavailable", "unavailable"},
		"bad request":    {status(400, "InvalidArgument"), "", "", "", "", "", ""},
		"no conditions":  {status(501, "NotImplemented"), "", "unavailable", "", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, n := serve(t, c.h, nil)
			ctx := t.Context()
			check := func(what, want string, requests int32, err error) {
				t.Helper()
				if err == nil && (want != "" || what != "Delete") {
					t.Errorf("%s: no error", what)
				}
				if got := kinds(err); got != want {
					t.Errorf("%s: %q, want %q: %v", what, got, want, err)
				}
				if got := n.Swap(0); got > requests {
					t.Errorf("%s: %d requests", what, got)
				}
			}
			_, err := s.Get(ctx, "k", objstore.Range{})
			check("Get", c.get, 1, err)
			_, err = s.Head(ctx, "k")
			check("Head", c.head, 2, err)
			_, err = s.PutIfAbsent(ctx, "k", blob)
			check("PutIfAbsent", c.put, 1, err)
			_, err = s.PutIfMatch(ctx, "k", blob, "tag")
			check("PutIfMatch", c.match, 1, err)
			check("Delete", c.del, 1, s.Delete(ctx, []string{"k"}))
			if name != "no such key" {
				check("Delete of two", c.del, 1, s.Delete(ctx, []string{"k", "l"}))
			}
			_, err = s.List(ctx, "", "", 0)
			check("List", c.ls, 1, err)
		})
	}
}

func TestRefusedConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s, _ := serve(t, nil, func(c *s3.Config) { c.Endpoint = "http://" + l.Addr().String() })
	_, err = s.PutIfAbsent(t.Context(), "k", blob)
	is(t, err, objstore.ErrUnavailable)
	isNot(t, err, objstore.ErrUnknownOutcome)
}

func TestHang(t *testing.T) {
	for _, byServer := range []bool{false, true} {
		release := make(chan struct{})
		s, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-release
		}, func(c *s3.Config) {
			if byServer {
				c.AnswerTimeout = 20 * time.Millisecond
			}
		})
		ctx, cancel := t.Context(), context.CancelFunc(func() {})
		if !byServer {
			ctx, cancel = context.WithTimeout(ctx, 20*time.Millisecond)
		}
		_, err := s.PutIfAbsent(ctx, "k", blob)
		is(t, err, objstore.ErrUnknownOutcome)
		if !byServer {
			is(t, err, context.DeadlineExceeded)
		}
		_, err = s.List(ctx, "", "", 0)
		if !byServer {
			is(t, err, context.DeadlineExceeded)
		} else {
			is(t, err, objstore.ErrUnavailable)
		}
		close(release)
		cancel()
	}
}

// A request that waits for a connection when its time is over was not sent.
func TestMaxConns(t *testing.T) {
	release, started := make(chan struct{}), make(chan struct{})
	s, n := serve(t, func(w http.ResponseWriter, r *http.Request) {
		close(started)
		<-release
		object(w, "tag")
	}, func(c *s3.Config) { c.MaxConns = 1 })
	done := make(chan error)
	go func() {
		_, err := s.PutIfAbsent(t.Context(), "first", blob)
		done <- err
	}()
	<-started
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := s.PutIfAbsent(ctx, "second", blob)
	is(t, err, objstore.ErrUnavailable)
	is(t, err, context.DeadlineExceeded)
	isNot(t, err, objstore.ErrUnknownOutcome)
	close(release)
	if err := <-done; err != nil || n.Load() != 1 {
		t.Errorf("%v, %d requests", err, n.Load())
	}
}

// Through Retry a conflict and an overloaded server are invisible.
func TestRetryHidesFaults(t *testing.T) {
	replies := []http.HandlerFunc{
		status(409, "ConditionalRequestConflict"), status(503, "SlowDown"), drop,
		func(w http.ResponseWriter, _ *http.Request) { object(w, "tag") },
	}
	i := 0
	s, n := serve(t, func(w http.ResponseWriter, r *http.Request) {
		i++
		replies[i-1](w, r)
	}, nil)
	retry := objstore.Retry(s, objstore.RetryConfig{Wait: time.Millisecond, ThrottledWait: time.Millisecond}, clock.System{}, rand.NewChaCha8([32]byte{}))
	var outcome objstore.Outcome
	tag, err := retry.PutIfAbsent(objstore.WithOutcome(t.Context(), &outcome), "k", blob)
	if err != nil || tag != "tag" || n.Load() != 4 {
		t.Errorf("%q, %v, %d requests", tag, err, n.Load())
	}
	if outcome.Unanswered() != 2 {
		t.Errorf("%d attempts count as unanswered, want those of the 503 and the drop", outcome.Unanswered())
	}
}

func BenchmarkPut(b *testing.B) {
	s, _ := serve(b, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		object(w, "tag")
	}, nil)
	data := objstore.Blob{make([]byte, 500), make([]byte, 2500)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.PutIfAbsent(context.Background(), "p/00/user/m/mail/0000000001", data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	body := make([]byte, 3000)
	s, _ := serve(b, func(w http.ResponseWriter, r *http.Request) {
		object(w, "tag")
		_, _ = w.Write(body)
	}, nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Get(context.Background(), "p/00/user/m/mail/0000000001", objstore.Range{}); err != nil {
			b.Fatal(err)
		}
	}
}
