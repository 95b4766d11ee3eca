package config

import (
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// check applies the tags' bounds and the rules between fields.
func (d *decoder) check(cfg Config) {
	d.bounds("", reflect.ValueOf(cfg), "")
	d.checkStorage(cfg.ObjectStorage)
	if cfg.Cache.Dir == "" {
		d.fail("cache.dir", "is required: a directory on an SSD or tmpfs")
	}
	switch {
	case cfg.Auth.PasswdFile == "" && cfg.Auth.AnyUser == "":
		d.fail("auth.passwdFile", "is required: without it nobody could log in")
	case cfg.Auth.PasswdFile != "" && cfg.Auth.AnyUser != "":
		d.fail("auth.anyUserPassword", "can't be combined with auth.passwdFile")
	}
	if (cfg.TLS.CertFile == "") != (cfg.TLS.KeyFile == "") {
		d.fail("tls", "certFile and keyFile go together")
	}
	for _, p := range []struct {
		path      string
		listeners []Listener
	}{{"imap", cfg.IMAP.Listeners}, {"pop3", cfg.POP3.Listeners}, {"lmtp", cfg.LMTP.Listeners}} {
		for i, l := range p.listeners {
			path := p.path + ".listeners[" + strconv.Itoa(i) + "]"
			d.checkAddress(path+".address", l.Address, cfg.Auth.AnyUser != "")
			if l.TLS != "none" && cfg.TLS.CertFile == "" {
				d.fail(path+".tls", "%s needs tls.certFile and tls.keyFile; without TLS write tls: none", l.TLS)
			}
		}
	}
	if cfg.Admin.Address != "" {
		d.checkAddress("admin.address", cfg.Admin.Address, cfg.Auth.AnyUser != "")
	}
	names := map[string]bool{"INBOX": true}
	for i, m := range cfg.Users.DefaultMailboxes {
		path := "users.defaultMailboxes[" + strconv.Itoa(i) + "].name"
		switch {
		case m.Name == "" || strings.EqualFold(m.Name, "INBOX"):
			d.fail(path, "must be a name other than INBOX, which every user has")
		case names[m.Name]:
			d.fail(path, "%q is listed twice", m.Name)
		}
		names[m.Name] = true
	}
}

func (d *decoder) checkStorage(o ObjectStorage) {
	if o.Prefix != strings.Trim(o.Prefix, "/") {
		d.fail("objectStorage.prefix", "must not begin or end with a slash")
	}
	for _, seg := range strings.Split(o.Prefix, "/") {
		if o.Prefix != "" && (seg == "" || seg == "." || seg == ".." || len(seg) > 199) {
			d.fail("objectStorage.prefix", "has an empty, dot or over-long segment %q", seg)
		}
	}
	switch o.Type {
	case "dir":
		if o.Dir == "" {
			d.fail("objectStorage.dir", "is required for type dir")
		}
	case "s3":
		if u, err := url.Parse(o.Endpoint); o.Endpoint == "" || err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			d.fail("objectStorage.endpoint", "must be a URL such as https://s3.example.org")
		}
		if o.Bucket == "" {
			d.fail("objectStorage.bucket", "is required for type s3")
		}
		if (o.AccessKeyFile == "") != (o.SecretKeyFile == "") {
			d.fail("objectStorage.secretKeyFile", "accessKeyFile and secretKeyFile go together")
		}
	}
}

func (d *decoder) checkAddress(path, addr string, loopbackOnly bool) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		d.fail(path, "%q is not host:port", addr)
		return
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		d.fail(path, "%q is not a port", port)
	}
	if loopbackOnly && host != "localhost" {
		if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
			d.fail(path, "%q is not a loopback address, and auth.anyUserPassword is set", addr)
		}
	}
}

// bounds checks the min, max and enum tags.
func (d *decoder) bounds(path string, v reflect.Value, tag reflect.StructTag) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			d.bounds(join(path, f.Tag.Get("yaml")), v.Field(i), f.Tag)
		}
	case reflect.Slice:
		for i := range v.Len() {
			d.bounds(path+"["+strconv.Itoa(i)+"]", v.Index(i), tag)
		}
	case reflect.String:
		if enum, ok := tag.Lookup("enum"); ok && !slices.Contains(strings.Split(enum, ","), v.String()) {
			d.fail(path, "%q is not one of %s", v.String(), strings.Trim(strings.ReplaceAll(enum, ",", ", "), ", "))
		}
	case reflect.Int, reflect.Int64:
		lo, hi := bound(v.Type(), tag.Get("min")), bound(v.Type(), tag.Get("max"))
		if v.Int() < lo || v.Int() > hi {
			d.fail(path, "%v is out of range: %s to %s", v.Interface(), tag.Get("min"), tag.Get("max"))
		}
	}
}

// bound parses a min or max tag in the field's own syntax.
func bound(t reflect.Type, s string) int64 {
	p := reflect.New(t)
	switch u := p.Interface().(type) {
	case *Duration:
		if u.UnmarshalText([]byte(s)) == nil {
			return int64(*u)
		}
	case *Size:
		if u.UnmarshalText([]byte(s)) == nil {
			return int64(*u)
		}
	case *int:
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n
		}
	}
	panic("config: bad bound " + strconv.Quote(s) + " for " + t.String())
}
