//go:build !race

package lineconn

const raceEnabled = false
