// Package s3 is the object store contract on an S3 server, through minio-go.
// One call is one request, apart from two rare ones that need a second look
// (see Get and Head); retries are objstore.Retry's business. It uses nothing
// but documented S3: conditional PUT, ranged GET, HEAD, DeleteObjects and
// ListObjectsV2. It creates no bucket.
package s3

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"mailbackend.io/backend/objstore"
)

// Config says where the bucket is and how to get in. Zero fields take the
// defaults named.
type Config struct {
	// Endpoint is the server's URL without a path: https://host[:port] or
	// http://host[:port].
	Endpoint string
	// Region is what requests are signed for. Default us-east-1.
	Region string
	Bucket string
	// PathStyle always puts the bucket into the path. Otherwise it goes into
	// the host name where the endpoint is known to want it (AWS and others).
	PathStyle bool
	// AccessKey, SecretKey and SessionToken. If AccessKey is empty, the
	// AWS_* environment variables are used, and if these are not set, the
	// IAM role of the pod (web identity) or machine.
	AccessKey, SecretKey, SessionToken string
	// CAFile is a PEM file of the authorities to trust instead of the
	// system's.
	CAFile string
	// MaxConns is how many requests run at once, each on a connection of
	// its own; further ones wait. Default 256.
	MaxConns int
	// MaxObject is the largest object in bytes that Get reads. Default 1 GiB.
	MaxObject int64
	// DialTimeout bounds the setup of a connection, TLS included. Default 10 s.
	DialTimeout time.Duration
	// AnswerTimeout is how long the server may think once it has the whole
	// request. Default 30 s.
	AnswerTimeout time.Duration
}

// Store implements objstore.Store.
type Store struct {
	client    minio.Core
	transport *http.Transport
	bucket    string
	secure    bool
	maxObject int64
	// slots has one token per running request.
	slots chan struct{}
}

// Open returns the store. It makes no request: objstore.Probe finds out whether
// the bucket is there and does what it must.
func Open(c Config) (*Store, error) {
	u, err := url.Parse(c.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("s3 endpoint: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Path != "" && u.Path != "/" {
		return nil, fmt.Errorf("s3 endpoint %q: want http(s)://host[:port]", u.Redacted())
	}
	if c.Bucket == "" {
		return nil, errors.New("s3: no bucket is named")
	}
	c = c.withDefaults()
	transport, err := newTransport(c)
	if err != nil {
		return nil, err
	}
	lookup := minio.BucketLookupAuto
	if c.PathStyle {
		lookup = minio.BucketLookupPath
	}
	client, err := minio.NewCore(u.Host, &minio.Options{
		Creds:        c.credentials(),
		Secure:       u.Scheme == "https",
		Transport:    transport,
		Region:       c.Region,
		BucketLookup: lookup,
		// Its own retries would make a stored PUT look like a lost race.
		MaxRetries: 1,
	})
	if err != nil {
		return nil, fmt.Errorf("s3 endpoint %q: %w", c.Endpoint, err)
	}
	client.SetAppInfo("mailbackend", "1")
	return &Store{
		client: *client, transport: transport, bucket: c.Bucket, secure: u.Scheme == "https",
		maxObject: c.MaxObject, slots: make(chan struct{}, c.MaxConns),
	}, nil
}

// Close drops idle connections.
func (s *Store) Close() error {
	s.transport.CloseIdleConnections()
	return nil
}

func (c Config) withDefaults() Config {
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.MaxConns <= 0 {
		c.MaxConns = 256
	}
	if c.MaxObject <= 0 {
		c.MaxObject = 1 << 30
	}
	if c.DialTimeout <= 0 {
		c.DialTimeout = 10 * time.Second
	}
	if c.AnswerTimeout <= 0 {
		c.AnswerTimeout = 30 * time.Second
	}
	return c
}

func (c Config) credentials() *credentials.Credentials {
	if c.AccessKey != "" {
		return credentials.NewStaticV4(c.AccessKey, c.SecretKey, c.SessionToken)
	}
	return credentials.NewChainCredentials([]credentials.Provider{
		&credentials.EnvAWS{},
		&credentials.IAM{Client: &http.Client{Timeout: c.DialTimeout}},
	})
}

func newTransport(c Config) (*http.Transport, error) {
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(0)}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("s3 CA file: %w", err)
		}
		tlsConfig.RootCAs = x509.NewCertPool()
		if !tlsConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("s3 CA file %s: no certificate in it", c.CAFile)
		}
	}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: c.DialTimeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:       tlsConfig,
		TLSHandshakeTimeout:   c.DialTimeout,
		ResponseHeaderTimeout: c.AnswerTimeout,
		MaxIdleConns:          c.MaxConns,
		MaxIdleConnsPerHost:   c.MaxConns,
		IdleConnTimeout:       50 * time.Second,
		DisableCompression:    true,
		// One request per connection: with HTTP/2 a lost connection would
		// leave the outcome of all others on it open.
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{},
	}, nil
}

// begin waits for a slot. The error is that of a request that was not sent;
// without one, end must be called.
func (s *Store) begin(ctx context.Context, op objstore.Op, key string) error {
	if err := context.Cause(ctx); err != nil {
		return objstore.Fail(op, key, err)
	}
	select {
	case s.slots <- struct{}{}:
		return nil
	default:
	}
	select {
	case s.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return objstore.Fail(op, key, objstore.ErrUnavailable, errors.New("all connections are in use"), context.Cause(ctx))
	}
}

func (s *Store) end() { <-s.slots }

// rangeOptions asks for r.
func rangeOptions(r objstore.Range) (o minio.GetObjectOptions, err error) {
	switch {
	case r.Length > 0 && r.Length-1 <= math.MaxInt64-r.Offset:
		err = o.SetRange(r.Offset, r.Offset+r.Length-1)
	case r.Offset > 0:
		err = o.SetRange(r.Offset, 0)
	}
	return o, err
}
