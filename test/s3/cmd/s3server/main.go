// Command s3server is a real S3 server for tests that want one as a process:
//
//	s3server -addr 127.0.0.1:9000 -dir DIR -bucket mail -access-key KEY -secret-key SECRET
//
// It creates the bucket, prints "ready http://ADDR BUCKET" on standard output
// once it serves requests, and ends with status 0 on SIGTERM or SIGINT.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"mailbackend.io/test/s3/s3server"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "s3server:", err)
		os.Exit(1)
	}
}

func run() error {
	var c s3server.Config
	var bucket string
	flag.StringVar(&c.Addr, "addr", "127.0.0.1:9000", "loopback `address` to listen on")
	flag.StringVar(&c.Dir, "dir", "", "`directory` of the buckets (required)")
	flag.StringVar(&c.AccessKey, "access-key", "test", "access `key` of the only account")
	flag.StringVar(&c.SecretKey, "secret-key", "test-secret", "its `secret`")
	flag.StringVar(&bucket, "bucket", "mail", "`bucket` to create")
	flag.Parse()
	if c.Dir == "" || flag.NArg() > 0 {
		flag.Usage()
		return fmt.Errorf("want -dir and no other arguments")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- s3server.Run(ctx, c) }()
	ready := make(chan error, 1)
	go func() { ready <- c.MakeBucket(ctx, bucket) }()
	for {
		select {
		case err := <-done:
			return err
		case err := <-ready:
			if err != nil {
				return fmt.Errorf("bucket %s: %w", bucket, err)
			}
			fmt.Printf("ready http://%s %s\n", c.Addr, bucket)
			ready = nil
		}
	}
}
