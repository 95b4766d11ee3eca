package sync

import (
	"testing"

	"mailbackend.io/backend/index"
	"mailbackend.io/backend/uidset"
)

func TestLifeOfAMail(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.load(w.backend("a", Config{}), LoadOptions{})
		inbox := w.folder(a, Inbox)
		for n := 1; n <= 3; n++ {
			if uid := w.append(inbox, n); uid != uint32(n) {
				t.Fatalf("mail %d got UID %d", n, uid)
			}
		}
		w.wantView(inbox, "1 2 3")
		w.setFlags(inbox, 2, index.Seen)
		if got, err := inbox.Expunge(ctx, uidset.Of(1, 9)); err != nil || got.String() != "1" {
			t.Fatalf("expunged %s, %v", got, err)
		}
		w.wantView(inbox, "2S 3")
		w.release(a)

		b := w.load(w.backend("b", Config{}), LoadOptions{Open: []string{Inbox}})
		inbox = w.folder(b, Inbox)
		w.wantView(inbox, "2S 3")
		if uid := w.append(inbox, 4); uid != 68 { // 3 + 1 + a range of 64
			t.Errorf("UID %d after a release", uid)
		}
		w.wantView(inbox, "2S 3 68")
		if s := w.subjectOf(inbox, 3); s != "mail 3" {
			t.Errorf("UID 3 is %q", s)
		}
		w.release(b)
	})
}
