package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// step is a finished step of the story and what it cost.
type step struct {
	title    string
	took     time.Duration
	requests map[string]int
}

// step runs f and prints what it did and which object store requests it cost.
func (d *demo) step(title string, f func() string) {
	fmt.Printf("\n%2d. %s\n", len(d.steps)+1, title)
	begin := time.Now()
	result := f()
	took := time.Since(begin)
	s := step{title: title, took: took, requests: map[string]int{}}
	if after, err := d.requests(); err == nil {
		for kind, n := range after {
			if n -= d.before[kind]; n > 0 {
				s.requests[kind] = n
			}
		}
		d.before = after
	}
	d.steps = append(d.steps, s)
	fmt.Printf("    %s\n    object store: %s   (%v)\n", result, s.cost(), took.Round(time.Millisecond))
}

func (d *demo) requests() (counts map[string]int, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	return d.proc.Requests(), nil
}

func (s step) cost() string {
	var parts []string
	for kind, n := range s.requests {
		parts = append(parts, fmt.Sprintf("%d %s", n, kind))
	}
	slices.Sort(parts)
	if len(parts) == 0 {
		return "no request"
	}
	return strings.Join(parts, ", ")
}

func (d *demo) summary() {
	fmt.Printf("\nSummary, %v in all\n", time.Since(d.started).Round(time.Millisecond))
	for i, s := range d.steps {
		fmt.Printf("  %2d. %-66s %8v  %s\n", i+1, s.title, s.took.Round(time.Millisecond), s.cost())
	}
	fmt.Println("Every mail, UID and flag that should be there is there.")
}

// check ends the demo when something is not as promised.
func (d *demo) check(err error, format string, args ...any) {
	if err != nil {
		d.Fatalf("%s: %v", fmt.Sprintf(format, args...), err)
	}
}
