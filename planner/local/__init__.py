"""The machine: git, disk, records."""
