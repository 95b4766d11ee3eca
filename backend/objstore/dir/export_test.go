package dir

// SetTrace is told of every system call that matters for safety and may fail it.
func (s *Store) SetTrace(f func(call string) error) { s.trace = f }

// ForceNamed makes the store behave as on a file system without unnamed files.
func (s *Store) ForceNamed() { s.noAnonymous.Store(true) }

// OpenDirs is how many directories are in the cache.
func (s *Store) OpenDirs() int {
	s.dirs.mu.Lock()
	defer s.dirs.mu.Unlock()
	return len(s.dirs.byPath)
}
