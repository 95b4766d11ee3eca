package imap

import (
	"context"

	"mailbackend.io/backend/imap/wire"
)

// state is a session's state (RFC 9051 section 3), or a set of them.
type state uint8

// The states. There is no logout state: the connection ends.
const (
	notAuthenticated state = 1 << iota
	authenticated
	selectedState

	anyState = notAuthenticated | authenticated | selectedState
	loggedIn = authenticated | selectedState
)

// flags say what the engine must know about a command.
type flags uint8

// The flags.
const (
	// keepExpunged: no EXPUNGE may be sent before the command is answered,
	// as its arguments or its results are sequence numbers (RFC 9051
	// section 7.5.1).
	keepExpunged flags = 1 << iota
	// needsWrite: the command changes the selected mailbox, which must not
	// be selected read-only.
	needsWrite
	// tryCreate: a mailbox that doesn't exist is answered with TRYCREATE.
	tryCreate
	// takesMessages: literals behind the mailbox name are messages, with
	// limits of their own.
	takesMessages
	// noUpdates: nothing is told about the selected mailbox with this
	// command, because it has just been selected or left.
	noUpdates
)

// command is a row of the command table.
type command struct {
	// name is in upper case, with the UID prefix if it has one.
	name string
	// states are those in which the command is allowed.
	states state
	flags  flags
	// parse reads the arguments, all of them, and returns what runs the
	// command.
	parse func(*wire.Decoder) (func(context.Context, *session, *request) (reply, error), error)
}

// request is one command that is being run.
type request struct {
	tag string
	cmd *command
	// uid: the command's message numbers are UIDs.
	uid bool
	// told are the messages whose flags the command's own responses
	// contain, with the modseq of what they said; they aren't told again.
	told map[uint32]uint64
}

// tell notes that the client knows a message's state as of modseq.
func (r *request) tell(uid uint32, modseq uint64) {
	if r.told == nil {
		r.told = map[uint32]uint64{}
	}
	r.told[uid] = modseq
}

// define makes a row of the table from a parser of package wire and the
// function that runs what it returns.
func define[A any](name string, states state, f flags, parse func(*wire.Decoder) (A, error),
	run func(context.Context, *session, *request, A) (reply, error)) command {
	return command{name: name, states: states, flags: f,
		parse: func(d *wire.Decoder) (func(context.Context, *session, *request) (reply, error), error) {
			args, err := parse(d)
			if err != nil {
				return nil, err
			}
			return func(ctx context.Context, s *session, r *request) (reply, error) {
				return run(ctx, s, r, args)
			}, nil
		}}
}

// none is the arguments of commands without any.
type none struct{}

func parseNone(d *wire.Decoder) (none, error) { return none{}, wire.ParseNothing(d) }

// commands is the command table, by name.
var commands = table(
	sessionCommands,
	authCommands,
	selectCommands,
	mailboxCommands,
	listCommands,
	appendCommands,
	fetchCommands,
	storeCommands,
	searchCommands,
	copyCommands,
	expungeCommands,
	idleCommands,
)

func table(families ...[]command) map[string]*command {
	t := map[string]*command{}
	for _, family := range families {
		for i := range family {
			c := &family[i]
			if t[c.name] != nil {
				panic("imap: command " + c.name + " is defined twice")
			}
			t[c.name] = c
		}
	}
	return t
}
