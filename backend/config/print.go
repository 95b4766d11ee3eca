package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Print is the configuration as commented YAML that Parse reads back.
func Print(cfg Config) string {
	var b strings.Builder
	printStruct(&b, reflect.ValueOf(cfg), "")
	return b.String()
}

func printStruct(b *strings.Builder, v reflect.Value, indent string) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if indent == "" && i > 0 {
			b.WriteByte('\n')
		}
		comment(b, f, indent)
		printField(b, f.Tag.Get("yaml"), v.Field(i), indent)
	}
}

func comment(b *strings.Builder, f reflect.StructField, indent string) {
	text := f.Tag.Get("doc")
	if lo, ok := f.Tag.Lookup("min"); ok {
		text += fmt.Sprintf(" (%s to %s)", lo, f.Tag.Get("max"))
	}
	line := ""
	for _, word := range strings.Fields(text) {
		if len(indent)+len(line)+len(word) > 96 {
			fmt.Fprintf(b, "%s#%s\n", indent, line)
			line = ""
		}
		line += " " + word
	}
	fmt.Fprintf(b, "%s#%s\n", indent, line)
}

func printField(b *strings.Builder, name string, v reflect.Value, indent string) {
	switch {
	case v.Kind() == reflect.Struct:
		fmt.Fprintf(b, "%s%s:\n", indent, name)
		printStruct(b, v, indent+"  ")
	case v.Kind() == reflect.Slice && v.Len() == 0:
		fmt.Fprintf(b, "%s%s: []\n", indent, name)
	case v.Kind() == reflect.Slice:
		fmt.Fprintf(b, "%s%s:\n", indent, name)
		for i := range v.Len() {
			item := v.Index(i)
			for j := range item.NumField() {
				lead := "  "
				if j == 0 {
					lead = "- "
				}
				fmt.Fprintf(b, "%s  %s%s: %s\n", indent, lead, item.Type().Field(j).Tag.Get("yaml"), scalar(item.Field(j)))
			}
		}
	default:
		fmt.Fprintf(b, "%s%s: %s\n", indent, name, scalar(v))
	}
}

func scalar(v reflect.Value) string {
	if v.Kind() == reflect.String {
		return strconv.Quote(v.String())
	}
	return fmt.Sprint(v.Interface())
}
