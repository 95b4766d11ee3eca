package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"mailbackend.io/backend/config"
)

// dev runs one process on this machine: embedded store or a given S3 server,
// loopback only, every user name with the password "dev".
func dev(ctx context.Context, args []string, out, errOut io.Writer) error {
	fs := newFlags("dev", errOut)
	dir := fs.String("dir", "mailbackend-dev", "`DIR` for DIR/objects (the store, unless --s3) and DIR/cache")
	imap := fs.String("imap", "127.0.0.1:1143", "IMAP `ADDR`; port 0 takes a free one")
	pop3 := fs.String("pop3", "127.0.0.1:1110", "POP3 `ADDR`")
	lmtp := fs.String("lmtp", "127.0.0.1:1024", "LMTP `ADDR`")
	admin := fs.String("admin", "127.0.0.1:1080", "`ADDR` of /healthz, /readyz and /metrics")
	s3 := fs.String("s3", "", "use the bucket at `URL` (http://host:port/bucket[/prefix]); keys from the AWS_* variables")
	interval := fs.Duration("upload-interval", 5*time.Minute, "upload changes of flags after this `TIME`")
	if err := parse(fs, args); err != nil {
		return err
	}
	cfg := config.Default()
	cfg.Index.UploadInterval = config.Duration(*interval)
	cfg.Auth = config.Auth{AnyUser: "dev"}
	cfg.Cache.Dir = filepath.Join(*dir, "cache")
	cfg.Cache.ActiveUsers = 10_000
	cfg.ObjectStorage.Type = "dir"
	cfg.ObjectStorage.Dir = filepath.Join(*dir, "objects")
	if *s3 != "" {
		if err := useS3(&cfg.ObjectStorage, *s3); err != nil {
			return err
		}
	}
	plain := func(addr string) []config.Listener { return []config.Listener{{Address: addr, TLS: "none"}} }
	cfg.IMAP.Listeners, cfg.IMAP.AllowPlaintextAuth = plain(*imap), true
	cfg.POP3.Listeners, cfg.POP3.AllowPlaintextAuth = plain(*pop3), true
	cfg.LMTP.Listeners = plain(*lmtp)
	cfg.Admin.Address = *admin
	if err := config.Check(cfg); err != nil {
		return usageError{err.Error()}
	}
	return start(ctx, cfg, out, errOut)
}

// useS3 takes http(s)://host[:port]/bucket[/prefix] apart.
func useS3(o *config.ObjectStorage, raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return usageError{fmt.Sprintf("--s3 %q is not a URL such as http://127.0.0.1:9000/bucket", raw)}
	}
	bucket, prefix, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	if bucket == "" {
		return usageError{fmt.Sprintf("--s3 %q names no bucket", raw)}
	}
	o.Type, o.Endpoint, o.Bucket, o.Prefix, o.PathStyle = "s3", u.Scheme+"://"+u.Host, bucket, prefix, true
	return nil
}

// parse reads flags; what is no flag is an error.
func parse(fs *flag.FlagSet, args []string) error {
	if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
		return err
	} else if err != nil {
		return usageError{} // the flag set has told
	}
	if fs.NArg() > 0 {
		return usageError{fmt.Sprintf("unexpected argument %q", fs.Arg(0))}
	}
	return nil
}
