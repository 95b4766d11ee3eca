// Command mailbackend is the mail backend: IMAP, POP3 and LMTP in front of
// mails and indexes that live in object storage. It turns flags into a
// configuration and hands that to package server; it does nothing else.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"mailbackend.io/backend/config"
	"mailbackend.io/backend/server"
)

const usage = `mailbackend: IMAP, POP3 and LMTP on object storage

  mailbackend serve --config FILE    run with a configuration
  mailbackend dev [flags]            run on this machine, any user with the password "dev"
  mailbackend config [--config FILE] print the effective configuration, with comments
  mailbackend help                   print this

mailbackend dev --help lists its flags.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main without the process: it returns the exit status, 2 for a call
// or configuration that makes no sense.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	command := ""
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	var err error
	switch command {
	case "serve":
		err = serve(ctx, args, out, errOut)
	case "dev":
		err = dev(ctx, args, out, errOut)
	case "config":
		err = printConfig(args, out, errOut)
	case "help", "-h", "--help":
		fmt.Fprint(out, usage)
		return 0
	default:
		fmt.Fprint(errOut, usage)
		return 2
	}
	var bad usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &bad):
		if bad.message != "" {
			fmt.Fprintln(errOut, "mailbackend:", bad.message)
		}
		return 2
	default:
		fmt.Fprintln(errOut, "mailbackend:", err)
		return 1
	}
}

func serve(ctx context.Context, args []string, out, errOut io.Writer) error {
	fs := newFlags("serve", errOut)
	file := fs.String("config", "", "configuration `FILE`, YAML")
	if err := parse(fs, args); err != nil {
		return err
	}
	if *file == "" {
		return usageError{"serve needs --config FILE"}
	}
	cfg, err := readConfig(*file)
	if err != nil {
		return err
	}
	return start(ctx, cfg, out, errOut)
}

func printConfig(args []string, out, errOut io.Writer) error {
	fs := newFlags("config", errOut)
	file := fs.String("config", "", "configuration `FILE`, YAML; without it the defaults are printed")
	if err := parse(fs, args); err != nil {
		return err
	}
	cfg := config.Default()
	if *file != "" {
		var err error
		if cfg, err = readConfig(*file); err != nil {
			return err
		}
	}
	_, err := io.WriteString(out, config.Print(cfg))
	return err
}

func readConfig(file string) (config.Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return config.Config{}, usageError{err.Error()}
	}
	cfg, err := config.Parse(text)
	if err != nil {
		return cfg, usageError{fmt.Sprintf("%s:\n%v", file, err)}
	}
	return cfg, nil
}

// start runs a server until ctx ends, and prints a line per listener when all
// of them accept connections.
func start(ctx context.Context, cfg config.Config, out, errOut io.Writer) error {
	srv, err := server.New(ctx, cfg, server.System(errOut))
	if err != nil {
		return err
	}
	for _, l := range srv.Listeners() {
		fmt.Fprintf(out, "listening %s %s\n", l.Protocol, l.Address)
	}
	return srv.Run(ctx)
}

type usageError struct{ message string }

func (e usageError) Error() string { return e.message }

func newFlags(name string, errOut io.Writer) *flag.FlagSet {
	fs := flag.NewFlagSet("mailbackend "+name, flag.ContinueOnError)
	fs.SetOutput(errOut)
	return fs
}
