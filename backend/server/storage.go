package server

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"mailbackend.io/backend/config"
	"mailbackend.io/backend/mailstore"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/dir"
	"mailbackend.io/backend/objstore/s3"
	"mailbackend.io/backend/sync"
)

// requests is the object store as the engine uses it, and the counter below its
// retries.
type requests struct {
	store   objstore.Store
	counter *objstore.Counter
}

// openObjects opens the configured store and refuses one that breaks the
// contract.
func (s *Server) openObjects(ctx context.Context, host Host) (requests, error) {
	cfg := s.cfg.ObjectStorage
	var adapter objstore.Store
	switch cfg.Type {
	case "dir":
		d, err := dir.Open(ctx, cfg.Dir, dir.Options{Clock: host.Clock})
		if err != nil {
			return requests{}, fmt.Errorf("objectStorage.dir: %w", err)
		}
		s.close = append(s.close, d.Close)
		adapter = d
	default:
		c, err := s3Config(cfg)
		if err != nil {
			return requests{}, err
		}
		if adapter, err = s3.Open(c); err != nil {
			return requests{}, fmt.Errorf("objectStorage: %w", err)
		}
	}
	counter := objstore.NewCounter(adapter)
	retrying := objstore.Retry(counter, objstore.RetryConfig{
		Attempts: cfg.Retries + 1, Budget: time.Duration(cfg.RetryFor), Attempt: time.Duration(cfg.RequestTimeout),
	}, host.Clock, host.Rand)
	prefix := cfg.Prefix
	if prefix != "" {
		prefix += "/" // configured without, as package sync wants it
	}
	if err := objstore.Probe(ctx, retrying, prefix, host.Rand); err != nil {
		return requests{}, fmt.Errorf("objectStorage: this store can't be used: %w", err)
	}
	return requests{retrying, counter}, nil
}

func s3Config(cfg config.ObjectStorage) (s3.Config, error) {
	c := s3.Config{
		Endpoint: cfg.Endpoint, Region: cfg.Region, Bucket: cfg.Bucket,
		PathStyle: cfg.PathStyle, CAFile: cfg.CAFile, MaxConns: cfg.MaxConnections,
	}
	for _, f := range []struct {
		path string
		to   *string
	}{{cfg.AccessKeyFile, &c.AccessKey}, {cfg.SecretKeyFile, &c.SecretKey}} {
		if f.path == "" {
			continue
		}
		b, err := os.ReadFile(f.path)
		if err != nil {
			return c, fmt.Errorf("objectStorage: credentials: %w", err)
		}
		*f.to = strings.TrimSpace(string(b))
	}
	return c, nil
}

func (s *Server) syncConfig() sync.Config {
	c := sync.DefaultConfig()
	c.Prefix = s.cfg.ObjectStorage.Prefix
	c.MaxRescanMailCount = s.cfg.Index.MaxRescanMailCount
	if s.cfg.ObjectStorage.Type == "dir" {
		c.KeepPending = -1 // the objects are local files: a copy of them saves nothing
	}
	return c
}

func (s *Server) mailstoreConfig() mailstore.Config {
	c := mailstore.DefaultConfig()
	c.UploadInterval = time.Duration(s.cfg.Index.UploadInterval)
	c.MaxUploads = s.cfg.Index.Concurrency
	c.ActiveWindow = time.Duration(s.cfg.Users.ActiveWindow)
	c.MaxLoadedUsers = s.cfg.Users.MaxLoaded
	c.MaxStubs = s.cfg.Users.MaxStubs
	c.MaxMailboxKeywords = s.cfg.Users.MaxKeywords
	c.BodyCacheBytes = int64(s.cfg.Cache.Memory)
	c.MaxMessageSize = max(int64(s.cfg.IMAP.MaxMessage), int64(s.cfg.LMTP.MaxMessage))
	c.DefaultMailboxes = []mailstore.DefaultMailbox{}
	for _, m := range s.cfg.Users.DefaultMailboxes {
		c.DefaultMailboxes = append(c.DefaultMailboxes, mailstore.DefaultMailbox{Name: m.Name, SpecialUse: m.SpecialUse})
	}
	return c
}
