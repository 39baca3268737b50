"""A plan to calls on a Builder, in dependency order and in parallel."""
