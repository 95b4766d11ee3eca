package mailstore

import (
	"fmt"
	"strings"
	"testing"
)

func TestTree(t *testing.T) {
	tr := buildTree([]MailboxInfo{
		{Name: "INBOX", ID: "1"},
		{Name: "b", ID: "2", SpecialUse: []string{`\Sent`}},
		{Name: "a/x/y", ID: "3"},
		{Name: "a/x z", ID: "4"},
		{Name: "INBOX/sub", ID: "5"},
	}, []string{"gone/deep", "b", "a"})
	var got strings.Builder
	for _, m := range tr.infos {
		fmt.Fprintf(&got, "%s id=%s sub=%v missing=%v children=%v %v\n", m.Name, m.ID, m.Subscribed, m.NonExistent, m.HasChildren, m.SpecialUse)
	}
	want := `INBOX id=1 sub=false missing=false children=true []
INBOX/sub id=5 sub=false missing=false children=false []
a id= sub=true missing=true children=true []
a/x id= sub=false missing=true children=true []
a/x/y id=3 sub=false missing=false children=false []
a/x z id=4 sub=false missing=false children=false []
b id=2 sub=true missing=false children=false [\Sent]
gone/deep id= sub=true missing=true children=false []
`
	if got.String() != want {
		t.Errorf("got:\n%swant:\n%s", got.String(), want)
	}
	if m, ok := tr.lookup("a/x"); !ok || !m.NonExistent {
		t.Errorf("lookup(a/x) = %+v, %v", m, ok)
	}
	if _, ok := tr.lookup("gone"); ok {
		t.Error("lookup(gone) found the parent of a name that is only subscribed")
	}
}
