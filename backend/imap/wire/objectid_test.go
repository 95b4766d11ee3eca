package wire

import "testing"

func TestObjectID(t *testing.T) {
	id := [16]byte{0: 1, 1: 0xab, 15: 0xff}
	const text = "M01ab00000000000000000000000000ff"
	if got := string(AppendObjectID(nil, EmailIDPrefix, id)); got != text {
		t.Fatal(got)
	}
	if got, ok := ParseObjectID(text, EmailIDPrefix); !ok || got != id {
		t.Fatal(got, ok)
	}
	for _, bad := range []string{"", "M", text[1:], text + "0", "T" + text[1:], "M01AB" + text[5:], "M0xab" + text[5:]} {
		if _, ok := ParseObjectID(bad, EmailIDPrefix); ok {
			t.Errorf("%q accepted", bad)
		}
	}
}
