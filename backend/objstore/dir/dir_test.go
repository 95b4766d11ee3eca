package dir_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailbackend.io/backend/clock"
	"mailbackend.io/backend/objstore"
	"mailbackend.io/backend/objstore/contract"
	"mailbackend.io/backend/objstore/dir"
)

func openAt(t testing.TB, path string, o dir.Options) *dir.Store {
	t.Helper()
	s, err := dir.Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func open(t testing.TB, o dir.Options) (*dir.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "objects")
	return openAt(t, path, o), path
}

func put(t *testing.T, s objstore.Store, key, data string) objstore.ETag {
	t.Helper()
	tag, err := s.PutIfAbsent(t.Context(), key, objstore.Blob{[]byte(data)})
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

func is(t *testing.T, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("got %v, want: %v", err, kind)
	}
}

// files are all paths below the store, directories with a slash.
func files(t *testing.T, path string) string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(path, func(p string, e os.DirEntry, err error) error {
		if p != path {
			name := strings.TrimPrefix(p, path+"/")
			if e.IsDir() {
				name += "/"
			}
			all = append(all, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func TestContract(t *testing.T) {
	contract.Run(t, func(t *testing.T) objstore.Store {
		s, _ := open(t, dir.Options{})
		return s
	})
}

// With two directories kept open everything is evicted all the time; without
// unnamed files every put has a temporary name.
func TestContractHardWay(t *testing.T) {
	contract.Run(t, func(t *testing.T) objstore.Store {
		s, _ := open(t, dir.Options{OpenDirs: 2})
		s.ForceNamed()
		return s
	})
}

func TestObjectsAreFiles(t *testing.T) {
	s, path := open(t, dir.Options{})
	tag := put(t, s, "p/00/user/root", "root 1")
	put(t, s, "p/00/user/m/mail/0001", "a mail")
	put(t, s, "top", "level")
	if _, err := s.PutIfMatch(t.Context(), "p/00/user/root", objstore.Blob{[]byte("root"), []byte(" 2")}, tag); err != nil {
		t.Fatal(err)
	}
	if got, want := files(t, path), ".tmp/ p/ p/00/ p/00/user/ p/00/user/m/ p/00/user/m/mail/ p/00/user/m/mail/0001 p/00/user/root top"; got != want {
		t.Errorf("files %s, want %s", got, want)
	}
	got, err := os.ReadFile(path + "/p/00/user/root")
	if err != nil || string(got) != "root 2" {
		t.Errorf("file holds %q, %v", got, err)
	}
	if fi, _ := os.Stat(path + "/p/00/user/root"); fi.Mode() != 0o600 {
		t.Errorf("file has mode %v", fi.Mode())
	}
	if fi, _ := os.Stat(path + "/p"); fi.Mode().Perm() != 0o700 {
		t.Errorf("directory has mode %v", fi.Mode())
	}
	// A file copied into place is an object.
	if err := os.WriteFile(path+"/p/00/user/copied", []byte("restored"), 0o600); err != nil {
		t.Fatal(err)
	}
	obj, err := s.Get(t.Context(), "p/00/user/copied", objstore.Range{})
	if err != nil || string(obj.Data) != "restored" {
		t.Errorf("Get: %q, %v", obj.Data, err)
	}
}

func TestEmptyDirectoriesGo(t *testing.T) {
	s, path := open(t, dir.Options{})
	put(t, s, "p/u1/m/mail/1", "")
	put(t, s, "p/u1/m/mail/2", "")
	put(t, s, "p/u2/root", "")
	if err := s.Delete(t.Context(), []string{"p/u1/m/mail/1"}); err != nil {
		t.Fatal(err)
	}
	if got, want := files(t, path), "p/ p/u1/ p/u1/m/ p/u1/m/mail/ p/u1/m/mail/2 p/u2/ p/u2/root"; got != want {
		t.Errorf("files %s, want %s", got, want)
	}
	if err := s.Delete(t.Context(), []string{"p/u1/m/mail/2"}); err != nil {
		t.Fatal(err)
	}
	if got, want := files(t, path), "p/ p/u2/ p/u2/root"; got != want {
		t.Errorf("files %s, want %s", got, want)
	}
	put(t, s, "p/u1/m/mail/3", "")
	if err := s.Delete(t.Context(), []string{"p/u2/root", "p/u1/m/mail/3"}); err != nil {
		t.Fatal(err)
	}
	if got := files(t, path); got != "" {
		t.Errorf("files %s, want none", got)
	}
}

func TestOpenDirsAreBounded(t *testing.T) {
	s, _ := open(t, dir.Options{OpenDirs: 10})
	fds := func() int {
		d, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(d)
	}
	before := fds()
	for i := range 100 {
		put(t, s, "u/"+strings.Repeat("x", i+1)+"/mail/1", "")
	}
	if n := s.OpenDirs(); n != 10 {
		t.Errorf("%d directories are open, want 10", n)
	}
	if n := fds() - before; n > 10 {
		t.Errorf("%d descriptors more than before", n)
	}
}

func TestStrangers(t *testing.T) {
	s, path := open(t, dir.Options{})
	put(t, s, "d/object", "x")
	outside := t.TempDir()
	for _, err := range []error{
		os.WriteFile(outside+"/secret", []byte("outside"), 0o600),
		os.Symlink(outside+"/secret", path+"/d/link"),
		os.Symlink(outside, path+"/d/linked-dir"),
		os.Mkdir(path+"/d/empty", 0o700),
		os.WriteFile(path+"/.hidden", nil, 0o600),
		os.WriteFile(path+"/d/bad\nname", nil, 0o600),
		os.WriteFile(path+"/d/"+strings.Repeat("l", 201), nil, 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	page, err := s.List(t.Context(), "", "", 0)
	if err != nil || len(page.Objects) != 1 || page.Objects[0].Key != "d/object" || page.More {
		t.Errorf("List: %+v, %v", page, err)
	}
	for _, key := range []string{"d/link", "d/empty"} {
		_, err = s.Get(t.Context(), key, objstore.Range{})
		is(t, err, objstore.ErrNotFound)
	}
	page, err = s.List(t.Context(), "d/linked-dir/", "", 0)
	if err != nil || len(page.Objects) != 0 {
		t.Errorf("List through a link: %+v, %v", page, err)
	}
	// An empty directory is in nobody's way, one with objects is.
	put(t, s, "d/empty", "now an object")
	_, err = s.PutIfAbsent(t.Context(), "d", nil)
	is(t, err, objstore.ErrBadKey)
	_, err = s.PutIfAbsent(t.Context(), "d/object/below", nil)
	is(t, err, objstore.ErrBadKey)
}

func TestOpenFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, file + "/below"} {
		if s, err := dir.Open(t.Context(), path, dir.Options{}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("Open(%q) = %v, %v", path, s, err)
		}
	}
	// Missing directories are made, also several.
	openAt(t, filepath.Join(t.TempDir(), "a/b/c"), dir.Options{})
}

// Pages of a large directory come to the same whether its names are remembered
// from one to the next or not, and whatever changes in between.
func TestListPagesOfALargeDirectory(t *testing.T) {
	for _, still := range []bool{true, false} {
		// A directory is remembered if it is unchanged for a second: let
		// the store think it is an hour later, or that no time passed.
		clk := clock.NewFake(time.Now().Add(-time.Hour))
		if still {
			clk.Advance(2 * time.Hour)
		}
		s, path := open(t, dir.Options{Clock: clk})
		largeDirectory(t, s, path)
	}
}

func largeDirectory(t *testing.T, s *dir.Store, path string) {
	t.Helper()
	const n = 2501
	if err := os.MkdirAll(path+"/m", 0o700); err != nil {
		t.Fatal(err)
	}
	name := func(i int) string { return fmt.Sprintf("m/%c-%d", 'a'+i%26, i) }
	want := map[string]bool{}
	for i := range n {
		want[name(i)] = true
		if err := os.WriteFile(path+"/"+name(i), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	last, pages := "", 0
	for more := true; more; pages++ {
		page, err := s.List(t.Context(), "m/", last, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Objects {
			if o.Key <= last || !want[o.Key] {
				t.Fatalf("%q after %q", o.Key, last)
			}
			last = o.Key
			delete(want, o.Key)
		}
		more = page.More
		if pages == 0 { // one appears, one vanishes
			put(t, s, "m/zz", "")
			want["m/zz"] = true
			if err := s.Delete(t.Context(), []string{name(25)}); err != nil {
				t.Fatal(err)
			}
			delete(want, name(25))
		}
	}
	if len(want) != 0 || pages != 3 {
		t.Errorf("%d keys were not listed on %d pages", len(want), pages)
	}
	// Again, in between.
	page, err := s.List(t.Context(), "m/", "m/zy", 0)
	if err != nil || len(page.Objects) != 1 {
		t.Errorf("List of the tail: %v, %v", page, err)
	}
}
