// Package cache is the pod's local cache on SSD or tmpfs: one directory per
// user, plain files, appended without fsync, counted byte-exactly against a
// budget. It can be lost at any time. It knows users, mailboxes and file kinds,
// but not what is in the files.
package cache
