package cache

import (
	"container/list"
	"errors"
	"sync"
)

// openFiles keeps log files open, at most limit of them as far as they are not
// in use at the moment, so that most appends are a single system call.
type openFiles struct {
	limit int

	mu     sync.Mutex
	recent list.List // of *openFile, the most recently used in front
}

// openFile is one of them. Its fields but f are under openFiles.mu.
type openFile struct {
	f     File
	users int
	at    *list.Element // nil: given up, closed as soon as users is 0
}

// add takes an open file in, in use by the caller.
func (o *openFiles) add(f File) *openFile {
	o.mu.Lock()
	defer o.mu.Unlock()
	of := &openFile{f: f, users: 1}
	of.at = o.recent.PushFront(of)
	for o.recent.Len() > o.limit {
		_ = o.giveUp(o.recent.Back().Value.(*openFile))
	}
	return of
}

// use protects a file until release; false: it was given up.
func (o *openFiles) use(of *openFile) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if of.at == nil {
		return false
	}
	of.users++
	o.recent.MoveToFront(of.at)
	return true
}

// release ends what add or use began.
func (o *openFiles) release(of *openFile) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if of.users--; of.users == 0 && of.at == nil {
		// Every write was checked when it was made, and nothing is
		// synced: closing has nothing to tell.
		_ = of.f.Close()
	}
}

// close gives a file up.
func (o *openFiles) close(of *openFile) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_ = o.giveUp(of)
}

func (o *openFiles) giveUp(of *openFile) error {
	if of.at == nil {
		return nil
	}
	o.recent.Remove(of.at)
	of.at = nil
	if of.users > 0 {
		return nil
	}
	return of.f.Close()
}

// closeAll gives all files up.
func (o *openFiles) closeAll() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	var failed []error
	for o.recent.Len() > 0 {
		failed = append(failed, o.giveUp(o.recent.Front().Value.(*openFile)))
	}
	return errors.Join(failed...)
}
