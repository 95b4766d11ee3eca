package sync

import (
	"errors"
	"fmt"

	"mailbackend.io/backend/cache"
	"mailbackend.io/backend/format"
	"mailbackend.io/backend/index"
)

// The local log of a mailbox holds every op since the last confirmed upload,
// written before anybody is told of it. It survives the death of the process but
// not of the machine. What it is worth is told by the user's local meta, a frame
// "MBLM" in the cache:
//
//	┌──────────┬─────────────────┬────────────────┬────────────┐
//	│ epoch u64│ pod: uv, bytes  │ incarnation    │ claim id   │
//	│          │                 │ uv, bytes      │ 16 bytes   │
//	└──────────┴─────────────────┴────────────────┴────────────┘
//
// Epoch and holder are those of the claim under which the logs were written. The
// claim id, if not zero, is the commit id of a claim that a later incarnation
// was about to make in order to replay them: had it died right then, root would name
// that claim, under which nothing can have been told yet.
var localMagic = format.Magic{'M', 'B', 'L', 'M'}

const localVersion = 1

// localMeta says under which claims a user's local logs are whole.
type localMeta struct {
	epoch  uint64
	holder Holder
	claim  index.ID
}

func (l *localMeta) encode() []byte {
	var w format.Writer
	w.Uint64(l.epoch)
	w.String(l.holder.Pod)
	w.String(l.holder.Incarnation)
	w.Raw(l.claim[:])
	return format.Seal(nil, localMagic, localVersion, w.B)
}

func decodeLocalMeta(b []byte) (localMeta, error) {
	frame, err := format.Open(b, localMagic, localVersion, maxRootHead)
	if err != nil {
		return localMeta{}, fmt.Errorf("local meta: %w", err)
	}
	r := format.NewReader(frame.Payload)
	l := localMeta{epoch: r.Uint64(), holder: Holder{Pod: r.String(), Incarnation: r.String()}}
	copy(l.claim[:], r.Raw(len(l.claim)))
	if r.Err() != nil {
		return localMeta{}, fmt.Errorf("local meta: %w", r.Err())
	}
	return l, nil
}

// covers tells whether the logs hold everything that was told under the claim
// that root names: "if root still names this pod's former incarnation with the
// epoch of the local files, the local logs hold everything that was told to
// clients". pod is the pod that asks. It is pure.
func (l *localMeta) covers(root *Root, pod string) bool {
	switch {
	case root.released(), root.logless, root.Holder.Pod != pod:
		return false
	case root.Epoch == l.epoch && root.Holder == l.holder:
		return true
	default:
		return l.claim != index.ID{} && root.CommitID == l.claim
	}
}

// logOps writes ops to the local log. A log that can't be written is given up
// for the whole account: the user goes on in memory. f.mu is held.
func (f *Folder) logOps(ops []index.Op) {
	if f.a.files == nil || f.a.lostLog() {
		return
	}
	err := f.openLog()
	if err == nil {
		err = f.log.Append(index.EncodeOps(nil, ops))
	}
	if err != nil {
		f.a.loseLog(fmt.Errorf("%s: %w", f, err))
	}
}

func (f *Folder) openLog() (err error) {
	if f.log == nil {
		f.log, err = f.a.files.Log(string(f.id))
	}
	return err
}

func (a *Account) lostLog() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.logless
}

// loseLog notes that the local logs lack something: they must not be replayed.
// Root is told with a commit at once, in case that the meta can't be changed
// either.
func (a *Account) loseLog(err error) {
	a.mu.Lock()
	first := !a.logless && a.state != ended
	a.logless = true
	a.mu.Unlock()
	if !first {
		return
	}
	level := a.log.Error
	if errors.Is(err, cache.ErrFull) {
		level = a.log.Warn
	}
	level("local log given up; a crash of this process loses what is not uploaded", "error", err)
	if err := a.files.SetMeta((&localMeta{}).encode()); err != nil {
		a.log.Error("local meta can't be written", "error", err)
	}
	a.spawn(func() { _ = a.commit(a.ctx, noChange, nil) }) // any commit carries it
}

// keepMeta writes the local meta again if it is gone: as long as nothing was
// dirty the cache was free to evict it, and without it no log is replayed.
func (a *Account) keepMeta() {
	if a.lostLog() {
		return
	}
	if _, err := a.files.Meta(); !errors.Is(err, cache.ErrMiss) {
		return
	}
	if err := a.files.SetMeta((&localMeta{epoch: a.epoch, holder: a.e.self}).encode()); err != nil {
		a.loseLog(err)
	}
}

// dropLogs empties the local logs of earlier claims. They are not those of
// this one and must not be replayed on top of it.
func dropLogs(files *cache.User) error {
	boxes, err := files.LogMailboxes()
	if err != nil {
		return err
	}
	for _, box := range boxes {
		log, err := files.Log(box)
		if err != nil {
			return err
		}
		rotation, err := log.Rotate()
		if err == nil {
			err = log.DropBefore(rotation)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// replayLog reads the local log of a folder. damaged tells that it lacks
// something that was told.
func (f *Folder) replayLog() (ops []index.Op, damaged bool) {
	f.mu.Lock()
	err := f.openLog()
	log := f.log
	f.mu.Unlock()
	if err == nil {
		_, err = log.Replay(func(entry []byte) error {
			// Ops alias the entry, which is valid during the call only.
			more, err := index.DecodeOps(append([]byte(nil), entry...))
			ops = append(ops, more...)
			return err
		})
	}
	if err != nil {
		f.a.log.Error("local log is damaged; what is behind is lost", "mailbox", f.id, "error", err)
	}
	return ops, err != nil
}
