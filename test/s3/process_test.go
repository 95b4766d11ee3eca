package s3test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/s3"
	"mailbackend.io/test/s3/s3server"
)

// The command, as black-box tests use it: build, start, wait for the line, stop.
func TestServerCommand(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "s3server")
	build := exec.Command("go", "build", "-o", bin, "./cmd/s3server")
	build.Dir = moduleDir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	addr, err := s3server.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "-addr", addr, "-dir", t.TempDir(), "-bucket", "mail", "-access-key", "k", "-secret-key", "s")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := false
	defer func() {
		if !stopped {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}()
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "ready ") {
	}
	if want := "ready http://" + addr + " mail"; lines.Text() != want {
		t.Fatalf("printed %q, want %q", lines.Text(), want)
	}
	s := open(t, s3.Config{Endpoint: "http://" + addr, Bucket: "mail", PathStyle: true, AccessKey: "k", SecretKey: "s"})
	if _, err := s.PutIfAbsent(t.Context(), "k", objstore.Blob{[]byte("v")}); err != nil {
		t.Error(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	stopped = true
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}
