// Command bench measures mailbackend, or a peer beside it, over its protocols:
// the same client, the same mails, the same machine. `make bench` runs it;
// `make bench PEER=dovecot` measures Debian's Dovecot (sdbox) in the same run.
// Numbers of one machine mean little; ratios of one run mean something.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

var (
	binary = flag.String("binary", "", "the mailbackend `PROGRAM`")
	peer   = flag.String("peer", "", "measure a peer beside: dovecot")
	mails  = flag.Int("mails", 10_000, "messages of the large mailbox")
	perRun = flag.Int("deliveries", 3000, "mails delivered in each delivery run")
	large  = flag.Bool("large", true, "open mailboxes of 100,000 and 1,000,000 messages")
	only   = flag.String("only", "", "run only the measurements whose names contain this")
)

func main() {
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// result is one figure of one target.
type result struct {
	name  string
	value float64
	unit  string
	// lower tells that less is better.
	lower bool
}

func run() error {
	fmt.Printf("mailbackend bench, %s, %d CPUs, client on the same machine, %s\n", runtime.Version(), runtime.NumCPU(), time.Now().Format(time.DateOnly))
	ours, err := measure("mailbackend", startOurs)
	if err != nil {
		return err
	}
	var theirs []result
	if *peer != "" {
		if *peer != "dovecot" {
			return fmt.Errorf("unknown peer %q; known: dovecot", *peer)
		}
		if theirs, err = measure(*peer, startDovecot); err != nil {
			return err
		}
	}
	print(ours, theirs)
	return nil
}

func measure(name string, start func(*scratch) (*target, error)) ([]result, error) {
	s, err := newScratch()
	if err != nil {
		return nil, err
	}
	defer s.cleanup()
	t, err := start(s)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	var all []result
	for _, m := range measurements {
		if m.oursOnly && name != "mailbackend" || !strings.Contains(m.name, *only) && !m.needed {
			continue
		}
		begin := time.Now()
		rs, err := m.run(t)
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", name, m.name, err)
		}
		fmt.Fprintf(os.Stderr, "%s: %s (%v)\n", name, m.name, time.Since(begin).Round(time.Millisecond))
		all = append(all, rs...)
	}
	return all, nil
}

func print(ours, theirs []result) {
	fmt.Printf("\n%-58s %14s", "", "mailbackend")
	if theirs != nil {
		fmt.Printf(" %14s %8s", *peer, "ratio")
	}
	fmt.Println()
	for _, r := range ours {
		fmt.Printf("%-58s %14s", r.name+" ("+r.unit+")", number(r.value))
		if i := slices.IndexFunc(theirs, func(t result) bool { return t.name == r.name }); i >= 0 {
			ratio := r.value / theirs[i].value
			if r.lower {
				ratio = 1 / ratio
			}
			fmt.Printf(" %14s %7.2fx", number(theirs[i].value), ratio)
		}
		fmt.Println()
	}
	if theirs != nil {
		fmt.Println("ratio: how many times better mailbackend is; below 1 it is worse")
	}
}

func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 1:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.3f", v)
	}
}
