package cache

import "syscall"

// Type implements FS.
func (OS) Type(path string) (uint32, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return 0, err
	}
	return uint32(s.Type), nil // sign-extended on 32-bit machines
}
