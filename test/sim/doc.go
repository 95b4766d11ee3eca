// Package sim is the simulation of the backends' storage layer: several engines
// of package sync on one faulty object store, in one process, on virtual time
// and from one seed. A history is a list of steps (deliveries, flag changes,
// moves, crashes, pauses, storms, …) that run over each other; a ledger notes
// what clients were told, and every promise of docs/reliability.md, section
// "Invariants", is checked against it under its name, during the history and
// after it has settled.
//
// Run must be called in a testing/synctest bubble. The package does not test
// protocols or mailstore, nor whether anything is fast.
package sim
