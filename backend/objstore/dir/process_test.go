package dir_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/dir"
)

// The test binary, started again with these set, is another process on the
// same store.
const roleEnv, pathEnv = "OBJSTORE_DIR_TEST_ROLE", "OBJSTORE_DIR_TEST_PATH"

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(roleEnv) {
	case "":
		os.Exit(m.Run())
	case "count":
		err = count(os.Getenv(pathEnv))
	case "write":
		err = write(os.Getenv(pathEnv))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func start(t *testing.T, role, path string) (*exec.Cmd, io.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleEnv+"="+role, pathEnv+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, out
}

const counts = 60

// count adds to a counter by compare-and-swap, and takes tickets that only one
// process can have.
func count(path string) error {
	ctx := context.Background()
	s, err := dir.Open(ctx, path, dir.Options{})
	if err != nil {
		return err
	}
	tickets := 0
	for done := 0; done < counts; {
		obj, err := s.Get(ctx, "c/counter", objstore.Range{})
		if err != nil {
			return err
		}
		first, _, _ := strings.Cut(string(obj.Data), " ")
		n, err := strconv.Atoi(first)
		if err != nil {
			return err
		}
		_, err = s.PutIfMatch(ctx, "c/counter", objstore.Blob{fmt.Appendf(nil, "%d by %d at %d", n+1, os.Getpid(), done)}, obj.ETag)
		switch {
		case err == nil:
			done++
		case !errors.Is(err, objstore.ErrPrecondition):
			return err
		}
	}
	for i := range counts {
		_, err := s.PutIfAbsent(ctx, fmt.Sprintf("t/%d/ticket", i), objstore.Blob{[]byte("x")})
		switch {
		case err == nil:
			tickets++
		case !errors.Is(err, objstore.ErrPrecondition):
			return err
		}
		// Directories come and go under the others' feet.
		key := fmt.Sprintf("x/%d/%d", i%2, os.Getpid())
		if _, err := s.PutIfAbsent(ctx, key, nil); err != nil {
			return err
		}
		if err := s.Delete(ctx, []string{key}); err != nil {
			return err
		}
	}
	fmt.Println(tickets)
	return s.Close()
}

func TestSeveralProcesses(t *testing.T) {
	s, path := open(t, dir.Options{})
	put(t, s, "c/counter", "0")
	const processes = 4
	var cmds []*exec.Cmd
	var outs []io.Reader
	for range processes {
		cmd, out := start(t, "count", path)
		cmds, outs = append(cmds, cmd), append(outs, out)
	}
	tickets := 0
	for i, cmd := range cmds {
		var n int
		if _, err := fmt.Fscan(outs[i], &n); err != nil {
			t.Error(err)
		}
		tickets += n
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	if tickets != counts {
		t.Errorf("%d tickets were given, want %d", tickets, counts)
	}
	obj, err := s.Get(t.Context(), "c/counter", objstore.Range{})
	if want := fmt.Sprintf("%d by ", processes*counts); err != nil || !strings.HasPrefix(string(obj.Data), want) {
		t.Errorf("counter is %q, %v, want %s", obj.Data, err, want)
	}
	if left, err := os.ReadDir(filepath.Join(path, "x")); !os.IsNotExist(err) {
		t.Errorf("left of what was deleted: %v", left)
	}
}

// body is what write stores as object i: long enough to be cut in half.
func body(i int) string { return strings.Repeat(fmt.Sprintf("line %d\n", i), 20_000) }

// write stores objects and replaces a root until it is killed; it prints what
// was acknowledged.
func write(path string) error {
	ctx := context.Background()
	s, err := dir.Open(ctx, path, dir.Options{})
	if err != nil {
		return err
	}
	info, err := s.Head(ctx, "root")
	if err != nil {
		return err
	}
	tag := info.ETag
	for i := 0; ; i++ {
		if _, err := s.PutIfAbsent(ctx, fmt.Sprintf("m/%d/mail/%d", os.Getpid(), i), objstore.Blob{[]byte(body(i))}); err != nil {
			return err
		}
		if tag, err = s.PutIfMatch(ctx, "root", objstore.Blob{fmt.Appendf(nil, "%d %d ", os.Getpid(), i), []byte(body(i))}, tag); err != nil {
			return err
		}
		fmt.Println(i)
	}
}

// A process killed at any moment leaves whole objects only, all that it
// acknowledged, and no temporary file that outlives the next Open.
func TestKilled(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	s, path := open(t, dir.Options{})
	put(t, s, "root", "0 0 ")
	for range 8 {
		cmd, out := start(t, "write", path)
		lines := bufio.NewScanner(out)
		acked := -1
		for n := 1 + rnd.IntN(20); n > 0 && lines.Scan(); n-- {
			acked, _ = strconv.Atoi(lines.Text())
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // what was printed before it died
			acked, _ = strconv.Atoi(lines.Text())
		}
		_ = cmd.Wait() // it was killed, and says so
		checkWhole(t, path, fmt.Sprintf("m/%d/mail/", cmd.Process.Pid), acked)
	}
}

// checkWhole opens the store anew and checks every object of one writer.
func checkWhole(t *testing.T, path, prefix string, acked int) {
	t.Helper()
	s := openAt(t, path, dir.Options{})
	page, err := s.List(t.Context(), prefix, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(page.Objects); n < acked+1 || n > acked+2 {
		t.Errorf("%d objects, %d were acknowledged", n, acked+1)
	}
	for i := range page.Objects {
		obj, err := s.Get(t.Context(), prefix+strconv.Itoa(i), objstore.Range{})
		if err != nil || string(obj.Data) != body(i) {
			t.Errorf("object %d: %d bytes, %v", i, len(obj.Data), err)
		}
	}
	root, err := s.Get(t.Context(), "root", objstore.Range{})
	if err != nil {
		t.Fatal(err)
	}
	var pid, i int
	_, err = fmt.Sscanf(string(root.Data[:min(40, len(root.Data))]), "%d %d ", &pid, &i)
	if err != nil || !strings.HasSuffix(string(root.Data), " "+body(i)) || i < acked {
		t.Errorf("root is of %d, %d was acknowledged: %v", i, acked, err)
	}
	if left, _ := os.ReadDir(path + "/.tmp"); len(left) != 0 {
		t.Errorf("%d temporary files are left", len(left))
	}
}
