// Package s3server runs a real S3 server for tests: versitygw on a directory,
// in the calling process or, through cmd/s3server, in one of its own. It is in
// a module of its own so that the product doesn't depend on what versitygw
// depends on. It is not meant to keep anything: versitygw does not sync files.
package s3server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

// Region is the one that the server signs for.
const Region = "us-east-1"

// Config of a server. All fields are required.
type Config struct {
	// Addr is the host:port to listen on.
	Addr string
	// Dir holds one directory per bucket; its file system must have
	// extended attributes.
	Dir string
	// AccessKey and SecretKey are those of the only account.
	AccessKey, SecretKey string
}

// Run serves until ctx ends. A process can run one server, and finds its working
// directory moved to c.Dir: versitygw wants it so.
func Run(ctx context.Context, c Config) error {
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return err
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return err
	}
	// Never its sidecar mode for metadata: that lost conditional updates.
	store, err := posix.New(dir, meta.XattrMeta{}, posix.PosixOpts{NewDirPerm: 0o755, CopyObjectThreshold: 5 << 30})
	if err != nil {
		return fmt.Errorf("versitygw on %s: %w", c.Dir, err)
	}
	err = embedgw.RunVersityGW(ctx, store, &embedgw.Config{
		RootUserAccess: c.AccessKey, RootUserSecret: c.SecretKey, Region: Region,
		Ports: []string{c.Addr}, MaxConnections: 10_000, MaxRequests: 5_000, MultipartMaxParts: 10_000,
		KeepAlive: true, Quiet: true,
	})
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("versitygw on %s: %w", c.Addr, err)
	}
	return nil
}

// MakeBucket waits until the server answers and creates a bucket there, unless
// it exists.
func (c Config) MakeBucket(ctx context.Context, bucket string) error {
	client, err := minio.New(c.Addr, &minio.Options{
		Creds: credentials.NewStaticV4(c.AccessKey, c.SecretKey, ""), Region: Region, MaxRetries: 1,
		Transport: &http.Transport{DisableKeepAlives: true},
	})
	if err != nil {
		return err
	}
	for {
		exists, err := client.BucketExists(ctx, bucket)
		if err == nil && !exists {
			err = client.MakeBucket(ctx, bucket, minio.MakeBucketOptions{Region: Region})
		}
		var refused *net.OpError
		if err == nil || !errors.As(err, &refused) {
			return err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("server at %s does not answer: %w", c.Addr, err)
		}
	}
}

// FreeAddr returns a loopback address that nobody listens on now.
func FreeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
