package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/message"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/dir"
	mailsync "mailbackend.io/backend/sync"
)

// largeSelects times SELECT of mailboxes of 100,000 and 1,000,000 messages.
// They are made by the engine itself, but without their mail objects, which a
// SELECT doesn't touch: a million files would only measure the disk.
func largeSelects(t *target) ([]result, error) {
	if !*large {
		return nil, nil
	}
	var rs []result
	for _, n := range []int{100_000, 1_000_000} {
		user := fmt.Sprintf("large%d", n)
		if err := fillIndex(filepath.Join(t.dir, "objects"), user, n); err != nil {
			return nil, err
		}
		more, err := selectTimes(t, user, n)
		if err != nil {
			return nil, err
		}
		rs = append(rs, more...)
	}
	return rs, nil
}

// indexOnly is a store that drops mail objects.
type indexOnly struct{ objstore.Store }

// PutIfAbsent implements objstore.Store.
func (s indexOnly) PutIfAbsent(ctx context.Context, key string, data objstore.Blob) (objstore.ETag, error) {
	if strings.Contains(key, "/mail/") {
		return "dropped", nil
	}
	return s.Store.PutIfAbsent(ctx, key, data)
}

// fillIndex gives a new user an INBOX of n messages.
func fillIndex(objects, user string, n int) error {
	ctx := context.Background()
	store, err := dir.Open(ctx, objects, dir.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	cfg := mailsync.DefaultConfig()
	cfg.UIDRange = uint32(n) + 1
	engine, err := mailsync.NewEngine(cfg, indexOnly{store}, nil, clock.System{}, rand.Reader, mailsync.Holder{Pod: "bench", Incarnation: "fill"}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	account, err := engine.Load(ctx, user, mailsync.LoadOptions{Initial: []mailsync.NewMailbox{{Name: "INBOX"}}})
	if err != nil {
		return err
	}
	box := account.Root().ByName("INBOX")
	folder, ok := account.Folder(box.ID)
	if !ok {
		return fmt.Errorf("no INBOX for %s", user)
	}
	if _, err := folder.Open(ctx); err != nil {
		return err
	}
	bodies := make([]*message.Body, 100)
	for i := range bodies {
		bodies[i] = message.NewBody(mail(i), message.DefaultLimits())
	}
	const workers = 8
	var wg sync.WaitGroup
	errs := make(chan error, workers)
	now := time.Now()
	for w := range workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := w; i < n; i += workers {
				m := mailsync.NewMail{Body: bodies[i%len(bodies)], InternalDate: now.Add(time.Duration(i) * time.Second), SaveDate: now}
				if _, err := folder.Append(ctx, m); err != nil {
					errs <- err
					return
				}
			}
		}()
	}
	wg.Wait()
	close(errs)
	if err := <-errs; err != nil {
		return err
	}
	return account.Release(ctx)
}
