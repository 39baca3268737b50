// Package rosetta stands in for a module that some module mirrors do not carry. The docker command asks it whether an
// Intel build runs on an Apple chip, which on Linux is never so.
package rosetta

// Enabled reports whether the process runs under Rosetta.
func Enabled() bool { return false }
