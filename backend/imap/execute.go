package imap

import (
	"context"
	"errors"

	"mailbackend.io/backend/imap/wire"
)

// command reads one command and runs it. An error ends the session.
func (s *session) command(ctx context.Context) error {
	defer s.releaseMemory()
	raw, err := s.readCommand(ctx)
	if err != nil {
		var r *refused
		if errors.As(err, &r) {
			return s.answer(r.tag, r.reply)
		}
		return err
	}
	cmd, err := wire.ParseCommand(raw, s.syntax())
	if err != nil {
		r, _ := s.failure(nil, err)
		return s.answer(cmd.Tag, r)
	}
	req := &request{tag: cmd.Tag, uid: cmd.UID, cmd: commands[cmd.FullName()]}
	r, err := s.execute(ctx, req, cmd.Args)
	if err != nil || r.pending {
		return err
	}
	return s.answer(req.tag, r)
}

// execute runs a command and tells what changed meanwhile. An error ends the
// session; the command's own failures are in the reply.
func (s *session) execute(ctx context.Context, req *request, args *wire.Decoder) (reply, error) {
	if err := s.admit(req.cmd); err != nil {
		r, _ := s.failure(nil, err)
		return r, nil
	}
	run, err := req.cmd.parse(args)
	if err != nil {
		r, _ := s.failure(req.cmd, err)
		return r, nil
	}
	r, err := run(ctx, s, req)
	if cut := s.enc.Err(); cut != nil {
		return r, broken(cut)
	}
	if err != nil {
		if fatal(err) {
			return r, err
		}
		var known bool
		if r, known = s.failure(req.cmd, err); !known {
			s.log().Warn("command failed", "command", req.cmd.name, "error", logText(err))
		}
	}
	if r.kind == respBad || req.cmd.flags&noUpdates != 0 {
		return r, nil
	}
	return r, s.update(req, req.cmd.flags&keepExpunged != 0)
}

// admit reports whether a command may run in the session's state.
func (s *session) admit(cmd *command) error {
	switch {
	case cmd == nil:
		return bad("Unknown command")
	case cmd.states&s.state() != 0:
	case s.user == nil:
		return bad("Log in first")
	case cmd.states&loggedIn == 0:
		return bad("Logged in already")
	default:
		return bad("No mailbox is selected")
	}
	if cmd.flags&needsWrite != 0 && s.sel.readOnly {
		return no(codeNone, "The mailbox is selected read-only")
	}
	return nil
}

// answer sends a command's tagged response; without a tag it is untagged.
func (s *session) answer(tag string, r reply) error {
	s.enc.Status(tag, r.kind, r.code, r.text)
	if r.kind == respBad {
		if s.badCommands++; s.badCommands >= s.srv.cfg.Limits.BadCommands {
			return &bye{codeNone, "Too many bad commands"}
		}
	} else {
		s.badCommands = 0
	}
	if r.after != nil {
		if err := s.enc.Flush(); err != nil {
			return broken(err)
		}
		return r.after()
	}
	return nil
}

// syntax is how commands are to be parsed.
func (s *session) syntax() wire.Options {
	return wire.Options{Limits: s.srv.cfg.Limits.Syntax, UTF8: s.enabled&rev2 != 0}
}
