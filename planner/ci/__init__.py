"""Plans as CI matrices."""
