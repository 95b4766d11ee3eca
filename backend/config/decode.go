package config

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Parse reads YAML over the defaults and checks it. Every error names the path
// and the line of what is wrong; all of them are returned, joined.
func Parse(text []byte) (Config, error) {
	cfg := Default()
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return cfg, fmt.Errorf("configuration is not YAML: %w", err)
	}
	d := decoder{lines: map[string]int{}}
	if len(doc.Content) > 0 {
		d.value("", doc.Content[0], reflect.ValueOf(&cfg).Elem(), "")
	}
	d.check(cfg)
	return cfg, errors.Join(d.errs...)
}

// Check applies the rules to a configuration that was not read from YAML.
func Check(cfg Config) error {
	var d decoder
	d.check(cfg)
	return errors.Join(d.errs...)
}

type decoder struct {
	lines map[string]int // path to line, for errors of later checks
	errs  []error
}

func (d *decoder) fail(path, format string, args ...any) {
	where := path
	if where == "" {
		where = "(top level)"
	}
	for p := path; ; {
		if line := d.lines[p]; line > 0 {
			where += " (line " + strconv.Itoa(line) + ")"
			break
		}
		i := strings.LastIndexAny(p, ".[")
		if i < 0 {
			break
		}
		p = p[:i]
	}
	d.errs = append(d.errs, fmt.Errorf("%s: %s", where, fmt.Sprintf(format, args...)))
}

func (d *decoder) value(path string, n *yaml.Node, v reflect.Value, tag reflect.StructTag) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	d.lines[path] = n.Line
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if n.Kind != yaml.ScalarNode {
			d.fail(path, "must be a single value")
		} else if err := u.UnmarshalText([]byte(n.Value)); err != nil {
			d.fail(path, "%v", err)
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.mapping(path, n, v)
	case reflect.Slice:
		d.sequence(path, n, v, tag)
	default:
		if n.Kind != yaml.ScalarNode {
			d.fail(path, "must be a single value")
		} else if err := n.Decode(v.Addr().Interface()); err != nil {
			d.fail(path, "%q is not a %s", n.Value, map[reflect.Kind]string{reflect.Int: "whole number", reflect.Bool: "true or false", reflect.String: "text"}[v.Kind()])
		}
	}
}

func (d *decoder) mapping(path string, n *yaml.Node, v reflect.Value) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.fail(path, "must have fields")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, val := n.Content[i], n.Content[i+1]
		at := join(path, key.Value)
		d.lines[at] = key.Line
		f, ok := field(v.Type(), key.Value)
		switch {
		case !ok:
			d.fail(at, "there is no such field; known here: %s", strings.Join(fieldNames(v.Type()), ", "))
		case seen[key.Value]:
			d.fail(at, "is given twice")
		default:
			d.value(at, val, v.FieldByIndex(f.Index), f.Tag)
		}
		seen[key.Value] = true
	}
}

func (d *decoder) sequence(path string, n *yaml.Node, v reflect.Value, tag reflect.StructTag) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		v.SetZero()
		return
	}
	if n.Kind != yaml.SequenceNode {
		d.fail(path, "must be a list")
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		d.value(path+"["+strconv.Itoa(i)+"]", item, out.Index(i), tag)
	}
	v.Set(out)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func field(t reflect.Type, name string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get("yaml") == name {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

func fieldNames(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		names = append(names, t.Field(i).Tag.Get("yaml"))
	}
	slices.Sort(names)
	return names
}
