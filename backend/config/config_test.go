package config

import (
	"reflect"
	"strings"
	"testing"
)

const minimal = `
objectStorage: {type: dir, dir: /store}
cache: {dir: /cache}
auth: {passwdFile: /passwd}
tls: {certFile: /cert, keyFile: /key}
`

func TestMinimal(t *testing.T) {
	cfg, err := Parse([]byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Index.MaxRescanMailCount != 10 || cfg.Index.UploadInterval.String() != "5m" {
		t.Fatalf("defaults: %+v", cfg.Index)
	}
}

// TestPrintRoundTrip: what `mailbackend config` prints is a configuration.
func TestPrintRoundTrip(t *testing.T) {
	cfg, err := Parse([]byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	text := Print(cfg)
	again, err := Parse([]byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if !reflect.DeepEqual(cfg, again) {
		t.Fatalf("differs:\n%+v\n%+v", cfg, again)
	}
	for line := range strings.Lines(text) {
		if strings.Contains(line, ": ") && !strings.HasPrefix(strings.TrimSpace(line), "#") && !strings.Contains(text, "# ") {
			t.Fatal("no comments")
		}
	}
}

func TestErrorsNamePathAndLine(t *testing.T) {
	for _, c := range []struct{ name, yaml, want string }{
		{"unknown field", "imap:\n  lisstenners: []\n", "imap.lisstenners (line 2): there is no such field"},
		{"wrong type", "users:\n  maxLoaded: many\n", `users.maxLoaded (line 2): "many" is not a whole number`},
		{"duration", "index:\n  uploadInterval: 5\n", `index.uploadInterval (line 2): "5" is not a duration`},
		{"negative duration", "index:\n  uploadInterval: -5m\n", `index.uploadInterval (line 2): "-5m" is not a duration`},
		{"size", "cache:\n  bytesPerActiveUser: 2 MB\n", `cache.bytesPerActiveUser (line 2): "2 MB" is not a size`},
		{"range", "index:\n  maxRescanMailCount: 0\n", "index.maxRescanMailCount (line 2): 0 is out of range: 1 to 1000"},
		{"enum", "log:\n  level: loud\n", `log.level (line 2): "loud" is not one of debug, info, warn, error`},
		{"twice", "log:\n  level: info\n  level: warn\n", "log.level"},
		{"list item", "lmtp:\n  listeners:\n  - address: nowhere\n", `lmtp.listeners[0].address (line 3): "nowhere" is not host:port`},
		{"not a list", "lmtp:\n  listeners: 24\n", "lmtp.listeners (line 2): must be a list"},
		{"not fields", "lmtp: 24\n", "lmtp (line 1): must have fields"},
		{"missing", "objectStorage: {type: dir}\n", "objectStorage.dir (line 1): is required for type dir"},
		{"prefix", "objectStorage: {prefix: a/../b}\n", "objectStorage.prefix (line 1): has an empty, dot"},
		{"no auth", "auth: {}\n", "auth.passwdFile (line 1): is required"},
		{"open development", "auth: {anyUserPassword: x}\nadmin: {address: '0.0.0.0:1'}\n", "admin.address (line 2): \"0.0.0.0:1\" is not a loopback address"},
		{"not YAML", "a: [", "configuration is not YAML"},
		{"TLS without certificate", "imap: {listeners: [{address: ':1', tls: implicit}]}\n", "imap.listeners[0].tls (line 1): implicit needs tls.certFile"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse([]byte(c.yaml))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error\n%v\nlacks %q", err, c.want)
			}
		})
	}
}

func TestSizes(t *testing.T) {
	for in, want := range map[string]Size{"0": 0, "17": 17, "2M": 2_000_000, "1Gi": 1 << 30, "64k": 64_000, "1T": 1e12} {
		var s Size
		if err := s.UnmarshalText([]byte(in)); err != nil || s != want {
			t.Errorf("%s: %d, %v", in, s, err)
		}
		var back Size
		if err := back.UnmarshalText([]byte(s.String())); err != nil || back != s {
			t.Errorf("%s prints as %s", in, s)
		}
	}
	for _, bad := range []string{"", "M", "-1", "1.5M", "99999999T", "1 M"} {
		var s Size
		if s.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("%q accepted as %d", bad, s)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(minimal)
	f.Add(Print(Default()))
	f.Add("a: &x [*x]\n")
	f.Fuzz(func(t *testing.T, text string) {
		if cfg, err := Parse([]byte(text)); err == nil {
			if _, err := Parse([]byte(Print(cfg))); err != nil {
				t.Fatalf("accepted, but not as printed: %v", err)
			}
		}
	})
}
