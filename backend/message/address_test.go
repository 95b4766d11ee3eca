package message

import (
	"fmt"
	"strings"
	"testing"
)

// show writes addresses so that a test can read them: name <@route:mailbox|host>.
func show(list []Address) string {
	var b strings.Builder
	for i, a := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		switch a.Kind {
		case AddrGroupStart:
			fmt.Fprintf(&b, "[%s", a.Mailbox)
		case AddrGroupEnd:
			b.WriteString("]")
		default:
			if a.Name != "" {
				b.WriteString(a.Name + " ")
			}
			b.WriteString("<")
			if a.Route != "" {
				b.WriteString(a.Route + ":")
			}
			b.WriteString(a.Mailbox + "|" + a.Host + ">")
		}
	}
	return b.String()
}

func TestAddresses(t *testing.T) {
	for _, c := range [][2]string{
		{"", ""},
		{" \t\r\n ", ""},
		{"a@b.c", "<a|b.c>"},
		{"A <a@b.c>", "A <a|b.c>"},
		{"<a@b.c>", "<a|b.c>"},
		{"A B  C\r\n\tD <a@b.c>", "A B C D <a|b.c>"},
		{`"A, B" <a@b.c>, c@d`, "A, B <a|b.c>, <c|d>"},
		{`"A \"q\" \\ B" <a@b.c>`, `A "q" \ B <a|b.c>`},
		{`"A" B "C" <a@b.c>`, "A B C <a|b.c>"},
		{`"A  B" <a@b.c>`, "A  B <a|b.c>"},
		{"J. R. Doe <a@b.c>", "J. R. Doe <a|b.c>"},
		{"a@b.c (A B)", "A B <a|b.c>"},
		{"a@b.c (A (nested) \\) B)", "A (nested) ) B <a|b.c>"},
		{"(x) A (y) B (z) <a@b.c> (w)", "A B <a|b.c>"},
		{"<a@b.c> (w)", "w <a|b.c>"},
		{"a(c1)@b(c2).c", "c2 <a|b.c>"},
		{"< a @ b . c >", "<a|b.c>"},
		{"a . b @ c . d", "<a.b|c.d>"},
		{`"a b"@c.d`, "<a b|c.d>"},
		{`<"a@b"@c.d>`, "<a@b|c.d>"},
		{`"a@b"@c.d`, "<a@b|c.d>"},
		{"<@r1,@r2:a@b.c>", "<@r1,@r2:a|b.c>"},
		{"a@[1.2.3.4], b@[IPv6:::1]", "<a|[1.2.3.4]>, <b|[IPv6:::1]>"},
		{"g:;", "[g, ]"},
		{"My group : a@b, C <c@d> ; e@f", "[My group, <a|b>, C <c|d>, ], <e|f>"},
		{`"g, h": a@b;`, "[g, h, <a|b>, ]"},
		{"g: a@b", "[g, <a|b>, ]"},
		{":;", "[, ]"},
		{"a@b,, ,c@d,", "<a|b>, <c|d>"},
		{"a", "<a|>"},
		{"A B", "A B <|>"},
		{`"A"`, "A <|>"},
		{"<>", "<|>"},
		{"A <>", "A <|>"},
		{"<a>", "<a|>"},
		{"a@", "<a|>"},
		{"@b", "<|b>"},
		{"a@b@c", "<a@b|c>"},
		{"A a@b", "A <a|b>"},
		{"a@b A B", "A B <a|b>"},
		{"a@b c@d", "<a|b>, <c|d>"},
		{"a@b; c@d", "<a|b>, <c|d>"},
		{"A <a@b> B <c@d>", "A <a|b>, B <c|d>"},
		{"A <a@b, C <c@d>", "A <a|b>, C <c|d>"},
		{"A <<a@b>>", "A <a|b>"},
		{`"A <a@b>, c@d`, `"A <a|b>, <c|d>`},
		{"a@b (A, c@d", "A, c@d <a|b>"},
		{"(only a comment)", ""},
		{"x@y <a@b>", "x@y <a|b>"},
		{"=?utf-8?q?a=2C_b?= <a@b>", "=?utf-8?q?a=2C_b?= <a|b>"},
		{"\xc3\xa9 <\xc3\xa9@\xc3\xa9>", "\xc3\xa9 <\xc3\xa9|\xc3\xa9>"},
		{"a\x00b <a@b>", "a\x00b <a|b>"},
		{"\\", "<\\|>"},
		{`""@b`, "<|b>"},
	} {
		if got := show(ParseAddresses([]byte(c[0]))); got != c[1] {
			t.Errorf("%q:\n got %s\nwant %s", c[0], got, c[1])
		}
	}
}

// checkAddresses checks what must hold of any address list.
func checkAddresses(v []byte) error {
	p := addressParser{v: v}
	n, inGroup := 0, false
	for p.next() {
		n++
		if n > len(v)+2 {
			return fmt.Errorf("%d addresses in %d bytes", n, len(v))
		}
		if p.i > len(v) {
			return fmt.Errorf("at %d of %d bytes", p.i, len(v))
		}
		switch p.kind {
		case AddrGroupStart, AddrGroupEnd:
			if inGroup == (p.kind == AddrGroupStart) {
				return fmt.Errorf("group in a group, or an end without a start")
			}
			inGroup = !inGroup
		}
		total := len(p.name) + len(p.route) + len(p.mailbox) + len(p.host)
		if total > len(v) {
			return fmt.Errorf("an address of %d bytes in %d", total, len(v))
		}
	}
	if inGroup {
		return fmt.Errorf("group without end")
	}
	if p.ops > 8*len(v)+16 {
		return fmt.Errorf("%d operations for %d bytes", p.ops, len(v))
	}
	return nil
}
