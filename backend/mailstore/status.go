package mailstore

import (
	"context"

	"mailbackend.io/backend/sync"
)

// Status are the items of STATUS (RFC 9051 6.3.11).
type Status struct {
	MailboxID                 string
	UIDValidity, UIDNext      uint32
	Messages, Unseen, Deleted uint32
	// Recent is the messages that no session has been told of as \Recent
	// (RFC 3501). It is exact while the mailbox is in memory, else it may
	// count mails that were expunged before anybody looked.
	Recent            uint32
	Size, DeletedSize uint64 // octets
	HighestModSeq     uint64
}

// Status tells a mailbox's figures, exactly. It costs no request once the
// mailbox was accessed, or when the manifest knows them.
func (u *User) Status(ctx context.Context, name string) (Status, error) {
	if err := u.check("status"); err != nil {
		return Status{}, err
	}
	f, err := u.e.find(ctx, name)
	if err != nil {
		return Status{}, err
	}
	st := f.Status()
	if !st.Exact {
		if _, err := f.Open(ctx); err != nil {
			return Status{}, failed("status of mailbox", name, err)
		}
		st = f.Status()
	}
	return Status{
		MailboxID:     string(f.ID()),
		UIDValidity:   f.UIDValidity(),
		UIDNext:       st.UIDNext,
		Messages:      st.Counts.Messages,
		Unseen:        st.Counts.Unseen,
		Deleted:       st.Counts.Deleted,
		Recent:        recentCount(f, st),
		Size:          st.Counts.Size,
		DeletedSize:   st.Counts.DeletedSize,
		HighestModSeq: st.HighestModSeq,
	}, nil
}

func recentCount(f *sync.Folder, st sync.Status) uint32 {
	first := f.FirstRecent()
	if v := f.View(); v != nil {
		return uint32(v.Len() - v.Search(first))
	}
	if first >= st.UIDNext {
		return 0
	}
	return min(st.UIDNext-first, st.Counts.Messages)
}
