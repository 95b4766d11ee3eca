// Package s3test runs the object store contract on the S3 adapter in front of
// a real server.
package s3test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/contract"
	"mailbackend.io/backend/objstore/s3"
	"mailbackend.io/test/s3/s3server"
)

// server is the one that this process runs; moduleDir is where the process was
// before the server went elsewhere.
var (
	server    s3server.Config
	moduleDir string
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if moduleDir, err = os.Getwd(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	dir, err := os.MkdirTemp("", "s3test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	addr, err := s3server.FreeAddr()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	server = s3server.Config{Addr: addr, Dir: dir, AccessKey: "access", SecretKey: "secret-key"}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s3server.Run(ctx, server) }()
	code := m.Run()
	stop()
	if err := <-done; err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

var buckets atomic.Int64

// config is that of a new bucket.
func config(t *testing.T) s3.Config {
	t.Helper()
	bucket := fmt.Sprintf("bucket-%d", buckets.Add(1))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := server.MakeBucket(ctx, bucket); err != nil {
		t.Fatal(err)
	}
	return s3.Config{
		Endpoint: "http://" + server.Addr, Bucket: bucket, PathStyle: true,
		AccessKey: server.AccessKey, SecretKey: server.SecretKey, MaxConns: 32,
	}
}

func open(t *testing.T, c s3.Config) *s3.Store {
	t.Helper()
	s, err := s3.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// versitygw checks and renames in two steps: a DELETE in between is undone. So
// nothing may rest on a DELETE beside a replacement of the same object.
const deleteRace = "RaceMatchDelete"

func TestContract(t *testing.T) {
	contract.Run(t, func(t *testing.T) objstore.Store { return open(t, config(t)) }, deleteRace)
}

func TestContractThroughRetry(t *testing.T) {
	contract.Run(t, func(t *testing.T) objstore.Store {
		return objstore.Retry(open(t, config(t)), objstore.RetryConfig{}, clock.System{}, rand.Reader)
	}, deleteRace, "PutIfAbsentSameBytes") // equal bytes are to Retry the echo of its own
}

func TestDenied(t *testing.T) {
	good := config(t)
	for name, spoil := range map[string]func(*s3.Config){
		"wrong secret": func(c *s3.Config) { c.SecretKey = "wrong" },
		"wrong key":    func(c *s3.Config) { c.AccessKey = "nobody" },
		"no bucket":    func(c *s3.Config) { c.Bucket = "no-such-bucket" },
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			spoil(&c)
			s := open(t, c)
			ctx := t.Context()
			blob := objstore.Blob{[]byte("x")}
			_, err := s.PutIfAbsent(ctx, "k", blob)
			is(t, "PutIfAbsent", err, objstore.ErrDenied)
			_, err = s.PutIfMatch(ctx, "k", blob, "d41d8cd98f00b204e9800998ecf8427e")
			is(t, "PutIfMatch", err, objstore.ErrDenied)
			_, err = s.Get(ctx, "k", objstore.Range{})
			is(t, "Get", err, objstore.ErrDenied)
			_, err = s.Head(ctx, "k")
			is(t, "Head", err, objstore.ErrDenied)
			_, err = s.List(ctx, "", "", 0)
			is(t, "List", err, objstore.ErrDenied)
			is(t, "Delete", s.Delete(ctx, []string{"k"}), objstore.ErrDenied)
			is(t, "Delete", s.Delete(ctx, []string{"k", "l"}), objstore.ErrDenied)
			is(t, "Probe", objstore.Probe(ctx, s, "", rand.Reader), objstore.ErrDenied)
		})
	}
	keys, err := open(t, good).List(t.Context(), "", "", 0)
	if err != nil || len(keys.Objects) != 0 {
		t.Errorf("List: %v, %v", keys, err)
	}
}

func is(t *testing.T, what string, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("%s: got %v, want: %v", what, err, kind)
	}
	if errors.Is(err, objstore.ErrNotFound) || errors.Is(err, objstore.ErrUnknownOutcome) {
		t.Errorf("%s: got %v", what, err)
	}
}

// Keys from the environment, as the AWS tools take them.
func TestKeysFromEnvironment(t *testing.T) {
	c := config(t)
	t.Setenv("AWS_ACCESS_KEY_ID", c.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", c.SecretKey)
	c.AccessKey, c.SecretKey = "", ""
	if _, err := open(t, c).PutIfAbsent(t.Context(), "k", nil); err != nil {
		t.Error(err)
	}
}
