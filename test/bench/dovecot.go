package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// startDovecot runs Debian's Dovecot with sdbox in a directory of its own, as
// its defaults are but for limits that would end the measurement.
func startDovecot(s *scratch) (*target, error) {
	dovecot, err := exec.LookPath("dovecot")
	if err != nil {
		return nil, errors.New("dovecot is missing; hack/bench.sh installs it (Debian packages dovecot-imapd, dovecot-lmtpd)")
	}
	imap, err := freePort()
	if err != nil {
		return nil, err
	}
	lmtp, err := freePort()
	if err != nil {
		return nil, err
	}
	for _, d := range []string{"run", "state", "mail"} {
		if err := os.MkdirAll(filepath.Join(s.dir, d), 0o777); err != nil {
			return nil, err
		}
		if err := os.Chmod(filepath.Join(s.dir, d), 0o777); err != nil {
			return nil, err
		}
	}
	conf := filepath.Join(s.dir, "dovecot.conf")
	text := strings.NewReplacer("DIR", s.dir, "IMAPPORT", imap, "LMTPPORT", lmtp).Replace(`
base_dir = DIR/run
state_dir = DIR/state
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
log_path = DIR/log
mail_location = sdbox:DIR/mail/%u
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
passdb {
  driver = static
  args = password=dev
}
userdb {
  driver = static
  args = uid=mail gid=mail home=DIR/mail/%u allow_all_users=yes
}
namespace inbox {
  inbox = yes
  mailbox Drafts {
    auto = create
  }
  mailbox Sent {
    auto = create
  }
  mailbox Trash {
    auto = create
  }
}
service imap-login {
  inet_listener imap {
    port = IMAPPORT
  }
  inet_listener imaps {
    port = 0
  }
  process_limit = 2000
}
service imap {
  process_limit = 2000
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = LMTPPORT
  }
  process_limit = 200
}
service anvil {
  client_limit = 5000
}
service auth {
  client_limit = 5000
}
mail_max_userip_connections = 2000
`)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		return nil, err
	}
	d := &dovecotProcess{program: dovecot, conf: conf, dir: s.dir, imap: imap}
	if err := d.start(); err != nil {
		return nil, err
	}
	s.Cleanup(d.stop)
	return &target{
		name: "dovecot", imap: "127.0.0.1:" + imap, lmtp: "127.0.0.1:" + lmtp, dir: s.dir, scratch: s,
		pids: func() ([]int, error) { return descendants(d.cmd.Process.Pid) },
		restart: func(cold bool) error {
			d.stop()
			if cold {
				// What sdbox keeps beside the mails as a cache.
				caches, err := filepath.Glob(filepath.Join(s.dir, "mail/*/mailboxes/*/dbox-Mails/dovecot.index.cache"))
				if err != nil {
					return err
				}
				for _, f := range caches {
					if err := os.Remove(f); err != nil {
						return err
					}
				}
			}
			return d.start()
		},
	}, nil
}

type dovecotProcess struct {
	program, conf, dir, imap string
	cmd                      *exec.Cmd
}

func (d *dovecotProcess) start() error {
	d.cmd = exec.Command(d.program, "-F", "-c", d.conf)
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := d.cmd.Start(); err != nil {
		return err
	}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", "127.0.0.1:"+d.imap); err == nil {
			c.Close()
			return nil
		}
	}
	log, err := os.ReadFile(filepath.Join(d.dir, "log"))
	return fmt.Errorf("dovecot does not listen: %s %w", log, err)
}

func (d *dovecotProcess) stop() {
	if d.cmd == nil {
		return
	}
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err == nil {
		_ = d.cmd.Wait() // it was told to end
	}
	d.cmd = nil
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// descendants are a process and all that it started.
func descendants(pid int) ([]int, error) {
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", all[i]))
		if err != nil {
			return nil, err
		}
		for _, f := range tasks {
			b, err := os.ReadFile(f)
			if err != nil {
				continue // it ended meanwhile
			}
			for _, s := range strings.Fields(string(b)) {
				child, err := strconv.Atoi(s)
				if err != nil {
					return nil, err
				}
				all = append(all, child)
			}
		}
	}
	return all, nil
}
