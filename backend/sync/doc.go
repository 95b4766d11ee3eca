// Package sync keeps one user's mail in step with object storage: the root
// manifest and the claim on it, ranges of UIDs and modseqs, storing and removing
// mails, the local log, uploads, release, takeover and what late mail needs. The
// protocol is told in docs/sync.md, the root object in docs/formats-root.md. The
// package's name shadows the standard library's sync, which is imported here as
// gosync.
//
// It does not speak any mail protocol, does not decide who serves a user or
// when to upload (package mailstore does), does not parse mail and knows nothing
// of segment formats (packages message and index do). It does not collect what
// crashed holders left behind beyond what it meets on its way.
//
// An [Engine] is one run of one pod, an [Account] a user whom it has claimed, a
// [Folder] a mailbox of that. What is decided is decided by functions without
// I/O: claimRoot, topUp, planLists and the like in claim.go, judge, tellDoubles
// and judgeRoot in judge.go. All time comes from clock.Clock, all randomness from
// the reader given to NewEngine, all other nondeterminism from the object store and
// the cache. Every goroutine ends with its account.
//
// # Invariants
//
// Whatever fails, whoever believes to be the holder:
//
//  1. Root has one writer per epoch. It is replaced only with If-Match, and
//     never has the same bytes twice (commit id).
//  2. No UID and no modseq of a mailbox is ever given out twice: a claim starts
//     behind all that was reserved before, and ranges never shrink.
//  3. UIDs and modseqs of an extended range are used only when the commit that
//     extends it is confirmed.
//  4. A mail is stored only with If-None-Match, and acknowledged only when its
//     PUT was.
//  5. Mails are published in UID order. One whose outcome is unknown holds up
//     those behind it, and the same PUT is repeated until an answer settles it.
//  6. The root that names a segment is stored after the segment was confirmed.
//     A segment is deleted only after a commit of this holder that came later
//     than its name was known and does not name it.
//  7. What a client is told of a change is in the local log before, and in a
//     root before where the UID is tainted: an attempt to store it was never
//     answered, or may not have been by an earlier holder, or it was re-homed.
//  8. scanFrom of a mailbox passes a UID only in a commit whose segments have
//     what there is of it: every mail below is in the index or was expunged.
//  9. Only the ranges of the immediately preceding holder are taken into the
//     index as they are, and only by the first LIST after the takeover, before
//     anybody is shown the mailbox.
//  10. No object is deleted but for a message that a client expunged, one that
//     the expunged set names, or one whose mail was confirmed to be stored under
//     a higher UID before.
//  11. After a takeover, nothing that was told before has a modseq at or above
//     the floor, and every message has one at or above it.
//  12. When an account has ended, or its release was sent, nothing is published
//     or acknowledged any more.
package sync
