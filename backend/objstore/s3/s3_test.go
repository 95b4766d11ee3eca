package s3_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/s3"
)

// serve opens a store on a server that answers with h, and counts requests.
func serve(t testing.TB, h http.HandlerFunc, change func(*s3.Config)) (*s3.Store, *atomic.Int32) {
	t.Helper()
	var n atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		h(w, r)
	}))
	t.Cleanup(srv.Close)
	c := s3.Config{Endpoint: srv.URL, Bucket: "bucket", PathStyle: true, AccessKey: "key", SecretKey: "secret"}
	if change != nil {
		change(&c)
	}
	s, err := s3.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, &n
}

// answer writes an S3 error.
func answer(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>injected</Message></Error>`, code)
}

const modified = "Wed, 21 Oct 2015 07:28:00 GMT"

// object writes an object's headers.
func object(w http.ResponseWriter, etag string) {
	w.Header().Set("ETag", `"`+etag+`"`)
	w.Header().Set("Last-Modified", modified)
}

var blob = objstore.Blob{[]byte("two "), []byte("pieces")}

// What is sent is what every S3 server takes.
func TestRequests(t *testing.T) {
	sum := sha256.Sum256([]byte("two pieces"))
	var got *http.Request
	var body []byte
	s, n := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		object(w, "tag")
	}, nil)
	check := func(what string, header map[string]string) {
		t.Helper()
		if n.Swap(0) != 1 {
			t.Errorf("%s: not one request", what)
		}
		for k, v := range header {
			if got.Header.Get(k) != v {
				t.Errorf("%s: %s is %q, want %q", what, k, got.Header.Get(k), v)
			}
		}
	}
	tag, err := s.PutIfAbsent(t.Context(), "a/b c+%", blob)
	if err != nil || tag != "tag" {
		t.Errorf("PutIfAbsent: %q, %v", tag, err)
	}
	check("PutIfAbsent", map[string]string{
		"If-None-Match": "*", "If-Match": "", "Content-Md5": "", "Content-Encoding": "",
		"X-Amz-Content-Sha256": hex.EncodeToString(sum[:]),
	})
	if got.URL.EscapedPath() != "/bucket/a/b%20c%2B%25" || got.ContentLength != 10 || string(body) != "two pieces" || got.TransferEncoding != nil {
		t.Errorf("PutIfAbsent: %s, length %d, %v, body %q", got.URL.EscapedPath(), got.ContentLength, got.TransferEncoding, body)
	}
	if _, err := s.PutIfMatch(t.Context(), "k", nil, "old"); err != nil {
		t.Error(err)
	}
	check("PutIfMatch", map[string]string{"If-None-Match": "", "If-Match": `"old"`})
	for _, etag := range []objstore.ETag{"", "*"} {
		_, err := s.PutIfMatch(t.Context(), "k", nil, etag)
		is(t, err, objstore.ErrPrecondition)
	}
	if n.Load() != 0 {
		t.Error("an empty ETag was sent")
	}
	_, _ = s.Get(t.Context(), "k", objstore.Range{Offset: 10, Length: 5})
	check("Get", map[string]string{"Range": "bytes=10-14", "Accept-Encoding": ""})
	_, _ = s.Get(t.Context(), "k", objstore.Range{Offset: 10})
	check("Get", map[string]string{"Range": "bytes=10-"})
	_, _ = s.Get(t.Context(), "k", objstore.Range{Offset: 10, Length: 1<<63 - 1})
	check("Get", map[string]string{"Range": "bytes=10-"})
	_, _ = s.Get(t.Context(), "k", objstore.Range{Length: 1})
	check("Get", map[string]string{"Range": "bytes=0-0"})
	_, _ = s.Get(t.Context(), "k", objstore.Range{})
	check("Get", map[string]string{"Range": ""})
	_ = s.Delete(t.Context(), []string{"k"})
	check("Delete", nil)
	if got.Method != http.MethodDelete {
		t.Errorf("Delete of one key: %s", got.Method)
	}
	_ = s.Delete(t.Context(), []string{"k", "l"})
	check("Delete", nil)
	if got.Method != http.MethodPost || !got.URL.Query().Has("delete") {
		t.Errorf("Delete of two keys: %s %s", got.Method, got.URL)
	}
	_, _ = s.List(t.Context(), "p/", "p/x", 7)
	check("List", nil)
	q := got.URL.Query()
	if q.Get("list-type") != "2" || q.Get("prefix") != "p/" || q.Get("start-after") != "p/x" || q.Get("max-keys") != "7" || q.Get("delimiter") != "" {
		t.Errorf("List: %s", got.URL)
	}
}

func TestReads(t *testing.T) {
	const whole = "0123456789"
	var reply func(w http.ResponseWriter, r *http.Request)
	s, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		object(w, "tag")
		reply(w, r)
	}, func(c *s3.Config) { c.MaxObject = 1000 })
	text := func(headers ...string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			body := headers[len(headers)-1]
			for i := 0; i+1 < len(headers)-1; i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			if w.Header().Get("Content-Range") != "" {
				w.WriteHeader(http.StatusPartialContent)
			}
			_, _ = io.WriteString(w, body)
		}
	}
	for name, c := range map[string]struct {
		reply func(w http.ResponseWriter, r *http.Request)
		r     objstore.Range
		data  string
		fails bool
	}{
		"range":             {text("Content-Range", "bytes 2-4/10", "234"), objstore.Range{Offset: 2, Length: 3}, "234", false},
		"range cut":         {text("Content-Range", "bytes 8-9/10", "89"), objstore.Range{Offset: 8, Length: 100}, "89", false},
		"range ignored":     {text(whole), objstore.Range{Offset: 2, Length: 3}, "234", false},
		"ignored, past end": {text(whole), objstore.Range{Offset: 20, Length: 3}, "", false},
		"wrong range":       {text("Content-Range", "bytes 0-2/10", "012"), objstore.Range{Offset: 2, Length: 3}, "", true},
		"longer range":      {text("Content-Range", "bytes 2-9/10", "23456789"), objstore.Range{Offset: 2, Length: 3}, "", true},
		"nonsense range":    {text("Content-Range", "bytes nonsense", "234"), objstore.Range{Offset: 2, Length: 3}, "", true},
		"unknown size":      {text("Content-Range", "bytes 2-4/*", "234"), objstore.Range{Offset: 2, Length: 3}, "", true},
		"no length": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, whole[:5])
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, whole[5:])
		}, objstore.Range{Offset: 4, Length: 2}, "45", false},
		"no length, endless": {func(w http.ResponseWriter, _ *http.Request) {
			for range 10 {
				_, _ = w.Write(make([]byte, 500))
				w.(http.Flusher).Flush()
			}
		}, objstore.Range{}, "", true},
		"cut off":    {text("Content-Length", "100", whole), objstore.Range{}, "", true},
		"huge":       {text("Content-Length", "5000", whole), objstore.Range{}, "", true},
		"huge range": {text("Content-Range", "bytes 0-4999/5000", "Content-Length", "5000", whole), objstore.Range{Length: 5000}, "", true},
	} {
		reply = c.reply
		obj, err := s.Get(t.Context(), "k", c.r)
		if c.fails != (err != nil) || string(obj.Data) != c.data || err == nil && (obj.Size != 10 || obj.ETag != "tag" || obj.Modified.Year() != 2015) {
			t.Errorf("%s: %+v, %v", name, obj, err)
		}
		is(t, errOr(err, objstore.ErrUnavailable, name, "huge", "huge range", "no length, endless"), objstore.ErrUnavailable)
	}
}

// errOr stands kind in for no error, and for errors of the named cases.
func errOr(err, kind error, name string, others ...string) error {
	for _, o := range others {
		if name == o && !errors.Is(err, kind) {
			return kind
		}
	}
	if err == nil {
		return kind
	}
	return err
}

func TestRangePastTheEnd(t *testing.T) {
	s, n := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			object(w, "tag")
			w.Header().Set("Content-Length", "10")
			return
		}
		answer(w, http.StatusRequestedRangeNotSatisfiable, "InvalidRange")
	}, nil)
	obj, err := s.Get(t.Context(), "k", objstore.Range{Offset: 10, Length: 1})
	if err != nil || len(obj.Data) != 0 || obj.Size != 10 || n.Load() != 2 {
		t.Errorf("%+v, %v, %d requests", obj, err, n.Load())
	}
}

const listing = `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><IsTruncated>%v</IsTruncated>%s%s</ListBucketResult>`

func TestListPages(t *testing.T) {
	entry := func(k string) string {
		return "<Contents><Key>" + k + "</Key><LastModified>2015-10-21T07:28:00.000Z</LastModified><Size>7</Size></Contents>"
	}
	s, n := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("continuation-token") == "" {
			fmt.Fprintf(w, listing, true, "<NextContinuationToken>t</NextContinuationToken>", entry("p/1")+entry("p/2"))
			return
		}
		fmt.Fprintf(w, listing, false, "", entry("p/3"))
	}, nil)
	// A full page is one request, whatever follows.
	page, err := s.List(t.Context(), "p/", "", 2)
	if err != nil || len(page.Objects) != 2 || !page.More || n.Load() != 1 || page.Objects[0].Size != 7 {
		t.Errorf("%+v, %v, %d requests", page, err, n.Load())
	}
	// A server may give less than a page.
	page, err = s.List(t.Context(), "p/", "", 10)
	if err != nil || len(page.Objects) != 3 || page.More {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestDeleteBelievesTheAnswerOnly(t *testing.T) {
	for name, c := range map[string]struct {
		result string
		want   error
	}{
		"all":             {"<Deleted><Key>a</Key></Deleted><Deleted><Key>b</Key></Deleted>", nil},
		"missing is fine": {"<Deleted><Key>a</Key></Deleted><Error><Key>b</Key><Code>NoSuchKey</Code></Error>", nil},
		"not mentioned":   {"<Deleted><Key>a</Key></Deleted>", objstore.ErrUnavailable},
		"nothing":         {"", objstore.ErrUnavailable},
		"failed":          {"<Deleted><Key>a</Key></Deleted><Error><Key>b</Key><Code>InternalError</Code></Error>", objstore.ErrUnavailable},
		"slow down":       {"<Deleted><Key>a</Key></Deleted><Error><Key>b</Key><Code>SlowDown</Code></Error>", objstore.ErrThrottled},
		"denied":          {"<Deleted><Key>a</Key></Deleted><Error><Key>b</Key><Code>AccessDenied</Code></Error>", objstore.ErrDenied},
		"passed over":     {"<Deleted><Key>a</Key></Deleted><Error><Key>b</Key><Code>InvalidArgument</Code></Error>", objstore.ErrUnavailable},
	} {
		s, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `<?xml version="1.0" encoding="UTF-8"?><DeleteResult>`+c.result+`</DeleteResult>`)
		}, nil)
		err := s.Delete(t.Context(), []string{"a", "b", "a"})
		if c.want == nil && err != nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestTLS(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Content-Sha256") != "UNSIGNED-PAYLOAD" {
			answer(w, http.StatusBadRequest, "the body's hash was computed for nothing")
			return
		}
		if r.ProtoMajor != 1 {
			answer(w, http.StatusBadRequest, "HTTP/2")
			return
		}
		object(w, "tag")
	}))
	defer srv.Close()
	srv.Config.ErrorLog = nil
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	c := s3.Config{Endpoint: srv.URL, Bucket: "bucket", PathStyle: true, AccessKey: "key", SecretKey: "secret", CAFile: ca}
	s, err := s3.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.PutIfAbsent(t.Context(), "k", blob); err != nil {
		t.Error(err)
	}
	c.CAFile = ""
	stranger, err := s3.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	_, err = stranger.PutIfAbsent(t.Context(), "k", blob)
	is(t, err, objstore.ErrUnavailable)
	isNot(t, err, objstore.ErrUnknownOutcome)
}

func TestOpenErrors(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.pem")
	if err := os.WriteFile(bad, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []s3.Config{
		{}, {Endpoint: "host:9000", Bucket: "b"}, {Endpoint: "ftp://host", Bucket: "b"}, {Endpoint: "https://host/path", Bucket: "b"},
		{Endpoint: "https://user:pw@host", Bucket: "b"}, {Endpoint: "https://host"},
		{Endpoint: "https://host", Bucket: "b", CAFile: "/does/not/exist"}, {Endpoint: "https://host", Bucket: "b", CAFile: bad},
	} {
		_, err := s3.Open(c)
		if err == nil || !strings.Contains(err.Error(), "s3") || strings.Contains(err.Error(), "pw") {
			t.Errorf("Open(%+v): %v", c, err)
		}
	}
}
